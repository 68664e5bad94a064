package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.server.Operations.Operation;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One policy, every way to make the call: the same refusal, and one audit entry for it. */
class PolicyFacesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();

  private static final String NO_AGENTS =
      """
      deny contains "no agents on this ship" if input.action == "agents.create"
      """;

  @TempDir private static Path folder;

  @BeforeAll
  static void tools() {
    Rules.importCounter(owner, "crm", folder);
    Rules.setTool(owner, "crm/read", "EFFECT_READ_ONLY", "confidential");
    Rules.setTool(owner, "crm/increment", "EFFECT_IDEMPOTENT", "outbound");
  }

  @AfterEach
  void noPolicies() {
    for (JsonNode policy : owner.get("/api/v1/policies").ok().get("policies")) {
      Rules.delete(owner, policy.get("id").textValue());
    }
  }

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  /** The whole course of what an agent does, with its run's id. */
  private static String run(String agent) {
    return RunWaits.over(owner, owner.say(agent, "Go.")).get("id").textValue();
  }

  @Test
  void aDeniedMethodIsRefusedTheSameWayInEveryProtocol() {
    Rules.activate(owner, "ship", NO_AGENTS);
    Operation create = Operations.named("AgentService.CreateAgent");
    int before = Rules.denials(owner, "agents.create").size();

    TestServer.Answer rest = owner.post("/api/v1/agents", "{\"name\": \"Pirate\"}");
    assertThat(rest.status()).isEqualTo(403);
    assertThat(rest.reason()).isEqualTo("POLICY");
    assertThat(Objects.requireNonNull(rest.body()).get("message").textValue())
        .isEqualTo("no agents on this ship");
    assertThat(Rpc.connect(server, create, owner.token()))
        .isEqualTo(new Rpc.Refusal(403, "permission_denied", "POLICY"));
    assertThat(Rpc.grpc(server, create, owner.token()))
        .isEqualTo(new Rpc.Refusal(7, "PERMISSION_DENIED", "POLICY"));

    List<JsonNode> denials = Rules.denials(owner, "agents.create");
    assertThat(denials).hasSize(before + 3);
    JsonNode policy = Rules.policy(denials.getFirst());
    assertThat(policy.get("rules").get(0).textValue()).isEqualTo("mandate.policies.ship.deny@3");
    assertThat(policy.get("input").textValue()).matches("[0-9a-f]{64}");
    assertThat(policy.get("set").asLong()).isPositive();
    assertThat(policy.has("micros")).isTrue();
  }

  @Test
  void theSameRuleHoldsForAnAgentsToolAndADirectCall() {
    script.says(
        "Recruiter", ScriptedReply.call("call_1", "agents_create", "{\"name\": \"Pirate\"}"));
    Rules.agent(owner, "Recruiter", "self/agents_create");
    Rules.activate(owner, "ship", NO_AGENTS);
    int before = Rules.denials(owner, "*").size();

    String run = run("Recruiter");
    JsonNode denied = RunWaits.steps(owner, run, "tool_denied").getFirst();
    assertThat(denied.get("outcome").textValue()).isEqualTo("POLICY");
    assertThat(denied.get("reason").textValue()).isEqualTo("no agents on this ship");
    TestServer.Answer direct = Rules.call(owner, "self/agents_create", "{\"name\": \"Pirate\"}");
    assertThat(direct.status()).isEqualTo(403);
    assertThat(direct.reason()).isEqualTo("POLICY");

    List<JsonNode> denials = Rules.denials(owner, "*");
    assertThat(denials).hasSize(before + 2);
    assertThat(denials.subList(0, 2))
        .allSatisfy(entry ->
            assertThat(Rules.policy(entry).path("rules").toString())
                .contains("mandate.policies.ship.deny@3"));
  }

  @Test
  void aToolOfAnotherServerIsRefusedInARunAndDirectly() {
    Rules.activate(
        owner,
        "crm",
        """
        deny contains msg if {
        	input.action == "tools.call"
        	input.resource.name == "crm/increment"
        	input.resource.source == "crm"
        	msg := sprintf("%s may not count", [input.subject.kind])
        }
        """);
    Rules.agent(owner, "Counting", "crm/*");
    script.says("Counting", ScriptedReply.call("call_1", "crm_increment", "{}"));

    JsonNode denied = RunWaits.steps(owner, run("Counting"), "tool_denied").getFirst();
    assertThat(denied.get("reason").textValue()).isEqualTo("agent may not count");
    TestServer.Answer direct = Rules.call(owner, "crm/increment", "{}");
    assertThat(direct.reason()).isEqualTo("POLICY");
    assertThat(Objects.requireNonNull(direct.body()).get("message").textValue())
        .isEqualTo("user may not count");
    assertThat(Rules.call(owner, "crm/read", "{}").status()).isEqualTo(200);
  }

  @Test
  void aModelIsRefusedByItsTokensAndStreamsAreRefusedAsWell() {
    Rules.agent(owner, "Bookworm");
    Rules.activate(
        owner,
        "frugal",
        """
        deny contains "too much to read" if {
        	input.action == "models.use"
        	input.resource.type == "model"
        	input.resource.tokens > 1
        	input.resource.cost_micros == 0
        	input.env.run.tools_called == []
        }

        deny contains "nobody watches" if input.action == "threads.watch"
        """);
    String thread = owner.say("Bookworm", "Go.");
    JsonNode run = RunWaits.over(owner, thread);

    assertThat(run.get("status").textValue()).isEqualTo("FAILED");
    assertThat(run.get("reason").textValue()).contains("too much to read");
    Operation watch = Operations.named("RunService.WatchThread");
    assertThat(watch.action()).isEqualTo("threads.watch");
    TestServer.Answer stream = owner.get("/api/v1/threads/" + thread + "/events");
    assertThat(stream.status()).isEqualTo(403);
    assertThat(stream.reason()).isEqualTo("POLICY");
  }

  @Test
  void anotherPersonsApprovalIsWaitedForInARunAndSaidEverywhereElse() {
    Newcomers.Newcomer colleague = Newcomers.join(server, owner, "colleague@example.org", "MEMBER");
    Rules.agent(owner, "Deleter", "self/agents_delete");
    String victim = Rules.agent(owner, "Victim");
    Rules.activate(
        owner,
        "four_eyes",
        """
        require_approval contains {"decider": "other", "reason": "four eyes"} if {
        	input.action == "agents.delete"
        }
        """);
    script.says(
        "Deleter", ScriptedReply.call("call_1", "agents_delete", "{\"id\": \"" + victim + "\"}"));

    TestServer.Answer direct = owner.call("DELETE", "/api/v1/agents/" + victim, null);
    assertThat(direct.status()).isEqualTo(400);
    assertThat(direct.reason()).isEqualTo("APPROVAL_REQUIRED");
    assertThat(Objects.requireNonNull(direct.body()).get("message").textValue())
        .contains("other", "four eyes");
    assertThat(Rules.call(owner, "self/agents_delete", "{\"id\": \"" + victim + "\"}").reason())
        .isEqualTo("APPROVAL_REQUIRED");

    String thread = owner.say("Deleter", "Go.");
    RunWaits.until(owner, thread, "AWAITING_APPROVAL");
    String approval =
        owner
            .get("/api/v1/approvals?status=PENDING")
            .ok()
            .get("approvals")
            .get(0)
            .get("id")
            .textValue();
    assertThat(owner.post("/api/v1/approvals/" + approval + ":approve", "{}").reason())
        .isEqualTo("NOT_THE_DECIDER");
    colleague.client().post("/api/v1/approvals/" + approval + ":approve", "{}").ok();
    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("SUCCEEDED");
    assertThat(owner.get("/api/v1/agents/" + victim).status()).isEqualTo(404);
  }

  @Test
  void whatTheRunHasSeenMustNotLeaveIt() {
    Rules.agent(owner, "Leaking", "crm/*");
    Rules.agent(owner, "Clean", "crm/*");
    Rules.activate(
        owner,
        "exfiltration",
        """
        deny contains "confidential data must not leave" if {
        	"outbound" in input.resource.labels
        	"confidential" in input.env.run.labels
        }
        """);
    ScriptedReply send = ScriptedReply.call("call_2", "crm_increment", "{}");
    script.says("Leaking", ScriptedReply.call("call_1", "crm_read", "{}"), send);
    script.says("Clean", send);

    String thread = owner.say("Leaking", "Go.");
    String run = RunWaits.over(owner, thread).get("id").textValue();
    assertThat(RunWaits.steps(owner, run, "tool_denied")).hasSize(1);
    assertThat(RunWaits.steps(owner, run("Clean"), "tool_denied")).isEmpty();

    // Another message on the thread starts another run, which has read what the first one said; and
    // a label taken off meanwhile does not undo it.
    Rules.setTool(owner, "crm/read", "EFFECT_READ_ONLY");
    try {
      script.says("Leaking", said -> said == 1 ? send : ScriptedReply.text("Done."));
      owner.post("/api/v1/threads/" + thread + "/messages", "{\"text\": \"Now send it.\"}").ok();
      JsonNode second =
          org.awaitility.Awaitility.await()
              .atMost(java.time.Duration.ofSeconds(60))
              .until(
                  () -> owner.run(thread),
                  each ->
                      !each.get("id").textValue().equals(run)
                          && each.get("status").textValue().equals("SUCCEEDED"));
      List<JsonNode> denied =
          RunWaits.steps(
              owner, Objects.requireNonNull(second).get("id").textValue(), "tool_denied");
      assertThat(denied).hasSize(1);
    } finally {
      Rules.setTool(owner, "crm/read", "EFFECT_READ_ONLY", "confidential");
    }
  }

  @Test
  void obligationsAreCarriedOutOnWhatAToolReturns() {
    Rules.agent(owner, "Curious", "crm/*", "agent/Helper");
    Rules.agent(owner, "Helper");
    script.says("Helper", ScriptedReply.text("the value is \"value\":42"));
    script.says(
        "Curious",
        ScriptedReply.call("call_1", "crm_read", "{}"),
        ScriptedReply.call("call_2", "agent_Helper", "{\"request\": \"Go.\"}"));
    Rules.activate(
        owner,
        "redact",
        """
        obligations contains {"type": "redact", "pattern": "value.{1,3}"} if {
        	input.action == "tools.call"
        }

        obligations contains {"type": "log", "message": "somebody looks"} if {
        	input.action == "tools.call"
        }
        """);

    String text = Rules.call(owner, "crm/read", "{}").ok().get("text").textValue();
    assertThat(text).contains("[redacted]").doesNotContain("value");
    String run = run("Curious");
    JsonNode finished = RunWaits.steps(owner, run, "tool_finished").getFirst();
    assertThat(finished.get("text").textValue()).contains("[redacted]").doesNotContain("value");
    JsonNode child = RunWaits.steps(owner, run, "child_finished").getFirst();
    assertThat(child.get("text").textValue()).contains("[redacted]").doesNotContain("42");
    JsonNode entry =
        owner
            .get("/api/v1/audit?pageSize=1&action=tools.call&resource=tool:crm/read")
            .ok()
            .get("entries")
            .get(0);
    assertThat(entry.get("detailsJson").textValue())
        .contains("obligations", "redact value.{1,3}", "log somebody looks", "\"policy\"");
  }

  @Test
  void anAllowedChangeSaysInItsAuditEntryWhichPoliciesDecided() throws Exception {
    Rules.activate(owner, "ship", NO_AGENTS);
    owner.post("/api/v1/threads", "{\"title\": \"Under policy\"}").ok();
    JsonNode entry =
        owner.get("/api/v1/audit?pageSize=1&action=threads.create").ok().get("entries").get(0);
    assertThat(
            JSON.readTree(entry.get("detailsJson").textValue()).path("policy").path("set").asLong())
        .isPositive();
  }
}
