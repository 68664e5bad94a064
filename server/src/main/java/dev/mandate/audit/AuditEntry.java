package dev.mandate.audit;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * One entry.
 *
 * @param resource {@code <kind>:<id>}; empty if there is none
 * @param outcome allowed, denied or failed
 * @param reason why it was denied or failed; empty if allowed
 * @param chain the chain of authority, the actor first
 * @param address the caller's network address; empty inside the program, and once erased
 * @param details a JSON object; with what else is personal, until it is erased
 */
record AuditEntry(
    UUID id,
    Instant at,
    String action,
    String resource,
    String outcome,
    String reason,
    List<String> chain,
    String channel,
    String address,
    String traceId,
    String details) {
  AuditEntry {
    chain = List.copyOf(chain);
  }
}
