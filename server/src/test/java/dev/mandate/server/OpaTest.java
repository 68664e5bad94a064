package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.mandate.policies.PolicySettings;
import dev.mandate.runs.RunSettings;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An OPA server decides as well. Played by a server that speaks its REST protocol. */
class OpaTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<JsonNode> asked = new CopyOnWriteArrayList<>();
  private static volatile int status = 200;
  private static volatile String answer = "{\"result\": {}}";
  private static final HttpServer opa = opa();
  private static final TestServer server =
      TestServer.on(
          TestDatabase.create(),
          Map.of(),
          RunSettings.DEFAULTS,
          TestServer.files(folder()),
          new PolicySettings(
              URI.create("http://127.0.0.1:" + opa.getAddress().getPort() + "/"),
              Duration.ofSeconds(20),
              Duration.ofDays(1)));
  private static final TestServer.Client owner = server.owner();

  private static HttpServer opa() {
    try {
      HttpServer http =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      http.createContext("/v1/data/mandate", OpaTest::answer);
      http.start();
      return http;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Path folder() {
    try {
      Path folder = Files.createTempDirectory("mandate-opa");
      folder.toFile().deleteOnExit();
      return folder;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void answer(HttpExchange exchange) throws IOException {
    asked.add(JSON.readTree(exchange.getRequestBody()));
    byte[] body = answer.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("content-type", "application/json");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @BeforeEach
  void saysNothing() {
    status = 200;
    answer = "{\"result\": {}}";
  }

  @AfterAll
  static void close() {
    server.close();
    opa.stop(0);
  }

  private static TestServer.Answer makeThread() {
    return owner.post("/api/v1/threads", "{\"title\": \"t\"}");
  }

  @Test
  void itIsAskedWithTheSameInputAndItsDenialsHold() {
    makeThread().ok();
    JsonNode input = asked.getLast().get("input");
    assertThat(input.get("action").textValue()).isEqualTo("threads.create");
    assertThat(input.get("resource").get("arguments").get("title").textValue()).isEqualTo("t");

    answer = "{\"result\": {\"deny\": [\"closed today\"]}}";
    TestServer.Answer refused = makeThread();
    assertThat(refused.reason()).isEqualTo("POLICY");
    assertThat(Objects.requireNonNull(refused.body()).get("message").textValue())
        .isEqualTo("closed today");
    // Who manages the installation is not locked out by it.
    owner.get("/api/v1/me").ok();

    answer =
        "{\"result\": {\"require_approval\": [{\"decider\": \"other\", \"reason\": \"ask\"}]}}";
    assertThat(makeThread().reason()).isEqualTo("APPROVAL_REQUIRED");
  }

  @Test
  void withoutAnAnswerThatCanBeUnderstoodEveryCallIsRefused() {
    answer = "{}";
    assertThat(makeThread().reason()).isEqualTo("POLICY_ERROR");
    answer = "{\"result\": {\"deny\": \"no set\"}}";
    assertThat(makeThread().reason()).isEqualTo("POLICY_ERROR");
    answer = "not json";
    assertThat(makeThread().reason()).isEqualTo("POLICY_ERROR");
    status = 500;
    answer = "{\"result\": {}}";
    assertThat(makeThread().reason()).isEqualTo("POLICY_ERROR");
    status = 200;
    assertThat(makeThread().status()).isEqualTo(200);
  }
}
