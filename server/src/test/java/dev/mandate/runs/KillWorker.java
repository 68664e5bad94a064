package dev.mandate.runs;

import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Login;
import dev.mandate.server.Platform;
import dev.mandate.server.PlatformSettings;
import dev.mandate.server.TestServer;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** One more process of Mandate on a test's database, which may be stopped at any moment. */
final class KillWorker {
  private KillWorker() {}

  /**
   * @param ready a file that holds its port once it works
   */
  static List<String> arguments(Endpoint endpoint, Path ready) {
    return List.of(
        ready.toString(),
        endpoint.hosts(),
        endpoint.database(),
        endpoint.schema(),
        Integer.toString(endpoint.serverMajor()),
        endpoint.owner().user(),
        endpoint.owner().password(),
        endpoint.app().user(),
        endpoint.app().password(),
        endpoint.dispatch().user(),
        endpoint.dispatch().password());
  }

  /** Short leases, so that a test does not wait long for a takeover. */
  static RunSettings settings() {
    return RunSettings.DEFAULTS.withLease(Duration.ofSeconds(1), Duration.ofMillis(400));
  }

  public static void main(String[] args) throws IOException {
    Endpoint endpoint =
        new Endpoint(
            args[1],
            args[2],
            args[3],
            Map.of(),
            Integer.parseInt(args[4]),
            new Login(args[5], args[6]),
            new Login(args[7], args[8]),
            new Login(args[9], args[10]));
    PlatformSettings settings =
        new PlatformSettings(
            "127.0.0.1",
            0,
            false,
            false,
            null,
            null,
            Map.of("MANDATE_EGRESS_ALLOW", "127.0.0.1"),
            null,
            settings(),
            TestServer.files(Path.of(args[0] + ".files")));
    Platform platform = new Platform(settings, endpoint, TestDatabase.keys(), false);
    platform.start();
    Path ready = Path.of(args[0]);
    Path written = Files.writeString(Path.of(args[0] + ".new"), platform.url());
    Files.move(written, ready, StandardCopyOption.ATOMIC_MOVE);
    // Ends with whoever started it.
    while (System.in.read() != -1) {}
    platform.close();
    System.exit(0);
  }
}
