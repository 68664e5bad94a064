package dev.mandate.suspensions;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.suspensions.Suspension.Kind;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The rules of suspending and resuming: for people, one way for everything that can be suspended.
 */
public final class Suspending {
  private static final int MAX_REASON = 500;

  private final Db db;
  private final Authorizer authorizer;
  private final Suspensions suspensions;
  private final ResumeListener listener;

  public Suspending(
      Db db, Authorizer authorizer, Suspensions suspensions, ResumeListener listener) {
    this.db = db;
    this.authorizer = authorizer;
    this.suspensions = suspensions;
    this.listener = listener;
  }

  /**
   * Suspends something, or lifts its suspension. A second time changes nothing.
   *
   * @param check in the transaction: that there is such a thing, and that it may be suspended
   */
  public void set(
      Mandate mandate,
      Kind kind,
      String subject,
      boolean suspended,
      String reason,
      Consumer<Tx> check) {
    String action = suspended ? kind.suspend() : kind.resume();
    authorizer.require(mandate, action);
    if (mandate.includesAgent()) {
      throw Failure.denied("HUMAN_ONLY", action + " is for people: no agent may call it");
    }
    if (reason.length() > MAX_REASON || reason.indexOf('\0') >= 0) {
      throw Failure.invalid("reason", "takes at most " + MAX_REASON + " characters and no NUL");
    }
    db.run(
        mandate,
        tx -> {
          check.accept(tx);
          boolean changed =
              suspended
                  ? suspensions.put(tx, kind, subject, reason)
                  : suspensions.remove(tx, kind, subject);
          if (changed) {
            if (!suspended) {
              listener.resumed(tx);
            }
            AuditFact entry = AuditFact.allowed(action, kind.resource(subject), "{}");
            // Somebody's own words: what is chained cannot be erased.
            tx.audit(
                reason.isEmpty()
                    ? entry
                    : entry.withPersonal(Json.object().put("reason", reason).toString()));
          }
        });
    suspensions.forget(mandate.org());
  }

  /** For what is shown: null if it is not suspended. */
  public @Nullable Suspension of(OrgId org, Kind kind, String subject) {
    return suspensions.of(org, kind, subject);
  }
}
