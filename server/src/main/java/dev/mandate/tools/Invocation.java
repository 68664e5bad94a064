package dev.mandate.tools;

import dev.mandate.kernel.CancelSignal;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to call a tool.
 *
 * @param idempotencyKey the same for every attempt of one call; told to the tool
 * @param attempt 1 for the first
 * @param callId what the model called it; null if no model asked for it
 */
public record Invocation(
    String idempotencyKey, int attempt, CancelSignal cancel, @Nullable String callId) {
  public Invocation(String idempotencyKey, int attempt, CancelSignal cancel) {
    this(idempotencyKey, attempt, cancel, null);
  }
}
