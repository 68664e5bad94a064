package dev.mandate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with a certificate that no authority vouches for. */
class TrustTest {
  private static final char[] PASSWORD = "changeit".toCharArray();

  @TempDir static Path folder;

  @SuppressWarnings("NullAway.Init") // set before the tests
  private static HttpsServer server;

  @SuppressWarnings("NullAway.Init") // set before the tests
  private static Path pem;

  @BeforeAll
  static void start() throws Exception {
    Path store = folder.resolve("server.p12");
    pem = folder.resolve("server.pem");
    keytool(
        "-genkeypair",
        "-keystore",
        store,
        "-storepass",
        "changeit",
        "-alias",
        "server",
        "-keyalg",
        "EC",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=ip:127.0.0.1",
        "-validity",
        "2");
    keytool(
        "-exportcert",
        "-rfc",
        "-keystore",
        store,
        "-storepass",
        "changeit",
        "-alias",
        "server",
        "-file",
        pem);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.createContext(
        "/",
        exchange -> {
          byte[] body = "{\"agents\":[]}".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterAll
  static void stop() {
    server.stop(0);
  }

  private static void keytool(Object... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }

  private static Invocation list(String caFile) {
    String url = "https://127.0.0.1:" + server.getAddress().getPort();
    return Invocation.of(
        Map.of("MANDATE_URL", url, "MANDATE_TOKEN", "t", "MANDATE_CA_FILE", caFile),
        "",
        "agent",
        "list");
  }

  @Test
  void isTrustedOnlyByWhoWasGivenItsCertificate() {
    Invocation stranger = list("");
    assertThat(stranger.exit()).isEqualTo(Exit.UNREACHABLE);
    assertThat(stranger.err()).contains("cannot trust https://127.0.0.1", "MANDATE_CA_FILE");
    Invocation known = list(pem.toString());
    assertThat(known.exit()).as(known.err()).isEqualTo(Exit.OK);
  }

  @Test
  void aFileThatHoldsNoCertificateIsNamed() throws Exception {
    Path empty = Files.createFile(folder.resolve("empty.pem"));
    assertThat(list(empty.toString()).err()).contains("there is no certificate in " + empty);
    assertThat(list(folder.resolve("none.pem").toString()).err())
        .contains("cannot read certificates from", "none.pem");
  }
}
