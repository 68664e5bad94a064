package dev.mandate.kernel.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import dev.mandate.kernel.CancelSignal;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a name is when it is called, is what it was when it was looked at. */
final class ChangingNamesTest {
  @Test
  void theAddressThatWasCheckedIsDialledAndNoOther() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    server.start();
    try (EgressClient client = new EgressClient(allowing("127.0.0.1"))) {
      String name = "once.changing.test";
      EgressRequest request =
          EgressRequest.get(
              URI.create("http://" + name + ":" + server.getAddress().getPort() + "/"), Map.of());
      try (EgressResponse response = client.send(request, new CancelSignal())) {
        assertThat(response.status()).isEqualTo(204);
      }
      assertThat(ChangingNames.looks(name)).isEqualTo(1);

      // It is another one now, which is not allowed: looked at again for each call.
      assertThat(
              catchThrowableOfType(
                      EgressFailure.class, () -> client.send(request, new CancelSignal()))
                  .kind())
          .isEqualTo(EgressFailure.Kind.BLOCKED);
      assertThat(ChangingNames.looks(name)).isEqualTo(2);
    } finally {
      server.stop(0);
    }
  }

  private static EgressSettings allowing(String address) {
    EgressSettings defaults = EgressSettings.defaults();
    return new EgressSettings(
        Destinations.parse("MANDATE_EGRESS_ALLOW", address), null, null, defaults.noProxy(), null);
  }
}
