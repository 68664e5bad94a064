package dev.mandate.policies;

import dev.mandate.kernel.Mandate;
import java.util.Set;

/**
 * Policies must not take from people the means to change them. A chain of people alone may always
 * sign in and out, see who it is, and manage policies, whatever the organization's own policies
 * say. The installation's policies hold all the same, but not for people of its first organization,
 * who manage those.
 */
final class LockOut {
  private static final Set<String> ALWAYS =
      Set.of("sessions.create", "sessions.refresh", "sessions.get", "sessions.delete", "me.get");

  private LockOut() {}

  static boolean exempts(Mandate mandate, String action) {
    return exempts(action, mandate.user() != null && !mandate.includesAgent());
  }

  /**
   * @param people whether the chain is of people alone
   */
  static boolean exempts(String action, boolean people) {
    return people && (action.startsWith("policies.") || ALWAYS.contains(action));
  }
}
