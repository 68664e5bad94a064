package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.ServerBuilder;
import dev.mandate.kernel.Failure;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Behind proxies, for pages of other origins, with a certificate. */
class EdgeTest {
  private static final Duration BODY_TIME = HttpServer.Options.BODY_TIME;

  /** Answers who is calling, as the server sees it. */
  private static void who(ServerBuilder http) {
    http.service(
        "exact:/who",
        (ctx, req) ->
            Answers.html(
                HttpStatus.OK,
                Requests.origin(ctx, "test").address() + " " + Requests.secure(ctx)));
  }

  private static RpcServer server(Edge edge) {
    return new RpcServer(edge, BODY_TIME, EdgeTest::who).start();
  }

  private static Edge behind(String publicUrl, String... proxies) {
    return Edge.of(publicUrl, List.of(proxies), List.of(), null);
  }

  @Test
  void whatAStrangerForwardsIsIgnored() throws Exception {
    for (Edge edge : List.of(Edge.NONE, behind("", "10.0.0.0/8"))) {
      try (RpcServer server = server(edge)) {
        HttpResponse<String> answer =
            server.send(
                server
                    .request("/who")
                    .header("x-forwarded-for", "203.0.113.7")
                    .header("forwarded", "for=203.0.113.7;proto=https")
                    .header("x-forwarded-proto", "https"));
        assertThat(answer.body()).isEqualTo("127.0.0.1 false");
      }
    }
  }

  @Test
  void theClientIsTheNearestAddressThatIsNoProxyOfOurs() throws Exception {
    try (RpcServer server = server(behind("", "127.0.0.1", "10.0.0.0/8", "fd00::/8"))) {
      for (String[] each :
          List.of(
              new String[] {"203.0.113.7", "203.0.113.7"},
              // What stands further left was claimed by the client.
              new String[] {"198.51.100.1, 203.0.113.7", "203.0.113.7"},
              new String[] {"198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"},
              new String[] {"203.0.113.7:4711, [fd00::1]:80", "203.0.113.7"},
              new String[] {"2001:db8::1", "2001:db8:0:0:0:0:0:1"},
              new String[] {"203.0.113.7, nonsense, 10.1.2.3", "10.1.2.3"},
              new String[] {"10.9.9.9, 10.1.2.3", "10.9.9.9"},
              new String[] {"unknown", "127.0.0.1"})) {
        HttpResponse<String> answer =
            server.send(
                server
                    .request("/who")
                    .header("x-forwarded-for", each[0])
                    .header("x-forwarded-proto", "https"));
        assertThat(answer.body()).as(each[0]).isEqualTo(each[1] + " true");
      }
    }
  }

  private static int cookiePost(RpcServer server, String... headers) throws Exception {
    return server
        .send(
            HttpRequest.newBuilder(server.uri("/api/v1/notes"))
                .header("content-type", "application/json")
                .header("cookie", "mandate_session=s-ann")
                .headers(headers)
                .POST(BodyPublishers.ofString("{\"title\":\"t\"}")))
        .statusCode();
  }

  @Test
  void aCookieIsGoodForPagesOfTheAddressThatPeopleUse() throws Exception {
    try (RpcServer server = server(behind("https://mandate.example.org", "127.0.0.1"))) {
      assertThat(cookiePost(server, "origin", "https://mandate.example.org")).isEqualTo(200);
      assertThat(cookiePost(server, "origin", "https://evil.example.org")).isEqualTo(401);
      // The address that the proxy uses is nobody's page.
      assertThat(cookiePost(server, "origin", "http://127.0.0.1:" + server.http.port()))
          .isEqualTo(401);
      assertThat(
              cookiePost(
                  server,
                  "origin",
                  "https://evil.example.org",
                  "x-forwarded-host",
                  "evil.example.org"))
          .isEqualTo(401);
    }
    try (RpcServer server = server(behind("", "127.0.0.1"))) {
      String[] forwarded = {"origin", "https://m.example.org", "x-forwarded-host", "m.example.org"};
      assertThat(cookiePost(server, forwarded)).isEqualTo(200);
    }
    try (RpcServer server = server(Edge.NONE)) {
      String[] forged = {
        "origin", "https://evil.example.org", "x-forwarded-host", "evil.example.org"
      };
      assertThat(cookiePost(server, forged)).isEqualTo(401);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "http.public-url,ftp://x,'',''",
    "http.public-url,https://x/path,'',''",
    "http.public-url,mandate.example.org,'',''",
    "http.trusted-proxies,'',proxy.example.org,''",
    "http.trusted-proxies,'',10.0.0.0/99,''",
    "http.cors-origins,'','',app.example.org",
    "http.cors-origins,'','',https://app.example.org/",
  })
  void aSettingThatMeansNothingIsNamed(String setting, String url, String proxy, String origin) {
    assertThatThrownBy(() ->
            Edge.of(
                url,
                proxy.isEmpty() ? List.of() : List.of(proxy),
                origin.isEmpty() ? List.of() : List.of(origin),
                null))
        .isInstanceOf(Failure.class)
        .hasMessageContaining(setting);
  }

  private static HttpRequest.Builder preflight(RpcServer server, String path, String origin) {
    return HttpRequest.newBuilder(server.uri(path))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .method("OPTIONS", BodyPublishers.noBody());
  }

  @Test
  void pagesOfOtherOriginsCallOnlyIfTheyMayAndNeverWithACookie() throws Exception {
    String app = "https://app.example.org";
    try (RpcServer server = server(Edge.of("", List.of(), List.of(app), null))) {
      for (String path : List.of("/api/v1/notes", "/mandate.notes.v1.NoteService/CreateNote")) {
        HttpResponse<String> allowed = server.send(preflight(server, path, app));
        assertThat(allowed.statusCode()).isEqualTo(200);
        assertThat(allowed.headers().firstValue("access-control-allow-origin")).hasValue(app);
        assertThat(allowed.headers().firstValue("access-control-allow-headers").orElseThrow())
            .contains("authorization");
        assertThat(allowed.headers().firstValue("access-control-allow-credentials")).isEmpty();
        HttpResponse<String> other =
            server.send(preflight(server, path, "https://evil.example.org"));
        assertThat(other.headers().firstValue("access-control-allow-origin")).isEmpty();
      }
      HttpResponse<String> call =
          server.send(server.request("/api/v1/notes/echo").header("origin", app));
      assertThat(call.headers().firstValue("access-control-allow-origin")).hasValue(app);
      assertThat(call.headers().firstValue("access-control-expose-headers").orElseThrow())
          .contains("x-trace-id");
      assertThat(call.headers().allValues("vary").toString()).contains("origin");
      assertThat(cookiePost(server, "origin", app, "sec-fetch-site", "cross-site")).isEqualTo(401);
    }
    try (RpcServer server = server(Edge.NONE)) {
      HttpResponse<String> off =
          server.send(server.request("/api/v1/notes/echo").header("origin", app));
      assertThat(off.headers().firstValue("access-control-allow-origin")).isEmpty();
    }
  }

  /** Makes a certificate of its own, as PEM files. */
  private static void certify(Path folder, String name) throws IOException {
    com.linecorp.armeria.common.TlsKeyPair pair =
        com.linecorp.armeria.common.TlsKeyPair.ofSelfSigned(name);
    replace(folder.resolve("key.pem"), pem("PRIVATE KEY", pair.privateKey().getEncoded()));
    try {
      replace(
          folder.resolve("cert.pem"),
          pem("CERTIFICATE", pair.certificateChain().getFirst().getEncoded()));
    } catch (java.security.cert.CertificateEncodingException e) {
      throw new AssertionError(e);
    }
  }

  private static String pem(String kind, byte[] bytes) {
    return "-----BEGIN "
        + kind
        + "-----\n"
        + java.util.Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes)
        + "\n-----END "
        + kind
        + "-----\n";
  }

  private static void replace(Path file, String text) throws IOException {
    Path fresh = Files.writeString(file.resolveSibling(file.getFileName() + ".new"), text);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Trusts whatever it is shown, and remembers it. */
  private static final class Trusting implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  private static SSLContext trusting() throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new Trusting()}, null);
    return context;
  }

  private static BigInteger serial(int port) throws Exception {
    try (SSLSocket socket =
        (SSLSocket)
            trusting().getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
      socket.startHandshake();
      return ((X509Certificate) socket.getSession().getPeerCertificates()[0]).getSerialNumber();
    }
  }

  @Test
  void aCertificateIsServedWithHttp2AndReplacedWithoutARestart(@TempDir Path folder)
      throws Exception {
    certify(folder, "localhost");
    Path cert = folder.resolve("cert.pem");
    Path key = folder.resolve("key.pem");
    Edge edge = Edge.of("", List.of(), List.of(), new TlsFiles(cert, key));
    try (RpcServer server = server(edge);
        HttpClient client = HttpClient.newBuilder().sslContext(trusting()).build()) {
      int port = server.http.port();
      URI uri = URI.create("https://localhost:" + port + "/who");
      HttpResponse<String> answer =
          client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
      assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(answer.body()).isEqualTo("127.0.0.1 true");

      // In the clear nothing is answered.
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        socket.setSoTimeout(20_000);
        socket
            .getOutputStream()
            .write("GET /who HTTP/1.1\r\nhost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] said = socket.getInputStream().readAllBytes();
        assertThat(new String(said, StandardCharsets.ISO_8859_1)).doesNotContain("HTTP/1.1 200");
      }

      BigInteger before = serial(port);
      // Half of a replacement, and nonsense: the old one stays.
      Files.writeString(key, "nonsense");
      await()
          .during(Duration.ofMillis(1500))
          .atMost(Duration.ofSeconds(30))
          .until(() -> serial(port).equals(before));
      certify(folder, "localhost");
      await().atMost(Duration.ofSeconds(60)).until(() -> !Objects.equals(serial(port), before));
    }
  }

  @Test
  void filesThatAreNoCertificateAreRefusedAtTheStart(@TempDir Path folder) throws Exception {
    certify(folder, "localhost");
    Path other = Files.createDirectory(folder.resolve("other"));
    certify(other, "localhost");
    assertThatThrownBy(() -> new TlsFiles(folder.resolve("cert.pem"), folder.resolve("none")))
        .hasMessageContaining("http.tls-cert, http.tls-key: cannot be read");
    assertThatThrownBy(() -> new TlsFiles(folder.resolve("key.pem"), folder.resolve("cert.pem")))
        .hasMessageContaining("are no PEM certificate and key");
    assertThatThrownBy(() -> new TlsFiles(folder.resolve("cert.pem"), other.resolve("key.pem")))
        .hasMessageContaining("the key is not the certificate's");
  }
}
