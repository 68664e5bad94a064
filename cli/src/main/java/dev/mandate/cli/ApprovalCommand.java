package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "approval", description = "Approvals: decisions on one call with exact arguments.")
final class ApprovalCommand extends Noun {
  ApprovalCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Approvals, newest first; the pending ones by default.")
  int list(
      @Option(names = "--all", description = "Decided ones too.") boolean all,
      @Option(
              names = "--status",
              defaultValue = "",
              description = "pending, approved, denied, expired or withdrawn.")
          String status,
      @Option(names = "--limit", defaultValue = "50") int limit) {
    String wanted = !status.isEmpty() ? status.toUpperCase(Locale.ROOT) : all ? "" : "PENDING";
    return context.show(
        context.list("/api/v1/approvals", "approvals", Map.of("status", wanted), limit),
        wanted.equals("PENDING")
            ? "Nothing waits for an approval. Decided ones: mandate approval list --all"
            : "No approvals.",
        new Table("ASKED", "STATUS", "ID", "TOOL", "ARGUMENTS"),
        approval ->
            new Object[] {
              Format.time(Json.text(approval, "createdAt")),
              Format.words(Json.text(approval, "status")),
              Json.text(approval, "id"),
              Json.text(approval, "tool"),
              Json.text(approval, "argumentsJson")
            });
  }

  @Command(name = "show", description = "One approval with the exact arguments.")
  int show(@Parameters(paramLabel = "ID") String id) {
    JsonNode approval = context.api().get("/api/v1/approvals/" + context.lookup().approval(id));
    return context.show(approval, fields(approval));
  }

  @Command(name = "approve", description = "Lets the call happen with exactly these arguments.")
  int approve(
      @Parameters(paramLabel = "ID") String id,
      @Option(
              names = "--arguments",
              paramLabel = "JSON|@FILE|-",
              description = "Lets it happen with these instead; the agent is told.")
          @Nullable String arguments,
      @Option(names = "--comment", defaultValue = "") String comment) {
    String found = context.lookup().approval(id);
    JsonNode seen = context.api().get("/api/v1/approvals/" + found);
    ObjectNode body =
        Json.object()
            .put("argumentsHash", Json.text(seen, "argumentsHash"))
            .put("comment", comment);
    if (arguments != null) {
      body.put("argumentsJson", context.textOrFile(arguments).strip());
    }
    JsonNode approval = context.api().post("/api/v1/approvals/" + found + ":approve", body);
    return context.done(
        approval,
        "Approved: "
            + Json.text(approval, "tool")
            + (Json.text(approval, "replaces").isEmpty() ? "" : " with other arguments")
            + ". The run goes on: mandate run watch "
            + Json.text(approval, "runId"));
  }

  @Command(name = "deny", description = "Refuses the call; the agent is told the comment.")
  int deny(
      @Parameters(paramLabel = "ID") String id,
      @Option(names = "--comment", defaultValue = "") String comment) {
    JsonNode approval =
        context
            .api()
            .post(
                "/api/v1/approvals/" + context.lookup().approval(id) + ":deny",
                Json.object().put("comment", comment));
    return context.done(approval, "Denied: " + Json.text(approval, "tool") + ".");
  }

  static String[] fields(JsonNode approval) {
    return new String[] {
      "tool",
      Json.text(approval, "tool"),
      "arguments",
      Json.prettyText(Json.text(approval, "argumentsJson")),
      "reason",
      Json.text(approval, "reason"),
      "asked by",
      chain(approval),
      "who decides",
      Json.text(approval, "decider"),
      "status",
      Format.words(Json.text(approval, "status")),
      "decided by",
      Json.text(approval, "decidedBy"),
      "comment",
      Json.text(approval, "comment"),
      "replaces",
      Json.text(approval, "replaces"),
      "replaced by",
      Json.text(approval, "replacedBy"),
      "asked",
      Format.time(Json.text(approval, "createdAt")),
      "expires",
      Format.time(Json.text(approval, "expiresAt")),
      "run",
      Json.text(approval, "runId"),
      "id",
      Json.text(approval, "id"),
      "hash",
      Json.text(approval, "argumentsHash")
    };
  }

  /** The chain of authority in words: who acts, on whose behalf. */
  static String chain(JsonNode node) {
    StringBuilder chain = new StringBuilder();
    for (JsonNode link : node.path("chain")) {
      chain.append(chain.isEmpty() ? "" : " for ").append(link.asText());
    }
    return chain.toString();
  }
}
