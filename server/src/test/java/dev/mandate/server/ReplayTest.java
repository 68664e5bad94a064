package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * A run is run again without doing anything again, and a thread goes on from an earlier message.
 */
class ReplayTest {
  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  private static void agent(String name) {
    owner
        .post(
            "/api/v1/agents",
            """
            {"name": "%1$s", "instructions": "%1$s",
             "tools": [{"tool": "self/agents_*", "approval": "NEVER"}]}
            """
                .formatted(name))
        .ok();
  }

  private static String id(JsonNode node) {
    return node.get("id").textValue();
  }

  private static ScriptedReply create(String call, String name) {
    return ScriptedReply.call(call, "agents_create", "{\"name\": \"" + name + "\"}");
  }

  private static int named(String name) {
    return owner.get("/api/v1/agents?name=" + name).ok().path("agents").size();
  }

  private static List<String> kinds(JsonNode run) {
    return owner.steps(id(run)).findValuesAsText("kind");
  }

  @Test
  void withRecordedToolsNothingLeavesAndWhatWasNotRecordedIsRefused() {
    agent("Once");
    script.says("Once", create("c1", "Single"), ScriptedReply.text("Made."));
    String thread = owner.say("Once", "Add one.");
    JsonNode original = RunWaits.over(owner, thread);
    owner.call("DELETE", "/api/v1/agents/" + owner.agent("Single"), null).ok();
    script.says(
        "Other words.",
        create("c7", "Single"),
        create("c8", "Single"),
        create("c9", "Another"),
        ScriptedReply.text("Replayed."));

    JsonNode replay =
        owner
            .post(
                "/api/v1/runs/" + id(original) + ":replay", "{\"instructions\": \"Other words.\"}")
            .ok();
    JsonNode over = RunWaits.runOver(owner, id(replay));

    assertThat(over.get("status").textValue()).as("%s", over).isEqualTo("SUCCEEDED");
    assertThat(over.get("replayOf")).isEqualTo(original.get("id"));
    assertThat(over.get("replayTools").textValue()).isEqualTo("RECORDED");
    assertThat(over.get("inputTokens").asLong()).isPositive();
    assertThat(over.get("threadId").textValue()).isNotEqualTo(thread);
    assertThat(kinds(over)).startsWith("replayed", "run_started").doesNotContain("tool_started");
    JsonNode again = RunWaits.steps(owner, id(over), "tool_replayed").getFirst();
    JsonNode first = RunWaits.steps(owner, id(original), "tool_finished").getFirst();
    assertThat(again.get("text")).isEqualTo(first.get("text"));
    assertThat(again.get("originalRunId")).isEqualTo(original.get("id"));
    assertThat(RunWaits.steps(owner, id(over), "tool_denied"))
        .hasSize(2)
        .allSatisfy(step -> assertThat(step.get("outcome").textValue()).isEqualTo("NOT_RECORDED"));
    assertThat(named("Single") + named("Another")).isZero();
    assertThat(owner.get("/api/v1/audit?resource=run:" + id(over)).ok().get("entries").toString())
        .contains("runs.replay");
    JsonNode messages =
        owner
            .get("/api/v1/threads/" + over.get("threadId").textValue() + "/messages")
            .ok()
            .get("messages");
    assertThat(messages.findValuesAsText("text")).containsExactly("Add one.", "Replayed.");
    assertThat(owner.get("/api/v1/threads/" + thread + "/messages").ok().get("messages"))
        .hasSize(2);
  }

  @Test
  void fromAStepOnTheModelIsAskedAgainAndLiveToolsAreCalled() {
    agent("Twice");
    script.says("Twice", create("c1", "Earlier"), create("c2", "Later"), ScriptedReply.text("Ok."));
    JsonNode original = RunWaits.over(owner, owner.say("Twice", "Add two."));
    JsonNode second = RunWaits.steps(owner, id(original), "model_requested").get(1);
    script.says("Twice", create("c1", "Earlier"), create("c3", "Instead"));

    JsonNode replay =
        owner
            .post(
                "/api/v1/runs/" + id(original) + ":replay",
                "{\"fromSeq\": " + second.get("seq").asText() + ", \"tools\": \"LIVE\"}")
            .ok();
    JsonNode over = RunWaits.runOver(owner, id(replay));

    assertThat(over.get("status").textValue()).as("%s", over).isEqualTo("SUCCEEDED");
    assertThat(over.get("replayFromSeq")).isEqualTo(second.get("seq"));
    assertThat(kinds(over))
        .startsWith(
            kinds(original).subList(0, second.get("seq").asInt() - 1).toArray(String[]::new))
        .containsOnlyOnce("run_started")
        .containsSubsequence("replayed", "model_requested", "tool_started", "finished");
    assertThat(named("Earlier")).isEqualTo(1);
    assertThat(named("Instead")).isEqualTo(1);
    assertThat(
            owner.post("/api/v1/runs/" + id(original) + ":replay", "{\"fromSeq\": 10000}").status())
        .isEqualTo(400);
  }

  @Test
  void anotherModelIsAskedInstead() {
    agent("Choosy");
    script.says("Choosy", ScriptedReply.text("By the first."));
    JsonNode original = RunWaits.over(owner, owner.say("Choosy", "Who are you?"));
    owner
        .post(
            "/api/v1/models",
            """
            {"name": "second", "provider": "openai-compatible", "remoteName": "second-remote",
             "baseUrl": "%s", "apiKey": "test-key-for-the-fake"}
            """
                .formatted(provider.openAiBaseUrl()))
        .ok();
    script.says("Choosy", ScriptedReply.text("By the second."));
    String path = "/api/v1/runs/" + id(original) + ":replay";

    JsonNode over = RunWaits.runOver(owner, id(owner.post(path, "{\"model\": \"second\"}").ok()));

    assertThat(over.get("status").textValue()).as("%s", over).isEqualTo("SUCCEEDED");
    assertThat(over.get("model").textValue()).isEqualTo("second");
    assertThat(RunWaits.steps(owner, id(over), "model_requested").getFirst().get("model"))
        .isEqualTo(over.get("model"));
    assertThat(original.get("model")).isNotEqualTo(over.get("model"));
    JsonNode lost = RunWaits.runOver(owner, id(owner.post(path, "{\"model\": \"third\"}").ok()));
    assertThat(lost.get("status").textValue()).isEqualTo("FAILED");
    assertThat(lost.get("reason").textValue()).contains("model");
  }

  @Test
  void aBranchSharesTheHistoryAndGoesOnWithAnotherText() {
    agent("Listener");
    script.says("Listener", ScriptedReply.text("One."), ScriptedReply.text("Two."));
    String thread = owner.say("Listener", "First.");
    RunWaits.over(owner, thread);
    owner.post("/api/v1/threads/" + thread + "/messages", "{\"text\": \"Second.\"}").ok();
    RunWaits.over(owner, thread);
    JsonNode messages = owner.get("/api/v1/threads/" + thread + "/messages").ok().get("messages");
    String path = "/api/v1/threads/" + thread + "/messages/" + id(messages.get(2)) + ":branch";

    JsonNode plain = owner.post(path, "{}").ok();
    JsonNode edited = owner.post(path, "{\"text\": \"Instead.\"}").ok();
    RunWaits.over(owner, id(edited));

    assertThat(edited.get("branchedFrom").textValue()).isEqualTo(thread);
    assertThat(texts(id(plain))).containsExactly("First.", "One.", "Second.");
    assertThat(owner.get("/api/v1/runs?threadId=" + id(plain)).ok().path("runs")).isEmpty();
    assertThat(texts(id(edited))).containsExactly("First.", "One.", "Instead.", "Two.");
    assertThat(texts(thread)).hasSize(4).contains("Second.");
  }

  private static List<String> texts(String thread) {
    return owner
        .get("/api/v1/threads/" + thread + "/messages")
        .ok()
        .get("messages")
        .findValuesAsText("text");
  }
}
