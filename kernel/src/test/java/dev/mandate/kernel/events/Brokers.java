package dev.mandate.kernel.events;

import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Login;
import dev.mandate.kernel.egress.Trust;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/** The real brokers of this machine, if it has them. */
final class Brokers {
  private static final String RUN = Long.toString(ProcessHandle.current().pid());

  private Brokers() {}

  static Proxy way(String what, int port) {
    try (Socket probe = new Socket()) {
      probe.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 2_000);
    } catch (IOException e) {
      Assumptions.abort("no " + what + " at 127.0.0.1:" + port + ": " + e.getMessage());
    }
    return new Proxy("127.0.0.1", port);
  }

  /** Of an installation that no other test run shares. */
  static Fanout open(String url) {
    Login nobody = new Login("nobody", "");
    return Fanouts.of(
        url,
        new Endpoint(
            "127.0.0.1:1", "Fanout Test " + RUN, "mandate", Map.of(), 18, nobody, nobody, nobody),
        Trust.sockets(null));
  }
}
