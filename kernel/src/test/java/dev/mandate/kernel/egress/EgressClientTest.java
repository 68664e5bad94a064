package dev.mandate.kernel.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.mandate.kernel.CancelSignal;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls over real sockets. */
final class EgressClientTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  /** Within which an answer at least begins. */
  private static final Duration SHORT = Duration.ofSeconds(2);

  private final CountDownLatch release = new CountDownLatch(1);
  private HttpServer server;
  private EgressClient client;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/echo", EgressClientTest::echo);
    server.createContext("/big", exchange -> answer(exchange, new byte[300_000]));
    server.createContext(
        "/redirect",
        exchange -> {
          exchange.getResponseHeaders().add("location", "http://169.254.169.254/");
          exchange.sendResponseHeaders(302, -1);
          exchange.close();
        });
    server.createContext(
        "/stall",
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          OutputStream out = exchange.getResponseBody();
          out.write("first".getBytes(StandardCharsets.UTF_8));
          out.flush();
          await(release);
          exchange.close();
        });
    server.start();
    client = new EgressClient(EgressSettings.defaults());
  }

  @AfterEach
  void stop() {
    release.countDown();
    client.close();
    server.stop(0);
  }

  @Test
  void sendsAndReadsTheWholeAnswer() {
    EgressRequest request =
        EgressRequest.post(
                url("/echo?q=1"),
                Map.of("X-One", "1", "Host", "elsewhere"),
                "héllo".getBytes(StandardCharsets.UTF_8))
            .asOperator(true);
    try (EgressResponse response = client.send(request, new CancelSignal())) {
      assertThat(response.status()).isEqualTo(200);
      assertThat(response.header("X-Answer")).isEqualTo("yes");
      assertThat(new String(response.readAll(), StandardCharsets.UTF_8))
          .isEqualTo("POST /echo?q=1 1 127.0.0.1:" + server.getAddress().getPort() + " héllo");
    }
  }

  @Test
  void refusesLoopbackUnlessAnOperatorAllowsIt() {
    assertThat(fails(EgressRequest.get(url("/echo"), Map.of())).kind())
        .isEqualTo(EgressFailure.Kind.BLOCKED);
  }

  @Test
  void doesNotFollowARedirect() {
    try (EgressResponse response =
        client.send(
            EgressRequest.get(url("/redirect"), Map.of()).asOperator(true), new CancelSignal())) {
      assertThat(response.status()).isEqualTo(302);
    }
  }

  @Test
  void stopsReadingWhenTheAnswerIsTooLarge() {
    EgressRequest request = EgressRequest.get(url("/big"), Map.of()).asOperator(true).atMost(1000);
    try (EgressResponse response = client.send(request, new CancelSignal())) {
      assertThat(catchThrowableOfType(EgressFailure.class, response::readAll).kind())
          .isEqualTo(EgressFailure.Kind.TOO_LARGE);
    }
  }

  /** A first call, so that a short time is not spent on the connection. */
  private void connect() {
    EgressRequest request = EgressRequest.get(url("/echo"), Map.of()).asOperator(true);
    try (EgressResponse response = client.send(request, new CancelSignal())) {
      assertThat(response.readAll()).isNotEmpty();
    }
  }

  @Test
  void noticesSilence() {
    connect();
    EgressRequest request =
        EgressRequest.get(url("/stall"), Map.of()).asOperator(true).within(SHORT, LONG);
    try (EgressResponse response = client.send(request, new CancelSignal())) {
      assertThat(response.read()).isNotNull();
      assertThat(catchThrowableOfType(EgressFailure.class, response::read).kind())
          .isEqualTo(EgressFailure.Kind.STALLED);
    }
  }

  @Test
  void keepsToTheTotalTime() {
    connect();
    EgressRequest request =
        EgressRequest.get(url("/stall"), Map.of()).asOperator(true).within(LONG, SHORT);
    try (EgressResponse response = client.send(request, new CancelSignal())) {
      assertThat(catchThrowableOfType(EgressFailure.class, response::readAll).kind())
          .isEqualTo(EgressFailure.Kind.TIMED_OUT);
    }
  }

  @Test
  void aCancelEndsTheWaitAndTheConnectionAtOnce() throws Exception {
    LinkedBlockingQueue<Integer> ends = new LinkedBlockingQueue<>();
    try (ServerSocket raw = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual()
          .start(() -> {
            try (Socket socket = raw.accept()) {
              socket
                  .getOutputStream()
                  .write(
                      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"
                          .getBytes(StandardCharsets.UTF_8));
              int last = 0;
              while (last >= 0) {
                last = socket.getInputStream().read();
              }
              ends.add(last);
            } catch (IOException e) {
              ends.add(-1);
            }
          });
      CancelSignal cancel = new CancelSignal();
      EgressRequest request =
          EgressRequest.get(URI.create("http://127.0.0.1:" + raw.getLocalPort() + "/"), Map.of())
              .asOperator(true);
      try (EgressResponse response = client.send(request, cancel)) {
        assertThat(response.read()).isNotNull();
        Thread.ofVirtual().start(cancel::cancel);
        assertThat(catchThrowableOfType(EgressFailure.class, response::read).kind())
            .isEqualTo(EgressFailure.Kind.CANCELLED);
      }
      assertThat(ends.poll(5, TimeUnit.SECONDS)).isEqualTo(-1);
    }
  }

  @Test
  void somethingCancelledBeforeDoesNotGoOut() {
    CancelSignal cancel = new CancelSignal();
    cancel.cancel();
    EgressFailure failure =
        catchThrowableOfType(
            EgressFailure.class,
            () -> client.send(EgressRequest.get(url("/echo"), Map.of()).asOperator(true), cancel));
    assertThat(failure.kind()).isEqualTo(EgressFailure.Kind.CANCELLED);
  }

  @Test
  void aClosedPortIsUnreachable() throws IOException {
    int port;
    try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = closed.getLocalPort();
    }
    EgressFailure failure =
        fails(
            EgressRequest.get(URI.create("http://127.0.0.1:" + port + "/"), Map.of())
                .asOperator(true));
    assertThat(failure.kind()).isEqualTo(EgressFailure.Kind.UNREACHABLE);
    assertThat(failure.publicMessage()).contains("127.0.0.1");
  }

  @Test
  void aConnectionThatEndsInTheMiddleIsCut() throws Exception {
    try (ServerSocket raw = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual()
          .start(() -> {
            try (Socket socket = raw.accept()) {
              socket.getInputStream().read(new byte[4096]);
              socket
                  .getOutputStream()
                  .write(
                      "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nabc"
                          .getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      EgressRequest request =
          EgressRequest.get(URI.create("http://127.0.0.1:" + raw.getLocalPort() + "/"), Map.of())
              .asOperator(true);
      try (EgressResponse response = client.send(request, new CancelSignal())) {
        assertThat(catchThrowableOfType(EgressFailure.class, response::readAll).kind())
            .isEqualTo(EgressFailure.Kind.CUT);
      }
    }
  }

  @Test
  void trustsACompanysOwnAuthorityOnlyWhenTold(@TempDir Path folder) throws Exception {
    Path keys = folder.resolve("keys.p12");
    String password = "changeit";
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "a",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost,ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-keystore",
                keys.toString(),
                "-storepass",
                password,
                "-validity",
                "2")
            .inheritIO()
            .start();
    assertThat(keytool.waitFor()).isZero();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (var in = Files.newInputStream(keys)) {
      store.load(in, password.toCharArray());
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(store, password.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    Path pem = folder.resolve("ca.pem");
    Files.writeString(
        pem,
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder().encodeToString(store.getCertificate("a").getEncoded())
            + "\n-----END CERTIFICATE-----\n");
    HttpsServer secure =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    secure.setHttpsConfigurator(new HttpsConfigurator(context));
    secure.createContext("/echo", EgressClientTest::echo);
    secure.start();
    EgressRequest request =
        EgressRequest.get(
                URI.create("https://localhost:" + secure.getAddress().getPort() + "/echo"),
                Map.of())
            .asOperator(true);
    try (EgressClient trusting =
        new EgressClient(
            EgressSettings.fromEnvironment(Map.of("MANDATE_CA_FILE", pem.toString())))) {
      EgressFailure failure = fails(request);
      assertThat(failure.kind()).isEqualTo(EgressFailure.Kind.UNREACHABLE);
      assertThat(failure.publicMessage()).contains("TLS");
      try (EgressResponse response = trusting.send(request, new CancelSignal())) {
        assertThat(response.status()).isEqualTo(200);
      }
    } finally {
      secure.stop(0);
    }
  }

  @Test
  void goesThroughAProxyWithItsPassword() throws Exception {
    LinkedBlockingQueue<String> heads = new LinkedBlockingQueue<>();
    try (ServerSocket proxy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> proxyOnce(proxy, heads));
      EgressSettings settings =
          EgressSettings.fromEnvironment(
              Map.of("HTTP_PROXY", "http://me:p%40ss@127.0.0.1:" + proxy.getLocalPort()));
      try (EgressClient proxied = new EgressClient(settings);
          EgressResponse response =
              proxied.send(
                  EgressRequest.get(URI.create("http://outside.invalid/x"), Map.of()),
                  new CancelSignal())) {
        assertThat(response.status()).isEqualTo(204);
      }
      String credentials =
          Base64.getEncoder().encodeToString("me:p@ss".getBytes(StandardCharsets.UTF_8));
      assertThat(heads.poll(5, TimeUnit.SECONDS))
          .startsWith("CONNECT outside.invalid:80 ")
          .containsIgnoringCase("proxy-authorization: basic " + credentials);
      assertThat(heads.poll(5, TimeUnit.SECONDS)).startsWith("GET /x ");
    }
  }

  /** An address is not looked up, but it is behind the proxy all the same. */
  @ParameterizedTest
  @ValueSource(strings = {"192.0.2.1:80", "[2001:db8::1]:8080"})
  void anAddressGoesThroughTheProxyToo(String authority) throws Exception {
    LinkedBlockingQueue<String> heads = new LinkedBlockingQueue<>();
    try (ServerSocket proxy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> proxyOnce(proxy, heads));
      EgressSettings settings =
          EgressSettings.fromEnvironment(
              Map.of("ALL_PROXY", "http://127.0.0.1:" + proxy.getLocalPort()));
      try (EgressClient proxied = new EgressClient(settings);
          EgressResponse response =
              proxied.send(
                  EgressRequest.get(URI.create("http://" + authority + "/x"), Map.of())
                      .asOperator(true),
                  new CancelSignal())) {
        assertThat(response.status()).isEqualTo(204);
      }
      assertThat(heads.poll(5, TimeUnit.SECONDS)).startsWith("CONNECT " + authority + " ");
      assertThat(heads.poll(5, TimeUnit.SECONDS)).startsWith("GET /x ");
    }
  }

  private static void proxyOnce(ServerSocket proxy, LinkedBlockingQueue<String> heads) {
    try (Socket socket = proxy.accept()) {
      heads.add(head(socket));
      socket.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.UTF_8));
      heads.add(head(socket));
      socket
          .getOutputStream()
          .write("HTTP/1.1 204 No Content\r\n\r\n".getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String head(Socket socket) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) socket.getInputStream().read());
    }
    return head.toString();
  }

  private EgressFailure fails(EgressRequest request) {
    return catchThrowableOfType(
        EgressFailure.class, () -> client.send(request, new CancelSignal()).close());
  }

  private URI url(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  private static void echo(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("x-answer", "yes");
    String text =
        exchange.getRequestMethod()
            + " "
            + exchange.getRequestURI()
            + " "
            + exchange.getRequestHeaders().getFirst("x-one")
            + " "
            + exchange.getRequestHeaders().getFirst("host")
            + " "
            + body;
    answer(exchange, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void answer(HttpExchange exchange, byte[] body) throws IOException {
    exchange.sendResponseHeaders(200, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    } catch (IOException e) {
      // The client may hang up: one of the tests does.
      exchange.close();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
