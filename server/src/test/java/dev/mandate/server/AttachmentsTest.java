package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.crypto.Tokens;
import dev.mandate.testing.ScriptedProvider;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Files that messages carry, up to the model that is shown them. */
class AttachmentsTest {
  private static final byte[] TEXT = "Umsatz;2025\n17,5\n".getBytes(StandardCharsets.UTF_8);
  private static final byte[] PNG = HexFormat.of().parseHex("89504e470d0a1a0a0000000d49484452");
  private static final byte[] PDF = "%PDF-1.7 nothing\n".getBytes(StandardCharsets.US_ASCII);

  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final HttpClient http = HttpClient.newHttpClient();
  private static final TestServer server =
      TestServer.start(
          Map.of(
              "OPENAI_API_KEY",
              "test-key-for-the-fake",
              "OPENAI_BASE_URL",
              provider.openAiBaseUrl(),
              "ANTHROPIC_API_KEY",
              "test-key-for-the-fake",
              "ANTHROPIC_BASE_URL",
              provider.anthropicBaseUrl()));
  private static final TestServer.Client owner = server.owner();

  @AfterAll
  static void close() {
    http.close();
    server.close();
    provider.close();
  }

  private static String uploaded(String name, String type, byte[] content) {
    JsonNode made = announced(name, type, content);
    HttpRequest put =
        HttpRequest.newBuilder(URI.create(server.url() + made.get("upload").get("url").asText()))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(content))
            .build();
    try {
      assertThat(http.send(put, HttpResponse.BodyHandlers.discarding()).statusCode())
          .isEqualTo(204);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
    String id = made.get("file").get("id").textValue();
    owner.post("/api/v1/files/" + id + ":complete", "{}").ok();
    return id;
  }

  private static JsonNode announced(String name, String type, byte[] content) {
    return owner
        .post(
            "/api/v1/files",
            "{\"name\": \"%s\", \"contentType\": \"%s\", \"size\": %d, \"sha256\": \"%s\"}"
                .formatted(
                    name, type, content.length, HexFormat.of().formatHex(Tokens.sha256(content))))
        .ok();
  }

  private static String thread(String model) {
    String agent =
        owner
            .post(
                "/api/v1/agents",
                "{\"name\": \"%1$s-reader\", \"instructions\": \"You read, %1$s.\", \"model\": \"%1$s\"}"
                    .formatted(model))
            .ok()
            .get("id")
            .textValue();
    return owner
        .post("/api/v1/threads", "{\"agentIds\": [\"" + agent + "\"]}")
        .ok()
        .get("id")
        .textValue();
  }

  private static TestServer.Answer post(TestServer.Client client, String thread, String... files) {
    String ids = String.join("\", \"", files);
    return client.post(
        "/api/v1/threads/" + thread + "/messages",
        "{\"text\": \"What is this?\", \"attachments\": [\"" + ids + "\"]}");
  }

  /** The name that the organization knows a provider's model by. */
  private static String model(String provider) {
    for (JsonNode model : owner.get("/api/v1/models").ok().get("models")) {
      if (model.get("provider").textValue().equals(provider)) {
        return model.get("name").textValue();
      }
    }
    throw new AssertionError(owner.get("/api/v1/models").body());
  }

  @Test
  void openAisModelSeesThePictureAndReadsTheText() {
    String thread = thread(model("openai"));
    JsonNode posted =
        post(
                owner,
                thread,
                uploaded("a.png", "image/png", PNG),
                uploaded("b.csv", "text/csv", TEXT),
                uploaded("c.pdf", "application/pdf", PDF))
            .ok();
    assertThat(posted.get("attachments")).hasSize(3);

    JsonNode run = RunWaits.over(owner, thread);

    assertThat(run.get("status").textValue()).isEqualTo("SUCCEEDED");
    String sent = sent("/chat/completions");
    assertThat(sent)
        .contains("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,")
        .contains(Base64.getEncoder().encodeToString(PNG))
        .contains("Umsatz;2025")
        .contains("'c.pdf' (application/pdf, " + PDF.length + " bytes): its content cannot be");
    assertNothingIsKeptInline();
    JsonNode listed = owner.get("/api/v1/threads/" + thread + "/messages").ok();
    assertThat(listed.get("messages").get(0).get("attachments").get(1).get("name").textValue())
        .isEqualTo("b.csv");
  }

  @Test
  void anthropicsModelSeesThePicture() {
    String thread = thread(model("anthropic"));
    post(owner, thread, uploaded("d.png", "image/png", PNG)).ok();

    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("SUCCEEDED");

    assertThat(sent("/messages"))
        .contains(
            "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
                + "\"data\":\""
                + Base64.getEncoder().encodeToString(PNG));
  }

  @Test
  void aModelThatSeesNothingIsToldTheName() {
    String thread = thread("rehearsal");
    post(owner, thread, uploaded("e.png", "image/png", PNG)).ok();

    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("SUCCEEDED");
  }

  @Test
  void aPictureIsShownToModelsThatSeeByTheirNameOrBecauseSomebodySaysSo() {
    assertThat(added("blind", "some-text-model").get("vision").booleanValue()).isFalse();
    assertThat(added("seeing", "qwen3-vl:8b").get("vision").booleanValue()).isTrue();
    String file = uploaded("i.png", "image/png", PNG);
    String thread = thread("blind");

    post(owner, thread, file).ok();
    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("SUCCEEDED");
    assertThat(sent("/chat/completions"))
        .contains("'i.png' (image/png, " + PNG.length + " bytes): its content cannot be shown")
        .doesNotContain("image_url");

    owner.call("PATCH", "/api/v1/models/blind", "{\"version\": 1, \"vision\": true}").ok();
    post(owner, thread, file).ok();
    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("SUCCEEDED");
    assertThat(sent("/chat/completions")).contains("image_url");
  }

  private static JsonNode added(String name, String remoteName) {
    return owner
        .post(
            "/api/v1/models",
            """
            {"name": "%s", "provider": "openai-compatible", "baseUrl": "%s", "remoteName": "%s",
             "apiKey": "test-key-for-the-fake"}
            """
                .formatted(name, provider.openAiBaseUrl(), remoteName))
        .ok();
  }

  /** The last request that the provider got on a path. */
  private static String sent(String path) {
    return provider.requests().stream()
        .filter(request -> request.path().endsWith(path))
        .reduce((first, second) -> second)
        .orElseThrow()
        .body();
  }

  private static void assertNothingIsKeptInline() {
    try (var connection = server.database().admin();
        var rows =
            connection
                .createStatement()
                .executeQuery("select body from mandate.payloads where body like '%attachment%'")) {
      assertThat(rows.next()).isTrue();
      do {
        assertThat(rows.getString(1))
            .contains(HexFormat.of().formatHex(Tokens.sha256(PNG)))
            .doesNotContain(Base64.getEncoder().encodeToString(PNG));
      } while (rows.next());
    } catch (java.sql.SQLException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void onlyACompleteFileThatTheAuthorSeesIsCarried() {
    String thread = owner.say("Operator", "Hello.");
    String pending = announced("f.txt", "text/plain", TEXT).get("file").get("id").textValue();
    String unknown = "01920000-0000-7000-8000-000000000001";
    String file = uploaded("g.txt", "text/plain", TEXT);

    assertThat(String.valueOf(post(owner, thread, pending).body())).contains("attachments[0]");
    assertThat(post(owner, thread, file, unknown).status()).isEqualTo(404);
    assertThat(String.valueOf(post(owner, thread, file, file).body())).contains("twice");
    String[] many = new String[11];
    for (int i = 0; i < many.length; i++) {
      many[i] = "01920000-0000-7000-8000-0000000000" + (10 + i);
    }
    assertThat(String.valueOf(post(owner, thread, many).body())).contains("10 files");
  }

  @Test
  void whoTakesPartInTheThreadMayFetchItAndNobodyDeletesIt() {
    Newcomers.Newcomer friend = Newcomers.join(server, owner, "friend@example.org", "MEMBER");
    Newcomers.Newcomer stranger = Newcomers.join(server, owner, "stranger@example.org", "MEMBER");
    String file = uploaded("h.txt", "text/plain", TEXT);
    String thread =
        owner
            .post("/api/v1/threads", "{\"userIds\": [\"" + friend.userId() + "\"]}")
            .ok()
            .get("id")
            .textValue();
    assertThat(friend.client().get("/api/v1/files/" + file).status()).isEqualTo(404);

    owner
        .post("/api/v1/threads/" + thread + "/messages", "{\"attachments\": [\"" + file + "\"]}")
        .ok();

    friend.client().get("/api/v1/files/" + file).ok();
    assertThat(stranger.client().get("/api/v1/files/" + file).status()).isEqualTo(404);
    assertThat(friend.client().call("DELETE", "/api/v1/files/" + file, null).status())
        .isEqualTo(404);
    TestServer.Answer answer = owner.call("DELETE", "/api/v1/files/" + file, null);
    assertThat(answer.reason()).isEqualTo("FILE_IN_USE");
    assertThat(post(stranger.client(), strangersThread(stranger), file).status()).isEqualTo(404);
  }

  private static String strangersThread(Newcomers.Newcomer stranger) {
    return stranger.client().post("/api/v1/threads", "{}").ok().get("id").textValue();
  }
}
