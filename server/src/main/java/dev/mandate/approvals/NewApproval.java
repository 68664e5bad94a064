package dev.mandate.approvals;

import java.time.Duration;
import java.util.UUID;

/**
 * A question to ask. Who asks is the transaction's mandate.
 *
 * @param callId the tool call within the run; one open question per call
 * @param decider see {@link dev.mandate.policies.Decider}; from the gate's {@code NeedsApproval}
 * @param timeToLive after which it expires
 */
public record NewApproval(
    UUID runId,
    UUID threadId,
    String callId,
    String tool,
    String argumentsJson,
    String decider,
    String reason,
    Duration timeToLive) {}
