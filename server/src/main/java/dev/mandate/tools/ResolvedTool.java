package dev.mandate.tools;

import dev.mandate.governance.Effect;
import java.time.Duration;
import java.util.List;

/**
 * A tool as it is in force now.
 *
 * @param name {@code <source>/<tool>}
 * @param modelName what a model calls it: letters, digits, {@code _}, {@code -}, at most 64, unique
 *     in the organization
 * @param inputSchemaJson JSON Schema of its arguments, an object's
 * @param version grows with every change of what is here
 * @param sourceKind {@code self}, {@code mcp-stdio} or {@code mcp-http}
 * @param labels what an administrator has put on it, for policies
 */
public record ResolvedTool(
    ToolId id,
    String name,
    String modelName,
    String description,
    String inputSchemaJson,
    Effect effect,
    Duration timeout,
    long version,
    ToolSourceId sourceId,
    String sourceKind,
    List<String> labels) {

  /** The part of the name after the source. */
  String localName() {
    return name.substring(name.indexOf('/') + 1);
  }
}
