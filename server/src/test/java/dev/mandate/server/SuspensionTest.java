package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.identity.Users;
import dev.mandate.kernel.db.Db;
import dev.mandate.organizations.MembershipDirectory;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person suspends stops at once, and goes on when it is resumed. */
class SuspensionTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();

  @TempDir private static Path folder;

  @BeforeAll
  static void tools() {
    Counters.add(owner, "counter", folder.resolve("effects.jsonl"));
    Counters.set(owner, "counter/slow", "effect", "EFFECT_READ_ONLY");
  }

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  private static String agent(String name, String grant) {
    return owner
        .post(
            "/api/v1/agents",
            """
            {"name": "%1$s", "instructions": "%1$s",
             "tools": [{"tool": "%2$s", "approval": "NEVER"}]}
            """
                .formatted(name, grant))
        .ok()
        .get("id")
        .textValue();
  }

  private static JsonNode suspend(String what) {
    return owner.post("/api/v1/" + what + ":suspend", "{\"reason\": \"an incident\"}").ok();
  }

  private static JsonNode resume(String what) {
    return owner.post("/api/v1/" + what + ":resume", "{}").ok();
  }

  private static List<String> kinds(JsonNode run) {
    return owner.steps(run.get("id").textValue()).findValuesAsText("kind");
  }

  private static void awaitStarted(String thread) {
    await()
        .atMost(LONG)
        .until(() ->
            !RunWaits.steps(owner, owner.run(thread).get("id").textValue(), "tool_started")
                .isEmpty());
  }

  @Test
  void aSuspendedAgentsModelCallIsBrokenOffAndAskedAgainWhenItIsResumed() {
    String id = agent("Talker", "self/agents_list");
    script.says("Talker", ScriptedReply.text("Well").with(new ScriptedReply.StallAfter(20)));
    String thread = owner.say("Talker", "Go.");
    await().atMost(LONG).until(() -> !script.heard("Talker").isEmpty());

    JsonNode agent = suspend("agents/" + id);
    JsonNode run = RunWaits.until(owner, thread, "PAUSED");

    assertThat(agent.get("suspension").get("reason").textValue()).isEqualTo("an incident");
    assertThat(owner.get("/api/v1/agents/" + id).ok().has("suspension")).isTrue();
    assertThat(run.get("reason").textValue()).startsWith("SUSPENDED: agent:" + id);
    assertThat(kinds(run))
        .containsExactly("run_started", "model_requested", "model_failed", "suspended");
    script.says("Talker", ScriptedReply.text("Here I am."));
    assertThat(resume("agents/" + id).has("suspension")).isFalse();
    JsonNode over = RunWaits.over(owner, thread);
    assertThat(over.get("status").textValue()).as("%s", over).isEqualTo("SUCCEEDED");
    assertThat(over.get("reason").textValue()).isEmpty();
    assertThat(kinds(over))
        .endsWith("resumed", "model_requested", "model_responded", "message_posted", "finished");
    assertThat(owner.get("/api/v1/audit?resource=agent:" + id).ok().get("entries"))
        .extracting(entry -> entry.get("action").textValue())
        .contains("agents.suspend", "agents.resume");
  }

  @Test
  void aCallThatMayBeRepeatedIsMadeAgainAndAnyOtherIsInDoubt() {
    String reader = agent("Reading", "counter/slow");
    String writer = agent("Writing", "counter/hang");
    script.says("Reading", ScriptedReply.call("c1", "counter_slow", "{\"ms\": 600000}"));
    script.says("Writing", ScriptedReply.call("c1", "counter_hang", "{}"));
    String reading = owner.say("Reading", "Go.");
    String writing = owner.say("Writing", "Go.");
    awaitStarted(reading);
    awaitStarted(writing);

    suspend("agents/" + reader);
    suspend("agents/" + writer);
    assertThat(kinds(RunWaits.until(owner, reading, "PAUSED"))).doesNotContain("tool_finished");
    JsonNode doubtful = RunWaits.until(owner, writing, "PAUSED");
    assertThat(kinds(doubtful)).containsSubsequence("tool_started", "tool_in_doubt", "suspended");
    resume("agents/" + reader);
    resume("agents/" + writer);

    String read = owner.run(reading).get("id").textValue();
    List<JsonNode> started =
        await()
            .atMost(LONG)
            .until(() -> RunWaits.steps(owner, read, "tool_started"), steps -> steps.size() == 2);
    // Both calls outlast any machine, so that none ends before its agent is suspended.
    owner.post("/api/v1/runs/" + read + ":cancel", "{}").ok();
    assertThat(RunWaits.runOver(owner, read).get("status").textValue()).isEqualTo("CANCELLED");
    assertThat(started.get(1).get("idempotencyKey"))
        .isEqualTo(started.get(0).get("idempotencyKey"));
    RunWaits.until(owner, writing, "IN_DOUBT");
    owner
        .post(
            "/api/v1/runs/" + doubtful.get("id").textValue() + ":settle",
            "{\"callId\": \"c1\", \"settlement\": \"DID_NOT_HAPPEN\"}")
        .ok();
    assertThat(RunWaits.over(owner, writing).get("status").textValue()).isEqualTo("SUCCEEDED");
  }

  @Test
  void aSuspendedToolsCallsAreRefusedAndOneUnderWayIsBrokenOff() {
    agent("Caller", "counter/hang");
    script.says("Caller", ScriptedReply.call("c1", "counter_hang", "{}"));
    String thread = owner.say("Caller", "Go.");
    awaitStarted(thread);
    CompletableFuture<TestServer.Answer> direct =
        CompletableFuture.supplyAsync(() ->
            owner.post(
                "/api/v1/tools/counter%2Fslow:call",
                "{\"argumentsJson\": \"{\\\"ms\\\": 50000}\"}"));

    suspend("tools/counter%2Fhang");
    suspend("tools/counter%2Fslow");

    JsonNode run = RunWaits.until(owner, thread, "IN_DOUBT");
    assertThat(
            RunWaits.steps(owner, run.get("id").textValue(), "tool_in_doubt")
                .getFirst()
                .get("reason")
                .textValue())
        .contains("tool:counter/hang is suspended");
    TestServer.Answer broken = direct.join();
    // Broken off, or, had it not gone out yet, refused.
    assertThat(broken.status() == 403 || broken.ok().get("isError").booleanValue()).isTrue();
    assertThat(owner.get("/api/v1/tools/counter%2Fslow").ok().has("suspension")).isTrue();
    assertThat(owner.post("/api/v1/tools/counter%2Fslow:call", "{}").reason()).isNotEmpty();
    assertThat(
            owner
                .post(
                    "/api/v1/tools/counter%2Fslow:call", "{\"argumentsJson\": \"{\\\"ms\\\": 1}\"}")
                .reason())
        .isEqualTo("SUSPENDED");
    String second = owner.say("Caller", "Once more.");
    JsonNode refused = RunWaits.over(owner, second);
    assertThat(refused.get("status").textValue()).isEqualTo("SUCCEEDED");
    assertThat(
            RunWaits.steps(owner, refused.get("id").textValue(), "tool_denied")
                .getFirst()
                .get("outcome")
                .textValue())
        .isEqualTo("SUSPENDED");
    resume("tools/counter%2Fhang");
    resume("tools/counter%2Fslow");
    owner.post("/api/v1/runs/" + run.get("id").textValue() + ":cancel", "{}").ok();
    RunWaits.over(owner, thread);
  }

  @Test
  void aCallThatMayHaveHappenedIsNoRefusalWhenItsToolIsSuspended() {
    Counters.add(owner, "again", folder.resolve("again.jsonl"));
    Counters.set(owner, "again/hang", "effect", "EFFECT_IDEMPOTENT");
    agent("Repeater", "again/hang");
    script.says("Repeater", ScriptedReply.call("c1", "again_hang", "{}"));
    String thread = owner.say("Repeater", "Go.");
    awaitStarted(thread);

    suspend("tools/again%2Fhang");

    JsonNode run = RunWaits.until(owner, thread, "IN_DOUBT");
    assertThat(kinds(run)).endsWith("tool_started", "tool_in_doubt").doesNotContain("tool_denied");
    assertThat(
            RunWaits.steps(owner, run.get("id").textValue(), "tool_in_doubt")
                .getFirst()
                .get("reason")
                .textValue())
        .contains("suspended");
    resume("tools/again%2Fhang");
    owner.post("/api/v1/runs/" + run.get("id").textValue() + ":cancel", "{}").ok();
    RunWaits.over(owner, thread);
  }

  @Test
  void aCallUnderWayIsNotRepeatedOnceItsToolIsSaidToBeOneThatMayNotBe() {
    Counters.add(owner, "changed", folder.resolve("changed.jsonl"));
    Counters.set(owner, "changed/hang", "effect", "EFFECT_IDEMPOTENT");
    String id = agent("Corrected", "changed/hang");
    script.says("Corrected", ScriptedReply.call("c1", "changed_hang", "{}"));
    String thread = owner.say("Corrected", "Go.");
    awaitStarted(thread);
    suspend("agents/" + id);
    RunWaits.until(owner, thread, "PAUSED");

    Counters.set(owner, "changed/hang", "effect", "EFFECT_WRITE");
    resume("agents/" + id);

    JsonNode run = RunWaits.until(owner, thread, "IN_DOUBT");
    assertThat(RunWaits.steps(owner, run.get("id").textValue(), "tool_started")).hasSize(1);
    owner.post("/api/v1/runs/" + run.get("id").textValue() + ":cancel", "{}").ok();
    RunWaits.over(owner, thread);
  }

  @Test
  void workOfASuspendedMemberAndOrganizationIsBrokenOff() {
    Newcomers.Newcomer member = Newcomers.join(server, owner, "worker@example.org", "MEMBER");
    agent("Waiter", "self/agents_list");
    script.says("Waiter", ScriptedReply.text("Well").with(new ScriptedReply.StallAfter(20)));
    String thread = member.client().say("Waiter", "Go.");
    await().atMost(LONG).until(() -> !script.heard("Waiter").isEmpty());
    String run = member.client().run(thread).get("id").textValue();

    suspend("members/" + member.userId());
    awaitStatus(run, "paused");
    resume("members/" + member.userId());
    await().atMost(LONG).until(() -> script.heard("Waiter").size() == 2);
    String org = owner.get("/api/v1/me").ok().get("organizationId").textValue();
    suspend("organizations/" + org);
    awaitStatus(run, "paused");
    resume("organizations/" + org);
    script.says("Waiter", ScriptedReply.text("Here I am."));

    assertThat(RunWaits.runOver(member.client(), run).get("status").textValue())
        .isEqualTo("SUCCEEDED");
  }

  /** In the database: whoever is suspended cannot ask. */
  private static void awaitStatus(String run, String status) {
    await()
        .atMost(LONG)
        .until(() ->
            server
                .database()
                .db()
                .dispatch(sql ->
                    sql.createQuery("select lower(status) = ? from runs where id = ?::uuid")
                        .bind(0, status)
                        .bind(1, run)
                        .mapTo(boolean.class)
                        .one()));
  }

  @Test
  void aSuspendedTokenAndMemberAreRefusedAndTheirRunsWait() {
    agent("Servant", "self/agents_list");
    script.says(
        "Servant",
        said -> ScriptedReply.call("c" + said, "agents_list", "{}").slowly(Duration.ofMillis(100)));
    Newcomers.Newcomer member = Newcomers.join(server, owner, "held@example.org", "MEMBER");
    JsonNode token =
        member.client().post("/api/v1/tokens", "{\"name\": \"t\", \"scopes\": [\"*\"]}").ok();
    TestServer.Client program = server.client(token.get("secret").textValue());
    String tokenId = token.get("token").get("id").textValue();
    String thread = program.say("Servant", "Go.");
    await().atMost(LONG).until(() -> script.heard("Servant").size() > 1);

    suspend("tokens/" + tokenId);
    assertThat(program.get("/api/v1/agents").reason()).isEqualTo("SUSPENDED");
    RunWaits.until(member.client(), thread, "PAUSED");
    assertThat(member.client().post("/api/v1/tokens/" + tokenId + ":resume", "{}").status())
        .isEqualTo(403);
    resume("tokens/" + tokenId);
    int heard = script.heard("Servant").size();
    await().atMost(LONG).until(() -> script.heard("Servant").size() > heard);

    suspend("members/" + member.userId());
    assertThat(member.client().get("/api/v1/me").reason()).isEqualTo("SUSPENDED");
    assertThat(program.get("/api/v1/agents").reason()).isEqualTo("SUSPENDED");
    assertThat(owner.get("/api/v1/members").ok().toString()).contains("an incident");
    resume("members/" + member.userId());
    JsonNode run = RunWaits.until(member.client(), thread, "RUNNING");
    member.client().post("/api/v1/runs/" + run.get("id").textValue() + ":cancel", "{}").ok();
    RunWaits.over(member.client(), thread);
  }

  @Test
  void aRunNeverSleepsThroughTheEndOfASuspension() {
    String id = agent("Restless", "self/agents_list");
    script.says(
        "Restless",
        said -> ScriptedReply.call("c" + said, "agents_list", "{}").slowly(Duration.ofMillis(100)));
    String thread = owner.say("Restless", "Go.");
    // Lifted again while the worker is about to write down that it waits, or has just done so.
    for (int i = 0; i < 12; i++) {
      int heard = script.heard("Restless").size();
      suspend("agents/" + id);
      resume("agents/" + id);
      await().atMost(LONG).until(() -> script.heard("Restless").size() > heard);
    }
    String run = owner.run(thread).get("id").textValue();
    owner.post("/api/v1/runs/" + run + ":cancel", "{}").ok();
    RunWaits.over(owner, thread);
  }

  @Test
  void aRunThatIsPausedCanBeCancelledAndTakesDecisionsWithoutGoingOn() {
    String id =
        owner
            .post(
                "/api/v1/agents",
                """
                {"name": "Asker", "instructions": "Asker", "tools": [{"tool": "self/agents_create"}]}
                """)
            .ok()
            .get("id")
            .textValue();
    script.says("Asker", ScriptedReply.call("c1", "agents_create", "{\"name\": \"Later\"}"));
    String thread = owner.say("Asker", "Go.");
    String run = RunWaits.until(owner, thread, "AWAITING_APPROVAL").get("id").textValue();
    suspend("agents/" + id);
    for (JsonNode approval : owner.get("/api/v1/approvals?status=PENDING").ok().get("approvals")) {
      owner.post("/api/v1/approvals/" + approval.get("id").textValue() + ":approve", "{}").ok();
    }

    RunWaits.until(owner, thread, "PAUSED");
    assertThat(owner.get("/api/v1/agents?name=Later").ok().path("agents")).isEmpty();

    owner.post("/api/v1/runs/" + run + ":cancel", "{}").ok();
    assertThat(RunWaits.over(owner, thread).get("status").textValue()).isEqualTo("CANCELLED");
    resume("agents/" + id);
  }

  @Test
  void aSuspendedOrganizationOnlyLooksAndItsOwnerResumesIt() {
    TestServer.Client other = server.newOrganization("Held");
    String id = other.get("/api/v1/me").ok().get("organizationId").textValue();

    other.post("/api/v1/organizations/" + id + ":suspend", "{\"reason\": \"stop\"}").ok();

    assertThat(other.post("/api/v1/agents", "{\"name\": \"Late\"}").reason())
        .isEqualTo("SUSPENDED");
    assertThat(other.get("/api/v1/organizations/" + id).ok().get("suspension").get("reason"))
        .isNotNull();
    assertThat(other.get("/api/v1/agents").status()).isEqualTo(200);
    assertThat(owner.get("/api/v1/agents").status()).isEqualTo(200);
    other.post("/api/v1/organizations/" + id + ":resume", "{}").ok();
    other.post("/api/v1/agents", "{\"name\": \"Late\"}").ok();
  }

  @Test
  void theOperatorOfTheMachineHasAWayBack() {
    TestServer.Client other = server.newOrganization("Locked");
    String id = other.get("/api/v1/me").ok().get("organizationId").textValue();
    other.post("/api/v1/organizations/" + id + ":suspend", "{}").ok();
    Db db = server.database().db();
    MembershipDirectory memberships = new MembershipDirectory(db);
    Clock clock = Clock.systemUTC();
    Users users = new Users(db, (mandate, action) -> {}, memberships, clock);

    new Reinstatement(db, server.database().wakeups(), users, memberships, clock)
        .of(TestServer.EMAIL);

    await().atMost(LONG).until(() -> other.post("/api/v1/threads", "{}").status() == 200);
  }

  @Test
  void theLastOwnerWhoIsNotSuspendedStays() {
    String me = owner.get("/api/v1/me").ok().get("userId").textValue();
    assertThat(owner.post("/api/v1/members/" + me + ":suspend", "{}").reason())
        .isEqualTo("LAST_OWNER");
    Newcomers.Newcomer second = Newcomers.join(server, owner, "second@example.org", "OWNER");
    suspend("members/" + second.userId());

    assertThat(owner.post("/api/v1/members/" + me + ":suspend", "{}").reason())
        .isEqualTo("LAST_OWNER");
    assertThat(owner.call("DELETE", "/api/v1/members/" + me, null).reason())
        .isEqualTo("LAST_OWNER");
    resume("members/" + second.userId());
  }
}
