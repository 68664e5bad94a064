package dev.mandate.kernel.db;

import org.jspecify.annotations.Nullable;

/**
 * What an audit entry says beyond the mandate (who, on whose behalf, from where) and the clock.
 *
 * @param action e.g. {@code agents.create}
 * @param resource e.g. {@code agent:<id>}; empty if there is none
 * @param reason why it was denied or failed, a stable word; empty if allowed
 * @param details a JSON object; no secrets, no personal data
 * @param personal a JSON object of personal data (an address, an email), or null: it stands outside
 *     what is ever hashed, so that it can be erased
 */
public record AuditFact(
    String action,
    String resource,
    Tx.Outcome outcome,
    String reason,
    String details,
    @Nullable String personal) {
  /**
   * What decided about the call that is being answered, a JSON object: every entry written
   * meanwhile carries it as {@code policy} among its details.
   */
  public static final ScopedValue<String> DECISION = ScopedValue.newInstance();

  public static AuditFact allowed(String action, String resource, String details) {
    return new AuditFact(action, resource, Tx.Outcome.ALLOWED, "", details, null);
  }

  public static AuditFact denied(String action, String resource, String reason, String details) {
    return new AuditFact(action, resource, Tx.Outcome.DENIED, reason, details, null);
  }

  public static AuditFact failed(String action, String resource, String reason, String details) {
    return new AuditFact(action, resource, Tx.Outcome.FAILED, reason, details, null);
  }

  /** With what decided about the call, unless the entry says so itself. */
  AuditFact withDecision() {
    if (!DECISION.isBound() || details.contains("\"policy\":")) {
      return this;
    }
    String rest = details.strip();
    boolean empty = rest.isEmpty() || rest.substring(1, rest.length() - 1).isBlank();
    String policy = "{\"policy\":" + DECISION.get();
    return new AuditFact(
        action,
        resource,
        outcome,
        reason,
        empty ? policy + "}" : policy + "," + rest.substring(1),
        personal);
  }

  public AuditFact withPersonal(String json) {
    return new AuditFact(action, resource, outcome, reason, details, json);
  }
}
