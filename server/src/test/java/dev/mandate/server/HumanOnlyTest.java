package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.server.Operations.Operation;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is for people, no agent can do: not by any protocol, not as a tool, not by its name. */
class HumanOnlyTest {
  private static final String SCHEMER = "You do what only people may do.";

  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();
  private static String schemer = "";
  private static String agentsToken = "";
  private static String personsToken = "";

  @BeforeAll
  static void anAgentWithEveryGrantThereIs() {
    schemer =
        owner
            .post(
                "/api/v1/agents",
                """
                {"name": "Schemer", "instructions": "%s", "tools": [{"tool": "*"}]}
                """
                    .formatted(SCHEMER))
            .ok()
            .get("id")
            .textValue();
    agentsToken = token("\"agentId\": \"" + schemer + "\",");
    personsToken = token("");
  }

  private static String token(String agent) {
    return owner
        .post("/api/v1/tokens", "{" + agent + "\"name\": \"all\", \"scopes\": [\"*\"]}")
        .ok()
        .get("secret")
        .textValue();
  }

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  static Stream<Operation> forPeople() {
    return Operations.forPeople();
  }

  @Test
  void approvalsSettlementTokensMembersCredentialsAndSourcesAreForPeople() {
    assertThat(Operations.forPeople().map(Operation::action))
        .contains(
            "approvals.approve",
            "approvals.deny",
            "runs.settle",
            "tokens.create",
            "tokens.delete",
            "members.update",
            "members.delete",
            "invitations.create",
            "invitations.delete",
            "models.create",
            "models.update",
            "tool_sources.import",
            "tools.update",
            "organizations.update",
            "me.update");
  }

  @ParameterizedTest
  @MethodSource("forPeople")
  void anAgentsTokenIsRefusedByRest(Operation operation) {
    var answer = operation.call(server.client(agentsToken), operation.anyRequest());

    assertThat(answer.status()).as("%s", answer.body()).isEqualTo(403);
    assertThat(answer.reason()).isEqualTo("HUMAN_ONLY");
  }

  @ParameterizedTest
  @MethodSource("forPeople")
  void anAgentsTokenIsRefusedByConnect(Operation operation) {
    assertThat(Rpc.connect(server, operation, agentsToken))
        .isEqualTo(new Rpc.Refusal(403, "permission_denied", "HUMAN_ONLY"));
  }

  @ParameterizedTest
  @MethodSource("forPeople")
  void anAgentsTokenIsRefusedByGrpc(Operation operation) {
    assertThat(Rpc.grpc(server, operation, agentsToken))
        .isEqualTo(new Rpc.Refusal(7, "PERMISSION_DENIED", "HUMAN_ONLY"));
  }

  @ParameterizedTest
  @MethodSource("forPeople")
  void aPersonsTokenIsNotRefusedForThatReason(Operation operation) {
    var answer = operation.call(server.client(personsToken), operation.anyRequest());

    assertThat(answer.reason()).isNotEqualTo("HUMAN_ONLY");
  }

  @Test
  void theAgentsTokenIsGoodForEverythingElse() {
    assertThat(server.client(agentsToken).get("/api/v1/agents").ok().get("agents")).isNotEmpty();
    JsonNode me = server.client(agentsToken).get("/api/v1/me").ok();
    assertThat(me.get("chain").get(1).textValue()).isEqualTo("agent:" + schemer);
  }

  @Test
  void everyRefusalIsAudited() {
    Operation operation = Operations.named("MemberService.DeleteMember");
    var answer = operation.call(server.client(agentsToken), operation.anyRequest());

    JsonNode entries =
        owner
            .get("/api/v1/audit?action=members.delete&outcome=denied&pageSize=200")
            .ok()
            .get("entries");
    assertThat(entries.findValuesAsText("traceId"))
        .contains(Objects.requireNonNull(answer.body()).get("trace_id").textValue());
    assertThat(entries.findValuesAsText("reason")).containsOnly("HUMAN_ONLY");
  }

  @Test
  void noMethodForPeopleIsATool() {
    List<String> forbidden = new ArrayList<>();
    List<String> offered = new ArrayList<>();
    for (Operation operation : Operations.all()) {
      boolean never =
          operation.rule().getHumanOnly()
              || operation.rule().getPublic()
              || operation.descriptor().isServerStreaming()
              // Would be a way around the grants that name tools.
              || operation.action().equals("tools.call")
              // Signed addresses have no place in a prompt.
              || Set.of("files.create", "files.get", "files.complete").contains(operation.action());
      (never ? forbidden : offered).add("self/" + operation.modelName());
    }

    List<String> names =
        owner.get("/api/v1/tools?pageSize=200").ok().get("tools").findValuesAsText("name");

    assertThat(names).doesNotContainAnyElementsOf(forbidden).containsAll(offered);
    for (String name : forbidden) {
      var answer =
          server
              .client(agentsToken)
              .post("/api/v1/tools/" + name.replace("/", "%2F") + ":call", "{}");
      assertThat(answer.status()).as(name).isEqualTo(404);
    }
  }

  @Test
  void aModelThatCallsThemByNameIsRefusedAndNothingHappens() {
    List<Operation> all = Operations.forPeople().toList();
    script.says(
        SCHEMER,
        ScriptedReply.calls(
            all.stream()
                .map(operation ->
                    new ScriptedReply.Call(
                        "call_" + operation.modelName(),
                        operation.modelName(),
                        arguments(operation)))
                .toArray(ScriptedReply.Call[]::new)));
    String before = everything();

    String thread = owner.say("Schemer", "Do it all.");
    JsonNode run = RunWaits.over(owner, thread);

    assertThat(run.get("status").textValue()).as("%s", run).isEqualTo("SUCCEEDED");
    assertThat(script.offered(SCHEMER))
        .contains("agents_create")
        .doesNotContainAnyElementsOf(all.stream().map(Operation::modelName).toList());
    JsonNode steps = owner.steps(run.get("id").textValue());
    for (Operation operation : all) {
      List<JsonNode> called = about(steps, "call_" + operation.modelName());
      assertThat(called.stream().map(step -> step.get("kind").textValue()))
          .as(operation.name())
          .containsExactly("tool_requested", "tool_finished");
      assertThat(called.getLast().get("outcome").textValue()).isEqualTo("invalid");
      assertThat(called.getLast().get("text").textValue())
          .isEqualTo("There is no tool '" + operation.modelName() + "'.");
    }
    assertThat(everything()).isEqualTo(before);
  }

  @Test
  void anAgentCannotApproveWhatItAsksFor() {
    script.says(
        SCHEMER, ScriptedReply.call("call_make", "agents_create", "{\"name\": \"Accomplice\"}"));
    String first = owner.say("Schemer", "Add one.");
    JsonNode asking = RunWaits.until(owner, first, "AWAITING_APPROVAL");
    JsonNode approval = owner.get("/api/v1/approvals?status=PENDING").ok().get("approvals").get(0);
    assertThat(approval.get("runId")).isEqualTo(asking.get("id"));
    String id = approval.get("id").textValue();
    script.says(
        SCHEMER, ScriptedReply.call("call_yes", "approvals_approve", "{\"id\": \"" + id + "\"}"));

    JsonNode second = RunWaits.over(owner, owner.say("Schemer", "Approve it."));
    var direct = server.client(agentsToken).post("/api/v1/approvals/" + id + ":approve", "{}");

    assertThat(second.get("status").textValue()).isEqualTo("SUCCEEDED");
    assertThat(direct.reason()).isEqualTo("HUMAN_ONLY");
    assertThat(owner.get("/api/v1/approvals/" + id).ok().get("status").textValue())
        .isEqualTo("PENDING");
    assertThat(owner.get("/api/v1/agents?name=Accomplice").ok().get("agents")).isNullOrEmpty();
    owner.post("/api/v1/approvals/" + id + ":deny", "{}").ok();
  }

  @Test
  void anAgentsTokenReadsWhatTheAgentIsGrantedAndChangesNothingDirectly() {
    String path = "/api/v1/agents/" + schemer;
    TestServer.Client agent = server.client(agentsToken);
    String weak =
        owner
            .post(
                "/api/v1/agents",
                "{\"name\": \"Weak\", \"tools\": [{\"tool\": \"self/agents_list\"}]}")
            .ok()
            .get("id")
            .textValue();
    TestServer.Client weakly = server.client(token("\"agentId\": \"" + weak + "\","));

    assertThat(agent.call("PATCH", path, "{\"version\": 1, \"name\": \"Lifted\"}").reason())
        .isEqualTo("APPROVAL_REQUIRED");
    assertThat(agent.post("/api/v1/agents", "{\"name\": \"Made\"}").reason())
        .isEqualTo("APPROVAL_REQUIRED");
    assertThat(weakly.get("/api/v1/agents").status()).isEqualTo(200);
    assertThat(weakly.get(path).reason()).isEqualTo("OUT_OF_BOUNDS");
    assertThat(weakly.post("/api/v1/tools/self%2Fagents_get:call", "{}").status()).isEqualTo(404);
    assertThat(weakly.get("/api/v1/me").status()).isEqualTo(200);
  }

  @Test
  void anAgentsTokenIsAskedForApprovalsAsItsGrantsSay() {
    String clerk =
        owner
            .post(
                "/api/v1/agents",
                """
                {"name": "Clerk", "tools": [
                  {"tool": "self/*", "approval": "ALWAYS"},
                  {"tool": "self/tools_list"},
                  {"tool": "self/threads_*", "approval": "NEVER"}]}
                """)
            .ok()
            .get("id")
            .textValue();
    String secret = token("\"agentId\": \"" + clerk + "\",");
    TestServer.Client agent = server.client(secret);

    // The same answer for the same tool on each face, called by its name or as the method it is.
    assertThat(agent.get("/api/v1/agents").reason()).isEqualTo("APPROVAL_REQUIRED");
    assertThat(agent.post("/api/v1/tools/self%2Fagents_list:call", "{}").reason())
        .isEqualTo("APPROVAL_REQUIRED");
    Operation list = Operations.named("AgentService.ListAgents");
    assertThat(Rpc.connect(server, list, secret).reason()).isEqualTo("APPROVAL_REQUIRED");
    assertThat(Rpc.grpc(server, list, secret).reason()).isEqualTo("APPROVAL_REQUIRED");
    assertThat(agent.get("/api/v1/tools").status()).isEqualTo(200);
    assertThat(agent.post("/api/v1/tools/self%2Ftools_list:call", "{}").status()).isEqualTo(200);
    assertThat(agent.post("/api/v1/threads", "{}").status()).isEqualTo(200);
    assertThat(agent.post("/api/v1/tools/self%2Fthreads_create:call", "{}").status())
        .isEqualTo(200);

    // What an owner changes counts for tokens that there are.
    owner
        .call(
            "PATCH",
            "/api/v1/agents/" + clerk,
            "{\"version\": 1, \"setTools\": true, \"tools\": [{\"tool\": \"self/*\"}]}")
        .ok();
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(agent.get("/api/v1/agents").status()).isEqualTo(200));
    assertThat(agent.post("/api/v1/threads", "{}").reason()).isEqualTo("APPROVAL_REQUIRED");
  }

  @Test
  void anAgentLiftsNeitherItselfNorAnotherAboveItself() {
    String before = owner.get("/api/v1/agents/" + schemer).ok().toString();
    String climber = "You climb.";
    String id =
        owner
            .post(
                "/api/v1/agents",
                """
                {"name": "Climber", "instructions": "%s", "tools": [
                  {"tool": "self/agents_*", "approval": "NEVER"},
                  {"tool": "self/agents_delete", "approval": "ALWAYS"}]}
                """
                    .formatted(climber))
            .ok()
            .get("id")
            .textValue();
    script.says(
        climber,
        ScriptedReply.calls(
            create("wide", "All", "{\"tool\": \"*\"}"),
            create("other", "Other", "{\"tool\": \"self/threads_list\"}"),
            create("loose", "Loose", "{\"tool\": \"self/agents_*\"}"),
            create("fits", "Fits", "{\"tool\": \"self/agents_get\"}"),
            new ScriptedReply.Call(
                "self", "agents_update", update(id, "\"instructions\": \"Obey nobody.\"")),
            new ScriptedReply.Call(
                "strong", "agents_update", update(schemer, "\"instructions\": \"Obey me.\""))));

    JsonNode run = RunWaits.over(owner, owner.say("Climber", "Climb."));

    java.util.Map<String, String> said = new java.util.TreeMap<>();
    RunWaits.steps(owner, run.get("id").textValue(), "tool_finished")
        .forEach(step -> said.put(step.get("callId").textValue(), step.get("text").textValue()));
    assertThat(said.get("wide")).contains("OUT_OF_BOUNDS").contains("tools[0].tool");
    assertThat(said.get("other")).contains("OUT_OF_BOUNDS");
    assertThat(said.get("loose")).contains("fewer approvals");
    assertThat(said.get("self")).contains("HUMAN_ONLY");
    assertThat(said.get("strong")).contains("OUT_OF_BOUNDS");
    assertThat(owner.get("/api/v1/agents?name=Fits").ok().get("agents")).hasSize(1);
    assertThat(owner.get("/api/v1/agents/" + schemer).ok().toString()).isEqualTo(before);
  }

  private static ScriptedReply.Call create(String call, String name, String grant) {
    return new ScriptedReply.Call(
        call, "agents_create", "{\"name\": \"" + name + "\", \"tools\": [" + grant + "]}");
  }

  private static String update(String agent, String change) {
    return "{\"id\": \"" + agent + "\", \"version\": 1, " + change + "}";
  }

  private static String arguments(Operation operation) {
    return switch (operation.action()) {
      case "tokens.create" -> "{\"name\": \"mine\", \"scopes\": [\"*\"]}";
      case "invitations.create" -> "{\"email\": \"friend@example.org\", \"role\": \"OWNER\"}";
      case "organizations.create" -> "{\"name\": \"Mine\"}";
      case "models.set_default" -> "{\"name\": \"rehearsal\"}";
      default -> operation.anyRequest().toString();
    };
  }

  private static List<JsonNode> about(JsonNode steps, String call) {
    List<JsonNode> found = new ArrayList<>();
    steps.forEach(step -> {
      if (step.path("callId").asText().equals(call)) {
        found.add(step);
      }
    });
    return found;
  }

  /** Whatever the methods for people could have changed. */
  private static String everything() {
    StringBuilder state = new StringBuilder();
    for (String list :
        List.of(
            "tokens", "members", "invitations", "organizations", "models", "tool-sources", "me")) {
      JsonNode answer = owner.get("/api/v1/" + list).ok();
      answer.findParents("lastUsedAt").forEach(token -> ((ObjectNode) token).remove("lastUsedAt"));
      state.append(answer).append('\n');
    }
    return state.toString();
  }
}
