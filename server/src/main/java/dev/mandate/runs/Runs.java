package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.agents.Agents;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.threads.Conversation;
import dev.mandate.threads.Message;
import dev.mandate.threads.ThreadId;
import dev.mandate.threads.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The rules of runs, for people. A run is visible to whoever sees its thread. */
public final class Runs {
  private final Db db;
  private final Authorizer authorizer;
  private final Threads threads;
  private final Agents agents;
  private final RunStarter starter;
  private final RunStore store = new RunStore();
  private final RunLog log = new RunLog(store);

  public Runs(Db db, Authorizer authorizer, Threads threads, Agents agents, RunStarter starter) {
    this.db = db;
    this.authorizer = authorizer;
    this.threads = threads;
    this.agents = agents;
    this.starter = starter;
  }

  /** What the model is told of a call that happened, when the person says no more. */
  static final String LOST = "It happened; its result was lost.";

  /** What a person says about a call that is in doubt. */
  enum Settlement {
    HAPPENED,
    DID_NOT_HAPPEN,
    RETRY
  }

  /** A run and its agent's name. */
  record View(Run run, String agentName) {}

  View get(Mandate mandate, RunId id) {
    authorizer.require(mandate, "runs.get");
    return db.read(mandate, tx -> view(tx, require(tx, id)));
  }

  Page<View> list(
      Mandate mandate, @Nullable ThreadId thread, @Nullable RunStatus status, Page.Request page) {
    authorizer.require(mandate, "runs.list");
    return db.read(
        mandate,
        tx ->
            Page.cut(
                    store.list(
                        tx,
                        Threads.speaker(mandate),
                        Threads.person(mandate),
                        thread,
                        status,
                        page),
                    page,
                    run -> run.id().toString())
                .map(run -> view(tx, run)));
  }

  Page<LoggedStep> steps(Mandate mandate, RunId id, Page.Request page) {
    authorizer.require(mandate, "runs.steps");
    Long after = page.afterNumber();
    return db.read(
        mandate,
        tx -> {
          require(tx, id);
          return Page.cut(
              store.steps(tx, id, after == null ? 0 : after, page.size() + 1),
              page,
              step -> Long.toString(step.seq()));
        });
  }

  /** Asks a run to stop. Asking again, or too late, changes nothing. */
  View cancel(Mandate mandate, RunId id, String reason) {
    authorizer.require(mandate, "runs.cancel");
    return db.write(
        mandate,
        tx -> {
          // It must not end between the look and the step.
          store.lockRun(tx, id);
          Run run = require(tx, id);
          if (!run.status().terminal()) {
            requestCancel(tx, run, mandate.actor().toString(), Texts.cut(reason, 500));
            tx.audit("runs.cancel", "run:" + id, "{}");
          }
          return view(tx, require(tx, id));
        });
  }

  /**
   * Runs a part of a run again, for the caller, on a branch of its thread.
   *
   * @param seq the model is asked again from the request at this step or the last one before it
   */
  View replay(
      Mandate mandate, RunId id, long seq, boolean recorded, String model, String instructions) {
    authorizer.require(mandate, "runs.replay");
    if (mandate.includesAgent()) {
      throw Failure.denied("HUMAN_ONLY", "only a person replays a run");
    }
    if (model.length() > 200 || instructions.length() > 100_000) {
      throw Failure.invalid(
          model.length() > 200 ? "model" : "instructions", "is too long for an agent");
    }
    return db.write(
        mandate,
        tx -> {
          Run original = require(tx, id);
          if (seq < 0 || seq > original.lastSeq()) {
            throw Failure.invalid("from_seq", "the run has steps 1 to " + original.lastSeq());
          }
          Agent agent =
              agents
                  .findVersion(tx, original.agentId(), original.agentVersion())
                  .get()
                  .orElseThrow(() -> Failure.notFound("agent"));
          long from = Math.max(1, store.requestBefore(tx, id, seq));
          ThreadId branch = threads.branch(tx, original.threadId(), original.messagePosition());
          RunId copy =
              starter.start(
                  tx,
                  agent,
                  branch,
                  starter.lasting(mandate),
                  original.messagePosition(),
                  null,
                  null);
          Replay replay = new Replay(id, from, recorded, model, instructions);
          store.insertReplay(tx, copy, replay);
          log.append(
              tx,
              copy,
              branch,
              Fence.NONE,
              List.of(
                  new Step.Replayed(
                      id.toString(),
                      recorded,
                      model,
                      mandate.actor().toString(),
                      Labels.before(tx, original).get())));
          tx.audit(
              "runs.replay",
              "run:" + copy,
              Json.object()
                  .put("of", id.toString())
                  .put("from_seq", from)
                  .put("tools", recorded ? "recorded" : "live")
                  .toString());
          return view(tx, require(tx, copy));
        });
  }

  /** For this floor: cancels a sub-agent's run with its parent. */
  void cancelChild(Mandate mandate, RunId id) {
    db.run(
        mandate,
        tx -> {
          store.lockRun(tx, id);
          store
              .find(tx, id)
              .filter(run -> !run.status().terminal())
              .ifPresent(
                  run -> requestCancel(tx, run, mandate.actor().toString(), "its parent ended"));
        });
  }

  private void requestCancel(Tx tx, Run run, String by, String reason) {
    log.append(
        tx,
        run.id(),
        run.threadId(),
        Fence.NONE,
        List.of(new Step.CancelRequested(by, Texts.clean(reason))));
  }

  /**
   * Settles a call that is in doubt.
   *
   * @param result with {@code HAPPENED}: what the model is told
   * @throws Failure {@code FAILED_PRECONDITION} with reason {@code NOT_IN_DOUBT} or {@code
   *     RUN_OVER}
   */
  View settle(Mandate mandate, RunId id, String callId, Settlement settlement, String result) {
    authorizer.require(mandate, "runs.settle");
    if (mandate.includesAgent()) {
      throw Failure.denied("HUMAN_ONLY", "only a person can say what happened");
    }
    return db.write(
        mandate,
        tx -> {
          Run run = require(tx, id);
          // Other calls of the run may go on: its log must not grow while this one is looked at.
          store.lockRun(tx, id);
          RunState state = new RunState();
          long seq = 0;
          List<LoggedStep> page;
          do {
            page = store.steps(tx, id, seq, 500);
            for (LoggedStep step : page) {
              state.apply(step);
              seq = step.seq();
            }
          } while (!page.isEmpty());
          if (state.over()) {
            throw Failure.precondition(
                "RUN_OVER", "the run is over: nothing would follow from what is said about it");
          }
          if (!state.hasCall(callId) || state.call(callId).phase != RunState.Phase.IN_DOUBT) {
            throw Failure.precondition(
                "NOT_IN_DOUBT", "the run has no call '" + Failure.excerpt(callId) + "' in doubt");
          }
          String told =
              switch (settlement) {
                case HAPPENED -> result.isBlank() ? LOST : result;
                case DID_NOT_HAPPEN -> "It did not happen.";
                case RETRY -> "";
              };
          String clean = Texts.clean(told);
          Step step =
              new Step.ToolSettled(
                  callId,
                  settlement.name().toLowerCase(Locale.ROOT),
                  settlement == Settlement.RETRY ? "" : Payloads.put(tx, clean),
                  Texts.cut(clean, Texts.EXCERPT),
                  mandate.actor().toString());
          log.append(tx, id, run.threadId(), new Fence(null, state.lastSeq()), List.of(step));
          tx.audit(
              "runs.settle",
              "run:" + id,
              Json.object()
                  .put("call_id", callId)
                  .put("settlement", settlement.name().toLowerCase(Locale.ROOT))
                  .toString());
          return view(tx, require(tx, id));
        });
  }

  /**
   * The run of a sub-agent, in the transaction that records the call.
   *
   * @return the child run's id and its thread's
   */
  static List<String> startChild(
      Tx tx,
      RunStarter starter,
      Threads threads,
      Run parent,
      String callId,
      Agent child,
      String request) {
    List<Principal> participants = new ArrayList<>();
    participants.add(parent.agentId().principal());
    participants.add(child.id().principal());
    java.util.UUID user = parent.mandate().user();
    if (user != null) {
      participants.add(Principal.user(user));
    }
    ThreadId thread =
        threads.openChild(
            tx,
            "For " + child.name(),
            parent.id().value(),
            participants.stream().distinct().toList());
    Message message = threads.postRequest(tx, thread, parent.agentId().principal(), request);
    Mandate mandate =
        parent.mandate().withOrigin(parent.mandate().origin().within(Span.current().traceparent()));
    RunId id = starter.start(tx, child, thread, mandate, message.position(), parent.id(), callId);
    return List.of(id.toString(), thread.toString());
  }

  View view(Tx tx, Run run) {
    return viewLater(tx, run).get();
  }

  Later<View> viewLater(Tx tx, Run run) {
    return agents
        .findVersion(tx, run.agentId(), run.agentVersion())
        .map(agent -> new View(run, agent.map(Agent::name).orElse("")));
  }

  private Run require(Tx tx, RunId id) {
    Run run = store.find(tx, id).orElseThrow(() -> Failure.notFound("run"));
    try {
      Conversation _ = threads.require(tx, run.threadId());
      return run;
    } catch (Failure e) {
      throw Failure.notFound("run");
    }
  }
}
