package dev.mandate.suspensions;

import dev.mandate.kernel.db.Tx;

/**
 * Hears, in the same transaction, that something is suspended no more: what had to wait for it may
 * go on. The runs floor fills this.
 */
@FunctionalInterface
public interface ResumeListener {
  void resumed(Tx tx);
}
