package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What was decided is kept for a while, without secrets; and a draft can be asked about it. */
class DecisionsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  /** Decisions about an action, newest first, once there are so many. */
  private static List<JsonNode> decisions(TestServer.Client client, String action, int atLeast) {
    return Objects.requireNonNull(
        await()
            .atMost(LONG)
            .until(
                () -> {
                  List<JsonNode> found = new ArrayList<>();
                  client
                      .get("/api/v1/decisions?pageSize=200&action=" + action)
                      .ok()
                      .get("decisions")
                      .forEach(found::add);
                  return found;
                },
                found -> found.size() >= atLeast));
  }

  private static JsonNode input(JsonNode decision) throws Exception {
    JsonNode whole = owner.get("/api/v1/decisions/" + decision.get("id").textValue()).ok();
    return JSON.readTree(whole.get("inputJson").textValue());
  }

  @Test
  void changesAreRecordedWithoutAnyPolicyAndWithoutSecrets() throws Exception {
    String key = "sk-test-0123456789abcdefghijkl";
    owner.post(
        "/api/v1/models",
        "{\"name\": \"kept\", \"provider\": \"openai\", \"baseUrl\": \"%s\", \"apiKey\": \"%s\"}"
            .formatted(provider.openAiBaseUrl(), key));
    owner.post("/api/v1/threads", "{\"title\": \"the token is " + key + "\"}").ok();
    Rules.call(owner, "self/threads_create", "{\"title\": \"t\"}");

    JsonNode model = decisions(owner, "models.create", 1).getFirst();
    assertThat(model.get("outcome").textValue()).isEqualTo("allow");
    assertThat(model.get("inputHash").textValue()).matches("[0-9a-f]{64}");
    assertThat(input(model).path("resource").path("arguments").has("apiKey")).isFalse();
    List<String> threads = new ArrayList<>();
    for (JsonNode decision : decisions(owner, "threads.create", 2)) {
      threads.add(input(decision).toString());
    }
    assertThat(threads)
        .anyMatch(input -> input.contains("the token is"))
        .noneMatch(input -> input.contains(key));
    assertThat(decisions(owner, "tools.call", 1).getFirst().get("resource").textValue())
        .isEqualTo("tool:self/threads_create");
    try (Connection admin = server.database().admin();
        Statement sql = admin.createStatement();
        ResultSet rows = sql.executeQuery("select sealed from mandate.decisions")) {
      while (rows.next()) {
        assertThat(new String(rows.getBytes(1), StandardCharsets.ISO_8859_1))
            .doesNotContain("the token is", "subject");
      }
    }
  }

  @Test
  void whatIsOlderThanTheRetentionIsPurgedAndAPersonsCanBeErased() throws SQLException {
    Newcomers.Newcomer leaver = Newcomers.join(server, owner, "leaver@example.org", "MEMBER");
    leaver.client().post("/api/v1/threads", "{}").ok();
    String user = "user:" + leaver.userId();
    await()
        .atMost(LONG)
        .until(() ->
            decisions(owner, "threads.create", 1).stream()
                .anyMatch(each -> each.get("user").textValue().equals(user)));
    int erased =
        owner
            .post("/api/v1/decisions:erase", "{\"userId\": \"" + leaver.userId() + "\"}")
            .ok()
            .get("erased")
            .intValue();
    assertThat(erased).isPositive();
    assertThat(owner.get("/api/v1/decisions?pageSize=200").ok().toString()).doesNotContain(user);

    owner.post("/api/v1/threads", "{}").ok();
    String old = decisions(owner, "threads.create", 1).getFirst().get("id").textValue();
    try (Connection admin = server.database().admin();
        Statement sql = admin.createStatement()) {
      sql.execute(
          "update mandate.decisions set at = now() - interval '31 days' where id = '" + old + "'");
      // The purge is due every hour: now, for once.
      sql.execute("update mandate.jobs set due_at = now() where kind = 'decisions.purge'");
    }
    await().atMost(LONG).until(() -> owner.get("/api/v1/decisions/" + old).status() == 404);
  }

  @Test
  void aDraftIsAskedAboutWhatWasDecided() {
    TestServer.Client org = server.newOrganization("Simulated");
    Newcomers.Newcomer ann = Newcomers.join(server, org, "ann@example.org", "MEMBER");
    org.post("/api/v1/agents", "{\"name\": \"Before\"}").ok();
    ann.client().post("/api/v1/agents", "{\"name\": \"Secret plan\"}").ok();
    decisions(org, "agents.create", 2);

    ObjectNode draft =
        Rules.draft(
            "draft",
            """
            deny contains sprintf("%s is no name", [input.resource.arguments.name]) if {
            	input.action == "agents.create"
            	contains(input.resource.arguments.name, "Secret")
            }
            """);
    draft.remove("name");
    ObjectNode request = JSON.createObjectNode();
    request.set("draft", draft);
    JsonNode answer = org.post("/api/v1/policies:simulate", request.toString()).ok();

    assertThat(answer.get("changed").intValue()).isEqualTo(1);
    assertThat(answer.get("unknowable").intValue()).isZero();
    assertThat(answer.get("decisions").intValue())
        .isEqualTo(answer.get("changed").intValue() + answer.get("unchanged").intValue())
        .isGreaterThan(1);
    JsonNode change = answer.get("changes").get(0);
    assertThat(change.get("before").textValue()).isEqualTo("allow");
    assertThat(change.get("after").textValue()).isEqualTo("deny");
    assertThat(change.get("message").textValue()).isEqualTo("Secret plan is no name");
    assertThat(change.get("rules").get(0).textValue()).isEqualTo("mandate.policies.draft.deny@3");
    assertThat(change.get("subject").textValue()).isEqualTo("ann@example.org");
    assertThat(answer.get("affected").get(0).get("email").textValue()).isEqualTo("ann@example.org");
    // Nothing was changed by it.
    ann.client().post("/api/v1/agents", "{\"name\": \"Secret again\"}").ok();
  }

  @Test
  void whatFollowsAChangedDecisionOfARunCannotBeKnown() {
    script.says(
        "Busy",
        ScriptedReply.call("call_1", "threads_create", "{\"title\": \"one\"}"),
        ScriptedReply.call("call_2", "agents_list", "{}"));
    Rules.agent(owner, "Busy", "self/*");
    String run = RunWaits.over(owner, owner.say("Busy", "Go.")).get("id").textValue();
    // Three requests to the model, two tools, each also as the method that it is.
    await()
        .atMost(LONG)
        .until(() ->
            decisions(owner, "*", 1).stream()
                    .filter(each -> each.get("run").textValue().equals(run))
                    .count()
                == 7);

    ObjectNode draft =
        Rules.draft(
            "draft",
            """
            deny contains "no titles" if {
            	input.resource.name == "self/threads_create"
            	input.resource.arguments.title == "one"
            }
            """);
    draft.remove("name");
    ObjectNode request = JSON.createObjectNode().put("days", 1);
    request.set("draft", draft);
    JsonNode answer = owner.post("/api/v1/policies:simulate", request.toString()).ok();
    assertThat(answer.get("changed").intValue()).isEqualTo(1);
    JsonNode way = answer.get("runs").get(0);
    assertThat(way.get("run").textValue()).isEqualTo(run);
    assertThat(way.get("firstChanged")).isEqualTo(answer.get("changes").get(0).get("decisionId"));
    assertThat(way.get("unknowable").intValue()).isEqualTo(5);
    assertThat(answer.get("unknowable").intValue()).isEqualTo(5);
  }
}
