package dev.mandate.runs;

import dev.mandate.kernel.Json;
import dev.mandate.kernel.db.Tx;
import dev.mandate.suspensions.Suspension;
import dev.mandate.threads.ThreadId;
import dev.mandate.threads.Threads;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Appends to step logs: numbers under the row's lock, the row's summary, the thread's events. */
final class RunLog {
  private final RunStore store;

  RunLog(RunStore store) {
    this.store = store;
  }

  /** The channel that signals what others than its owner append to a run's log. */
  static String channel(RunId id) {
    return "run/" + id;
  }

  /** The channel that signals runs that are due. */
  static final String DUE = "runs/due";

  /**
   * @return the number of the first step
   * @throws FencedOff if the fence does not hold, or the run is over
   */
  long append(Tx tx, RunId id, ThreadId thread, Fence fence, List<Step> steps) {
    RunStore.Change change = change(fence, steps);
    long first = store.append(tx, id, fence, steps, change);
    for (int i = 0; i < steps.size(); i++) {
      tx.emit(
          Threads.topic(thread),
          "run.step",
          Json.object().put("run_id", id.toString()).put("seq", first + i).toString());
    }
    if (change.status() != null) {
      changed(tx, id, thread);
    }
    // The owner knows what it wrote itself.
    if (fence.epoch() == null) {
      tx.wake(channel(id));
      tx.wake(DUE);
    }
    return first;
  }

  /** Tells the thread's watchers that the run's status is another. */
  static void changed(Tx tx, RunId id, ThreadId thread) {
    tx.emit(
        Threads.topic(thread),
        "run.changed",
        Json.object().put("run_id", id.toString()).toString());
  }

  private static RunStore.Change change(Fence fence, List<Step> steps) {
    RunStatus status = null;
    String reason = null;
    String model = null;
    Boolean simulated = null;
    long inputTokens = 0;
    long outputTokens = 0;
    long costMicros = 0;
    boolean costUnknown = false;
    boolean started = false;
    Boolean suspended = null;
    boolean progress = fence.epoch() == null;
    for (Step step : steps) {
      progress |= progress(step);
      switch (step) {
        case Step.RunStarted s -> {
          status = RunStatus.RUNNING;
          started = true;
        }
        case Step.ModelRequested s -> {
          status = RunStatus.RUNNING;
          model = s.model();
          simulated = s.simulated();
        }
        case Step.ModelResponded s -> {
          inputTokens += s.inputTokens();
          outputTokens += s.outputTokens();
          costMicros += cost(s.costMicros());
          costUnknown |= s.costMicros() == null;
        }
        case Step.ModelFailed s -> {
          inputTokens += s.inputTokens();
          costMicros += cost(s.costMicros());
          costUnknown |= s.costMicros() == null;
        }
        case Step.ApprovalDecided s -> status = RunStatus.QUEUED;
        case Step.ApprovalEdited s -> status = RunStatus.QUEUED;
        case Step.ToolSettled s -> status = RunStatus.QUEUED;
        case Step.ChildFinished s -> status = RunStatus.QUEUED;
        case Step.Suspended s -> {
          status = RunStatus.PAUSED;
          reason = Suspension.REASON + ": " + s.reason();
          suspended = true;
        }
        case Step.Resumed s -> {
          status = RunStatus.QUEUED;
          reason = "";
          suspended = false;
        }
        case Step.ToolStarted s -> status = RunStatus.RUNNING;
        case Step.Finished s -> status = RunStatus.SUCCEEDED;
        case Step.Failed s -> {
          status = RunStatus.FAILED;
          reason = s.reason() + ": " + s.message();
        }
        case Step.Cancelled s -> {
          status = RunStatus.CANCELLED;
          reason = s.reason();
        }
        case Step.Paused s -> {
          status = RunStatus.PAUSED;
          reason = s.reason();
        }
        default -> {}
      }
    }
    return new RunStore.Change(
        status == null ? null : status.name(),
        reason,
        model,
        simulated,
        inputTokens,
        outputTokens,
        costMicros,
        costUnknown,
        started,
        status != null && status.terminal(),
        status == RunStatus.PAUSED,
        suspended,
        // Whoever decides from outside makes the run due: its owner, if any, sees the step anyway.
        fence.epoch() == null,
        progress);
  }

  /**
   * Whether a run is further with this step than it was. To ask again, or to call again, is not: a
   * worker that dies of the answer would do that for ever.
   */
  private static boolean progress(Step step) {
    return switch (step) {
      case Step.ModelRequested _, Step.ToolRequested _, Step.ToolStarted _, Step.Resumed _ -> false;
      case Step.ModelFailed failed -> !failed.failure().equals(Plan.INTERRUPTED);
      default -> true;
    };
  }

  private static long cost(@Nullable Long micros) {
    return micros == null ? 0 : micros;
  }
}
