package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.approvals.Approval;
import dev.mandate.approvals.NewApproval;
import dev.mandate.governance.Admitted;
import dev.mandate.governance.Decision;
import dev.mandate.governance.Denied;
import dev.mandate.governance.Effect;
import dev.mandate.governance.Facts;
import dev.mandate.governance.NeedsApproval;
import dev.mandate.governance.Outcome;
import dev.mandate.governance.Resource;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Principal;
import dev.mandate.policies.Obligation;
import dev.mandate.runs.RunState.CallState;
import dev.mandate.runs.RunState.Phase;
import dev.mandate.suspensions.Suspension;
import dev.mandate.tools.Invocation;
import dev.mandate.tools.ResolvedTool;
import dev.mandate.tools.ToolResult;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The tool calls of one execution: looked at, let through the gate, carried out. */
final class ToolCalls {
  /** A repeatable call that gets no answer is made this often, unless a person says otherwise. */
  private static final int MAX_ATTEMPTS = 3;

  /** Agents in one chain of authority. */
  private static final int MAX_DEPTH = 5;

  private final RunEngine engine;
  private final RunExecution execution;

  ToolCalls(RunEngine engine, RunExecution execution) {
    this.engine = engine;
    this.execution = execution;
  }

  /** Looks at a call (again): refuses it, asks a person, or lets it go out. */
  void admit(CallState call) {
    Step.PinnedTool pin = offered(call.call.modelName());
    if (pin == null) {
      invalid(call, call.call.modelName(), "There is no tool '" + call.call.modelName() + "'.");
      return;
    }
    String name = pin.name();
    Recording recording = execution.recording();
    if (recording != null) {
      replay(call, name, recording);
      return;
    }
    String arguments = call.arguments();
    if (name.startsWith(ToolOffers.AGENT)) {
      admitChild(call, name, arguments);
      return;
    }
    Run run = execution.current();
    Optional<ResolvedTool> found = engine.tools().find(run.mandate(), name);
    if (found.isEmpty()) {
      invalid(call, name, "The tool '" + name + "' is not available any more.");
      return;
    }
    ResolvedTool tool = found.get();
    if (tool.version() != pin.version()) {
      // Neither the model nor whoever approved has seen what it is now.
      invalid(
          call, name, "The tool '" + name + "' has changed since. Look at it, then call again.");
      return;
    }
    if (call.phase == Phase.STARTED && !tool.effect().repeatable()) {
      doubt(call, "it was called, and is not a tool any more that may be called again");
      return;
    }
    Optional<String> problem = engine.tools().problemWith(tool, arguments);
    if (problem.isPresent()) {
      invalid(call, name, problem.get());
      return;
    }
    if (call.phase == Phase.STARTED && call.attempt >= MAX_ATTEMPTS) {
      unanswered(call);
      return;
    }
    Resource resource;
    try {
      resource = engine.tools().resource(tool, arguments);
    } catch (Failure e) {
      invalid(call, name, e.publicMessage());
      return;
    }
    switch (ask(call, resource)) {
      case Denied denied -> {
        // A suspended tool is refused. If it is the chain, the run pauses before it asks again.
        if (!denied.reason().equals(Suspension.REASON) || suspended(name)) {
          deny(call, name, tool.effect(), denied);
        }
      }
      case NeedsApproval needs -> question(call, name, tool.effect(), arguments, needs);
      case Admitted admitted -> start(call, tool, arguments, admitted);
    }
  }

  /** Nothing leaves: the call comes to what it came to in the original, or is refused. */
  private void replay(CallState call, String name, Recording recording) {
    Replay replay = execution.current().replay();
    if (replay == null) {
      throw new IllegalStateException("a recording of no run");
    }
    Draft draft = requested(call, name, Effect.READ_ONLY);
    int before = execution.journal().state().before(name, hash(call.call.arguments()));
    Recording.Result result = recording.find(name, call.call.arguments(), before);
    if (result == null) {
      draft.add(
          new Step.ToolDenied(
              call.call.id(),
              "NOT_RECORDED",
              "this is a replay with recorded tools, and the original made no such call"));
    } else {
      draft.add(
          new Step.ToolReplayed(
              call.call.id(),
              replay.of().toString(),
              result.outcome(),
              result.result(),
              result.text(),
              result.error()));
    }
    execution.journal().add(draft);
  }

  private boolean suspended(String tool) {
    return engine.suspensions().of(execution.current().mandate().org(), Suspension.Kind.TOOL, tool)
        != null;
  }

  private Decision ask(CallState call, Resource resource) {
    Run run = execution.current();
    return engine
        .gate()
        .admit(
            run.mandate(),
            "tools.call",
            resource,
            new Facts(
                run.id().value(),
                run.threadId().value(),
                call.granted,
                execution.journal().state().toolsCalled(),
                execution.journal().state().labels()));
  }

  private void start(CallState call, ResolvedTool tool, String arguments, Admitted admitted) {
    int attempt = call.attempt + 1;
    String key = call.idempotencyKey == null ? key(call) : call.idempotencyKey;
    Journal journal = execution.journal();
    journal.add(
        requested(call, tool.name(), tool.effect())
            .add(
                new Step.ToolStarted(
                    call.call.id(), attempt, key, tool.effect().name(), tool.labels())));
    journal.depart(() ->
        execution.launch(
            call.call.id(),
            tool.name(),
            signal -> carryOut(call.call, tool, arguments, admitted, key, attempt, signal)));
  }

  private void carryOut(
      Step.Call call,
      ResolvedTool tool,
      String arguments,
      Admitted admitted,
      String key,
      int attempt,
      CancelSignal signal) {
    Run run = execution.current();
    if (!execution.lease().holds()) {
      throw new FencedOff(run.id());
    }
    ToolResult result =
        engine
            .tools()
            .execute(
                run.mandate(),
                tool,
                arguments,
                admitted,
                new Invocation(key, attempt, signal, call.id()));
    boolean repeatable = tool.effect().repeatable();
    Outcome outcome = result.outcome();
    Suspension suspension = outcome == Outcome.CANCELLED ? execution.stoppedBy(call.id()) : null;
    Duration took = Duration.ofMillis(result.durationMillis());
    if (repeatable && (outcome == Outcome.UNKNOWN || suspension != null)) {
      // The plan sees a started call that nobody carries out, and repeats it when it may.
      engine.gate().settle(run.mandate(), admitted, outcome, took);
      return;
    }
    Draft draft = Draft.result();
    if (!repeatable && outcome.uncertain()) {
      // Of what may not be repeated a person has to say whether it happened.
      String why =
          suspension == null ? result.text() : "it was broken off: " + suspension.describe();
      draft.add(new Step.ToolInDoubt(call.id(), attempt, Texts.clean(why)));
    } else {
      boolean error = outcome == Outcome.OK && result.isError();
      String name = (error ? Outcome.ERROR : outcome).wireName();
      finish(draft, call.id(), attempt, name, result.text(), result.durationMillis());
    }
    arrived(draft, admitted, outcome, took, repeatable);
  }

  /** What cannot be repeated is not left waiting for what is decided on it. */
  private void arrived(
      Draft draft, Admitted admitted, Outcome outcome, Duration took, boolean repeatable) {
    draft.beside(tx -> engine.gate().settle(tx, admitted, outcome, took));
    if (repeatable) {
      execution.journal().arrived(draft);
    } else {
      execution.journal().write(draft);
    }
  }

  /** Nobody knows whether this call happened: a person has to say. */
  void doubt(CallState call, String why) {
    execution.journal().add(Draft.decided(new Step.ToolInDoubt(call.call.id(), call.attempt, why)));
  }

  /** A model that is told of an error may ask again, which would be another call. */
  private void unanswered(CallState call) {
    String why = "there was no answer to any of " + call.attempt + " attempts";
    if (call.effect == Effect.READ_ONLY) {
      Draft draft = Draft.decided();
      finish(draft, call.call.id(), call.attempt, "error", "It failed: " + why + ".", 0);
      execution.journal().add(draft);
    } else {
      doubt(call, why);
    }
  }

  /**
   * Whether a call that is not let out (again) may have had its effect: it left once, and no answer
   * came. Then what keeps it from being made again is no answer either.
   */
  private boolean doubtful(CallState call, String why) {
    if (call.phase != Phase.STARTED || call.effect == Effect.READ_ONLY) {
      return false;
    }
    doubt(call, "there was no answer, and it is not made again: " + why);
    return true;
  }

  private void question(
      CallState call, String name, Effect effect, String arguments, NeedsApproval needs) {
    if (doubtful(call, needs.reason())) {
      return;
    }
    Run run = execution.current();
    execution
        .journal()
        .commitWith(tx -> {
          Approval approval =
              engine
                  .approvals()
                  .request(
                      tx,
                      new NewApproval(
                          run.id().value(),
                          run.threadId().value(),
                          call.call.id(),
                          name,
                          arguments,
                          needs.decider(),
                          needs.reason(),
                          engine.settings().approvalExpiry()));
          return requested(call, name, effect)
              .add(
                  new Step.ApprovalRequested(
                      call.call.id(), approval.id().toString(), approval.decider(), needs.reason()))
              .steps();
        });
  }

  private void deny(CallState call, String name, Effect effect, Denied denied) {
    if (doubtful(call, denied.message())) {
      return;
    }
    execution
        .journal()
        .add(
            requested(call, name, effect)
                .add(
                    new Step.ToolDenied(
                        call.call.id(), denied.reason(), Texts.clean(denied.message()))));
  }

  /** A call that never leaves; the model is told why, so that it can correct itself. */
  private void invalid(CallState call, String name, String problem) {
    if (doubtful(call, problem)) {
      return;
    }
    Draft draft = requested(call, name, Effect.READ_ONLY);
    finish(draft, call.call.id(), call.attempt, "invalid", problem, 0);
    execution.journal().add(draft);
  }

  private void admitChild(CallState call, String name, String arguments) {
    Run run = execution.current();
    String request;
    try {
      request = ToolOffers.request(arguments);
    } catch (Failure e) {
      invalid(call, name, e.publicMessage());
      return;
    }
    long depth =
        run.mandate().chain().stream().filter(p -> p.kind() == Principal.Kind.AGENT).count();
    if (depth >= MAX_DEPTH) {
      invalid(call, name, "Agents may call each other " + MAX_DEPTH + " deep; this is too deep.");
      return;
    }
    String child = name.substring(ToolOffers.AGENT.length());
    // Asking another agent changes nothing by itself: whatever that agent does is decided there.
    switch (ask(call, Resource.tool(name, Effect.READ_ONLY, arguments))) {
      case Denied denied -> {
        if (!denied.reason().equals(Suspension.REASON)) {
          deny(call, name, Effect.READ_ONLY, denied);
        }
      }
      case NeedsApproval needs -> question(call, name, Effect.READ_ONLY, arguments, needs);
      case Admitted admitted ->
          execution
              .journal()
              .commitWith(tx -> {
                Optional<Agent> agent = engine.agents().findByName(tx, child);
                if (agent.isEmpty()) {
                  engine.gate().settle(tx, admitted, Outcome.ERROR, Duration.ZERO);
                  Draft draft = requested(call, name, Effect.READ_ONLY);
                  String problem = "There is no agent '" + child + "'.";
                  finish(draft, call.call.id(), 0, "invalid", problem, 0);
                  Payloads.put(tx, draft.texts());
                  return draft.steps();
                }
                engine.gate().settle(tx, admitted, Outcome.OK, Duration.ZERO);
                List<String> ids =
                    Runs.startChild(
                        tx,
                        engine.starter(),
                        engine.threads(),
                        run,
                        call.call.id(),
                        agent.get(),
                        request);
                return requested(call, name, Effect.READ_ONLY)
                    .add(
                        new Step.ChildStarted(
                            call.call.id(),
                            ids.get(0),
                            ids.get(1),
                            admitted.obligations().stream().map(Obligation::toString).toList()))
                    .steps();
              });
    }
  }

  /** The tool that the model was offered in the request it answered. */
  private Step.@Nullable PinnedTool offered(String modelName) {
    for (Step.PinnedTool pin : execution.journal().state().turns().getLast().request.tools()) {
      if (pin.modelName().equals(modelName)) {
        return pin;
      }
    }
    return null;
  }

  /** Begins with the request, unless that was looked at before. */
  private static Draft requested(CallState call, String tool, Effect effect) {
    Draft draft = Draft.decided();
    if (call.phase == Phase.NEW) {
      draft.add(
          new Step.ToolRequested(
              call.call.id(),
              Texts.clean(tool),
              call.call.arguments(),
              hash(call.call.arguments()),
              effect.name()));
    }
    return draft;
  }

  /** Empty for arguments that are no JSON object: nothing can be bound to them. */
  private static String hash(String arguments) {
    return Recording.hash(arguments);
  }

  private static void finish(
      Draft draft, String callId, int attempt, String outcome, String text, long millis) {
    String clean = Texts.clean(text);
    String excerpt = Texts.cut(clean, Texts.EXCERPT);
    draft.add(
        new Step.ToolFinished(
            callId,
            attempt,
            outcome,
            draft.keep(clean),
            excerpt,
            excerpt.length() < clean.length(),
            millis));
  }

  /** The same for every attempt; another one for a later call that reuses the model's id. */
  private String key(CallState call) {
    return execution.current().id()
        + "/"
        + execution.journal().state().turns().getLast().requestSeq
        + "/"
        + call.call.id();
  }
}
