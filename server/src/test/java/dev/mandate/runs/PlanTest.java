package dev.mandate.runs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.governance.Effect;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlanTest {
  private static final Plan.Limits LIMITS = new Plan.Limits(20, 3, 50);
  private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");

  @Test
  void aNewRunStarts() {
    assertThat(next(state())).containsExactly(new Plan.Start());
  }

  @Test
  void aStartedRunAsksTheModel() {
    assertThat(next(state(started()))).containsExactly(new Plan.RequestModel());
  }

  @Test
  void aRequestWhoseWorkerIsGoneIsInterruptedAndThenAskedAgain() {
    RunState state = state(started(), requested());

    assertThat(Plan.next(state, Set.of(Plan.MODEL), LIMITS, NOW)).isEmpty();
    assertThat(next(state)).containsExactly(new Plan.Interrupted());

    RunState again =
        state(
            started(),
            requested(),
            new Step.ModelFailed(Plan.INTERRUPTED, "", NOW.toEpochMilli(), 10, 0L));
    assertThat(next(again)).containsExactly(new Plan.RequestModel());
  }

  @Test
  void anAnswerWithoutCallsEndsTheRun() {
    assertThat(next(state(started(), requested(), responded()))).containsExactly(new Plan.Finish());
  }

  @Test
  void allCallsOfAnAnswerAreLookedAtTogether() {
    List<Plan.Action> actions = next(state(started(), requested(), responded("a", "b")));

    assertThat(actions).hasSize(2).allMatch(action -> action instanceof Plan.Admit);
  }

  @Test
  void aCallThatAwaitsApprovalHoldsNobodyElseUp() {
    RunState state =
        state(
            started(),
            requested(),
            responded("a", "b"),
            toolRequested("a", Effect.WRITE),
            new Step.ApprovalRequested("a", "id", "requester", "why"));

    assertThat(next(state)).singleElement().isInstanceOf(Plan.Admit.class);
    assertThat(Plan.waitingFor(state))
        .isEqualTo(new Plan.Waiting(RunStatus.AWAITING_APPROVAL, null));
  }

  @ParameterizedTest
  @EnumSource(Effect.class)
  void aStartedCallWhoseWorkerIsGoneIsRepeatedOrInDoubtByItsEffect(Effect effect) {
    RunState state =
        state(
            started(),
            requested(),
            responded("a"),
            toolRequested("a", effect),
            new Step.ToolStarted("a", 1, "key", effect.name(), List.of()));

    assertThat(Plan.next(state, Set.of("a"), LIMITS, NOW)).isEmpty();
    assertThat(next(state))
        .singleElement()
        .isInstanceOf(effect.repeatable() ? Plan.Admit.class : Plan.Doubt.class);
  }

  @Test
  void aRepeatedCallKeepsItsIdempotencyKey() {
    RunState state =
        state(
            started(),
            requested(),
            responded("a"),
            toolRequested("a", Effect.IDEMPOTENT),
            new Step.ToolStarted("a", 1, "key", "IDEMPOTENT", List.of()));

    assertThat(state.call("a").idempotencyKey).isEqualTo("key");
  }

  @Test
  void aDeniedApprovalIsTheCallsResult() {
    RunState state =
        state(
            started(),
            requested(),
            responded("a"),
            toolRequested("a", Effect.WRITE),
            new Step.ApprovalRequested("a", "id", "requester", "why"),
            new Step.ApprovalDecided(
                "a", "id", "denied", "hash", "requester", "user:x", "not now"));

    assertThat(state.call("a").phase).isEqualTo(RunState.Phase.DONE);
    assertThat(state.call("a").resultText).isEqualTo("Refused: the approval was denied: not now");
    assertThat(next(state)).containsExactly(new Plan.RequestModel());
  }

  @Test
  void nothingFollowsACancelButItsEnd() {
    Step.CancelRequested cancel = new Step.CancelRequested("user:x", "enough");
    RunState state = state(started(), requested(), responded("a"), cancel);

    assertThat(next(state)).containsExactly(new Plan.Cancel(cancel));
    assertThat(Plan.next(state, Set.of("a"), LIMITS, NOW)).containsExactly(new Plan.Interrupt());
  }

  @Test
  void aPausedRunCanStillBeCancelled() {
    Step.CancelRequested cancel = new Step.CancelRequested("user:x", "enough");

    assertThat(next(state(started(), new Step.Paused("stuck")))).isEmpty();
    assertThat(next(state(started(), new Step.Paused("stuck"), cancel)))
        .containsExactly(new Plan.Cancel(cancel));
  }

  @Test
  void aFailedModelCallIsRepeatedLaterAndNotForEver() {
    long later = NOW.toEpochMilli() + 1_000;
    Step failed = new Step.ModelFailed("overloaded", "busy", later, 0, 0L);
    RunState once = state(started(), requested(), failed);

    assertThat(next(once)).isEmpty();
    assertThat(Plan.waitingFor(once).dueAt()).isEqualTo(Instant.ofEpochMilli(later));
    assertThat(Plan.next(once, Set.of(), LIMITS, NOW.plusSeconds(2)))
        .containsExactly(new Plan.RequestModel());

    RunState thrice =
        state(started(), requested(), failed, requested(), failed, requested(), failed);
    assertThat(next(thrice)).singleElement().isInstanceOf(Plan.Fail.class);
  }

  @Test
  void aRunThatAsksTheModelTooOftenFails() {
    List<Step> steps = new ArrayList<>(List.of(started()));
    for (int i = 0; i < LIMITS.modelCalls(); i++) {
      steps.add(requested());
      steps.add(responded("c" + i));
      steps.add(toolRequested("c" + i, Effect.READ_ONLY));
      steps.add(new Step.ToolStarted("c" + i, 1, "key", "READ_ONLY", List.of()));
      steps.add(new Step.ToolFinished("c" + i, 1, "ok", "hash", "text", false, 1));
    }

    assertThat(next(state(steps.toArray(Step[]::new))))
        .singleElement()
        .isInstanceOfSatisfying(
            Plan.Fail.class, fail -> assertThat(fail.reason()).isEqualTo("MODEL_CALL_LIMIT"));
  }

  private static List<Plan.Action> next(RunState state) {
    return Plan.next(state, Set.of(), LIMITS, NOW);
  }

  private static RunState state(Step... steps) {
    List<LoggedStep> log = new ArrayList<>();
    for (Step step : steps) {
      // Through the stored form, as a second process would read it.
      Step stored = StepJson.read(StepJson.kind(step), StepJson.write(step));
      assertThat(stored).isEqualTo(step);
      log.add(new LoggedStep(log.size() + 1L, stored, NOW));
    }
    return RunState.of(log);
  }

  private static Step started() {
    return new Step.RunStarted(1, 1, List.of());
  }

  private static Step requested() {
    return new Step.ModelRequested(
        "m", "m", false, "s", List.of(new Step.PinnedTool("t", "s/t", 1)), "t", 0, List.of("h"));
  }

  private static Step responded(String... calls) {
    List<Step.Call> list = new ArrayList<>();
    for (String call : calls) {
      list.add(new Step.Call(call, "t", "{}"));
    }
    return new Step.ModelResponded("hash", "text", list, "end", 1, 1, null, 5);
  }

  private static Step toolRequested(String call, Effect effect) {
    return new Step.ToolRequested(call, "s/t", "{}", "hash", effect.name());
  }
}
