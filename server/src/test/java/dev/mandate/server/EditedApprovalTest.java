package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.testing.ScriptedChat;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person makes of a call that waits for an approval, and of one that got no answer. */
class EditedApprovalTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();

  @TempDir Path folder;

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  private static void agent(String name, String tool) {
    owner
        .post(
            "/api/v1/agents",
            "{\"name\": \"%1$s\", \"instructions\": \"%1$s\", \"tools\": [{\"tool\": \"%2$s\"}]}"
                .formatted(name, tool))
        .ok();
  }

  /** The approval that a thread's run waits for. */
  private static JsonNode asked(TestServer.Client client, String thread) {
    String run = RunWaits.until(client, thread, "AWAITING_APPROVAL").get("id").textValue();
    for (JsonNode approval : client.get("/api/v1/approvals?status=PENDING").ok().get("approvals")) {
      if (approval.get("runId").textValue().equals(run)) {
        return approval;
      }
    }
    throw new AssertionError("nothing is asked on thread " + thread);
  }

  private static String approve(JsonNode approval) {
    return "/api/v1/approvals/" + approval.get("id").textValue() + ":approve";
  }

  private static String edit(String arguments) {
    ObjectNode body = JSON.createObjectNode().put("argumentsJson", arguments);
    return body.put("comment", "another name").toString();
  }

  private static boolean exists(String agent) {
    return owner.get("/api/v1/agents?name=" + agent).ok().path("agents").size() > 0;
  }

  @Test
  void theCallGoesOutWithWhatThePersonWroteAndTheModelIsTold() {
    agent("Namer", "self/agents_create");
    script.says("Namer", ScriptedReply.call("c1", "agents_create", "{\"name\": \"Asked\"}"));
    String thread = owner.say("Namer", "Add one.");
    JsonNode asked = asked(owner, thread);

    JsonNode given = owner.post(approve(asked), edit("{\"name\": \"Edited\"}")).ok();
    JsonNode run = RunWaits.over(owner, thread);

    assertThat(run.get("status").textValue()).as("%s", run).isEqualTo("SUCCEEDED");
    assertThat(exists("Edited")).isTrue();
    assertThat(exists("Asked")).isFalse();
    assertThat(given.get("status").textValue()).isEqualTo("APPROVED");
    assertThat(given.get("replaces")).isEqualTo(asked.get("id"));
    assertThat(given.get("argumentsHash")).isNotEqualTo(asked.get("argumentsHash"));
    JsonNode denied = owner.get("/api/v1/approvals/" + asked.get("id").textValue()).ok();
    assertThat(denied.get("status").textValue()).isEqualTo("DENIED");
    assertThat(denied.get("replacedBy")).isEqualTo(given.get("id"));

    String id = run.get("id").textValue();
    JsonNode edited = RunWaits.steps(owner, id, "approval_edited").getFirst();
    assertThat(edited.get("approvalId")).isEqualTo(asked.get("id"));
    assertThat(edited.get("replacementApprovalId")).isEqualTo(given.get("id"));
    assertThat(edited.get("argumentsJson").textValue()).isEqualTo("{\"name\": \"Edited\"}");
    JsonNode requested = RunWaits.steps(owner, id, "tool_requested").getFirst();
    assertThat(requested.get("argumentsJson").textValue()).isEqualTo("{\"name\": \"Asked\"}");
    ScriptedChat.Result told =
        script.heard("Namer").getLast().turns().getLast().results().getFirst();
    assertThat(told.content())
        .startsWith("[A person changed the arguments of this call")
        .contains("{\"name\": \"Edited\"}");
    for (JsonNode approval : List.of(denied, given)) {
      JsonNode entries =
          owner.get("/api/v1/audit?resource=approval:" + approval.get("id").textValue()).ok();
      assertThat(entries.get("entries").findValuesAsText("action"))
          .contains(approval.equals(given) ? "approvals.approve" : "approvals.deny");
    }
  }

  @Test
  void whatTheToolDoesNotTakeIsRefusedAndTheQuestionStaysOpen() {
    agent("Clumsy", "self/agents_create");
    script.says("Clumsy", ScriptedReply.call("c1", "agents_create", "{\"name\": \"Open\"}"));
    String thread = owner.say("Clumsy", "Add one.");
    JsonNode asked = asked(owner, thread);

    TestServer.Answer wrong = owner.post(approve(asked), edit("{\"nmae\": \"Typo\"}"));
    TestServer.Answer none = owner.post(approve(asked), edit("[]"));

    assertThat(wrong.status()).isEqualTo(400);
    assertThat(Objects.requireNonNull(wrong.body()).get("message").textValue())
        .contains("arguments_json")
        .contains("nmae");
    assertThat(none.status()).isEqualTo(400);
    assertThat(asked(owner, thread).get("id")).isEqualTo(asked.get("id"));
    owner.post(approve(asked), edit("{ \"name\" : \"Open\" }")).ok();
    RunWaits.over(owner, thread);
    // The same arguments in other words are no edit.
    assertThat(owner.get("/api/v1/approvals/" + asked.get("id").textValue()).ok().get("status"))
        .isEqualTo(JSON.getNodeFactory().textNode("APPROVED"));
    assertThat(exists("Open")).isTrue();
  }

  @Test
  void whoeverMayNotMakeTheCallMayNotWriteItsArguments() {
    agent("Curious", "self/agents_create");
    script.says("Curious", ScriptedReply.call("c1", "agents_create", "{\"name\": \"Kept\"}"));
    Newcomers.Newcomer member = Newcomers.join(server, owner, "editor@example.org", "MEMBER");
    String narrow =
        owner
            .post("/api/v1/tokens", "{\"name\": \"n\", \"scopes\": [\"approvals.*\"]}")
            .ok()
            .get("secret")
            .textValue();
    String thread = owner.say("Curious", "Try again.");
    JsonNode asked = asked(owner, thread);
    String other = edit("{\"name\": \"Lifted\"}");

    assertThat(member.client().post(approve(asked), other).status()).isEqualTo(404);
    assertThat(server.client(narrow).post(approve(asked), other).reason()).isEqualTo("TOKEN_SCOPE");
    assertThat(asked(owner, thread).get("id")).isEqualTo(asked.get("id"));
    owner.post(approve(asked).replace(":approve", ":deny"), "{}").ok();
    RunWaits.over(owner, thread);
    assertThat(exists("Lifted")).isFalse();
  }

  @Test
  void aCallThatChangesSomethingAndGetsNoAnswerInTimeIsInDoubtAndCanBeLookedUp() {
    Counters.add(owner, "silent", folder.resolve("effects.jsonl"));
    Counters.set(owner, "silent/hang", "timeoutSeconds", "4");
    agent("Patient", "silent/hang");
    script.says("Patient", ScriptedReply.call("c1", "silent_hang", "{}"));
    String thread = owner.say("Patient", "Wait.");
    owner.post(approve(asked(owner, thread)), "{}").ok();

    JsonNode run = RunWaits.until(owner, thread, "IN_DOUBT");

    String id = run.get("id").textValue();
    assertThat(RunWaits.steps(owner, id, "tool_finished")).isEmpty();
    JsonNode started = RunWaits.steps(owner, id, "tool_started").getFirst();
    assertThat(started.get("attempt").intValue()).isEqualTo(1);
    assertThat(started.get("idempotencyKey").textValue()).startsWith(id).endsWith("/c1");
    owner
        .post(
            "/api/v1/runs/" + id + ":settle",
            "{\"callId\": \"c1\", \"settlement\": \"DID_NOT_HAPPEN\"}")
        .ok();
    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("SUCCEEDED");
  }
}
