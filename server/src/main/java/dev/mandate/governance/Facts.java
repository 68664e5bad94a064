package dev.mandate.governance;

import dev.mandate.policies.Question;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What only the caller knows about the circumstances of a call.
 *
 * @param runId the run that makes the call; null outside a run
 * @param granted the approval that this call already has
 * @param toolsCalled full names of the tools that the run called before, in order
 * @param labels of what the run has seen: those that its tools had when they were called
 */
public record Facts(
    @Nullable UUID runId,
    @Nullable UUID threadId,
    @Nullable Granted granted,
    List<String> toolsCalled,
    List<String> labels) {

  /**
   * An approval that was given.
   *
   * @param argumentsHash what it is bound to
   * @param decider under which rule it was decided, see {@code approvals.Approval#decider}
   */
  public record Granted(String argumentsHash, String decider) {}

  public Facts {
    toolsCalled = List.copyOf(toolsCalled);
    labels = List.copyOf(labels);
  }

  /** A call that its caller makes directly, outside a run. */
  public static Facts direct() {
    return new Facts(null, null, null, List.of(), List.of());
  }

  /** The run as policies see it; null outside a run. */
  public Question.@Nullable Run run() {
    return runId == null || threadId == null
        ? null
        : new Question.Run(runId, threadId, toolsCalled, labels);
  }
}
