package dev.mandate.runs;

import dev.mandate.governance.Effect;
import dev.mandate.runs.RunState.CallState;
import dev.mandate.runs.RunState.Phase;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What happens next in a run: a pure function of its log, of what this worker has in flight, and of
 * the time. Everything else follows from it.
 */
final class Plan {
  /** {@code model_failed} of a call whose worker died. */
  static final String INTERRUPTED = "interrupted";

  /** In flight: the model call. Tool calls are in flight by their id. */
  static final String MODEL = "model";

  /**
   * A run's limits.
   *
   * @param modelCalls most calls of the model, failed ones included
   * @param modelFailures most failures of the model in a row
   * @param toolCalls most tool calls
   */
  record Limits(int modelCalls, int modelFailures, int toolCalls) {}

  /** Something to do. */
  sealed interface Action {}

  /** Pin agent and messages. */
  record Start() implements Action {}

  record RequestModel() implements Action {}

  /** The worker that asked the model is gone: say so, and ask again. */
  record Interrupted() implements Action {}

  /** Look at a call (again): deny it, ask for approval, or let it go out. */
  record Admit(CallState call) implements Action {}

  /** Nobody knows whether this call happened. */
  record Doubt(CallState call) implements Action {}

  /** Post the answer and end. */
  record Finish() implements Action {}

  record Fail(String reason, String message) implements Action {}

  /** Stop what is in flight. */
  record Interrupt() implements Action {}

  /** Wait until the chain may act again: nothing is in flight any more. */
  record Suspend(String reason) implements Action {}

  /** The chain may act again. */
  record Resume() implements Action {}

  /** End as cancelled: nothing is in flight any more. */
  record Cancel(Step.CancelRequested request) implements Action {}

  private Plan() {}

  /**
   * @param inFlight {@link #MODEL} and ids of tool calls that this worker carries out right now
   * @return what to do now, all of it in parallel; empty: wait for what is in flight, or for {@link
   *     #waitingFor}
   */
  static List<Action> next(RunState state, Set<String> inFlight, Limits limits, Instant now) {
    return next(state, inFlight, limits, now, null);
  }

  /**
   * @param suspension why the chain may not act at present; null if it may
   */
  static List<Action> next(
      RunState state,
      Set<String> inFlight,
      Limits limits,
      Instant now,
      @Nullable String suspension) {
    if (state.over()) {
      return List.of();
    }
    Step.CancelRequested cancel = state.cancel();
    if (cancel != null) {
      return List.of(inFlight.isEmpty() ? new Cancel(cancel) : new Interrupt());
    }
    if (suspension != null) {
      if (!inFlight.isEmpty()) {
        return List.of(new Interrupt());
      }
      return state.suspended() ? List.of() : List.of(new Suspend(suspension));
    }
    if (state.suspended()) {
      return List.of(new Resume());
    }
    if (state.paused()) {
      return List.of();
    }
    if (state.started() == null) {
      return List.of(new Start());
    }
    if (state.open() != null) {
      return inFlight.contains(MODEL) ? List.of() : List.of(new Interrupted());
    }

    List<Action> actions = new ArrayList<>();
    boolean unresolved = false;
    for (CallState call : state.calls()) {
      unresolved |= call.phase != Phase.DONE;
      Action action = next(call, inFlight);
      if (action != null) {
        actions.add(action);
      }
    }
    if (unresolved) {
      return actions;
    }

    boolean answered = !state.turns().isEmpty() && state.calls().isEmpty();
    if (answered) {
      return List.of(new Finish());
    }
    return askModel(state, limits, now);
  }

  private static @Nullable Action next(CallState call, Set<String> inFlight) {
    if (inFlight.contains(call.call.id())) {
      return null;
    }
    return switch (call.phase) {
      case NEW, APPROVED, RETRY -> new Admit(call);
      case STARTED -> {
        // Its worker is gone. What may be repeated is repeated, with the same idempotency key.
        Effect effect = call.effect;
        yield effect != null && effect.repeatable() ? new Admit(call) : new Doubt(call);
      }
      case AWAITING_APPROVAL, IN_DOUBT, CHILD, DONE -> null;
    };
  }

  private static List<Action> askModel(RunState state, Limits limits, Instant now) {
    Step.ModelFailed failure = state.lastFailure();
    if (failure != null) {
      Long retryAt = state.retryAtMillis();
      if (retryAt == null) {
        return List.of(new Fail("MODEL_" + failure.failure(), failure.message()));
      }
      if (state.failuresInARow() >= limits.modelFailures()) {
        return List.of(
            new Fail(
                "MODEL_" + failure.failure(),
                failure.message() + " (" + state.failuresInARow() + " times in a row)"));
      }
      if (now.toEpochMilli() < retryAt) {
        return List.of();
      }
    }
    if (state.modelCalls() >= limits.modelCalls()) {
      return List.of(
          new Fail(
              "MODEL_CALL_LIMIT", "reached its limit of " + limits.modelCalls() + " model calls"));
    }
    if (state.toolsCalled().size() >= limits.toolCalls()) {
      return List.of(
          new Fail(
              "TOOL_CALL_LIMIT", "reached its limit of " + limits.toolCalls() + " tool calls"));
    }
    return List.of(new RequestModel());
  }

  /**
   * What a run waits for when there is nothing to do and nothing in flight.
   *
   * @param dueAt when a worker should look again on its own; null if only somebody else can go on
   */
  record Waiting(RunStatus status, @Nullable Instant dueAt) {}

  static Waiting waitingFor(RunState state) {
    if (state.paused() || state.suspended()) {
      return new Waiting(RunStatus.PAUSED, null);
    }
    RunStatus status = null;
    for (CallState call : state.calls()) {
      RunStatus one =
          switch (call.phase) {
            case IN_DOUBT -> RunStatus.IN_DOUBT;
            case AWAITING_APPROVAL -> RunStatus.AWAITING_APPROVAL;
            case CHILD -> RunStatus.AWAITING_CHILD;
            default -> null;
          };
      // The order of the enum: a person's decision is named before a sub-agent's work.
      if (one != null && (status == null || rank(one) < rank(status))) {
        status = one;
      }
    }
    if (status != null) {
      return new Waiting(status, null);
    }
    Long retryAt = state.retryAtMillis();
    return new Waiting(RunStatus.RUNNING, Instant.ofEpochMilli(retryAt == null ? 0 : retryAt));
  }

  private static int rank(RunStatus status) {
    return switch (status) {
      case IN_DOUBT -> 0;
      case AWAITING_APPROVAL -> 1;
      default -> 2;
    };
  }
}
