package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "run", description = "Runs: one turn of an agent on a thread, step by step.")
final class RunCommand extends Noun {
  static final int ALL_STEPS = 10_000;

  private static final String ID = "An id, its beginning, or 'last'.";

  RunCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Runs, newest first.")
  int list(
      @Option(names = "--thread", defaultValue = "", description = "Only this thread's.")
          String thread,
      @Option(
              names = "--status",
              defaultValue = "",
              description = "E.g. running, awaiting_approval, in_doubt, failed.")
          String status,
      @Option(names = "--limit", defaultValue = "50") int limit) {
    return context.show(
        context.list(
            "/api/v1/runs",
            "runs",
            Map.of(
                "threadId",
                thread.isEmpty() ? "" : context.lookup().thread(thread),
                "status",
                status.toUpperCase(Locale.ROOT).replace('-', '_')),
            limit),
        "No runs. Start one: mandate chat \"Hello\"",
        new Table("BEGAN", "AGENT", "STATUS", "TOKENS", "COST", "ID", "REASON"),
        run ->
            new Object[] {
              Format.time(Json.text(run, "createdAt")),
              Json.text(run, "agentName"),
              Format.words(Json.text(run, "status")),
              tokens(run),
              Format.cost(run, Json.flag(run, "simulated")),
              Json.text(run, "id"),
              Json.text(run, "reason")
            });
  }

  @Command(name = "show", description = "One run with its step log.")
  int show(@Parameters(paramLabel = "ID", description = ID) String id) {
    String path = "/api/v1/runs/" + context.lookup().run(id);
    JsonNode run = context.api().get(path);
    List<JsonNode> steps = context.list(path + "/steps", "steps", Map.of(), ALL_STEPS);
    if (context.json) {
      ObjectNode both = Json.object();
      both.set("run", run);
      both.putArray("steps").addAll(steps);
      context.screen().json(both);
    } else {
      print(context.screen(), run, steps);
    }
    return Exit.OK;
  }

  static void print(Screen screen, JsonNode run, List<JsonNode> steps) {
    boolean simulated = Json.flag(run, "simulated");
    screen.fields(
        "run",
        Json.text(run, "id"),
        "agent",
        Json.text(run, "agentName") + " (version " + Json.number(run, "agentVersion") + ")",
        "status",
        Format.words(Json.text(run, "status")),
        "reason",
        Json.text(run, "reason"),
        "acts as",
        ApprovalCommand.chain(run),
        "model",
        Json.text(run, "model") + (simulated ? " (scripted: tokens and cost are not real)" : ""),
        "tokens",
        Json.number(run, "inputTokens") + " in, " + Json.number(run, "outputTokens") + " out",
        "cost",
        Format.cost(run, simulated),
        "began",
        Format.time(Json.text(run, "createdAt")),
        "took",
        Format.between(Json.text(run, "createdAt"), Json.text(run, "finishedAt")),
        "thread",
        Json.text(run, "threadId"),
        "called by run",
        Json.text(run, "parentRunId"),
        "replay of",
        Json.text(run, "replayOf"));
    screen.line("");
    Table table = new Table("#", "TIME", "STEP", "TOOK", "TOKENS", "COST", "WHAT");
    Map<String, String> tools = tools(steps);
    for (JsonNode step : steps) {
      boolean model = Json.text(step, "kind").equals("model_responded");
      long took = Json.number(step, "durationMs");
      boolean timed = took > 0 || Json.text(step, "kind").equals("tool_finished") || model;
      table.row(
          Json.number(step, "seq"),
          Format.clock(Json.text(step, "createdAt")),
          Format.words(Json.text(step, "kind")),
          timed ? Format.duration(took) : "",
          model ? tokens(step) : "",
          model ? Format.cost(step, simulated) : "",
          what(step, tools));
    }
    screen.table(table);
  }

  /** What a step was about, in one line. */
  private static String what(JsonNode step, Map<String, String> tools) {
    StringBuilder what = new StringBuilder();
    append(what, "", tools.getOrDefault(Json.text(step, "callId"), ""));
    append(what, "", Json.text(step, "outcome"));
    append(what, "by ", Json.text(step, "decidedBy"));
    append(what, "", Json.text(step, "model"));
    append(what, "", Json.text(step, "argumentsJson"));
    append(what, "", Json.text(step, "reason"));
    append(what, "approval ", Json.text(step, "approvalId"));
    append(what, "run ", Json.text(step, "childRunId"));
    append(what, "key ", Json.text(step, "idempotencyKey"));
    if (Json.number(step, "attempt") > 1) {
      append(what, "attempt ", String.valueOf(Json.number(step, "attempt")));
    }
    append(what, "", Format.oneLine(Json.text(step, "text"), 200));
    return what.toString();
  }

  private static void append(StringBuilder what, String before, String value) {
    if (!value.isEmpty()) {
      what.append(what.isEmpty() ? "" : "  ").append(before).append(value);
    }
  }

  private static String tokens(JsonNode node) {
    return Json.number(node, "inputTokens") + "+" + Json.number(node, "outputTokens");
  }

  @Command(name = "watch", description = "Shows a run from its beginning to its end.")
  int watch(
      @Parameters(paramLabel = "ID", description = ID) String id,
      @Option(
              names = {"-y", "--yes"},
              description = "Answers approval questions with yes; the record says so.")
          boolean yes) {
    JsonNode run = context.api().get("/api/v1/runs/" + context.lookup().run(id));
    Transcript transcript =
        context.json ? new Transcript.AsJson(context.screen()) : new Transcript(context.screen());
    // Ctrl-C stops the watching here, not the run: somebody else may have started it.
    try (Follower follower =
        new Follower(context.api(), transcript, ChatCommand.approver(context, yes))) {
      return follower.watch(run);
    }
  }

  @Command(name = "cancel", description = "Stops a run within a second. What is done stays done.")
  int cancel(
      @Parameters(paramLabel = "ID", description = ID) String id,
      @Option(names = "--reason", defaultValue = "") String reason) {
    JsonNode run =
        context
            .api()
            .post(
                "/api/v1/runs/" + context.lookup().run(id) + ":cancel",
                Json.object().put("reason", reason));
    return context.done(
        run, "Run " + Json.text(run, "id") + " is " + Format.words(Json.text(run, "status")) + ".");
  }

  @Command(
      name = "replay",
      description = "Runs it again on a thread of its own; by default no tool call leaves.")
  int replay(
      @Parameters(paramLabel = "ID", description = ID) String id,
      @Option(
              names = "--from",
              defaultValue = "0",
              description = "A step: the model is asked again from there; 0 for the beginning.")
          long from,
      @Option(names = "--model", defaultValue = "", description = "Another model.") String model,
      @Option(
              names = "--instructions",
              paramLabel = "TEXT|@FILE|-",
              description = "Other instructions.")
          @Nullable String instructions,
      @Option(names = "--live", description = "Tool calls are made, governed as ever.")
          boolean live) {
    ObjectNode body =
        Json.object()
            .put("fromSeq", from)
            .put("model", model)
            .put("tools", live ? "LIVE" : "RECORDED");
    if (instructions != null) {
      body.put("instructions", context.textOrFile(instructions));
    }
    JsonNode run = context.api().post("/api/v1/runs/" + context.lookup().run(id) + ":replay", body);
    return context.done(run, "Replaying: mandate run watch " + Json.text(run, "id"));
  }

  /** Exactly one of the three. */
  static final class Settlement {
    @Option(names = "--happened", description = "It happened; --result is what the model is told.")
    boolean happened;

    @Option(names = "--did-not-happen", description = "It did not, and is not tried again.")
    boolean didNotHappen;

    @Option(names = "--retry", description = "It is tried again.")
    boolean retry;
  }

  @Command(name = "settle", description = "Settles a tool call whose outcome a crash left unknown.")
  int settle(
      @Parameters(paramLabel = "ID", description = ID) String id,
      @Parameters(
              paramLabel = "CALL",
              arity = "0..1",
              defaultValue = "",
              description = "The call's id; not needed if only one is in doubt.")
          String call,
      @ArgGroup(multiplicity = "1") Settlement settlement,
      @Option(names = "--result", paramLabel = "TEXT|@FILE|-") @Nullable String result) {
    String path = "/api/v1/runs/" + context.lookup().run(id);
    ObjectNode body =
        Json.object()
            .put("callId", call.isEmpty() ? onlyDoubt(path) : call)
            .put(
                "settlement",
                settlement.happened
                    ? "HAPPENED"
                    : settlement.didNotHappen ? "DID_NOT_HAPPEN" : "RETRY");
    if (result != null) {
      body.put("result", context.textOrFile(result));
    }
    JsonNode run = context.api().post(path + ":settle", body);
    return context.done(
        run,
        "Settled. The run is "
            + Format.words(Json.text(run, "status"))
            + ": mandate run watch "
            + Json.text(run, "id"));
  }

  private String onlyDoubt(String path) {
    List<String> doubts = doubts(context.list(path + "/steps", "steps", Map.of(), ALL_STEPS));
    if (doubts.size() == 1) {
      return doubts.getFirst();
    }
    throw CliFailure.failed(
        doubts.isEmpty()
            ? "no call of this run is in doubt"
            : "several calls are in doubt, name one: " + String.join(", ", doubts));
  }

  /** The tools by their calls: only the step that asks for a call names its tool. */
  static Map<String, String> tools(List<JsonNode> steps) {
    Map<String, String> tools = new HashMap<>();
    for (JsonNode step : steps) {
      if (!Json.text(step, "tool").isEmpty()) {
        tools.put(Json.text(step, "callId"), Json.text(step, "tool"));
      }
    }
    return tools;
  }

  /** The calls that are in doubt and not settled since. */
  static List<String> doubts(List<JsonNode> steps) {
    List<String> doubts = new java.util.ArrayList<>();
    for (JsonNode step : steps) {
      switch (Json.text(step, "kind")) {
        case "tool_in_doubt" -> doubts.add(Json.text(step, "callId"));
        case "tool_settled" -> doubts.remove(Json.text(step, "callId"));
        default -> {
          // Nothing to do with doubts.
        }
      }
    }
    return doubts;
  }
}
