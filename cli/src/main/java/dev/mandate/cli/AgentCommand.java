package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "agent", description = "Agents: what they are told, which model, which tools.")
final class AgentCommand extends Noun {
  AgentCommand(Context context) {
    super(context);
  }

  /** What an agent is made of; nothing is set that was not given. */
  static final class Definition {
    @Option(names = "--description", description = "One line for people who choose an agent.")
    @Nullable String description;

    @Option(
        names = "--instructions",
        paramLabel = "TEXT|@FILE|-",
        description = "The system prompt.")
    @Nullable String instructions;

    @Option(names = "--model", description = "A model's name; empty for the default model.")
    @Nullable String model;

    @Option(
        names = "--tool",
        paramLabel = "TOOL[=always|never]",
        description =
            "A tool it may use, e.g. self/agents_* or github/search; =always asks for an approval"
                + " each time, =never never does. May be repeated.")
    List<String> tools = new ArrayList<>();

    @Option(names = "--max-model-calls", description = "Most model calls in one run.")
    @Nullable Integer maxModelCalls;

    boolean isEmpty() {
      return description == null
          && instructions == null
          && model == null
          && maxModelCalls == null
          && tools.isEmpty();
    }

    void into(ObjectNode body, Context context) {
      if (description != null) {
        body.put("description", description);
      }
      if (instructions != null) {
        body.put("instructions", context.textOrFile(instructions));
      }
      if (model != null) {
        body.put("model", model);
      }
      if (maxModelCalls != null) {
        body.put("maxModelCalls", maxModelCalls);
      }
      if (!tools.isEmpty()) {
        ArrayNode grants = body.putArray("tools");
        tools.forEach(tool -> grants.add(grant(tool)));
      }
    }

    private static ObjectNode grant(String text) {
      int equals = text.lastIndexOf('=');
      ObjectNode grant = Json.object().put("tool", equals < 0 ? text : text.substring(0, equals));
      if (equals >= 0) {
        String mode = text.substring(equals + 1).toUpperCase(Locale.ROOT);
        if (!mode.equals("ALWAYS") && !mode.equals("NEVER")) {
          throw CliFailure.usage("--tool " + text + ": after '=' comes 'always' or 'never'");
        }
        grant.put("approval", mode);
      }
      return grant;
    }
  }

  @Command(name = "list", description = "The organization's agents.")
  int list(@Option(names = "--limit", defaultValue = "100") int limit) {
    return context.show(
        context.list("/api/v1/agents", "agents", Map.of(), limit),
        "No agents yet. Add one: mandate agent create NAME --instructions TEXT",
        new Table("NAME", "MODEL", "TOOLS", "VERSION", "ID", "DESCRIPTION"),
        agent ->
            new Object[] {
              Json.text(agent, "name"),
              model(agent),
              agent.path("tools").size(),
              Json.number(agent, "version"),
              Json.text(agent, "id"),
              Json.text(agent, "description")
            });
  }

  @Command(name = "show", description = "One agent.")
  int show(@Parameters(paramLabel = "NAME|ID") String name) {
    return showAgent(context.lookup().agent(name));
  }

  @Command(name = "create", description = "Adds an agent.")
  int create(
      @Parameters(paramLabel = "NAME") String name,
      @ArgGroup(exclusive = false, multiplicity = "0..1") @Nullable Definition definition) {
    ObjectNode body = Json.object().put("name", name);
    if (definition != null) {
      definition.into(body, context);
    }
    JsonNode agent = context.api().post("/api/v1/agents", body);
    return context.done(
        agent,
        "Agent "
            + Json.text(agent, "name")
            + " is there. Talk to it: mandate chat --agent '"
            + Json.text(agent, "name")
            + "' \"Hello\"");
  }

  @Command(name = "update", description = "Changes an agent: makes its next version.")
  int update(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Option(names = "--name", description = "Its new name.") @Nullable String newName,
      @Option(names = "--no-tools", description = "Takes all tools away.") boolean noTools,
      @ArgGroup(exclusive = false, multiplicity = "0..1") @Nullable Definition definition) {
    Definition change = definition == null ? new Definition() : definition;
    if (newName == null && !noTools && change.isEmpty()) {
      throw CliFailure.usage("nothing to change: see `mandate agent update --help`");
    }
    JsonNode agent = context.lookup().agent(name);
    ObjectNode body = Json.object().put("version", Json.number(agent, "version"));
    if (newName != null) {
      body.put("name", newName);
    }
    change.into(body, context);
    if (noTools || !change.tools.isEmpty()) {
      body.put("setTools", true);
    }
    JsonNode updated = context.api().patch("/api/v1/agents/" + Json.text(agent, "id"), body);
    return context.done(
        updated,
        "Agent "
            + Json.text(updated, "name")
            + " is now at version "
            + Json.number(updated, "version")
            + ".");
  }

  @Command(name = "delete", description = "Deletes an agent. Its threads stay readable.")
  int delete(@Parameters(paramLabel = "NAME|ID") String name) {
    JsonNode agent = context.lookup().agent(name);
    return context.done(
        context.api().delete("/api/v1/agents/" + Json.text(agent, "id")),
        "Agent " + Json.text(agent, "name") + " is deleted.");
  }

  @Command(name = "versions", description = "All versions of an agent, newest first.")
  int versions(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Option(names = "--limit", defaultValue = "50") int limit) {
    JsonNode agent = context.lookup().agent(name);
    return context.show(
        context.list(
            "/api/v1/agents/" + Json.text(agent, "id") + "/versions", "versions", Map.of(), limit),
        "No versions.",
        new Table("VERSION", "CHANGED", "MODEL", "TOOLS", "INSTRUCTIONS"),
        version ->
            new Object[] {
              Json.number(version, "version"),
              Format.time(Json.text(version, "updatedAt")),
              model(version),
              version.path("tools").size(),
              Json.text(version, "instructions")
            });
  }

  private int showAgent(JsonNode agent) {
    StringBuilder tools = new StringBuilder();
    for (JsonNode grant : agent.path("tools")) {
      tools.append(Json.text(grant, "tool"));
      switch (Json.text(grant, "approval")) {
        case "ALWAYS" -> tools.append("  (always needs an approval)");
        case "NEVER" -> tools.append("  (never needs an approval)");
        default -> {
          // By the tool's effect.
        }
      }
      tools.append('\n');
    }
    long calls = Json.number(agent, "maxModelCalls");
    return context.show(
        agent,
        "name",
        Json.text(agent, "name"),
        "id",
        Json.text(agent, "id"),
        "description",
        Json.text(agent, "description"),
        "model",
        model(agent),
        "version",
        String.valueOf(Json.number(agent, "version")),
        "model calls",
        calls == 0 ? "" : "at most " + calls + " in a run",
        "changed",
        Format.time(Json.text(agent, "updatedAt")),
        "suspended",
        suspension(agent),
        "tools",
        tools.isEmpty() ? "none: it can only talk" : tools.toString(),
        "instructions",
        Json.text(agent, "instructions"));
  }

  private static String model(JsonNode agent) {
    String model = Json.text(agent, "model");
    return model.isEmpty() ? "(default)" : model;
  }

  @Command(
      name = "suspend",
      description = "Stops an agent for a while: its runs pause within a second.")
  int suspend(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold(
        "/api/v1/agents/" + Json.text(context.lookup().agent(name), "id"),
        "Agent " + name,
        true,
        reason);
  }

  @Command(name = "resume", description = "Lets a suspended agent act again.")
  int resume(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold(
        "/api/v1/agents/" + Json.text(context.lookup().agent(name), "id"),
        "Agent " + name,
        false,
        reason);
  }
}
