package dev.mandate.tools;

import dev.mandate.kernel.CancelSignal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to call a tool.
 *
 * @param idempotencyKey the same for every attempt of one call; told to the tool
 * @param attempt 1 for the first
 * @param deadline when it is given up; the tool's own timeout holds as well
 * @param callId what the model called it; null if no model asked for it
 */
public record Invocation(
    String idempotencyKey,
    int attempt,
    Instant deadline,
    CancelSignal cancel,
    @Nullable String callId) {
  public Invocation(String idempotencyKey, int attempt, Instant deadline, CancelSignal cancel) {
    this(idempotencyKey, attempt, deadline, cancel, null);
  }
}
