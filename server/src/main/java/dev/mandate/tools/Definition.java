package dev.mandate.tools;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.governance.Effect;
import dev.mandate.kernel.Failure;
import io.modelcontextprotocol.spec.McpSchema;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a server says a tool is: what people judge it by, and models. A tool that says something
 * else is another tool, until somebody has looked at it.
 *
 * @param proposed the effect that it claims; null if it claims nothing
 */
record Definition(String description, String inputSchema, @Nullable Effect proposed) {
  private static final int MAX_DESCRIPTION = 8 << 10;
  private static final ObjectMapper JSON = new ObjectMapper();

  static Definition of(McpSchema.Tool tool) {
    JsonNode schema =
        tool.inputSchema() == null ? JSON.createObjectNode() : JSON.valueToTree(tool.inputSchema());
    return new Definition(
        description(tool), ResultText.clean(schema.toString()), proposal(tool.annotations()));
  }

  /** What is wrong with calling it by what {@code offered} says now; null if nothing is. */
  @Nullable String changedIn(List<McpSchema.Tool> offered, String remoteName) {
    for (McpSchema.Tool tool : offered) {
      if (remoteName.equals(tool.name())) {
        return equals(of(tool))
            ? null
            : "its server describes it otherwise than when it was imported: somebody who may must"
                + " refresh the source and look at what changed";
      }
    }
    return "its server does not offer it any more";
  }

  /** Text that shows, and only that: nothing may hide from who reads it before a model does. */
  private static String description(McpSchema.Tool tool) {
    String text = tool.description() != null ? tool.description() : tool.title();
    String clean = Failure.visible(ResultText.clean(text == null ? "" : text));
    return clean.length() <= MAX_DESCRIPTION
        ? clean
        : ResultText.clean(clean.substring(0, MAX_DESCRIPTION)) + "…";
  }

  private static @Nullable Effect proposal(McpSchema.@Nullable ToolAnnotations annotations) {
    if (annotations == null) {
      return null;
    }
    if (Boolean.TRUE.equals(annotations.readOnlyHint())) {
      return Effect.READ_ONLY;
    }
    if (Boolean.TRUE.equals(annotations.destructiveHint())) {
      return Effect.DESTRUCTIVE;
    }
    return Boolean.TRUE.equals(annotations.idempotentHint()) ? Effect.IDEMPOTENT : Effect.WRITE;
  }
}
