package dev.mandate.tools;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import io.modelcontextprotocol.spec.McpSchema;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a source offers, made fit for the catalog, and how it differs from what is known of it.
 *
 * @param tools all of the source's tools: new, changed, unchanged and retired ones
 * @param leftOut {@code name: why} of those that cannot be used
 */
record Discovery(
    List<ToolRow> tools,
    List<String> added,
    List<String> changed,
    List<String> removed,
    List<String> leftOut) {
  /** Most tools of one source. */
  static final int MAX_TOOLS = 500;

  private static final int MAX_SCHEMA = 64 << 10;
  private static final int MAX_NAME = 128;

  /** Compares what a source offers now with the rows that are known of it. */
  static Discovery of(
      ToolSourceId source,
      List<McpSchema.Tool> offered,
      List<ToolRow> known,
      ArgumentSchemas schemas) {
    Map<String, ToolRow> before = new LinkedHashMap<>();
    known.forEach(row -> before.put(row.remoteName(), row));
    Discovery found =
        new Discovery(
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>());
    Set<String> names = new HashSet<>();
    Set<String> remoteNames = new HashSet<>();
    for (McpSchema.Tool tool : offered.subList(0, Math.min(offered.size(), MAX_TOOLS))) {
      if (remoteNames.add(String.valueOf(tool.name()))) {
        found.take(source, tool, before, names, schemas);
      }
    }
    if (offered.size() > MAX_TOOLS) {
      found.leftOut.add("all after the first " + MAX_TOOLS + " tools");
    }
    Set<String> usable = new HashSet<>();
    found.tools.forEach(row -> usable.add(row.remoteName()));
    for (ToolRow row : known) {
      if (!usable.contains(row.remoteName()) && !row.retired()) {
        found.removed.add(row.name());
        found.tools.add(
            new ToolRow(
                row.id(),
                source,
                row.name(),
                row.remoteName(),
                row.description(),
                row.inputSchema(),
                row.proposed(),
                true,
                row.version() + 1));
      }
    }
    return found;
  }

  private void take(
      ToolSourceId source,
      McpSchema.Tool tool,
      Map<String, ToolRow> before,
      Set<String> names,
      ArgumentSchemas schemas) {
    String remote = tool.name();
    if (remote == null || remote.isBlank() || remote.length() > MAX_NAME) {
      leftOut.add(Failure.excerpt(String.valueOf(remote)) + ": its name is empty or too long");
      return;
    }
    Definition definition = Definition.of(tool);
    String problem = problem(definition.inputSchema(), schemas);
    if (problem != null) {
      leftOut.add(Failure.excerpt(remote) + ": " + problem);
      return;
    }
    ToolRow row = before.get(remote);
    ToolRow fresh =
        new ToolRow(
            row == null ? new ToolId(Ids.next()) : row.id(),
            source,
            name(remote, names),
            remote,
            definition.description(),
            definition.inputSchema(),
            definition.proposed(),
            false,
            row == null ? 1 : row.version());
    if (row == null || row.retired()) {
      added.add(fresh.name());
    } else if (!row.describesTheSame(fresh)) {
      changed.add(fresh.name());
    }
    boolean same = row == null || row.describesTheSame(fresh);
    tools.add(
        same
            ? fresh
            : new ToolRow(
                fresh.id(),
                source,
                fresh.name(),
                remote,
                fresh.description(),
                fresh.inputSchema(),
                fresh.proposed(),
                false,
                fresh.version() + 1));
  }

  private static @Nullable String problem(String schemaJson, ArgumentSchemas schemas) {
    if (schemaJson.length() > MAX_SCHEMA) {
      return "its input schema is larger than 64 KiB";
    }
    if (!Failure.visible(schemaJson).equals(schemaJson)) {
      return "its input schema has characters that do not show";
    }
    return schemas.defect(Json.parse("input_schema", schemaJson)).orElse(null);
  }

  /** Letters, digits, {@code _ . -}; unique within the source. */
  private static String name(String remote, Set<String> names) {
    String plain = remote.replaceAll("[^a-zA-Z0-9_.-]", "_");
    String name = plain;
    for (int i = 2; !names.add(name); i++) {
      name = plain + "_" + i;
    }
    return name;
  }
}
