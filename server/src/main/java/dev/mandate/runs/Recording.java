package dev.mandate.runs;

import dev.mandate.approvals.ArgumentsHash;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.db.Tx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the tool calls of a run came to, by tool and arguments, in the order of the calls. */
final class Recording {
  /**
   * One call's end.
   *
   * @param outcome as in the original's log
   * @param result hash of what the model was told; null if {@code text} is it
   */
  record Result(String outcome, @Nullable String result, String text, boolean error) {}

  private record Key(String tool, String argumentsHash) {}

  private final Map<Key, List<Result>> results = new HashMap<>();

  /** The model request from which a replay goes on; its tools are what the model is offered. */
  private Step.@Nullable ModelRequested request;

  static Recording of(Tx tx, RunStore store, Replay replay) {
    Recording recording = new Recording();
    Map<String, Key> asked = new LinkedHashMap<>();
    long turn = 0;
    for (LoggedStep logged : all(tx, store, replay.of())) {
      // A model may use a call's id again in a later turn.
      String at = turn + "/";
      switch (logged.step()) {
        case Step.ModelRequested step -> {
          turn = logged.seq();
          if (recording.request == null && logged.seq() >= replay.fromSeq()) {
            recording.request = step;
          }
        }
        case Step.ToolRequested step ->
            asked.put(at + step.callId(), new Key(step.tool(), step.argumentsHash()));
        case Step.ToolDenied step ->
            recording.add(
                asked.get(at + step.callId()),
                new Result("denied", null, "Refused: " + step.message(), true));
        case Step.ApprovalDecided step -> {
          if (!step.outcome().equals("approved")) {
            String said = step.comment().isBlank() ? "" : ": " + step.comment();
            String text = "Refused: the approval was " + step.outcome() + said;
            recording.add(asked.get(at + step.callId()), new Result("denied", null, text, true));
          }
        }
        case Step.ToolFinished step ->
            recording.add(
                asked.get(at + step.callId()),
                new Result(
                    step.outcome(), step.result(), step.excerpt(), !step.outcome().equals("ok")));
        case Step.ToolSettled step -> {
          if (!step.settlement().equals("retry")) {
            boolean happened = step.settlement().equals("happened");
            recording.add(
                asked.get(at + step.callId()),
                new Result(step.settlement(), step.result(), step.excerpt(), !happened));
          }
        }
        case Step.ChildFinished step -> {
          boolean succeeded = step.status().equals("succeeded");
          recording.add(
              asked.get(at + step.callId()),
              new Result(
                  succeeded ? "ok" : step.status(), step.result(), step.excerpt(), !succeeded));
        }
        case Step.ToolReplayed step ->
            recording.add(
                asked.get(at + step.callId()),
                new Result(step.outcome(), step.result(), step.excerpt(), step.error()));
        default -> {}
      }
    }
    return recording;
  }

  private static List<LoggedStep> all(Tx tx, RunStore store, RunId run) {
    List<LoggedStep> log = new ArrayList<>();
    List<LoggedStep> page;
    do {
      page = store.steps(tx, run, log.size(), 500);
      log.addAll(page);
    } while (!page.isEmpty());
    return log;
  }

  private void add(@Nullable Key key, Result result) {
    if (key != null) {
      results.computeIfAbsent(key, ignored -> new ArrayList<>()).add(result);
    }
  }

  /**
   * @param before how many calls of this tool with these arguments stand before it in the replay
   * @return null if there was no such call
   */
  @Nullable Result find(String tool, String arguments, int before) {
    List<Result> same = results.getOrDefault(new Key(tool, hash(arguments)), List.of());
    return before < same.size() ? same.get(before) : null;
  }

  /** Empty for what is no JSON object. */
  static String hash(String arguments) {
    try {
      return ArgumentsHash.of(arguments.isBlank() ? "{}" : arguments);
    } catch (Failure e) {
      return "";
    }
  }

  /** The request at which the replay began; null if the original has none there. */
  Step.@Nullable ModelRequested request() {
    return request;
  }
}
