package dev.mandate.policies;

import dev.mandate.kernel.Mandate;

/** What policies say of a call: asked by the gate. */
@FunctionalInterface
public interface PolicyCheck {
  /** Nobody says anything. */
  PolicyCheck NONE = (mandate, question) -> Verdict.NONE;

  /**
   * Whatever goes wrong is a denial; only a database that cannot be reached is thrown.
   *
   * @throws dev.mandate.kernel.Failure {@code UNAVAILABLE}
   */
  Verdict decide(Mandate mandate, Question question);
}
