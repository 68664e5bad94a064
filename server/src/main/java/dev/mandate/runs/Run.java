package dev.mandate.runs;

import dev.mandate.agents.AgentId;
import dev.mandate.kernel.Mandate;
import dev.mandate.threads.ThreadId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A run's row: what its log says so far, and who works on it.
 *
 * @param mandate the authority it acts under
 * @param messagePosition it answers the thread's messages up to here
 * @param parentCallId the call of the parent's that this run is
 * @param costMicros micro US dollars so far; a lower bound unless {@code costKnown}
 * @param replay what it repeats; null for all but replays
 * @param lastSeq its last step's number; 0 before the first
 */
record Run(
    RunId id,
    ThreadId threadId,
    AgentId agentId,
    long agentVersion,
    Mandate mandate,
    long messagePosition,
    @Nullable RunId parentId,
    @Nullable String parentCallId,
    RunStatus status,
    String reason,
    String model,
    boolean simulated,
    long inputTokens,
    long outputTokens,
    long costMicros,
    boolean costKnown,
    long lastSeq,
    @Nullable Replay replay,
    Instant createdAt,
    @Nullable Instant startedAt,
    @Nullable Instant finishedAt) {}
