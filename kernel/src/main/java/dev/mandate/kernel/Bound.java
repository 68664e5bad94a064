package dev.mandate.kernel;

import java.util.Map;
import java.util.Set;

/**
 * One limit on a mandate: the actions and tools that it leaves, and when a call of a tool needs an
 * approval. A mandate holds a list of bounds and permits what all of them permit, so adding one can
 * only take away.
 *
 * <p>A pattern is a full name, a prefix that ends in {@code *}, or {@code *} alone: {@code
 * agents.create}, {@code agents.*}, {@code self/agents_*}.
 *
 * @param actions patterns over method actions ({@code agents.create}, {@code tools.call})
 * @param tools by pattern over tools, {@code <source>/<tool>}: when a call needs an approval; of
 *     several patterns that match the longest says
 */
public record Bound(Set<String> actions, Map<String, ApprovalMode> tools) {
  private static final Map<String, ApprovalMode> ANY = Map.of("*", ApprovalMode.BY_EFFECT);

  /** Leaves everything; what is not said about approvals is by effect. */
  public static final Bound ALL = new Bound(Set.of("*"), ANY);

  public Bound {
    actions = Set.copyOf(actions);
    tools = Map.copyOf(tools);
  }

  public static Bound actions(Set<String> actions) {
    return new Bound(actions, ANY);
  }

  public static Bound tools(Map<String, ApprovalMode> tools) {
    return new Bound(Set.of("*"), tools);
  }

  public boolean permitsAction(String action) {
    return matches(actions, action);
  }

  public boolean permitsTool(String tool) {
    return matches(tools.keySet(), tool);
  }

  /** When a call of a tool that this permits needs an approval. */
  public ApprovalMode approval(String tool) {
    ApprovalMode mode = ApprovalMode.ALWAYS;
    int closest = -1;
    for (Map.Entry<String, ApprovalMode> grant : tools.entrySet()) {
      if (grant.getKey().length() > closest && matches(grant.getKey(), tool)) {
        mode = grant.getValue();
        closest = grant.getKey().length();
      }
    }
    return mode;
  }

  private static boolean matches(Set<String> patterns, String name) {
    if (patterns.contains(name) || patterns.contains("*")) {
      return true;
    }
    for (String pattern : patterns) {
      if (matches(pattern, name)) {
        return true;
      }
    }
    return false;
  }

  /** Whether one pattern of this kind matches a name. */
  public static boolean matches(String pattern, String name) {
    int last = pattern.length() - 1;
    if (last >= 0 && pattern.charAt(last) == '*') {
      return name.startsWith(pattern.substring(0, last));
    }
    return pattern.equals(name);
  }
}
