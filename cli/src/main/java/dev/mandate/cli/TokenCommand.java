package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "token", description = "API tokens: credentials for programs.")
final class TokenCommand extends Noun {
  TokenCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Your tokens; an owner sees the organization's.")
  int list(@Option(names = "--limit", defaultValue = "100") int limit) {
    return context.show(
        context.list("/api/v1/tokens", "tokens", Map.of(), limit),
        "No tokens. Make one: mandate token create NAME --scope 'agents.*'",
        new Table("NAME", "PREFIX", "EXPIRES", "LAST USED", "STATE", "SCOPES", "ID"),
        token ->
            new Object[] {
              Json.text(token, "name"),
              Json.text(token, "prefix"),
              Format.time(Json.text(token, "expiresAt")),
              Format.time(Json.text(token, "lastUsedAt")),
              state(token),
              StreamSupport.stream(token.path("scopes").spliterator(), false)
                  .map(JsonNode::asText)
                  .collect(Collectors.joining(" ")),
              Json.text(token, "id")
            });
  }

  private static String state(JsonNode token) {
    if (!Json.text(token, "revokedAt").isEmpty()) {
      return "revoked";
    }
    return suspension(token).isEmpty() ? "valid" : "suspended";
  }

  @Command(name = "create", description = "Makes a token. Its secret is shown once.")
  int create(
      @Parameters(paramLabel = "NAME") String name,
      @Option(
              names = "--scope",
              required = true,
              paramLabel = "ACTION",
              description = "An action or pattern, e.g. agents.*; '*' for everything you may do.")
          List<String> scopes,
      @Option(names = "--days", defaultValue = "0", description = "Until it expires, 1 to 365; 90.")
          int days,
      @Option(
              names = "--agent",
              defaultValue = "",
              description = "Makes it this agent's credential, acting for you.")
          String agent) {
    ObjectNode body = Json.object().put("name", name);
    ArrayNode all = body.putArray("scopes");
    scopes.forEach(all::add);
    if (days != 0) {
      body.put("expiresInDays", days);
    }
    if (!agent.isEmpty()) {
      body.put("agentId", Json.text(context.lookup().agent(agent), "id"));
    }
    JsonNode answer = context.api().post("/api/v1/tokens", body);
    if (!context.json) {
      // Alone on standard output, so that it can go straight into a file or a variable.
      context.screen().error("This is the only time the secret is shown:");
    }
    return context.done(answer, Json.text(answer, "secret"));
  }

  @Command(name = "revoke", description = "Revokes a token: it is refused within a second.")
  int revoke(@Parameters(paramLabel = "NAME|ID") String name) {
    return context.done(
        context.api().delete("/api/v1/tokens/" + context.lookup().token(name)),
        "Token " + name + " is revoked.");
  }

  @Command(name = "suspend", description = "Stops a token for a while.")
  int suspend(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold("/api/v1/tokens/" + context.lookup().token(name), "Token " + name, true, reason);
  }

  @Command(name = "resume", description = "Lets a suspended token act again.")
  int resume(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold("/api/v1/tokens/" + context.lookup().token(name), "Token " + name, false, reason);
  }
}
