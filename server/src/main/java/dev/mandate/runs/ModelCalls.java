package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.governance.Admitted;
import dev.mandate.governance.Decision;
import dev.mandate.governance.Denied;
import dev.mandate.governance.Facts;
import dev.mandate.governance.NeedsApproval;
import dev.mandate.governance.Outcome;
import dev.mandate.governance.Resource;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.db.Tx;
import dev.mandate.models.ModelEvent;
import dev.mandate.models.ModelFailure;
import dev.mandate.models.ModelJson;
import dev.mandate.models.ModelRequest;
import dev.mandate.models.ModelResponse;
import dev.mandate.models.ResolvedModel;
import dev.mandate.models.TokenEstimate;
import dev.mandate.models.TokenUsage;
import dev.mandate.suspensions.Suspension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The model calls of one execution. */
final class ModelCalls {
  /** Failures after which a provider may have counted the prompt. */
  private static final Set<String> CHARGED = Set.of("STALLED", "NETWORK", "PROTOCOL", "CANCELLED");

  private final RunEngine engine;
  private final RunExecution execution;

  /** The request that was sent last. */
  private Prompts.@Nullable Pinned last;

  ModelCalls(RunEngine engine, RunExecution execution) {
    this.engine = engine;
    this.execution = execution;
  }

  /** Pins the next request, then sends it on a thread of its own. */
  void request() {
    Run run = execution.current();
    Agent agent = execution.agent();
    ResolvedModel model;
    try {
      model = engine.models().resolve(run.mandate(), agent.model());
    } catch (Failure e) {
      failed("unavailable", e.publicMessage());
      return;
    }
    RunState state = execution.journal().state();
    Facts facts =
        new Facts(
            run.id().value(), run.threadId().value(), null, state.toolsCalled(), state.labels());
    Recording recording = execution.recording();
    Step.ModelRequested original = recording == null ? null : recording.request();
    // A replay with recorded tools offers what the original did, whatever there is now.
    List<Prompts.Offer> offers =
        original == null
            ? new ToolOffers(engine).of(run, agent)
            : Prompts.offers(execution.journal()::texts, original);
    Draft draft = Draft.decided();
    Prompts.Pinned pinned =
        engine
            .prompts()
            .next(execution.journal()::texts, run, agent, state, model, offers, last, draft);
    Resource resource =
        Resource.model(model.name(), TokenEstimate.input(pinned.request()), state.costMicros());
    Decision decision = engine.gate().admit(run.mandate(), "models.use", resource, facts);
    switch (decision) {
      case Denied denied -> {
        // A suspension is no answer: the run pauses before it asks again.
        if (!denied.reason().equals(Suspension.REASON)) {
          failed("denied", denied.message());
        }
      }
      case NeedsApproval needs ->
          failed("denied", "the model may be used with an approval only: " + needs.reason());
      case Admitted admitted -> send(run, model, pinned, draft, admitted);
    }
  }

  private void send(
      Run run, ResolvedModel model, Prompts.Pinned pinned, Draft draft, Admitted admitted) {
    Journal journal = execution.journal();
    // The next request has these messages at hand.
    journal.forgetTexts();
    last = pinned;
    journal.add(draft.add(pinned.step()));
    long attempt = journal.state().lastSeq();
    Sent sent =
        new Sent(model, pinned.request(), admitted, attempt, journal.state().failuresInARow());
    journal.depart(() -> execution.launch(Plan.MODEL, null, signal -> call(run, sent, signal)));
  }

  /**
   * A request on its way.
   *
   * @param attempt the seq of its step
   * @param failures of the model in a row before it
   */
  private record Sent(
      ResolvedModel model, ModelRequest request, Admitted admitted, long attempt, int failures) {}

  private void call(Run run, Sent sent, CancelSignal signal) {
    if (!execution.lease().holds()) {
      throw new FencedOff(run.id());
    }
    long began = System.nanoTime();
    ModelRequest request;
    try {
      request = engine.attachments().show(run.mandate(), sent.model().vision(), sent.request());
    } catch (Failure e) {
      failed(sent, "ATTACHMENT", e.publicMessage(), true, null, tx -> {}, began);
      return;
    }
    LiveText.Stream live =
        engine.live().open(run.mandate(), run.id(), run.threadId(), sent.attempt());
    ModelResponse response;
    try {
      response = stream(sent.model(), request, live, signal);
    } catch (ModelFailure e) {
      Suspension suspension =
          e.kind() == ModelFailure.Kind.CANCELLED ? execution.stoppedBy(Plan.MODEL) : null;
      if (suspension != null) {
        brokenOff(sent, suspension, live.end(), began);
      } else {
        failed(
            sent,
            e.kind().name(),
            e.publicMessage(),
            e.retryable(),
            e.retryAfter(),
            live.end(),
            began);
      }
      return;
    }
    String twice = idUsedTwice(response);
    if (twice == null) {
      responded(sent, response, live.end(), began);
    } else {
      // Two calls under one id could not be told apart, in the log or in the next request.
      failed(
          sent,
          "PROTOCOL",
          "two tool calls have the id '" + twice + "'",
          true,
          null,
          live.end(),
          began);
    }
  }

  private static ModelResponse stream(
      ResolvedModel model, ModelRequest request, LiveText.Stream live, CancelSignal signal) {
    return model.client().stream(
        request,
        event -> {
          if (event instanceof ModelEvent.TextDelta delta) {
            live.append(delta.text());
          }
        },
        signal);
  }

  private void responded(Sent sent, ModelResponse response, Consumer<Tx> text, long began) {
    List<Step.Call> calls = new ArrayList<>();
    response
        .toolCalls()
        .forEach(call ->
            calls.add(
                new Step.Call(
                    Texts.clean(call.id()),
                    Texts.clean(call.name()),
                    Texts.clean(call.arguments()))));
    TokenUsage usage = response.usage();
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    Draft draft = Draft.result().answers(sent.attempt());
    arrived(
        draft.add(
            new Step.ModelResponded(
                draft.keep(Texts.clean(ModelJson.write(response))),
                Texts.clean(response.text()),
                calls,
                response.stopReason().name().toLowerCase(Locale.ROOT),
                usage.input(),
                usage.output(),
                sent.model().costMicros(usage),
                took.toMillis())),
        sent,
        Outcome.OK,
        took,
        text);
  }

  /**
   * An answer, or what came instead of it. With the step stands what settles the call, and the rest
   * of the live text.
   */
  private void arrived(Draft draft, Sent sent, Outcome outcome, Duration took, Consumer<Tx> text) {
    draft.beside(text);
    draft.beside(tx -> engine.gate().settle(tx, sent.admitted(), outcome, took));
    execution.journal().arrived(draft);
  }

  private static @Nullable String idUsedTwice(ModelResponse response) {
    Set<String> ids = new HashSet<>();
    for (var call : response.toolCalls()) {
      if (!ids.add(call.id())) {
        return call.id();
      }
    }
    return null;
  }

  private void failed(
      Sent sent,
      String kind,
      String message,
      boolean retryable,
      @Nullable Duration retryAfter,
      Consumer<Tx> text,
      long began) {
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    Outcome outcome = kind.equals("CANCELLED") ? Outcome.CANCELLED : Outcome.ERROR;
    // What a provider charges for a call that broke is not known: the prompt is the estimate.
    long input = CHARGED.contains(kind) ? TokenEstimate.input(sent.request()) : 0;
    Long cost = input == 0 ? Long.valueOf(0) : sent.model().costMicros(TokenUsage.of(input, 0));
    Long retryAt = retryable ? retryAt(sent.failures(), retryAfter) : null;
    Step step =
        new Step.ModelFailed(
            kind.toLowerCase(Locale.ROOT), Texts.clean(message), retryAt, input, cost);
    arrived(Draft.result(step).answers(sent.attempt()), sent, outcome, took, text);
  }

  /** Not the model's failure: it is asked again once the chain may act. */
  private void brokenOff(Sent sent, Suspension suspension, Consumer<Tx> text, long began) {
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    long input = TokenEstimate.input(sent.request());
    Step step =
        new Step.ModelFailed(
            Plan.INTERRUPTED,
            Texts.clean("it was broken off: " + suspension.describe()),
            engine.clock().millis(),
            input,
            sent.model().costMicros(TokenUsage.of(input, 0)));
    arrived(Draft.result(step).answers(sent.attempt()), sent, Outcome.CANCELLED, took, text);
  }

  private Long retryAt(int failures, @Nullable Duration asked) {
    long backoff = Math.min(30_000L, 500L << Math.min(failures, 6));
    long wait = asked == null ? backoff : Math.max(backoff, asked.toMillis());
    long jitter = ThreadLocalRandom.current().nextLong(wait / 4 + 1);
    return engine.clock().millis() + wait + jitter;
  }

  /** A request that never left. */
  private void failed(String failure, String message) {
    execution
        .journal()
        .add(Draft.decided(new Step.ModelFailed(failure, Texts.clean(message), null, 0, 0L)));
  }

  /** The worker that sent the open request is gone: its answer, if any, is lost and estimated. */
  void interrupted() {
    Run run = execution.current();
    RunState state = execution.journal().state();
    long seq = state.lastRequestSeq();
    Long now = engine.clock().millis();
    ResolvedModel model = stillThere(run, state.request(seq).model());
    long input = TokenEstimate.input(Prompts.rebuild(execution.journal()::texts, state, seq));
    Long cost = model == null ? null : model.costMicros(TokenUsage.of(input, 0));
    execution
        .journal()
        .add(
            Draft.decided(
                new Step.ModelFailed(
                    Plan.INTERRUPTED,
                    "its worker ended before the answer came",
                    now,
                    input,
                    cost)));
  }

  private @Nullable ResolvedModel stillThere(Run run, String name) {
    try {
      return engine.models().resolve(run.mandate(), name);
    } catch (Failure e) {
      // Removed meanwhile: what the call would have cost is unknown.
      return null;
    }
  }
}
