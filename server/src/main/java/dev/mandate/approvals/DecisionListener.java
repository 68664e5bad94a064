package dev.mandate.approvals;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Tx;
import java.util.UUID;

/**
 * Whoever waits for decisions. Hears of every approval that is approved, denied or expired, within
 * the same transaction: what it writes commits with the decision or not at all. Not called for
 * withdrawn ones, since the run that asked ended them itself.
 */
@FunctionalInterface
public interface DecisionListener {
  /**
   * Before an approval of this run is locked: locks what {@link #decided} will change, so that
   * decisions and the end of a run take their locks in one order.
   */
  default void deciding(Tx tx, UUID runId) {}

  /**
   * @param approval one that {@linkplain Approval#replaces replaces} another stands for both
   */
  void decided(Tx tx, Approval approval);

  /**
   * Whether this call may go out with arguments that a person wrote. Asked outside of a
   * transaction.
   *
   * @throws Failure {@code INVALID_ARGUMENT} if the tool does not take them; {@code
   *     PERMISSION_DENIED} if that person may not make such a call
   */
  default void requireEditable(Mandate editor, String tool, String argumentsJson) {
    throw Failure.precondition("NOT_EDITABLE", "the arguments of this call cannot be changed");
  }
}
