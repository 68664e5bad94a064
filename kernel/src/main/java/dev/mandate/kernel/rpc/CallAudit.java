package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;

/**
 * Records what no transaction of a domain records. Both commit by themselves; a call whose entry
 * cannot be written fails.
 */
public interface CallAudit {
  /**
   * A call that was refused with {@code PERMISSION_DENIED}, wherever on its way, unless whoever
   * refused it has {@linkplain Failure#recorded recorded} it with more than is known here.
   */
  void denied(Mandate mandate, Method method, Failure failure);

  /** A read that succeeded, of a method whose rule says {@code AUDIT_ALWAYS}. */
  void allowed(Mandate mandate, Method method);

  /** Writes them where all audit entries are. */
  static CallAudit into(Db db) {
    return new CallAudit() {
      @Override
      public void denied(Mandate mandate, Method method, Failure failure) {
        db.audit(mandate, AuditFact.denied(method.action(), "", failure.reason(), details(method)));
      }

      @Override
      public void allowed(Mandate mandate, Method method) {
        db.audit(mandate, AuditFact.allowed(method.action(), "", details(method)));
      }

      private String details(Method method) {
        // A name of the contract: nothing in it to escape.
        return "{\"method\":\"" + method.path() + "\"}";
      }
    };
  }
}
