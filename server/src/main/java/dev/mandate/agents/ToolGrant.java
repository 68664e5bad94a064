package dev.mandate.agents;

import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Bound;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an agent may use.
 *
 * @param tool a tool {@code <source>/<tool>}, or a prefix that ends in {@code *}
 * @param approval when a call needs a person's approval
 */
public record ToolGrant(String tool, ApprovalMode approval) {
  /** The most specific of these that covers a tool or a pattern: the longest; null if none does. */
  public static @Nullable ToolGrant covering(List<ToolGrant> grants, String tool) {
    ToolGrant best = null;
    for (ToolGrant grant : grants) {
      boolean closer = best == null || grant.tool().length() > best.tool().length();
      // A pattern covers another one exactly if it matches that one's text.
      if (closer && Bound.matches(grant.tool(), tool)) {
        best = grant;
      }
    }
    return best;
  }
}
