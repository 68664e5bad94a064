package dev.mandate.runs;

import dev.mandate.governance.Effect;
import dev.mandate.governance.Facts;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a step log says so far: the fold of its steps, in order. Two processes that read the same
 * log hold the same state. Not thread-safe.
 */
final class RunState {
  /** Where a tool call stands. */
  enum Phase {
    /** The model asked for it; nobody has looked at it. */
    NEW,
    AWAITING_APPROVAL,
    APPROVED,
    /** It left, and there is no answer yet. */
    STARTED,
    IN_DOUBT,
    /** A person said: try again. */
    RETRY,
    /** It is a sub-agent's run, which goes on. */
    CHILD,
    DONE
  }

  /** One tool call of a turn. */
  static final class CallState {
    final Step.Call call;
    Phase phase = Phase.NEW;
    String tool = "";
    @Nullable Effect effect;
    int attempt;
    @Nullable String idempotencyKey;
    Facts.@Nullable Granted granted;
    @Nullable String childRunId;

    /** The arguments that a person wrote instead of the model's; null if nobody did. */
    @Nullable String edited;

    /** Hash of what the model is told, or null if {@link #resultText} is it. */
    @Nullable String resultHash;

    String resultText = "";
    boolean error;

    CallState(Step.Call call) {
      this.call = call;
    }

    /** What the call goes out with. */
    String arguments() {
      String written = edited == null ? call.arguments() : edited;
      return written.isBlank() ? "{}" : written;
    }

    private void done(@Nullable String hash, String text, boolean failed) {
      phase = Phase.DONE;
      resultHash = hash;
      resultText = text;
      error = failed;
    }
  }

  /** One exchange with the model. */
  static final class Turn {
    final long requestSeq;
    final Step.ModelRequested request;
    Step.@Nullable ModelResponded response;
    final Map<String, CallState> calls = new LinkedHashMap<>();

    Turn(long requestSeq, Step.ModelRequested request) {
      this.requestSeq = requestSeq;
      this.request = request;
    }
  }

  private long lastSeq;
  private Step.@Nullable RunStarted started;
  private final List<Turn> turns = new ArrayList<>();
  private final List<String> toolsCalled = new ArrayList<>();
  private final Set<String> labels = new TreeSet<>();
  private long costMicros;
  private final Map<String, Integer> asked = new HashMap<>();
  private int modelCalls;
  private int failuresInARow;
  private @Nullable Turn open;
  private @Nullable Turn lastRequest;
  private final Map<Long, Step.ModelRequested> requests = new HashMap<>();
  private @Nullable Long retryAtMillis;
  private Step.@Nullable ModelFailed lastFailure;
  private Step.@Nullable CancelRequested cancel;
  private boolean paused;
  private boolean suspended;
  private boolean over;

  /** The state after a whole log. */
  static RunState of(Iterable<LoggedStep> log) {
    RunState state = new RunState();
    log.forEach(state::apply);
    return state;
  }

  void apply(LoggedStep logged) {
    if (logged.seq() != lastSeq + 1) {
      throw new IllegalStateException("step " + logged.seq() + " after step " + lastSeq);
    }
    lastSeq = logged.seq();
    switch (logged.step()) {
      case Step.RunStarted step -> {
        started = step;
        labels.addAll(step.labels());
      }
      case Step.ModelRequested step -> {
        open = new Turn(lastSeq, step);
        lastRequest = open;
        requests.put(lastSeq, step);
        modelCalls++;
        retryAtMillis = null;
      }
      case Step.ModelResponded step -> responded(step);
      case Step.ModelFailed step -> failed(step);
      case Step.ToolRequested step -> {
        CallState call = call(step.callId());
        call.tool = step.tool();
        asked.merge(step.tool() + "/" + step.argumentsHash(), 1, Integer::sum);
        call.effect = Effect.valueOf(step.effect());
      }
      case Step.ToolDenied step ->
          call(step.callId()).done(null, "Refused: " + step.message(), true);
      case Step.ApprovalRequested step -> call(step.callId()).phase = Phase.AWAITING_APPROVAL;
      case Step.ApprovalDecided step -> decided(step);
      case Step.ApprovalEdited step -> {
        CallState call = call(step.callId());
        if (call.phase == Phase.AWAITING_APPROVAL) {
          call.phase = Phase.APPROVED;
          call.edited = step.arguments();
          call.granted = new Facts.Granted(step.argumentsHash(), step.decider());
        }
      }
      case Step.ToolStarted step -> {
        CallState call = call(step.callId());
        call.phase = Phase.STARTED;
        call.attempt = step.attempt();
        call.idempotencyKey = step.idempotencyKey();
        call.effect = Effect.valueOf(step.effect());
        if (step.attempt() == 1) {
          toolsCalled.add(call.tool);
        }
        labels.addAll(step.labels());
      }
      case Step.ToolFinished step ->
          call(step.callId()).done(step.result(), step.excerpt(), !step.outcome().equals("ok"));
      case Step.ToolInDoubt step -> call(step.callId()).phase = Phase.IN_DOUBT;
      case Step.ToolSettled step -> {
        CallState call = call(step.callId());
        if (step.settlement().equals("retry")) {
          call.phase = Phase.RETRY;
        } else {
          call.done(step.result(), step.excerpt(), !step.settlement().equals("happened"));
        }
      }
      case Step.Replayed step -> labels.addAll(step.labels());
      case Step.ToolReplayed step -> {
        CallState call = call(step.callId());
        call.done(step.result(), step.excerpt(), step.error());
        toolsCalled.add(call.tool);
      }
      case Step.ChildStarted step -> {
        CallState call = call(step.callId());
        call.phase = Phase.CHILD;
        call.childRunId = step.childRunId();
        toolsCalled.add(call.tool);
      }
      case Step.ChildFinished step -> {
        call(step.callId()).done(step.result(), step.excerpt(), !step.status().equals("succeeded"));
        labels.addAll(step.labels());
      }
      case Step.CancelRequested step -> cancel = step;
      case Step.Paused step -> paused = true;
      case Step.Suspended step -> suspended = true;
      case Step.Resumed step -> {
        paused = false;
        suspended = false;
      }
      case Step.MessagePosted step -> {}
      case Step.Finished step -> over = true;
      case Step.Failed step -> over = true;
      case Step.Cancelled step -> over = true;
    }
  }

  private void responded(Step.ModelResponded step) {
    costMicros += step.costMicros() == null ? 0 : step.costMicros();
    Turn turn = open;
    if (turn == null) {
      throw new IllegalStateException("an answer to no request at step " + lastSeq);
    }
    turn.response = step;
    step.calls().forEach(call -> turn.calls.put(call.id(), new CallState(call)));
    turns.add(turn);
    open = null;
    failuresInARow = 0;
    lastFailure = null;
  }

  private void failed(Step.ModelFailed step) {
    open = null;
    costMicros += step.costMicros() == null ? 0 : step.costMicros();
    lastFailure = step;
    retryAtMillis = step.retryAtMillis();
    // A worker that died says nothing about the model; dying again and again is the claims' limit,
    // which asking again does not begin anew.
    if (!step.failure().equals(Plan.INTERRUPTED)) {
      failuresInARow++;
    }
  }

  private void decided(Step.ApprovalDecided step) {
    CallState call = call(step.callId());
    if (call.phase != Phase.AWAITING_APPROVAL) {
      return;
    }
    if (step.outcome().equals("approved")) {
      call.phase = Phase.APPROVED;
      call.granted = new Facts.Granted(step.argumentsHash(), step.decider());
    } else {
      String said = step.comment().isBlank() ? "" : ": " + step.comment();
      call.done(null, "Refused: the approval was " + step.outcome() + said, true);
    }
  }

  /** Whether a result is still missing. */
  boolean awaits(Draft result) {
    return switch (result.steps().getFirst()) {
      case Step.ModelResponded _, Step.ModelFailed _ ->
          open != null && open.requestSeq == result.request();
      case Step.ToolFinished step -> awaits(step.callId(), step.attempt());
      case Step.ToolInDoubt step -> awaits(step.callId(), step.attempt());
      default -> throw new IllegalArgumentException("no result: " + result.steps());
    };
  }

  private boolean awaits(String callId, int attempt) {
    CallState call = turns.isEmpty() ? null : turns.getLast().calls.get(callId);
    return call != null && call.phase == Phase.STARTED && call.attempt == attempt;
  }

  /** The call with this id, of the last turn. */
  CallState call(String id) {
    CallState call = turns.isEmpty() ? null : turns.getLast().calls.get(id);
    if (call == null) {
      throw new IllegalStateException("step " + lastSeq + " names an unknown call: " + id);
    }
    return call;
  }

  /** Whether the last turn has such a call: for what comes from outside. */
  boolean hasCall(String id) {
    return !turns.isEmpty() && turns.getLast().calls.containsKey(id);
  }

  long lastSeq() {
    return lastSeq;
  }

  Step.@Nullable RunStarted started() {
    return started;
  }

  /** Completed exchanges, in order. */
  List<Turn> turns() {
    return turns;
  }

  /** The model request without an answer yet. */
  @Nullable Turn open() {
    return open;
  }

  /** The last model request, answered or not. */
  @Nullable Turn lastRequest() {
    return lastRequest;
  }

  /** Where the last model request stands in the log; 0 before the first. */
  long lastRequestSeq() {
    return lastRequest == null ? 0 : lastRequest.requestSeq;
  }

  /** The model request at this step. */
  Step.ModelRequested request(long seq) {
    Step.ModelRequested request = requests.get(seq);
    if (request == null) {
      throw new IllegalStateException("step " + seq + " is no model request");
    }
    return request;
  }

  /** The last turn's calls; none before the first answer. */
  Collection<CallState> calls() {
    return turns.isEmpty() ? List.of() : turns.getLast().calls.values();
  }

  /** How often the run asked for a tool with these arguments so far. */
  int before(String tool, String argumentsHash) {
    return asked.getOrDefault(tool + "/" + argumentsHash, 0);
  }

  List<String> toolsCalled() {
    return toolsCalled;
  }

  /** Of what the run has seen. */
  List<String> labels() {
    return List.copyOf(labels);
  }

  /** As far as prices are known. */
  long costMicros() {
    return costMicros;
  }

  int modelCalls() {
    return modelCalls;
  }

  int failuresInARow() {
    return failuresInARow;
  }

  Step.@Nullable ModelFailed lastFailure() {
    return lastFailure;
  }

  @Nullable Long retryAtMillis() {
    return retryAtMillis;
  }

  Step.@Nullable CancelRequested cancel() {
    return cancel;
  }

  boolean suspended() {
    return suspended;
  }

  boolean paused() {
    return paused;
  }

  boolean over() {
    return over;
  }
}
