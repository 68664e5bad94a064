package dev.mandate.runs;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One fact of a run's log. The names of kinds and fields are a stored format: they may grow, with
 * defaults for what older steps lack, and never change meaning.
 */
sealed interface Step {
  /**
   * {@code run_started}: what the run is pinned to.
   *
   * @param labels of what was seen before it on its thread, or by the run that called it
   */
  record RunStarted(long agentVersion, long messagePosition, List<String> labels) implements Step {
    public RunStarted {
      labels = known(labels);
    }
  }

  /**
   * {@code model_requested}: the exact request, as hashes of its parts. Its messages are those of
   * the request at {@code base} and then {@code added}, so that a long run's log grows linearly.
   *
   * @param base seq of the model_requested step that it extends; 0 for none
   */
  record ModelRequested(
      String model,
      String remoteName,
      boolean simulated,
      String system,
      List<PinnedTool> tools,
      String toolSpecs,
      long base,
      List<String> added)
      implements Step {}

  /** A tool as it was offered to the model. */
  record PinnedTool(String modelName, String name, long version) {}

  /**
   * {@code model_responded}.
   *
   * @param response hash of the whole response (see {@code models.ModelJson})
   * @param costMicros micro US dollars; null if the model's prices are unknown
   */
  record ModelResponded(
      String response,
      String text,
      List<Call> calls,
      String stopReason,
      long inputTokens,
      long outputTokens,
      @Nullable Long costMicros,
      long durationMillis)
      implements Step {}

  /** One tool call, as the model wrote it. */
  record Call(String id, String modelName, String arguments) {}

  /**
   * {@code model_failed}.
   *
   * @param retryAtMillis when to try again, epoch milliseconds; null if it makes no sense
   * @param inputTokens an estimate of what is charged for it all the same
   */
  record ModelFailed(
      String failure,
      String message,
      @Nullable Long retryAtMillis,
      long inputTokens,
      @Nullable Long costMicros)
      implements Step {}

  /** {@code tool_requested}: the call was looked at; what is known of the tool. */
  record ToolRequested(
      String callId, String tool, String arguments, String argumentsHash, String effect)
      implements Step {}

  /** {@code tool_denied}: it must not be made. */
  record ToolDenied(String callId, String reason, String message) implements Step {}

  record ApprovalRequested(String callId, String approvalId, String decider, String why)
      implements Step {}

  /**
   * {@code approval_decided}.
   *
   * @param outcome approved, denied or expired
   */
  record ApprovalDecided(
      String callId,
      String approvalId,
      String outcome,
      String argumentsHash,
      String decider,
      String decidedBy,
      String comment)
      implements Step {}

  /**
   * {@code approval_edited}: a person denied one approval and gave another one, for arguments that
   * this person wrote; the call goes on with them.
   *
   * @param approvalId the denied one
   * @param replacementId the given one
   */
  record ApprovalEdited(
      String callId,
      String approvalId,
      String replacementId,
      String arguments,
      String argumentsHash,
      String decider,
      String decidedBy,
      String comment)
      implements Step {}

  /**
   * {@code tool_started}: durable before the call leaves.
   *
   * @param labels of the tool now: taking one off later does not undo what the run has seen
   */
  record ToolStarted(
      String callId, int attempt, String idempotencyKey, String effect, List<String> labels)
      implements Step {
    public ToolStarted {
      labels = known(labels);
    }
  }

  /**
   * {@code tool_finished}.
   *
   * @param outcome ok, error, timeout, cancelled or invalid (the arguments were; it never left)
   * @param result hash of what the model is told
   * @param excerpt its beginning
   */
  record ToolFinished(
      String callId,
      int attempt,
      String outcome,
      String result,
      String excerpt,
      boolean truncated,
      long durationMillis)
      implements Step {}

  /** {@code tool_in_doubt}: it may or may not have happened; a person has to say. */
  record ToolInDoubt(String callId, int attempt, String why) implements Step {}

  /**
   * {@code tool_settled}.
   *
   * @param settlement happened, did_not_happen or retry
   * @param result hash of what the model is told; empty for retry
   */
  record ToolSettled(
      String callId, String settlement, String result, String excerpt, String decidedBy)
      implements Step {}

  /**
   * {@code child_started}.
   *
   * @param obligations what has to be done with its answer, see {@code policies.Obligation}
   */
  record ChildStarted(
      String callId, String childRunId, String childThreadId, List<String> obligations)
      implements Step {
    public ChildStarted {
      obligations = known(obligations);
    }
  }

  /**
   * {@code replayed}: from here on this run is its own; what stands before is the original's.
   *
   * @param labels of whatever the original has seen: its results may come again
   */
  record Replayed(
      String originalRunId, boolean recorded, String model, String by, List<String> labels)
      implements Step {
    public Replayed {
      labels = known(labels);
    }
  }

  /**
   * {@code tool_replayed}: no call was made; this is what the same call came to in the original.
   *
   * @param result hash of what the model is told; null if {@code excerpt} is it
   */
  record ToolReplayed(
      String callId,
      String originalRunId,
      String outcome,
      @Nullable String result,
      String excerpt,
      boolean error)
      implements Step {}

  /**
   * {@code child_finished}: how the sub-agent's run ended, and its last words.
   *
   * @param labels of what that run has seen
   */
  record ChildFinished(
      String callId,
      String childRunId,
      String status,
      String result,
      String excerpt,
      List<String> labels)
      implements Step {
    public ChildFinished {
      labels = known(labels);
    }
  }

  record MessagePosted(String messageId, long position) implements Step {}

  record CancelRequested(String by, String reason) implements Step {}

  record Finished() implements Step {}

  record Failed(String reason, String message) implements Step {}

  record Cancelled(String by, String reason) implements Step {}

  record Paused(String reason) implements Step {}

  /** {@code suspended}: its chain may not act for the time being; it waits. */
  record Suspended(String reason) implements Step {}

  /** {@code resumed}: what kept it from going on is over. */
  record Resumed(String by) implements Step {}

  /** Steps from before there were labels and obligations have none. */
  private static List<String> known(@Nullable List<String> texts) {
    return texts == null ? List.of() : List.copyOf(texts);
  }
}
