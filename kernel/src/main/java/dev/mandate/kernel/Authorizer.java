package dev.mandate.kernel;

/**
 * Decides whether a mandate permits an action now: its expiry, its bounds, and what every member of
 * its chain may do at this moment. Declared here so that the transports and every service can ask;
 * the {@code authorization} floor answers.
 */
public interface Authorizer {
  /**
   * @param action a method's action, e.g. {@code agents.create}
   * @throws Failure {@code PERMISSION_DENIED} (who called audits it: the dispatch path, the gate)
   *     or {@code UNAUTHENTICATED} when expired
   */
  void require(Mandate mandate, String action);

  /**
   * Whether a tool may be called at all now, whoever calls it.
   *
   * @param tool {@code <source>/<tool>}
   * @throws Failure {@code PERMISSION_DENIED} with reason {@code SUSPENDED}
   */
  default void requireTool(Mandate mandate, String tool) {}

  /**
   * Whether an agent may call a method directly, with a credential of its own, and not as a tool of
   * a run: within its tools, and only what needs no approval.
   *
   * @throws Failure {@code PERMISSION_DENIED}; {@code FAILED_PRECONDITION} with reason {@code
   *     APPROVAL_REQUIRED}
   */
  default void requireDirect(Mandate mandate, String action, boolean readOnly) {}
}
