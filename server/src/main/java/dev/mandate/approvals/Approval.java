package dev.mandate.approvals;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One question to a person, and its answer.
 *
 * @param callId the tool call within the run
 * @param tool {@code <source>/<tool>}
 * @param argumentsJson the exact arguments
 * @param argumentsHash see {@link ArgumentsHash}
 * @param chain who asks, the actor first, as {@code <kind>:<id>}
 * @param requester the user at the root of the chain
 * @param decider who may decide, see {@link dev.mandate.policies.Decider}
 * @param reason why a decision is needed
 * @param decidedBy who decided, as {@code <kind>:<id>}; empty until then, and if nobody did
 * @param comment the decider's words
 * @param replaces the approval, denied by the same decision, whose arguments were changed into
 *     these
 * @param replacedBy the approval that was given instead, with changed arguments
 */
public record Approval(
    ApprovalId id,
    Status status,
    UUID runId,
    UUID threadId,
    String callId,
    String tool,
    String argumentsJson,
    String argumentsHash,
    List<String> chain,
    @Nullable UUID requester,
    String decider,
    String reason,
    Instant createdAt,
    Instant expiresAt,
    String decidedBy,
    @Nullable Instant decidedAt,
    String comment,
    @Nullable ApprovalId replaces,
    @Nullable ApprovalId replacedBy) {

  /** Where it stands. All but {@link #PENDING} are final. */
  public enum Status {
    PENDING,
    APPROVED,
    DENIED,
    /** Nobody decided in time. */
    EXPIRED,
    /** The run ended before anybody decided. */
    WITHDRAWN
  }

  public Approval {
    chain = List.copyOf(chain);
  }
}
