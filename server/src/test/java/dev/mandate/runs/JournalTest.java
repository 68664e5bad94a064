package dev.mandate.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.server.TestServer;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What an owner adds to a log while others append to it too. */
class JournalTest {
  private static TestDatabase database;
  private static TestServer server;
  private static TestServer.Client person;
  private static Mandate mandate;

  private final UUID owner = UUID.randomUUID();
  private final RunStore store = new RunStore();
  private final List<String> gone = new ArrayList<>();

  /** The run that was claimed last. */
  private @Nullable Run claimed;

  /** What that claim said. */
  private int fruitless;

  @BeforeAll
  static void start() {
    database = TestDatabase.create();
    RunSettings none =
        new RunSettings(
            RunSettings.DEFAULTS.modelCalls(),
            RunSettings.DEFAULTS.modelFailures(),
            RunSettings.DEFAULTS.toolCalls(),
            RunSettings.DEFAULTS.lease(),
            RunSettings.DEFAULTS.grace(),
            RunSettings.DEFAULTS.maxFruitlessClaims(),
            RunSettings.DEFAULTS.approvalExpiry(),
            0);
    server = TestServer.on(database, Map.of(), none);
    person = server.owner();
    String org = person.get("/api/v1/me").ok().get("organizationId").textValue();
    mandate = TestDatabase.mandate(new OrgId(Ids.parse("org", org)));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void whatIsAddedIsCommittedAtOnceAndThenTheEffectsGoOut() {
    Journal journal = claimed();
    journal.catchUp();
    journal.add(Draft.decided(started()));
    Draft request = Draft.decided();
    String system = request.keep("You are a test.");
    journal.add(request.add(requested(system)));
    journal.depart(() -> gone.add(String.join(" ", kinds())));
    assertThat(kinds()).isEmpty();
    assertThat(journal.state().lastSeq()).isEqualTo(2);

    journal.commit();

    assertThat(gone).containsExactly("run_started model_requested");
    assertThat(journal.texts(List.of(system))).containsEntry(system, "You are a test.");
    journal.forgetTexts();
    assertThat(journal.texts(List.of(system))).containsEntry(system, "You are a test.");
  }

  @Test
  void aStepOfOthersVoidsWhatWasDecidedAndKeepsWhatCameBack() {
    Journal journal = claimed();
    journal.catchUp();
    journal.add(Draft.decided(started()));
    journal.add(request());
    journal.commit();
    List<String> settled = new ArrayList<>();
    journal.arrived(answer(2).beside(tx -> settled.add("settled")));
    journal.catchUp();
    journal.add(Draft.decided(new Step.ToolRequested("a", "x/y", "{}", "", "READ_ONLY")));
    journal.depart(() -> gone.add("the call"));
    cancel();

    assertThatThrownBy(journal::commit).isInstanceOf(FencedOff.class);
    assertThat(kinds()).endsWith("model_requested", "cancel_requested");
    journal.rollBack();
    assertThat(journal.departing()).isFalse();
    assertThat(journal.hasResults()).isTrue();
    journal.catchUp();
    journal.commit();

    assertThat(gone).isEmpty();
    assertThat(settled).hasSize(2);
    assertThat(kinds())
        .containsExactly("run_started", "model_requested", "cancel_requested", "model_responded");
    assertThat(journal.state().cancel()).isNotNull();
    assertThat(RunState.of(log()).lastSeq()).isEqualTo(journal.state().lastSeq());
  }

  @Test
  void aResultWhoseCommitOnlySeemedToFailIsNotAppendedTwice() {
    Journal journal = claimed();
    journal.catchUp();
    journal.add(Draft.decided(started()));
    journal.add(request());
    journal.commit();
    journal.write(answer(2));
    journal.arrived(answer(2));
    journal.catchUp();
    journal.commit();

    assertThat(kinds()).containsExactly("run_started", "model_requested", "model_responded");
  }

  @Test
  void anAnswerIsNotTakenForThatToALaterRequest() {
    Journal journal = claimed();
    journal.catchUp();
    journal.add(Draft.decided(started()));
    journal.add(request());
    journal.commit();
    // In one commit, as when no call of the answer leaves: the commit works, and seems to fail.
    journal.arrived(answer(2));
    journal.catchUp();
    journal.add(request());
    journal.commit();
    journal.arrived(answer(2));
    journal.catchUp();
    journal.commit();

    assertThat(kinds())
        .containsExactly("run_started", "model_requested", "model_responded", "model_requested");
  }

  @Test
  void askingAgainAfterAWorkersDeathDoesNotBeginTheCountOfFruitlessClaimsAnew() {
    Journal journal = claimed();
    assertThat(fruitless).isEqualTo(1);
    journal.catchUp();
    journal.add(Draft.decided(started()));
    journal.add(request());
    journal.commit();
    for (int deaths = 1; deaths <= 3; deaths++) {
      died();
      journal = taken();
      assertThat(fruitless).isEqualTo(deaths);
      journal.catchUp();
      journal.add(Draft.decided(new Step.ModelFailed(Plan.INTERRUPTED, "", 0L, 1, 0L)));
      journal.add(request());
      journal.commit();
    }
    journal.arrived(answer(journal.state().lastRequestSeq()));
    journal.catchUp();
    journal.commit();
    died();
    taken();

    assertThat(fruitless).isEqualTo(1);
  }

  @Test
  void aClaimThatIsGivenBackIsNotFruitless() {
    for (int i = 0; i < 3; i++) {
      Journal _ = i == 0 ? claimed() : taken();
      assertThat(fruitless).isEqualTo(1);
      database.db().dispatch(sql -> new LeaseStore().free(sql, owner));
    }
  }

  @Test
  void aResultIsStillThereWhenSomebodyAppendsWhileItIsSaved() {
    Journal journal = claimed();
    journal.catchUp();
    journal.add(Draft.decided(started()));
    journal.add(request());
    journal.commit();
    List<String> interrupted = new ArrayList<>();
    journal.arrived(
        answer(2)
            .beside(tx -> {
              if (interrupted.isEmpty()) {
                interrupted.add("once");
                cancel();
              }
            }));

    assertThatThrownBy(journal::save).isInstanceOf(FencedOff.class);
    assertThat(journal.hasResults()).isTrue();
    journal.save();

    assertThat(journal.hasResults()).isFalse();
    assertThat(kinds()).endsWith("cancel_requested", "model_responded");
  }

  @Test
  void aCommitOfAnOwnerThatLostItsLeaseAppendsNothing() {
    Journal old = claimed();
    old.catchUp();
    old.add(Draft.decided(started()));
    old.depart(() -> gone.add("something"));
    database.db().dispatch(sql -> new LeaseStore().free(sql, owner));
    Journal next = taken();

    assertThatThrownBy(old::commit).isInstanceOf(FencedOff.class);
    assertThatThrownBy(() -> old.write(Draft.result(responded()))).isInstanceOf(FencedOff.class);
    assertThat(gone).isEmpty();
    next.catchUp();
    assertThat(next.state().lastSeq()).isZero();
  }

  private Journal claimed() {
    JsonNode agents = person.get("/api/v1/agents").ok().get("agents");
    String agent = agents.get(0).get("id").textValue();
    String thread =
        person
            .post("/api/v1/threads", "{\"agentIds\": [\"" + agent + "\"]}")
            .ok()
            .get("id")
            .textValue();
    person.post("/api/v1/threads/" + thread + "/messages", "{\"text\": \"Hello.\"}").ok();
    return taken();
  }

  private Journal taken() {
    Db db = database.db();
    LeaseStore.Claim claim =
        db.dispatch(sql ->
                new LeaseStore().claim(sql, owner, Duration.ofMinutes(1), Duration.ofMillis(1), 1))
            .getFirst();
    Run run = db.read(mandate, tx -> store.find(tx, claim.run()).orElseThrow());
    claimed = run;
    fruitless = claim.fruitless();
    Lease lease = new Lease(claim.epoch(), System.nanoTime(), Duration.ofMinutes(1));
    return new Journal(db, InstantSource.system(), store, new RunLog(store), run, lease);
  }

  private Run run() {
    return Objects.requireNonNull(claimed);
  }

  private void cancel() {
    person.post("/api/v1/runs/" + run().id() + ":cancel", "{}").ok();
  }

  private List<LoggedStep> log() {
    return database.db().read(mandate, tx -> store.steps(tx, run().id(), 0, 100));
  }

  /** Of the steps in the database. */
  private List<String> kinds() {
    return log().stream().map(logged -> StepJson.kind(logged.step())).toList();
  }

  private Step started() {
    return new Step.RunStarted(run().agentVersion(), run().messagePosition(), List.of());
  }

  private static Draft request() {
    Draft draft = Draft.decided();
    return draft.add(requested(draft.keep("You are a test.")));
  }

  private static Step requested(String system) {
    return new Step.ModelRequested(
        "rehearsal", "rehearsal", true, system, List.of(), system, 0, List.of());
  }

  private static Draft answer(long request) {
    return Draft.result(responded()).answers(request);
  }

  /** The owner's process is gone, and its leases have run out. */
  private void died() {
    database
        .db()
        .dispatch(sql ->
            sql.execute(
                "update runs set lease_until = now() - interval '1 minute' where lease_owner = ?",
                owner));
  }

  private static Step responded() {
    return new Step.ModelResponded(
        "", "", List.of(new Step.Call("a", "x_y", "{}")), "tool_use", 1, 1, 0L, 1);
  }
}
