package dev.mandate.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Kills a server while one of its runs is under way, starts it again, and compares what the run
 * says with what the outside world counted.
 */
final class CrashDemo {
  private static final Set<String> AT_REST =
      Set.of("SUCCEEDED", "FAILED", "CANCELLED", "PAUSED", "IN_DOUBT");

  private final Context context;
  private final Screen screen;
  private final int count;
  private final boolean keep;

  CrashDemo(Context context, int count, boolean keep) {
    this.context = context;
    this.screen = context.screen();
    this.count = count;
    this.keep = keep;
  }

  int run() {
    if (count < 2 || count > 50) {
      throw CliFailure.usage("--count is from 2 to 50");
    }
    String launcher = context.env().variable("MANDATE_LAUNCHER");
    if (launcher.isEmpty()) {
      throw CliFailure.usage(
          "start this through the `mandate` script: it knows where the server is");
    }
    LocalServer server = new LocalServer(List.of(launcher));
    Thread cleanup = new Thread(() -> server.stop(keep), "cleanup");
    Runtime.getRuntime().addShutdownHook(cleanup);
    try {
      return demonstrate(server, launcher);
    } finally {
      server.stop(keep);
      Runtime.getRuntime().removeShutdownHook(cleanup);
      if (keep) {
        screen.line("Everything is kept in " + server.folder());
      }
    }
  }

  private int demonstrate(LocalServer server, String launcher) {
    Path record = server.folder().resolve("effects.jsonl");
    screen.line(screen.bold("1. A server of its own") + " in " + server.folder());
    server.start();
    Api api = new Api(server.profile());

    screen.line(screen.bold("2. A tool with effects that can be counted:") + " counter/increment");
    importCounter(api, launcher, record);
    String thread = openThread(api);

    screen.line(
        screen.bold("3. A run that counts to " + count)
            + ", and a SIGKILL on the way. Only the model is scripted.");
    Killing transcript = new Killing(screen, server, count / 2 + 1);
    int exit;
    try (Follower follower = new Follower(api, transcript, Approver.nobody())) {
      exit = follower.post(thread, "Increment the counter " + count + " times.");
    }
    if (!transcript.killed) {
      throw CliFailure.failed("the run ended before it could be killed (exit " + exit + ")");
    }
    String run =
        Json.text(api.list("/api/v1/runs", "runs", Map.of("threadId", thread), 1).getFirst(), "id");
    settleDoubts(api, run, record);
    return verdict(api, run, effects(record));
  }

  private void importCounter(Api api, String launcher, Path record) {
    ObjectNode source = Json.object().put("name", "counter");
    source
        .putObject("stdio")
        .putArray("command")
        .add(launcher)
        .add("effect-counter")
        .add("--file")
        .add(record.toString());
    api.post("/api/v1/tool-sources:import", source);
  }

  private static String openThread(Api api) {
    ObjectNode agent =
        Json.object()
            .put("name", "Counter")
            .put("description", "Counts, for the crash demonstration.")
            .put("instructions", "Increment the counter as often as you are asked to.")
            .put("model", "rehearsal");
    agent
        .putArray("tools")
        .addObject()
        .put("tool", "counter/increment")
        // The demonstration is about crashes: nobody should have to approve each step.
        .put("approval", "NEVER");
    String id = Json.text(api.post("/api/v1/agents", agent), "id");
    ObjectNode thread = Json.object().put("title", "Crash demonstration");
    thread.putArray("agentIds").add(id);
    return Json.text(api.post("/api/v1/threads", thread), "id");
  }

  /** What the crash left unknown is settled by what the counter itself recorded. */
  private void settleDoubts(Api api, String run, Path record) {
    String path = "/api/v1/runs/" + run;
    JsonNode state = atRest(api, path);
    while (Json.text(state, "status").equals("IN_DOUBT")) {
      List<JsonNode> steps = api.list(path + "/steps", "steps", Map.of(), RunCommand.ALL_STEPS);
      String call = RunCommand.doubts(steps).getFirst();
      int known = happened(steps);
      int counted = effects(record);
      boolean happened = counted > known;
      screen.line("");
      screen.line(
          screen.yellow("In doubt: ")
              + "one call had begun, and its answer never arrived. Mandate does not repeat it"
              + " blindly. The step log knows of "
              + known
              + " increments, the counter's own record has "
              + counted
              + ": it "
              + (happened ? "happened" : "did not happen, and is tried again")
              + ".");
      ObjectNode settlement =
          Json.object().put("callId", call).put("settlement", happened ? "HAPPENED" : "RETRY");
      if (happened) {
        settlement.put("result", Integer.toString(counted));
      }
      screen.line(
          screen.dim(
              "  mandate run settle "
                  + run
                  + " "
                  + call
                  + (happened ? " --happened --result " + counted : " --retry")));
      api.post(path + ":settle", settlement);
      state = atRest(api, path);
    }
  }

  private int verdict(Api api, String run, int counted) {
    String path = "/api/v1/runs/" + run;
    JsonNode state = api.get(path);
    List<JsonNode> steps = api.list(path + "/steps", "steps", Map.of(), RunCommand.ALL_STEPS);
    screen.line("");
    screen.line(screen.bold("4. The step log"));
    RunCommand.print(screen, state, steps);
    int known = happened(steps);
    boolean gapless = true;
    for (int i = 0; i < steps.size(); i++) {
      gapless &= Json.number(steps.get(i), "seq") == i + 1;
    }
    boolean good =
        counted == count
            && known == count
            && gapless
            && Json.text(state, "status").equals("SUCCEEDED");
    screen.line("");
    screen.line(screen.bold("5. The counter: " + counted + " of " + count + "."));
    String verdict =
        good
            ? "Nothing lost, nothing doubled: the run ended, its "
                + steps.size()
                + " steps have no gap, and each increment happened once."
            : "The counter stands at "
                + counted
                + ", the step log has "
                + known
                + " increments"
                + (gapless ? "" : " and a gap")
                + ", and the run is "
                + Format.words(Json.text(state, "status"))
                + ".";
    context.done(
        Json.object()
            .put("run", run)
            .put("expected", count)
            .put("counted", counted)
            .put("recorded", known)
            .put("steps", steps.size())
            .put("gapless", gapless)
            .put("ok", good),
        good ? screen.green(verdict) : screen.red(verdict));
    return good ? Exit.OK : Exit.FAILED;
  }

  /** The increments that the step log knows to have happened. */
  private static int happened(List<JsonNode> steps) {
    int happened = 0;
    for (JsonNode step : steps) {
      String outcome = Json.text(step, "outcome");
      boolean finished =
          Json.text(step, "kind").equals("tool_finished")
              && (outcome.isEmpty() || outcome.equals("ok"));
      boolean settled =
          Json.text(step, "kind").equals("tool_settled") && outcome.equals("happened");
      happened += finished || settled ? 1 : 0;
    }
    return happened;
  }

  private static JsonNode atRest(Api api, String path) {
    while (true) {
      JsonNode run = api.get(path);
      if (AT_REST.contains(Json.text(run, "status"))) {
        return run;
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw CliFailure.answered(Exit.CANCELLED, "canceled", "", "cancelled");
      }
    }
  }

  /** The effects in the counter's own file. */
  private static int effects(Path record) {
    int effects = 0;
    try {
      if (Files.exists(record)) {
        for (String line : Files.readAllLines(record, StandardCharsets.UTF_8)) {
          effects += Json.parse(line).path("by").asInt(1);
        }
      }
    } catch (JsonProcessingException broken) {
      throw CliFailure.failed("the counter's record is damaged: " + broken.getOriginalMessage());
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot read the counter's record: " + unreadable.getMessage());
    }
    return effects;
  }

  /** Shows the run, and kills and restarts the server when a certain call has begun. */
  private static final class Killing extends Transcript {
    private final Screen screen;
    private final LocalServer server;
    private final int victim;
    private int begun;
    private boolean killed;

    Killing(Screen screen, LocalServer server, int victim) {
      super(screen);
      this.screen = screen;
      this.server = server;
      this.victim = victim;
    }

    @Override
    void step(String run, JsonNode step) {
      super.step(run, step);
      if (Json.text(step, "kind").equals("tool_started") && ++begun == victim && !killed) {
        killed = true;
        long pid = server.kill();
        note(
            screen.red("✂ kill -9 " + pid) + ": the server is dead, call " + victim + " had begun");
        server.start();
        note(screen.green("✓ the server is back") + ": the run goes on by itself");
      }
    }
  }
}
