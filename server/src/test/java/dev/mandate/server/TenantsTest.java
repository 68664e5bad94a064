package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.mandate.server.Operations.Operation;
import dev.mandate.server.demo.EffectCounter;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * In every operation another organization's ids answer exactly like ids that do not exist. The
 * first organization has one of everything; a stranger who owns another one, and a person who owns
 * both, try its ids there.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(300)
class TenantsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Of the tool server alone: a command takes no part as long as ours. */
  private static final String CLASS_PATH =
      Stream.of(EffectCounter.class, ObjectMapper.class, JsonFactory.class, JsonInclude.class)
          .map(type -> Path.of(URI.create(location(type))).toString())
          .collect(Collectors.joining(File.pathSeparator));

  private static final String FILE =
      "{\"name\": \"a.txt\", \"contentType\": \"text/plain\", \"size\": 1, \"sha256\": \"%s\"}"
          .formatted("0".repeat(64));

  private static final String ALPHA_POLICY =
      "{\"name\": \"alpha-policy\", \"module\": \"package alpha\"}";

  private static final String ASKING = "You add an agent, if you may.";

  /** Methods that take no id and list nothing, each with why no id could be tried. */
  private static final Map<String, String> WITHOUT_IDS =
      Map.ofEntries(
          Map.entry("SessionService.RefreshSession", "finds its row by a secret"),
          Map.entry("SessionService.DeleteCurrentSession", "concerns the caller's own session"),
          Map.entry("MeService.UpdateMe", "concerns the caller alone"),
          Map.entry("OrganizationService.CreateOrganization", "makes an organization of its own"),
          Map.entry("InvitationService.AcceptInvitation", "finds its row by a secret"),
          Map.entry("InvitationService.CreateInvitation", "see namesAndAddressesAreFreeElsewhere"),
          Map.entry("AgentService.CreateAgent", "see namesAndAddressesAreFreeElsewhere"),
          Map.entry("ModelService.CreateModel", "see namesAndAddressesAreFreeElsewhere"),
          Map.entry(
              "ToolSourceService.ImportToolSource", "unique keys begin with the organization"),
          Map.entry("FileService.CreateFile", "makes a file of the caller's own"),
          Map.entry("PolicyService.CreatePolicy", "see namesAndAddressesAreFreeElsewhere"),
          Map.entry(
              "PolicyService.TestPolicy",
              "see aDraftInThePlaceOfAnothersPolicyAnswersLikeOneOfNone"),
          Map.entry(
              "PolicyService.SimulatePolicy",
              "see aDraftInThePlaceOfAnothersPolicyAnswersLikeOneOfNone"));

  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));

  /** Owns the first organization, and a second one. */
  private static final TestServer.Client owner = server.owner();

  private static final TestServer.Client owningBoth = server.newOrganization("Second");
  private static final Newcomers.Newcomer stranger =
      Newcomers.join(server, owningBoth, "stranger@example.org", "OWNER");
  private static final Newcomers.Newcomer colleague =
      Newcomers.join(server, owner, "colleague@example.org", "MEMBER");

  @TempDir private static Path folder;

  /** The first organization's, by what each is. */
  private static final Map<String, String> ids = new TreeMap<>();

  private static final List<Case> cases = new ArrayList<>();

  /**
   * One field that takes an id.
   *
   * @param request with {@code $ID} where the id goes
   * @param status what the first organization's owner gets for its own id
   */
  private record Case(String operation, String field, String id, String request, int status) {
    @Override
    public String toString() {
      return operation + " with " + field;
    }
  }

  @BeforeAll
  static void oneOfEverything() {
    script.says(ASKING, ScriptedReply.call("call_1", "agents_create", "{\"name\": \"Wanted\"}"));
    ids.put("organization", text(owner.get("/api/v1/me").ok(), "organizationId"));
    ids.put(
        "agent",
        made(
            owner,
            "agents",
            "{\"name\": \"Alpha\", \"instructions\": \"%s\", \"tools\": [{\"tool\": \"*\"}]}"
                .formatted(ASKING)));
    ids.put("member", colleague.userId());
    ids.put(
        "invitation",
        text(
            owner
                .post(
                    "/api/v1/invitations",
                    "{\"email\": \"guest@example.org\", \"role\": \"MEMBER\"}")
                .ok()
                .get("invitation"),
            "id"));
    ids.put(
        "token",
        text(
            owner
                .post("/api/v1/tokens", "{\"name\": \"t\", \"scopes\": [\"*\"]}")
                .ok()
                .get("token"),
            "id"));
    owner
        .post(
            "/api/v1/models",
            """
            {"name": "alpha-model", "provider": "openai", "baseUrl": "%s", "remoteName": "scripted",
             "apiKey": "test-key-for-the-fake"}
            """
                .formatted(provider.openAiBaseUrl()))
        .ok();
    ids.put("model", "alpha-model");
    ids.put("source", text(owner.post("/api/v1/tool-sources:import", counter("alpha")).ok(), "id"));
    ids.put("tool", text(owner.get("/api/v1/tools/alpha%2Fread").ok(), "id"));
    ids.put("tool name", "alpha/read");
    String thread = owner.say("Alpha", "Add an agent named Wanted.");
    ids.put("thread", thread);
    ids.put(
        "message",
        text(
            owner.get("/api/v1/threads/" + thread + "/messages").ok().get("messages").get(0),
            "id"));
    ids.put("run", text(RunWaits.until(owner, thread, "AWAITING_APPROVAL"), "id"));
    ids.put("approval", text(owner.get("/api/v1/approvals").ok().get("approvals").get(0), "id"));
    ids.put("file", text(owner.post("/api/v1/files", FILE).ok().get("file"), "id"));
    ids.put("policy", text(owner.post("/api/v1/policies", ALPHA_POLICY).ok(), "id"));
    ids.put(
        "decision",
        text(
            Objects.requireNonNull(
                    org.awaitility.Awaitility.await()
                        .atMost(java.time.Duration.ofSeconds(60))
                        .until(
                            () -> owner.get("/api/v1/decisions").ok().get("decisions"),
                            decisions -> !decisions.isEmpty()))
                .get(0),
            "id"));
    ids.put("job", text(owner.get("/api/v1/jobs").ok().get("jobs").get(0), "id"));
    list();
  }

  /** Reads first, then what changes something, then what takes something away. */
  private static void list() {
    add("AgentService.GetAgent", "id", "agent", "{'id': '$ID'}");
    add("AgentService.ListAgentVersions", "id", "agent", "{'id': '$ID'}");
    add("ApprovalService.GetApproval", "id", "approval", "{'id': '$ID'}");
    add("ThreadService.GetThread", "id", "thread", "{'id': '$ID'}");
    add("ThreadService.ListMessages", "thread_id", "thread", "{'threadId': '$ID'}");
    add("RunService.GetRun", "id", "run", "{'id': '$ID'}");
    add("RunService.ListRuns", "thread_id", "thread", "{'threadId': '$ID'}");
    add("RunService.ListSteps", "run_id", "run", "{'runId': '$ID'}");
    add("FileService.GetFile", "id", "file", "{'id': '$ID'}");
    add("OrganizationService.GetOrganization", "id", "organization", "{'id': '$ID'}");
    add("ModelService.GetModel", "name", "model", "{'name': '$ID'}");
    add("PolicyService.GetPolicy", "id", "policy", "{'id': '$ID'}");
    add("PolicyService.ListPolicyVersions", "id", "policy", "{'id': '$ID'}");
    add("DecisionService.GetDecision", "id", "decision", "{'id': '$ID'}");
    add("ToolSourceService.GetToolSource", "id", "source", "{'id': '$ID'}");
    add("ToolService.ListTools", "source_id", "source", "{'sourceId': '$ID'}");
    add("ToolService.GetTool", "id", "tool", "{'id': '$ID'}");
    add("ToolService.GetTool", "id", "tool name", "{'id': '$ID'}");
    add(
        "SessionService.CreateSession",
        "organization_id",
        "organization",
        "{'email': '$EMAIL', 'password': '$PASSWORD', 'organizationId': '$ID'}");

    add(
        "TokenService.CreateToken",
        "agent_id",
        "agent",
        "{'name': 't', 'scopes': ['*'], 'agentId': '$ID'}");
    add("AgentService.UpdateAgent", "id", "agent", "{'id': '$ID', 'version': 1, 'name': 'Alpha'}");
    add("ThreadService.CreateThread", "agent_ids", "agent", "{'agentIds': ['$ID']}");
    add("ThreadService.CreateThread", "user_ids", "member", "{'userIds': ['$ID']}");
    add(
        "ThreadService.CreateMessage",
        "parent_id",
        "message",
        "{'threadId': '$OWN_THREAD', 'text': 'x', 'parentId': '$ID'}");
    add(
        "ThreadService.CreateMessage",
        "attachments",
        "file",
        "{'threadId': '$OWN_THREAD', 'attachments': ['$ID']}",
        400);
    add("ThreadService.CreateMessage", "thread_id", "thread", "{'threadId': '$ID', 'text': 'x'}");
    add(
        "ThreadService.MarkRead",
        "message_id",
        "message",
        "{'id': '$OWN_THREAD', 'messageId': '$ID'}");
    add("ThreadService.MarkRead", "id", "thread", "{'id': '$ID'}");
    add(
        "ThreadService.BranchThread",
        "thread_id",
        "thread",
        "{'threadId': '$ID', 'messageId': '00000000-0000-7000-8000-0000000000aa'}",
        404);
    add(
        "ThreadService.BranchThread",
        "message_id",
        "message",
        "{'threadId': '$OWN_THREAD', 'messageId': '$ID'}",
        200);
    add("RunService.ReplayRun", "id", "run", "{'id': '$ID'}");
    add("ModelService.TestModel", "name", "model", "{'name': '$ID'}");
    add("ModelService.UseModel", "name", "model", "{'name': '$ID'}");
    add(
        "ModelService.UpdateModel",
        "name",
        "model",
        "{'name': '$ID', 'version': 1, 'remoteName': 'scripted'}");
    add(
        "PolicyService.AddPolicyVersion",
        "id",
        "policy",
        "{'id': '$ID', 'version': 1, 'module': 'package alpha'}");
    add("PolicyService.ActivatePolicy", "id", "policy", "{'id': '$ID'}");
    add("PolicyService.DeactivatePolicy", "id", "policy", "{'id': '$ID'}");
    add("ToolSourceService.RefreshToolSource", "id", "source", "{'id': '$ID'}");
    add("ToolService.CallTool", "id", "tool name", "{'id': '$ID', 'argumentsJson': '{}'}");
    add(
        "ToolService.UpdateTool",
        "id",
        "tool",
        "{'id': '$ID', 'version': $VERSION, 'enabled': true}");
    add("ToolService.CallTool", "id", "tool", "{'id': '$ID', 'argumentsJson': '{}'}");
    add("MemberService.UpdateMember", "user_id", "member", "{'userId': '$ID', 'role': 'VIEWER'}");
    add(
        "OrganizationService.UpdateOrganization",
        "id",
        "organization",
        "{'id': '$ID', 'version': 1, 'name': 'First'}");
    // It waits for its time, and the run for its approval: refused, but not as unknown.
    add("JobService.RetryJob", "id", "job", "{'id': '$ID'}", 400);
    add(
        "RunService.SettleRun",
        "id",
        "run",
        "{'id': '$ID', 'callId': 'call_1', 'settlement': 'HAPPENED'}",
        400);
    add(
        "ApprovalService.ApproveApproval",
        "id",
        "approval",
        "{'id': '$ID', 'argumentsHash': 'x'}",
        400);
    // Nothing was sent for it.
    add("FileService.CompleteFile", "id", "file", "{'id': '$ID'}", 400);
    add("ApprovalService.DenyApproval", "id", "approval", "{'id': '$ID'}");
    add("RunService.CancelRun", "id", "run", "{'id': '$ID'}");

    add("AgentService.SuspendAgent", "id", "agent", "{'id': '$ID'}");
    add("AgentService.ResumeAgent", "id", "agent", "{'id': '$ID'}");
    add("TokenService.SuspendToken", "id", "token", "{'id': '$ID'}");
    add("TokenService.ResumeToken", "id", "token", "{'id': '$ID'}");
    add("ToolService.SuspendTool", "id", "tool", "{'id': '$ID'}");
    add("ToolService.ResumeTool", "id", "tool", "{'id': '$ID'}");
    add("MemberService.SuspendMember", "id", "member", "{'id': '$ID'}");
    add("MemberService.ResumeMember", "id", "member", "{'id': '$ID'}");
    add("OrganizationService.SuspendOrganization", "id", "organization", "{'id': '$ID'}");
    add("OrganizationService.ResumeOrganization", "id", "organization", "{'id': '$ID'}");

    add("FileService.DeleteFile", "id", "file", "{'id': '$ID'}");
    add("TokenService.DeleteToken", "id", "token", "{'id': '$ID'}");
    add("InvitationService.DeleteInvitation", "id", "invitation", "{'id': '$ID'}");
    add("ToolSourceService.DeleteToolSource", "id", "source", "{'id': '$ID'}");
    add("ModelService.DeleteModel", "name", "model", "{'name': '$ID'}", 400);
    add("PolicyService.DeletePolicy", "id", "policy", "{'id': '$ID'}");
    add("DecisionService.EraseDecisions", "user_id", "member", "{'userId': '$ID'}");
    add("MemberService.DeleteMember", "user_id", "member", "{'userId': '$ID'}");
    add("AgentService.DeleteAgent", "id", "agent", "{'id': '$ID'}");
  }

  private static void add(String operation, String field, String id, String request) {
    add(operation, field, id, request, 200);
  }

  private static void add(String operation, String field, String id, String request, int status) {
    cases.add(new Case(operation, field, id, request.replace('\'', '"'), status));
  }

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  @Test
  @Order(1)
  void everyFieldThatTakesAnIdHasACaseAndEveryOtherMethodAReason() {
    Set<String> tried = new TreeSet<>();
    cases.forEach(each -> tried.add(each.operation() + " " + each.field()));
    Set<String> needed = new TreeSet<>();
    Set<String> withoutIds = new TreeSet<>();
    for (Operation operation : Operations.all()) {
      List<FieldDescriptor> fields =
          operation.descriptor().getInputType().getFields().stream()
              .filter(field -> takesId(operation, field))
              .toList();
      // A stream is looked at by tests of its own.
      if (!operation.descriptor().isServerStreaming()) {
        fields.forEach(field -> needed.add(operation.name() + " " + field.getName()));
      }
      if (fields.isEmpty() && !operation.verb().equals("GET")) {
        withoutIds.add(operation.name());
      }
    }

    assertThat(tried).isEqualTo(needed);
    assertThat(withoutIds).isEqualTo(WITHOUT_IDS.keySet());
  }

  private static boolean takesId(Operation operation, FieldDescriptor field) {
    String name = field.getName();
    return operation.pathFields().contains(field)
        || name.equals("id")
        // The model's own name for a call, unique in its run alone.
        || (name.endsWith("_id") && !name.equals("call_id"))
        || name.endsWith("_ids")
        || name.equals("attachments");
  }

  @Test
  @Order(2)
  void anothersIdAnswersLikeOneThatDoesNotExist() {
    for (TestServer.Client other : List.of(stranger.client(), owningBoth)) {
      String ownThread = ownThread(other);
      for (Case each : cases) {
        String real = Objects.requireNonNull(ids.get(each.id()));
        if (each.id().equals("organization")
            && other == owningBoth
            && each.operation().contains("Session")) {
          // Signing in to the other organization is this person's good right.
          continue;
        }
        String unknown = unknown(each.id());
        assertThat(answer(each, other, real, ownThread))
            .as(each.toString())
            .isEqualTo(answer(each, other, unknown, ownThread));
      }
    }
  }

  @Test
  @Order(2)
  void noListShowsAnythingOfAnotherOrganization() {
    for (TestServer.Client other : List.of(stranger.client(), owningBoth)) {
      for (Operation operation : Operations.all()) {
        if (operation.verb().equals("GET") && operation.pathFields().isEmpty()) {
          var request = JSON.createObjectNode();
          if (operation.descriptor().getInputType().findFieldByName("page_size") != null) {
            request.put("pageSize", 200);
          }
          String shown = operation.call(other, request).ok().toString();
          for (var id : ids.entrySet()) {
            boolean belongsToBoth =
                other == owningBoth
                    && id.getKey().equals("organization")
                    && operation.name().equals("OrganizationService.ListOrganizations");
            if (!belongsToBoth) {
              assertThat(shown)
                  .as("%s in %s", id.getKey(), operation)
                  .doesNotContain("\"" + id.getValue() + "\"");
            }
          }
        }
      }
    }
  }

  @Test
  @Order(2)
  void aFilterOnAnothersIdOrNameFindsNothing() {
    TestServer.Client other = stranger.client();
    assertThat(other.get("/api/v1/agents?name=Alpha").ok())
        .isEqualTo(other.get("/api/v1/agents?name=Nobody").ok());
    assertThat(other.get("/api/v1/audit?resource=agent:" + ids.get("agent")).ok())
        .isEqualTo(other.get("/api/v1/audit?resource=agent:" + UUID.randomUUID()).ok());
  }

  @Test
  @Order(2)
  void aStreamOfAnothersThreadAnswersLikeOneThatDoesNotExist() throws Exception {
    Operation watch = Operations.named("RunService.WatchThread");
    Case each = new Case(watch.name(), "thread_id", "thread", "{\"threadId\": \"$ID\"}", 200);
    for (TestServer.Client other : List.of(stranger.client(), owningBoth)) {
      String real = Objects.requireNonNull(ids.get("thread"));
      JsonNode refusal = answer(each, other, real, "");
      assertThat(refusal).isEqualTo(answer(each, other, unknown("thread"), ""));
      assertThat(refusal.get("status").intValue()).isEqualTo(404);
    }

    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create(server.url() + "/api/v1/threads/" + ids.get("thread") + "/events"))
            .header("authorization", "Bearer " + owner.token())
            .build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<InputStream> stream =
          http.send(request, HttpResponse.BodyHandlers.ofInputStream());
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8))) {
        assertThat(stream.statusCode()).isEqualTo(200);
        assertThat(lines.lines().anyMatch(line -> line.contains("Add an agent named Wanted.")))
            .isTrue();
      }
    }
  }

  @Test
  @Order(2)
  void namesAndAddressesAreFreeElsewhere() {
    TestServer.Client other = stranger.client();
    other.post("/api/v1/agents", "{\"name\": \"Alpha\"}").ok();
    other.post("/api/v1/policies", ALPHA_POLICY).ok();
    other
        .post(
            "/api/v1/models",
            "{\"name\": \"alpha-model\", \"provider\": \"openai\", \"baseUrl\": \"%s\", \"apiKey\": \"another-key-of-the-fake\"}"
                .formatted(provider.openAiBaseUrl()))
        .ok();
    for (String email : List.of(colleague.email(), "guest@example.org", "nobody@example.org")) {
      other
          .post("/api/v1/invitations", "{\"email\": \"%s\", \"role\": \"VIEWER\"}".formatted(email))
          .ok();
    }
    // The next test tries the first organization's names again: here they must be unknown.
    other.call("DELETE", "/api/v1/models/alpha-model", null).ok();
  }

  @Test
  @Order(2)
  void aDraftInThePlaceOfAnothersPolicyAnswersLikeOneOfNone() {
    for (String method : List.of("test", "simulate")) {
      for (TestServer.Client other : List.of(stranger.client(), owningBoth)) {
        TestServer.Answer real = draft(other, method, Objects.requireNonNull(ids.get("policy")));
        TestServer.Answer none = draft(other, method, unknown("policy"));

        assertThat(real.status()).isEqualTo(404);
        assertThat(real.reason()).isEqualTo(none.reason());
        assertThat(none.status()).isEqualTo(404);
      }
      assertThat(draft(owner, method, Objects.requireNonNull(ids.get("policy"))).status())
          .isEqualTo(200);
    }
  }

  private static TestServer.Answer draft(TestServer.Client client, String method, String policy) {
    return client.post(
        "/api/v1/policies:" + method, "{\"draft\": {\"policyId\": \"" + policy + "\"}}");
  }

  /** The same person with the same key, but elsewhere. */
  @Test
  @Order(2)
  void anIdempotencyKeyIsKnownInItsOrganizationAlone() throws Exception {
    String first = createdWithKey(owner);

    assertThat(createdWithKey(owner)).isEqualTo(first);
    assertThat(createdWithKey(owningBoth)).isNotEqualTo(first);
    assertThat(createdWithKey(stranger.client())).isNotEqualTo(first);
  }

  private static String createdWithKey(TestServer.Client client) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(server.url() + "/api/v1/threads"))
            .header("authorization", "Bearer " + client.token())
            .header("content-type", "application/json")
            .header("idempotency-key", "one-and-the-same")
            .POST(HttpRequest.BodyPublishers.ofString("{\"title\": \"Once\"}"))
            .build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
      return text(JSON.readTree(response.body()), "id");
    }
  }

  /** It names a place in a list, which is another list elsewhere. */
  @Test
  @Order(2)
  void aPageTokenOfAnotherOrganizationShowsOnlyOnesOwn() {
    JsonNode page = owner.get("/api/v1/agents?pageSize=1").ok();
    String own = made(stranger.client(), "agents", "{\"name\": \"Later\"}");

    JsonNode rest =
        stranger
            .client()
            .get("/api/v1/agents?pageSize=200&pageToken=" + text(page, "nextPageToken"))
            .ok();

    assertThat(rest.toString()).contains(own).doesNotContain(ids.get("agent"));
  }

  /** They run as the server's user, who can read every organization's data. */
  @Test
  @Order(2)
  void onlyTheFirstOrganizationHasProgramsStartedOnTheServersMachine() {
    for (TestServer.Client other : List.of(stranger.client(), owningBoth)) {
      TestServer.Answer answer = other.post("/api/v1/tool-sources:import", counter("alpha"));

      assertThat(answer.status()).as("%s", answer.body()).isEqualTo(400);
      assertThat(answer.reason()).isEqualTo("STDIO_NOT_ALLOWED");
    }
  }

  @Test
  @Order(3)
  void aThreadIsInvisibleToAColleagueWhoTakesNoPart() {
    TestServer.Client other = colleague.client();
    for (Case each : cases) {
      if (Set.of("thread", "run", "message", "approval").contains(each.id())) {
        String real = Objects.requireNonNull(ids.get(each.id()));
        String ownThread = each.request().contains("$OWN_THREAD") ? ownThread(other) : "";
        if (each.operation().startsWith("RunService.SettleRun")) {
          continue;
        }
        assertThat(answer(each, other, real, ownThread))
            .as(each.toString())
            .isEqualTo(answer(each, other, unknown(each.id()), ownThread));
      }
    }
    assertThat(other.get("/api/v1/threads").ok().toString()).doesNotContain(ids.get("thread"));
    assertThat(other.get("/api/v1/runs").ok().toString()).doesNotContain(ids.get("run"));
    assertThat(other.get("/api/v1/approvals").ok().toString()).doesNotContain(ids.get("approval"));
    assertThat(other.get("/api/v1/threads/" + ids.get("thread") + "/events").status())
        .isEqualTo(404);
  }

  /** Last, because it uses everything up: the ids that were refused above were all real. */
  @Test
  @Order(4)
  void theOwnersOwnIdsAreReal() {
    for (Case each : cases) {
      String real = Objects.requireNonNull(ids.get(each.id()));
      JsonNode answer = answer(each, owner, real, Objects.requireNonNull(ids.get("thread")));
      assertThat(answer.get("status").intValue())
          .as("%s: %s", each, answer)
          .isEqualTo(each.status());
      assertThat(answer)
          .as(each.toString())
          .isNotEqualTo(
              answer(each, owner, unknown(each.id()), Objects.requireNonNull(ids.get("thread"))));
    }
  }

  /** Status, content type and body, without what differs in every answer. */
  private static JsonNode answer(Case each, TestServer.Client client, String id, String ownThread) {
    boolean asStranger = client == stranger.client();
    String request =
        each.request()
            .replace("$ID", id)
            .replace("$OWN_THREAD", ownThread)
            .replace("$VERSION", version(client))
            .replace("$EMAIL", asStranger ? stranger.email() : TestServer.EMAIL)
            .replace("$PASSWORD", asStranger ? Newcomers.PASSWORD : TestServer.PASSWORD);
    try {
      TestServer.Answer answer =
          Operations.named(each.operation()).call(client, (ObjectNode) JSON.readTree(request));
      ObjectNode seen = JSON.createObjectNode();
      seen.put("status", answer.status());
      seen.put("type", answer.response().headers().firstValue("content-type").orElse(""));
      if (answer.body() != null) {
        String body = answer.body().toString().replace(id, "(the id)");
        seen.set("body", JSON.readTree(body));
        ((ObjectNode) seen.get("body")).remove("trace_id");
      }
      return seen;
    } catch (JsonProcessingException e) {
      throw new AssertionError(request, e);
    }
  }

  /** Of the tool, which its owner must name; anything for everybody else. */
  private static String version(TestServer.Client client) {
    return client == owner
        ? owner.get("/api/v1/tools?pageSize=200").ok().findParents("sourceId").stream()
            .filter(tool -> text(tool, "id").equals(ids.get("tool")))
            .map(tool -> tool.get("version").asText())
            .findFirst()
            .orElse("1")
        : "1";
  }

  private static String unknown(String kind) {
    return switch (kind) {
      case "model" -> "omega-model";
      case "tool name" -> "omega/read";
      default -> {
        // Of the version that real ids have.
        String id = UUID.randomUUID().toString();
        yield id.substring(0, 14) + "7" + id.substring(15);
      }
    };
  }

  private static String ownThread(TestServer.Client client) {
    return text(client.post("/api/v1/threads", "{}").ok(), "id");
  }

  private static String made(TestServer.Client client, String collection, String json) {
    return text(client.post("/api/v1/" + collection, json).ok(), "id");
  }

  private static String text(JsonNode node, String field) {
    return node.get(field).textValue();
  }

  private static String location(Class<?> type) {
    return type.getProtectionDomain().getCodeSource().getLocation().toString();
  }

  /** An import of a small tool server of its own. */
  private static String counter(String name) {
    ObjectNode request = JSON.createObjectNode().put("name", name);
    var command = request.putObject("stdio").putArray("command");
    List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            CLASS_PATH,
            EffectCounter.class.getName(),
            "--file",
            folder.resolve(name + UUID.randomUUID() + ".jsonl").toString())
        .forEach(command::add);
    return request.toString();
  }
}
