package dev.mandate.agents;

import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Failure;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** What a new version of an agent says, checked by {@link #validated}. */
public record AgentDraft(
    String name,
    String description,
    String instructions,
    String model,
    List<ToolGrant> tools,
    int maxModelCalls) {

  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N} ._-]{0,63}");
  private static final Pattern TOOL = Pattern.compile("\\*|[a-z0-9-]+/[^\\s*]*\\*?");
  private static final int MAX_TOOLS = 200;

  AgentDraft validated() {
    String trimmed = name.strip();
    if (!NAME.matcher(trimmed).matches()) {
      throw Failure.invalid(
          "name",
          trimmed.isEmpty()
              ? "is required"
              : "takes 1 to 64 letters, digits, spaces, '.', '_', '-', and begins with a letter or"
                  + " digit: '"
                  + Failure.excerpt(trimmed)
                  + "'");
    }
    limit("description", description, 1_000);
    limit("instructions", instructions, 100_000);
    limit("model", model, 200);
    if (maxModelCalls < 0 || maxModelCalls > 1_000) {
      throw Failure.invalid("max_model_calls", "takes 0 to 1000");
    }
    if (tools.size() > MAX_TOOLS) {
      throw Failure.invalid("tools", "takes at most " + MAX_TOOLS + " grants");
    }
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < tools.size(); i++) {
      String tool = tools.get(i).tool();
      if (tool.length() > 200 || !TOOL.matcher(tool).matches()) {
        throw Failure.invalid(
            "tools[" + i + "].tool",
            "takes <source>/<tool>, or a prefix that ends in '*': '" + Failure.excerpt(tool) + "'");
      }
      if (!seen.add(tool)) {
        throw Failure.invalid("tools[" + i + "].tool", "is there twice: '" + tool + "'");
      }
    }
    return new AgentDraft(trimmed, description, instructions, model, tools, maxModelCalls);
  }

  /** Whether a grant takes a person's approval away. */
  boolean waivesApproval() {
    return tools.stream().anyMatch(grant -> grant.approval() == ApprovalMode.NEVER);
  }

  private static void limit(String field, String text, int most) {
    if (text.length() > most) {
      throw Failure.invalid(
          field, "takes at most " + most + " characters, this has " + text.length());
    }
  }
}
