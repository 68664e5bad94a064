package dev.mandate.identity;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.server.TestServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Everything that looks like a credential and is none, on the wire. */
class CredentialShapesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** What somebody might make of a good secret, to be taken for it or for more than it is. */
  private static List<String> variations(String good) {
    String prefix = good.substring(0, 4);
    String body = good.substring(4);
    List<String> all = new ArrayList<>();
    for (String other : List.of("mds_", "mdr_", "mdt_", "mdl_", "mdi_", "mda_", "MDS_", "")) {
      if (!other.equals(prefix)) {
        all.add(other + body);
      }
    }
    all.add(prefix);
    all.add(good.substring(0, good.length() - 1));
    all.add(good + "0");
    all.add(good + good);
    all.add(prefix + prefix + body);
    all.add(good + "=");
    all.add(good + "%00");
    all.add(good + "'--");
    all.add(good + "," + good);
    all.add("\"" + good + "\"");
    all.add(good.toLowerCase(Locale.ROOT));
    all.add(good.toUpperCase(Locale.ROOT));
    all.add(prefix + new StringBuilder(body).reverse());
    all.add(prefix + "0".repeat(44));
    all.add(prefix + "*".repeat(44));
    all.add(prefix + "%".repeat(44));
    all.add(prefix + body.substring(0, 43) + (body.endsWith("a") ? "b" : "a"));
    all.add(prefix + "x".repeat(5000));
    all.add(base64(good));
    // Tokens of a kind that this server does not have: nothing in them is believed.
    all.add(jwt("{\"alg\":\"none\"}", "{\"sub\":\"owner\"}", ""));
    all.add(jwt("{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", "{\"sub\":\"owner\"}", "AA"));
    all.add(jwt("{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1/\"}", "{}", good));
    return all;
  }

  @Test
  void noVariationOfAnAccessTokenOrAnApiTokenIsTaken() {
    String token =
        server
            .owner()
            .post("/api/v1/tokens", "{\"name\": \"shapes\", \"scopes\": [\"*\"]}")
            .ok()
            .get("secret")
            .textValue();
    for (String good : List.of(server.owner().token(), token)) {
      server.client(good).get("/api/v1/me").ok();
      for (String bad : variations(good)) {
        TestServer.Answer answer = server.client(bad).get("/api/v1/me");
        assertThat(answer.status()).as("%s", bad).isEqualTo(401);
        assertThat(String.valueOf(answer.body())).doesNotContain(good.substring(4));
      }
      server.client(good).get("/api/v1/me").ok();
    }
  }

  @Test
  void aCredentialOfOneKindIsNoneOfAnother() {
    JsonNode in = signIn();
    String refresh = in.get("refreshToken").textValue();
    assertThat(server.client(refresh).get("/api/v1/me").status()).isEqualTo(401);

    String access = in.get("accessToken").textValue();
    List<String> noRefresh = variations(refresh);
    noRefresh.add(access);
    for (String bad : noRefresh) {
      TestServer.Answer answer =
          server.client("").post("/api/v1/sessions:refresh", json("refreshToken", bad));
      assertThat(answer.status()).as("%s", bad).isEqualTo(401);
      assertThat(answer.reason()).as("%s", bad).isEqualTo("SESSION_OVER");
    }
    // None of it has ended the session.
    assertThat(
            server
                .client("")
                .post("/api/v1/sessions:refresh", json("refreshToken", refresh))
                .status())
        .isEqualTo(200);
  }

  @Test
  void aRevokedCredentialIsRefusedInEveryShape() {
    String access = signIn().get("accessToken").textValue();
    server.client(access).call("DELETE", "/api/v1/sessions/current", null).ok();
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> assertThat(server.client(access).get("/api/v1/me").status()).isEqualTo(401));
    for (String bad : variations(access)) {
      assertThat(server.client(bad).get("/api/v1/me").status()).as("%s", bad).isEqualTo(401);
    }
  }

  @Test
  void signInSurvivesWhatNoDatabaseTakes() {
    for (String email : List.of("a\\u0000b@example.org", "\\ud800@example.org", "\\u202e@x", "'")) {
      TestServer.Answer answer =
          server
              .client("")
              .post(
                  "/api/v1/sessions",
                  "{\"email\": \"" + email + "\", \"password\": \"some long password\"}");
      assertThat(answer.status()).as("%s", email).isIn(400, 401, 429);
    }
  }

  private static JsonNode signIn() {
    return server
        .client("")
        .post(
            "/api/v1/sessions",
            "{\"email\": \"%s\", \"password\": \"%s\"}"
                .formatted(TestServer.EMAIL, TestServer.PASSWORD))
        .ok();
  }

  private static String json(String field, String value) {
    try {
      return JSON.writeValueAsString(JSON.createObjectNode().put(field, value));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String jwt(String header, String claims, String signature) {
    return base64(header) + "." + base64(claims) + "." + signature;
  }

  private static String base64(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
