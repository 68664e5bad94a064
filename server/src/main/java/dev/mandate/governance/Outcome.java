package dev.mandate.governance;

import java.util.Locale;

/** How an admitted call ended. */
public enum Outcome {
  OK,
  /** It was carried out, or refused, and says that it failed. */
  ERROR,
  /** No answer within its time; it may have taken effect. */
  TIMEOUT,
  /** Its caller gave up; it may have taken effect. */
  CANCELLED,
  /** The connection was lost after the call went out: nobody here knows whether it happened. */
  UNKNOWN;

  /** Whether the call may have taken effect, or may not. */
  public boolean uncertain() {
    return this == TIMEOUT || this == CANCELLED || this == UNKNOWN;
  }

  /** The lower-case name of steps and audit entries. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
