package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Map;

/** Shows what a run does as it happens: text, tool calls, and how it ends. */
class Transcript {
  private static final int EXCERPT = 300;

  private final Screen screen;
  private final Map<String, LiveText> texts = new HashMap<>();
  private final Map<String, String> tools = new HashMap<>();
  private final Map<String, Integer> depths = new HashMap<>();
  private boolean atLineStart = true;
  private String writing = "";

  Transcript(Screen screen) {
    this.screen = screen;
  }

  /** An event of a followed run or of the conversation, as it came. */
  void event(JsonNode event) {}

  /**
   * A run is followed from now on.
   *
   * @param depth 0 for the run itself, 1 for a sub-agent's …
   */
  void begins(String run, String agent, int depth) {
    depths.put(run, depth);
    if (depth > 0) {
      line(run, screen.cyan("⤷ " + Format.printable(agent)));
    }
  }

  void text(String run, JsonNode delta) {
    LiveText text = texts.computeIfAbsent(run, r -> new LiveText());
    String fresh =
        text.piece(
            (int) Json.number(delta, "attempt"),
            Json.number(delta, "offset"),
            Json.text(delta, "text"));
    if (text.restarted()) {
      line(run, screen.dim("(interrupted; it begins again)"));
    }
    write(run, fresh);
  }

  void message(String run, String text) {
    complete(run, text);
  }

  void step(String run, JsonNode step) {
    String call = Json.text(step, "callId");
    String tool = tools.getOrDefault(call, Json.text(step, "tool"));
    switch (Json.text(step, "kind")) {
      case "model_responded" -> {
        if (!Json.flag(step, "truncated")) {
          complete(run, Json.text(step, "text"));
        }
      }
      case "model_failed" ->
          line(run, screen.yellow("! the model failed: " + reason(step) + "; it is tried again"));
      case "tool_requested" -> {
        tools.put(call, Json.text(step, "tool"));
        line(
            run,
            screen.cyan("→ " + Json.text(step, "tool"))
                + " "
                + screen.dim(Format.oneLine(Json.text(step, "argumentsJson"), EXCERPT)));
      }
      case "tool_denied" ->
          line(run, screen.red("✗ " + tool) + " denied: " + Format.oneLine(reason(step), EXCERPT));
      case "approval_decided" ->
          line(
              run,
              screen.dim(
                  "  "
                      + Format.words(Json.text(step, "outcome"))
                      + ": "
                      + tool
                      + orNothing(" by ", Json.text(step, "decidedBy"))));
      case "approval_edited" ->
          line(
              run,
              screen.dim(
                      "  approved" + orNothing(" by ", Json.text(step, "decidedBy")) + ": " + tool)
                  + " "
                  + screen.cyan(Format.oneLine(Json.text(step, "argumentsJson"), EXCERPT)));
      case "tool_finished" -> finished(run, tool, step);
      case "tool_in_doubt" ->
          line(run, screen.yellow("? " + tool + ": nobody knows whether it happened"));
      case "tool_settled" ->
          line(
              run,
              screen.dim("  settled: " + tool + " " + Format.words(Json.text(step, "outcome"))));
      default -> {
        // The other kinds are bookkeeping: `run show` has them.
      }
    }
  }

  private void finished(String run, String tool, JsonNode step) {
    String outcome = Json.text(step, "outcome");
    boolean ok = outcome.isEmpty() || outcome.equals("ok");
    String took = Format.duration(Json.number(step, "durationMs"));
    String text = Json.text(step, "text").isEmpty() ? reason(step) : Json.text(step, "text");
    line(
        run,
        (ok ? screen.green("✓ " + tool) : screen.red("✗ " + tool + " " + outcome))
            + " "
            + screen.dim(took + "  " + Format.oneLine(text, EXCERPT)));
  }

  /** How a run ended, and what it took. */
  void ended(String run, JsonNode state) {
    boolean simulated = Json.flag(state, "simulated");
    String status = Json.text(state, "status");
    String summary =
        Format.words(status)
            + " · "
            + Format.between(Json.text(state, "createdAt"), Json.text(state, "finishedAt"))
            + " · "
            + Json.number(state, "inputTokens")
            + " + "
            + Json.number(state, "outputTokens")
            + " tokens"
            + (simulated ? " (simulated)" : "")
            + " · "
            + Format.cost(state, simulated);
    if (depths.getOrDefault(run, 0) > 0) {
      line(run, screen.dim(summary));
      return;
    }
    if (!status.equals("SUCCEEDED")) {
      String why = Json.text(state, "reason");
      line(
          run,
          screen.red(Format.words(status) + (why.isEmpty() ? "" : ": " + Format.printable(why))));
    }
    line(run, screen.dim(summary + " · mandate run show " + run));
  }

  /** A line of its own, outside any run's text. */
  void note(String text) {
    line("", text);
  }

  private static String reason(JsonNode step) {
    return Json.text(step, "reason");
  }

  private static String orNothing(String before, String value) {
    return value.isEmpty() ? "" : before + value;
  }

  private void complete(String run, String whole) {
    write(run, texts.computeIfAbsent(run, r -> new LiveText()).complete(whole));
    endLine();
  }

  private void line(String run, String text) {
    endLine();
    screen.line(indent(run) + text);
  }

  private void write(String run, String text) {
    if (text.isEmpty()) {
      return;
    }
    if (!writing.equals(run)) {
      endLine();
      writing = run;
    }
    String clean = Format.printable(text);
    String indent = indent(run);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < clean.length(); i++) {
      char c = clean.charAt(i);
      if (atLineStart && c != '\n') {
        out.append(indent);
      }
      out.append(c);
      atLineStart = c == '\n';
    }
    screen.piece(out.toString());
  }

  private void endLine() {
    if (!atLineStart) {
      screen.line("");
      atLineStart = true;
    }
  }

  private String indent(String run) {
    return screen.dim("│ ").repeat(depths.getOrDefault(run, 0));
  }

  /** For programs: each event as one line of JSON, nothing else. */
  static final class AsJson extends Transcript {
    private final Screen screen;

    AsJson(Screen screen) {
      super(screen);
      this.screen = screen;
    }

    @Override
    void event(JsonNode event) {
      screen.json(event);
    }

    @Override
    void begins(String run, String agent, int depth) {}

    @Override
    void text(String run, JsonNode delta) {}

    @Override
    void message(String run, String text) {}

    @Override
    void step(String run, JsonNode step) {}

    @Override
    void ended(String run, JsonNode state) {}

    @Override
    void note(String text) {
      screen.error(text);
    }
  }
}
