package dev.mandate.kernel;

/** When a grant lets an agent call a tool without asking a person; the loosest first. */
public enum ApprovalMode {
  /** Never by the grant; a policy can still ask for one. */
  NEVER,
  /** Reading needs no approval, everything else does. */
  BY_EFFECT,
  ALWAYS;

  /** Whether calls under this mode are asked about less often than under the other. */
  public boolean weakerThan(ApprovalMode other) {
    return compareTo(other) < 0;
  }
}
