package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * An agent that another one calls holds no more than its caller, whatever it was granted itself.
 */
class SubAgentTest {
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

  /**
   * Makes an agent that is instructed by its own name, which is how the script knows it.
   *
   * @param grants tools, each perhaps with an approval mode after a space
   */
  private static String agent(String name, String... grants) {
    ObjectNode agent = JSON.createObjectNode().put("name", name).put("instructions", name);
    ArrayNode tools = agent.putArray("tools");
    for (String grant : grants) {
      String[] words = grant.split(" ", 2);
      ObjectNode tool = tools.addObject().put("tool", words[0]);
      if (words.length > 1) {
        tool.put("approval", words[1]);
      }
    }
    return owner.post("/api/v1/agents", agent.toString()).ok().get("id").textValue();
  }

  private static ScriptedReply ask(String agent) {
    return ScriptedReply.call("call_" + agent, "agent_" + agent, "{\"request\": \"Do it.\"}");
  }

  private static ScriptedReply create(String name) {
    return ScriptedReply.call("call_create", "agents_create", "{\"name\": \"" + name + "\"}");
  }

  /** The run that a run started as its only child, once it has. */
  private static JsonNode child(String parent) {
    List<JsonNode> started =
        Awaitility.await()
            .atMost(LONG)
            .until(() -> RunWaits.steps(owner, parent, "child_started"), list -> !list.isEmpty());
    assertThat(started).hasSize(1);
    return owner.get("/api/v1/runs/" + started.getFirst().get("childRunId").textValue()).ok();
  }

  private static String id(JsonNode node) {
    return node.get("id").textValue();
  }

  private static boolean exists(String agent) {
    return owner.get("/api/v1/agents?name=" + agent).ok().path("agents").size() > 0;
  }

  @Test
  void aChildIsOfferedOnlyWhatItsParentMayTooAndARefusedWriteStandsInItsLog() {
    String parent = agent("Chief", "self/agents_list", "agent/Helper");
    String child = agent("Helper", "self/*", "agent/*");
    script.says("Chief", ask("Helper"));
    script.says(
        "Helper",
        ScriptedReply.calls(
            new ScriptedReply.Call("call_write", "agents_create", "{\"name\": \"Intruder\"}"),
            new ScriptedReply.Call("call_read", "agents_list", "{}"),
            new ScriptedReply.Call("call_other", "agent_Operator", "{\"request\": \"Add it.\"}")),
        ScriptedReply.text("I was refused."));

    JsonNode run = RunWaits.over(owner, owner.say("Chief", "Have an agent added."));
    JsonNode childRun = child(id(run));

    assertThat(run.get("status").textValue()).as("%s", run).isEqualTo("SUCCEEDED");
    assertThat(script.offered("Chief")).containsExactlyInAnyOrder("agents_list", "agent_Helper");
    assertThat(script.offered("Helper")).containsExactly("agents_list");
    assertThat(childRun.get("parentRunId")).isEqualTo(run.get("id"));
    String user = owner.get("/api/v1/me").ok().get("principal").textValue();
    assertThat(texts(childRun.get("chain")))
        .containsExactly("agent:" + child, "agent:" + parent, user);
    assertThat(outcomes(id(childRun)))
        .containsEntry("call_write", "invalid")
        .containsEntry("call_other", "invalid")
        .containsEntry("call_read", "ok");
    assertThat(exists("Intruder")).isFalse();
    assertThat(RunWaits.steps(owner, id(run), "child_finished").getFirst().get("text").textValue())
        .isEqualTo("I was refused.");
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(each -> texts.add(each.textValue()));
    return texts;
  }

  private static Map<String, String> outcomes(String run) {
    Map<String, String> outcomes = new TreeMap<>();
    for (JsonNode step : RunWaits.steps(owner, run, "tool_finished")) {
      outcomes.put(step.get("callId").textValue(), step.get("outcome").textValue());
    }
    return outcomes;
  }

  /** The long way round: a message instead of a call. */
  @Test
  void aMessageToAStrongerAgentLendsItNoMoreThanItsAuthorHas() {
    agent("Weak", "self/threads_create NEVER", "self/messages_create NEVER");
    String strong = agent("Strong", "*");
    script.says("Weak", said -> post("Weak", said, strong));
    script.says("Strong", create("Smuggled"));

    JsonNode run = RunWaits.over(owner, owner.say("Weak", "Get it done."));
    Awaitility.await().atMost(LONG).until(() -> script.heard("Strong").size() > 1);

    assertThat(outcomes(id(run))).containsValue("ok").doesNotContainValue("invalid");
    assertThat(script.offered("Strong"))
        .containsExactlyInAnyOrder("threads_create", "messages_create");
    assertThat(exists("Smuggled")).isFalse();
  }

  @Test
  void aPersonSeesWhatIsDoneInItsNameAndAnAgentKeepsPeopleApart() {
    agent("Opener", "self/threads_create NEVER", "self/messages_create NEVER");
    String second = agent("Second");
    script.says("Opener", said -> post("Opener", said, second));
    agent("Gossip", "self/threads_* NEVER", "self/runs_list NEVER", "self/messages_list NEVER");
    Newcomers.Newcomer other = Newcomers.join(server, owner, "other@example.org", "MEMBER");
    script.says("Gossip", ScriptedReply.text("Noted."));
    String secret = other.client().say("Gossip", "My secret.");
    RunWaits.over(other.client(), secret);

    RunWaits.over(owner, owner.say("Opener", "Go."));
    Awaitility.await().atMost(LONG).until(() -> !script.heard("Second").isEmpty());
    script.says(
        "Gossip",
        ScriptedReply.calls(
            new ScriptedReply.Call("list", "threads_list", "{}"),
            new ScriptedReply.Call("runs", "runs_list", "{}"),
            new ScriptedReply.Call("read", "messages_list", "{\"threadId\": \"" + secret + "\"}")));
    JsonNode asked = RunWaits.over(owner, owner.say("Gossip", "What did the others say?"));

    JsonNode seen = owner.get("/api/v1/runs?pageSize=100").ok().get("runs");
    assertThat(seen.findValuesAsText("agentId")).contains(second);
    List<JsonNode> told = RunWaits.steps(owner, id(asked), "tool_finished");
    assertThat(told).hasSize(3);
    assertThat(told.toString()).doesNotContain(secret).contains("not_found");
  }

  @Test
  void aMessageToACarelessAgentDoesNotLoosenItsAuthorsApprovals() {
    agent(
        "Bound",
        "self/threads_create NEVER",
        "self/messages_create NEVER",
        "self/agents_create ALWAYS");
    String free = agent("Free", "self/* NEVER");
    script.says("Bound", said -> post("Bound", said, free));
    script.says("Free", create("Laundered"));

    RunWaits.over(owner, owner.say("Bound", "Get it done."));
    JsonNode approval =
        Awaitility.await()
            .atMost(LONG)
            .until(
                () -> owner.get("/api/v1/approvals?status=PENDING").ok().get("approvals"),
                list -> list.size() == 1)
            .get(0);

    assertThat(approval.get("tool").textValue()).isEqualTo("self/agents_create");
    assertThat(approval.get("chain").get(0).textValue()).isEqualTo("agent:" + free);
    owner.post("/api/v1/approvals/" + id(approval) + ":deny", "{}").ok();
    Awaitility.await().atMost(LONG).until(() -> script.heard("Free").size() > 1);
    assertThat(exists("Laundered")).isFalse();
  }

  /** An agent's replies that open a thread with another one and say something there. */
  private static ScriptedReply post(String author, int said, String to) {
    return switch (said) {
      case 0 ->
          ScriptedReply.call("call_open", "threads_create", "{\"agentIds\": [\"" + to + "\"]}");
      case 1 -> {
        var opened = script.heard(author).getLast().turns().getLast().results().getFirst();
        yield ScriptedReply.call(
            "call_post",
            "messages_create",
            "{\"threadId\": \"" + id(parse(opened.content())) + "\", \"text\": \"Add one.\"}");
      }
      default -> ScriptedReply.text("Done.");
    };
  }

  private static JsonNode parse(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError(json, e);
    }
  }

  @Test
  void aChildsWaiverDoesNotLoosenItsParentsApprovals() {
    agent("Careful", "self/agents_list ALWAYS", "self/agents_create", "agent/Careless");
    agent("Careless", "self/* NEVER");
    script.says("Careful", ask("Careless"));
    script.says(
        "Careless",
        ScriptedReply.calls(
            new ScriptedReply.Call("call_list", "agents_list", "{}"),
            new ScriptedReply.Call("call_create", "agents_create", "{\"name\": \"Asked\"}")));

    String thread = owner.say("Careful", "List and add.");
    JsonNode run = RunWaits.until(owner, thread, "AWAITING_CHILD");
    String child = id(child(id(run)));
    List<JsonNode> asked =
        Awaitility.await()
            .atMost(LONG)
            .until(
                () -> RunWaits.steps(owner, child, "approval_requested"), list -> list.size() == 2);

    assertThat(RunWaits.steps(owner, child, "tool_started")).isEmpty();
    assertThat(exists("Asked")).isFalse();
    for (JsonNode step : asked) {
      String approval = step.get("approvalId").textValue();
      owner.post("/api/v1/approvals/" + approval + ":approve", "{}").ok();
    }
    assertThat(RunWaits.runOver(owner, child).get("status").textValue()).isEqualTo("SUCCEEDED");
    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("SUCCEEDED");
    assertThat(exists("Asked")).isTrue();
  }

  @Test
  void aParentsWaiverDoesNotLoosenItsChildsApprovals() {
    agent("Generous", "self/* NEVER", "agent/Modest");
    agent("Modest", "self/agents_list ALWAYS");
    script.says("Generous", ask("Modest"));
    script.says("Modest", ScriptedReply.call("call_list", "agents_list", "{}"));

    String thread = owner.say("Generous", "List.");
    String child = id(child(id(RunWaits.until(owner, thread, "AWAITING_CHILD"))));

    Awaitility.await()
        .atMost(LONG)
        .until(() -> RunWaits.steps(owner, child, "approval_requested").size() == 1);
    owner.post("/api/v1/runs/" + id(owner.run(thread)) + ":cancel", "{}").ok();
    RunWaits.over(owner, thread);
    // Its approval ends with it.
    RunWaits.runOver(owner, child);
  }

  @Test
  void agentsThatCallEachOtherComeToAnEnd() {
    agent("Ping", "agent/*");
    agent("Pong", "agent/*");
    script.says("Ping", ask("Pong"));
    script.says("Pong", ask("Ping"));

    JsonNode run = RunWaits.over(owner, owner.say("Ping", "Go."));

    assertThat(run.get("status").textValue()).isEqualTo("SUCCEEDED");
    JsonNode deepest = run;
    int runs = 1;
    while (!RunWaits.steps(owner, id(deepest), "child_started").isEmpty()) {
      deepest = child(id(deepest));
      runs++;
    }
    assertThat(runs).isEqualTo(5);
    JsonNode refused = RunWaits.steps(owner, id(deepest), "tool_finished").getFirst();
    assertThat(refused.get("outcome").textValue()).isEqualTo("invalid");
    assertThat(refused.get("text").textValue()).contains("too deep");
  }

  @Test
  void cancellingAParentCancelsItsDescendantsAndWhatTheyAsk() {
    agent("Top", "self/*", "agent/Middle", "agent/Bottom");
    agent("Middle", "agent/Bottom", "self/*");
    agent("Bottom", "self/*");
    script.says("Top", ask("Middle"));
    script.says("Middle", ask("Bottom"));
    script.says("Bottom", create("Unfinished"));
    String thread = owner.say("Top", "Go.");
    String top = id(RunWaits.until(owner, thread, "AWAITING_CHILD"));
    String middle = id(child(top));
    String bottom = id(child(middle));
    String approval =
        Awaitility.await()
            .atMost(LONG)
            .until(() -> RunWaits.steps(owner, bottom, "approval_requested"), l -> !l.isEmpty())
            .getFirst()
            .get("approvalId")
            .textValue();

    owner.post("/api/v1/runs/" + top + ":cancel", "{\"reason\": \"enough\"}").ok();

    for (String run : List.of(top, middle, bottom)) {
      assertThat(RunWaits.runOver(owner, run).get("status").textValue()).isEqualTo("CANCELLED");
    }
    assertThat(owner.get("/api/v1/approvals/" + approval).ok().get("status").textValue())
        .isEqualTo("WITHDRAWN");
    assertThat(exists("Unfinished")).isFalse();
  }

  @Test
  void cancellingAParentHangsUpOnItsChildsModel() {
    agent("Impatient", "agent/Slow");
    agent("Slow");
    script.says("Impatient", ask("Slow"));
    script.says("Slow", ScriptedReply.text("Well").with(new ScriptedReply.StallAfter(20)));
    String thread = owner.say("Impatient", "Go.");
    String parent = id(RunWaits.until(owner, thread, "AWAITING_CHILD"));
    String child = id(child(parent));
    Awaitility.await().atMost(LONG).until(() -> !script.heard("Slow").isEmpty());

    owner.post("/api/v1/runs/" + parent + ":cancel", "{}").ok();

    assertThat(RunWaits.runOver(owner, child).get("status").textValue()).isEqualTo("CANCELLED");
    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("CANCELLED");
  }

  /** Says the same for ever, each time a moment later. */
  private static ScriptedReply again(int said) {
    return ScriptedReply.call("call_" + said, "agents_list", "{}").slowly(Duration.ofMillis(100));
  }

  @Test
  void deletingTheParentAgentStopsItsChildsRun() {
    String parent = agent("Doomed", "self/agents_list", "agent/Busy");
    agent("Busy", "self/agents_list");
    script.says("Doomed", ask("Busy"));
    script.says("Busy", SubAgentTest::again);
    String thread = owner.say("Doomed", "Go.");
    String run = id(RunWaits.until(owner, thread, "AWAITING_CHILD"));
    String child = id(child(run));
    Awaitility.await().atMost(LONG).until(() -> script.heard("Busy").size() > 1);

    owner.call("DELETE", "/api/v1/agents/" + parent, null).ok();

    assertStopped(RunWaits.runOver(owner, child), Instant.now());
    assertStopped(RunWaits.runOver(owner, run), Instant.now());
    assertThat(denials()).contains("AGENT_GONE");
  }

  @Test
  void whoeverIsRemovedTakesTheirRunsAlong() {
    agent("Servant", "self/agents_list");
    script.says("Servant", SubAgentTest::again);
    Newcomers.Newcomer leaving = Newcomers.join(server, owner, "leaving@example.org", "MEMBER");
    String me = owner.get("/api/v1/me").ok().get("userId").textValue();
    // The owner takes part, to see how it ends.
    String thread =
        id(
            leaving
                .client()
                .post(
                    "/api/v1/threads",
                    "{\"agentIds\": [\"%s\"], \"userIds\": [\"%s\"]}"
                        .formatted(owner.agent("Servant"), me))
                .ok());
    leaving.client().post("/api/v1/threads/" + thread + "/messages", "{\"text\": \"Go.\"}").ok();
    Awaitility.await().atMost(LONG).until(() -> script.heard("Servant").size() > 1);

    owner.call("DELETE", "/api/v1/members/" + leaving.userId(), null).ok();

    assertStopped(RunWaits.over(owner, thread), Instant.now());
    assertThat(denials()).contains("NOT_A_MEMBER");
  }

  private static void assertStopped(JsonNode run, Instant seen) {
    assertThat(run.get("status").textValue()).as("%s", run).isEqualTo("FAILED");
    assertThat(run.get("reason").textValue()).contains("denied");
    assertThat(Instant.parse(run.get("finishedAt").textValue())).isBeforeOrEqualTo(seen);
  }

  private static List<String> denials() {
    return owner
        .get("/api/v1/audit?outcome=denied&pageSize=200")
        .ok()
        .get("entries")
        .findValuesAsText("reason");
  }
}
