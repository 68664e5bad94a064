package dev.mandate.policies;

import dev.mandate.kernel.Failure;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Who may decide about an approval: what policies say, and approvals go by. Written as text, one
 * condition or several with commas, all of which the decider must meet: {@code requester}, {@code
 * other}, {@code role:<role>}, {@code other,role:owner}.
 */
public final class Decider {
  /** The user at the root of the chain that asks. */
  public static final String REQUESTER = "requester";

  /** Someone who may approve, other than the requester. */
  public static final String OTHER = "other";

  /** Prefix of a role that the decider must have. */
  public static final String ROLE = "role:";

  /** An owner. */
  public static final String OWNER = ROLE + "owner";

  static final List<String> CONDITIONS = List.of(REQUESTER, OTHER, OWNER, ROLE + "member");

  private Decider() {}

  /**
   * The conditions in a decider's text, sorted, and those left out that others include.
   *
   * @throws Failure {@code INVALID_ARGUMENT} for an unknown condition
   */
  public static Set<String> conditions(String decider) {
    Set<String> conditions = new TreeSet<>();
    for (String condition : decider.split(",", -1)) {
      if (!CONDITIONS.contains(condition)) {
        throw Failure.invalid("decider", "unknown condition '" + Failure.excerpt(condition) + "'");
      }
      conditions.add(condition);
    }
    if (conditions.contains(OTHER)) {
      // Asking the requester is what happens when nobody asks for more.
      conditions.remove(REQUESTER);
    }
    return conditions;
  }

  /**
   * Whether a decision made under one rule also answers a question that needs these conditions. The
   * requester's consent is the least that is ever asked for, so every decision includes it.
   */
  public static boolean covers(String decider, Set<String> needed) {
    Set<String> met = conditions(decider);
    for (String condition : needed) {
      if (!condition.equals(REQUESTER) && !met.contains(condition)) {
        return false;
      }
    }
    return true;
  }
}
