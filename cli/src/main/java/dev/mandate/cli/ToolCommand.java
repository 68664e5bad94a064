package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "tool", description = "Tools: what agents can use, and calling them.")
final class ToolCommand extends Noun {
  ToolCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "The catalog.")
  int list(
      @Option(names = "--source", defaultValue = "", description = "Only this source's.")
          String source,
      @Option(names = "--limit", defaultValue = "500") int limit) {
    String sourceId = source.isEmpty() ? "" : context.lookup().source(source);
    return context.show(
        context.list("/api/v1/tools", "tools", Map.of("sourceId", sourceId), limit),
        "No tools. Add a source: mandate tool import NAME URL",
        new Table("NAME", "EFFECT", "USABLE", "DESCRIPTION"),
        tool ->
            new Object[] {
              Json.text(tool, "name"),
              Format.effect(Json.text(tool, "effect")),
              usable(tool),
              Json.text(tool, "description")
            });
  }

  private static String usable(JsonNode tool) {
    if (!suspension(tool).isEmpty()) {
      return "suspended";
    }
    return Json.flag(tool, "enabled") ? "yes" : "no";
  }

  @Command(name = "show", description = "One tool with its schema.")
  int show(@Parameters(paramLabel = "SOURCE/TOOL|ID") String name) {
    JsonNode tool = context.lookup().tool(name);
    String proposed = Json.text(tool, "proposedEffect");
    return context.show(
        tool,
        "name",
        Json.text(tool, "name"),
        "id",
        Json.text(tool, "id"),
        "description",
        Json.text(tool, "description"),
        "effect",
        Format.effect(Json.text(tool, "effect"))
            + (Json.flag(tool, "effectConfirmed")
                ? " (set by an administrator)"
                : ", proposed: " + Format.effect(proposed)),
        "usable",
        usable(tool),
        "suspended",
        suspension(tool),
        "timeout",
        Json.number(tool, "timeoutSeconds") + " s",
        "arguments",
        Json.prettyText(Json.text(tool, "inputSchemaJson")));
  }

  @Command(
      name = "call",
      description = "Calls a tool, on the same governed path as an agent's call.")
  int call(
      @Parameters(paramLabel = "SOURCE/TOOL|ID") String name,
      @Parameters(
              paramLabel = "JSON|@FILE|-",
              arity = "0..1",
              defaultValue = "{}",
              description = "The arguments, a JSON object.")
          String arguments) {
    JsonNode answer =
        context
            .api()
            .post(
                "/api/v1/tools/" + Api.encode(name) + ":call",
                Json.object().put("argumentsJson", context.textOrFile(arguments)));
    boolean failed = Json.flag(answer, "isError");
    context.done(answer, Format.printable(Json.text(answer, "text")));
    return failed ? Exit.FAILED : Exit.OK;
  }

  @Command(
      name = "update",
      description = "Sets a tool's effect class, timeout, or whether it is usable.")
  int update(
      @Parameters(paramLabel = "SOURCE/TOOL|ID") String name,
      @Option(
              names = "--effect",
              defaultValue = "",
              description = "read_only, idempotent, write or destructive.")
          String effect,
      @Option(names = "--timeout", defaultValue = "0", description = "Seconds, 1 to 600.")
          int timeout,
      @Option(names = "--enable", description = "It may be used.") boolean enable,
      @Option(names = "--disable", description = "It may not be used.") boolean disable,
      @Option(
              names = "--label",
              paramLabel = "LABEL",
              description = "For policies, in place of those it has; may be repeated.")
          @Nullable List<String> labels,
      @Option(names = "--no-labels", description = "Takes its labels away.") boolean noLabels) {
    boolean labelled = labels != null || noLabels;
    if ((effect.isEmpty() && timeout == 0 && !enable && !disable && !labelled)
        || (enable && disable)
        || (labels != null && noLabels)) {
      throw CliFailure.usage(
          "one or more of --effect, --timeout, --enable or --disable, --label or --no-labels");
    }
    JsonNode tool = context.lookup().tool(name);
    ObjectNode body = Json.object().put("version", Json.number(tool, "version"));
    if (!effect.isEmpty()) {
      body.put("effect", "EFFECT_" + effect.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
    if (timeout != 0) {
      body.put("timeoutSeconds", timeout);
    }
    if (enable || disable) {
      body.put("enabled", enable);
    }
    if (labelled) {
      var names = body.put("setLabels", true).putArray("labels");
      if (labels != null) {
        labels.forEach(names::add);
      }
    }
    JsonNode updated = context.api().patch("/api/v1/tools/" + Json.text(tool, "id"), body);
    return context.done(
        updated,
        Json.text(updated, "name")
            + ": "
            + Format.effect(Json.text(updated, "effect"))
            + ", timeout "
            + Json.number(updated, "timeoutSeconds")
            + " s, "
            + (Json.flag(updated, "enabled") ? "usable" : "not usable"));
  }

  @Command(
      name = "import",
      description = {
        "Connects an MCP server and adds its tools.",
        "  mandate tool import github https://example.com/mcp --header Authorization",
        "  mandate tool import files -- npx -y @modelcontextprotocol/server-filesystem /data"
      })
  int importSource(
      @Parameters(paramLabel = "NAME") String name,
      @Parameters(
              paramLabel = "URL|COMMAND",
              arity = "1..*",
              description = "Its address, or after -- the program and its arguments.")
          List<String> server,
      @Option(
              names = "--env",
              paramLabel = "NAME[=VALUE]",
              description = "For the program; without a value it is taken from your environment.")
          @Nullable List<String> environment,
      @Option(
              names = "--header",
              paramLabel = "NAME[=VALUE]",
              description = "For the address; without a value you are asked for it.")
          @Nullable List<String> headers) {
    ObjectNode body = Json.object().put("name", name);
    boolean http = server.size() == 1 && server.getFirst().matches("https?://.*");
    if (http) {
      ObjectNode target = body.putObject("http").put("url", server.getFirst());
      ObjectNode sent = target.putObject("headers");
      for (String header : orEmpty(headers)) {
        int equals = header.indexOf('=');
        if (equals < 0) {
          sent.put(header, context.secret("Value of " + header));
        } else {
          sent.put(header.substring(0, equals), header.substring(equals + 1));
        }
      }
    } else {
      ObjectNode target = body.putObject("stdio");
      ArrayNode command = target.putArray("command");
      server.forEach(command::add);
      ObjectNode variables = target.putObject("environment");
      for (String variable : orEmpty(environment)) {
        int equals = variable.indexOf('=');
        if (equals < 0) {
          variables.put(variable, context.env().variable(variable));
        } else {
          variables.put(variable.substring(0, equals), variable.substring(equals + 1));
        }
      }
    }
    JsonNode source = context.api().post("/api/v1/tool-sources:import", body);
    return context.done(
        source,
        "Source "
            + Json.text(source, "name")
            + " is there, with "
            + Json.number(source, "toolCount")
            + " tools: mandate tool list --source "
            + Json.text(source, "name"));
  }

  @Command(name = "refresh", description = "Asks a source again what tools it has.")
  int refresh(@Parameters(paramLabel = "SOURCE") String name) {
    JsonNode source =
        context
            .api()
            .post(
                "/api/v1/tool-sources/" + context.lookup().source(name) + ":refresh",
                Json.object());
    List<String> changes = new ArrayList<>();
    for (String kind : List.of("added", "changed", "removed")) {
      for (JsonNode tool : source.path(kind)) {
        changes.add(kind + " " + tool.asText());
      }
    }
    return context.done(
        source, changes.isEmpty() ? "Nothing has changed." : String.join("\n", changes));
  }

  private static List<String> orEmpty(@Nullable List<String> values) {
    return values == null ? List.of() : values;
  }

  @Command(name = "suspend", description = "Stops a tool for a while: its calls are refused.")
  int suspend(
      @Parameters(paramLabel = "SOURCE/TOOL|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold(
        "/api/v1/tools/" + Json.text(context.lookup().tool(name), "id"),
        "Tool " + name,
        true,
        reason);
  }

  @Command(name = "resume", description = "Lets a suspended tool be called again.")
  int resume(
      @Parameters(paramLabel = "SOURCE/TOOL|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold(
        "/api/v1/tools/" + Json.text(context.lookup().tool(name), "id"),
        "Tool " + name,
        false,
        reason);
  }
}
