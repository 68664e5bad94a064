package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.runs.Plan.Action;
import dev.mandate.suspensions.Suspension;
import dev.mandate.suspensions.Suspensions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Carries one run on while this process holds its lease: reads the log, asks {@link Plan} what is
 * next, does it, until the run is over or waits for somebody else. One virtual thread plans; each
 * call of a model or tool has one of its own, which appends its result and wakes the planner.
 */
final class RunExecution {
  private static final Logger log = LoggerFactory.getLogger(RunExecution.class);

  private final RunEngine engine;
  private final LeaseStore.Claim claim;
  private final Lease lease;
  private final Run run;
  private final Journal journal;
  private final Map<String, Flight> inFlight = new ConcurrentHashMap<>();
  private final Semaphore news = new Semaphore(0);
  private final ModelCalls models;
  private final ToolCalls tools;

  // Read when they are first needed, by the planning thread.
  private @Nullable Agent agent;
  private @Nullable Recording recording;

  private RunExecution(RunEngine engine, LeaseStore.Claim claim, Lease lease, Run run) {
    this.engine = engine;
    this.claim = claim;
    this.lease = lease;
    this.run = run;
    this.journal =
        new Journal(engine.db(), engine.clock(), engine.store(), engine.log(), run, lease);
    this.models = new ModelCalls(engine, this);
    this.tools = new ToolCalls(engine, this);
  }

  /** Blocks until there is nothing more for this process to do. */
  static void carryOut(RunEngine engine, LeaseStore.Claim claim, Lease lease) {
    // Reads the run's own authority; everything after that happens under it.
    Mandate loader =
        Mandate.system(
            claim.org(), Set.of("runs.load"), "runs", engine.clock().instant().plusSeconds(60));
    engine
        .db()
        .fetch(loader, tx -> engine.store().findLater(tx, claim.run()))
        .filter(run -> !run.status().terminal())
        .ifPresent(run -> new RunExecution(engine, claim, lease, run).run());
  }

  private void run() {
    MDC.put("trace_id", run.mandate().origin().traceId());
    Wakeups.Subscription growth =
        engine
            .wakeups()
            .subscribe(
                RunLog.channel(run.id()),
                ignored -> {
                  journal.grow();
                  news.release();
                });
    try {
      if (claim.fruitless() > engine.settings().maxFruitlessClaims() && paused()) {
        return;
      }
      carryOn();
    } catch (FencedOff e) {
      log.info("run {} is somebody else's now", run.id());
    } catch (RuntimeException e) {
      if (brokenOff(lease, e)) {
        log.info("run {} was let go of", run.id());
        return;
      }
      if (e instanceof Failure failure && failure.code() == Failure.Code.UNAVAILABLE) {
        log.warn("run {} cannot go on now, {} times", run.id(), claim.fruitless(), e);
      } else {
        log.error("run {} failed unexpectedly, {} times now", run.id(), claim.fruitless(), e);
      }
      bringHome();
      retryLater();
    } finally {
      growth.close();
      inFlight.values().forEach(flight -> flight.signal.cancel());
    }
  }

  /** Whether a failure is how a thread ends that this process let go of: it was interrupted. */
  static boolean brokenOff(Lease lease, RuntimeException e) {
    return lease.lost()
        && e instanceof Failure failure
        && (failure.code() == Failure.Code.UNAVAILABLE || failure.code() == Failure.Code.CANCELED);
  }

  /**
   * Pauses it, without a look at the log, which may be what cannot be read.
   *
   * @return false if somebody asked for its end: a pause would leave that lying
   */
  private boolean paused() {
    String why =
        "it was taken up "
            + (claim.fruitless() - 1)
            + " times in a row without getting any further";
    return engine
        .db()
        .write(
            run.mandate(),
            tx -> {
              engine.store().lockRun(tx, run.id());
              if (engine.store().cancelRequested(tx, run.id())) {
                return false;
              }
              engine
                  .log()
                  .append(
                      tx,
                      run.id(),
                      run.threadId(),
                      Fence.owner(lease.epoch()),
                      List.of(new Step.Paused(why)));
              return true;
            });
  }

  /** Until it is over or waits: one span, within the call that started the run. */
  private void carryOn() {
    Span span = RunSpans.begin(engine.spans(), run, this::agent);
    try {
      span.run(() -> {
        boolean more = true;
        while (more) {
          try {
            // Each round goes by what the log says now.
            more = advance();
          } catch (Failure e) {
            if (!rodeOut(e)) {
              throw e;
            }
          }
        }
      });
    } finally {
      span.end();
    }
  }

  /** A call that is out, and why it was asked to stop, if it was. */
  private static final class Flight {
    final CancelSignal signal;
    volatile boolean asked;
    volatile @Nullable Suspension suspension;

    Flight(CancelSignal signal) {
      this.signal = signal;
    }

    /**
     * @param why null: the run was cancelled
     */
    void stop(@Nullable Suspension why) {
      suspension = why;
      asked = true;
      signal.cancel();
    }
  }

  /** One round; false when this process is done with the run. */
  private boolean advance() {
    // In this order: a call that ends between the two is still seen as in flight, never as lost.
    Set<String> flying = Set.copyOf(inFlight.keySet());
    boolean waits;
    Suspension suspension;
    try {
      journal.catchUp();
      if (!lease.holds()) {
        throw new FencedOff(run.id());
      }
      suspension = engine.suspensions().of(run.mandate());
      List<Action> actions =
          Plan.next(
              journal.state(),
              flying,
              limits(),
              engine.clock().instant(),
              suspension == null ? null : suspension.describe());
      waits = actions.isEmpty() || actions.getFirst() instanceof Plan.Interrupt;
      if (waits) {
        journal.commit();
      }
      for (Action action : actions) {
        perform(action, suspension);
      }
      if (journal.departing()) {
        journal.commit();
      }
    } catch (FencedOff e) {
      // Either somebody decided something meanwhile, or the lease is gone. The log knows.
      if (!lease.holds() || !holdsInDatabase()) {
        throw e;
      }
      journal.rollBack();
      return true;
    }
    if (journal.state().over() || (!waits && journal.state().suspended())) {
      return false;
    }
    if (!waits) {
      return true;
    }
    if (!inFlight.isEmpty()) {
      return awaitNews();
    }
    // Results first, then the flight: when none is out, every result is seen.
    return journal.hasResults() || !release(suspension);
  }

  private boolean awaitNews() {
    if (!rested()) {
      throw new FencedOff(run.id());
    }
    return true;
  }

  /**
   * @param suspension what keeps the chain from acting, as it was seen when this was planned
   */
  private void perform(Action action, @Nullable Suspension suspension) {
    switch (action) {
      case Plan.Start start -> start();
      case Plan.RequestModel request -> models.request();
      case Plan.Interrupted interrupted -> models.interrupted();
      case Plan.Admit admit -> tools.admit(admit.call());
      case Plan.Doubt doubt -> tools.doubt(doubt.call(), "its worker ended before its answer came");
      case Plan.Finish finish -> finish();
      case Plan.Fail fail -> end(new Step.Failed(fail.reason(), Texts.clean(fail.message())), "");
      case Plan.Interrupt interrupt -> {
        Suspension why = journal.state().cancel() == null ? suspension : null;
        inFlight.values().forEach(flight -> flight.stop(why));
      }
      case Plan.Suspend suspend -> suspend(suspension, suspend.reason());
      case Plan.Resume resume -> journal.add(Draft.decided(new Step.Resumed("")));
      case Plan.Cancel cancel -> cancel(cancel.request());
    }
  }

  /**
   * Unless the suspension was lifted meanwhile: whoever did that would not find this run waiting.
   */
  private void suspend(@Nullable Suspension suspension, String reason) {
    journal.commitWith(tx ->
        suspension == null || engine.suspensions().hold(tx, suspension)
            ? List.of(new Step.Suspended(Texts.clean(reason)))
            : List.of());
  }

  private void start() {
    List<String> labels = engine.db().fetch(run.mandate(), tx -> Labels.before(tx, run));
    journal.add(
        Draft.decided(new Step.RunStarted(run.agentVersion(), run.messagePosition(), labels)));
  }

  private void finish() {
    // Watchers see the answer's text grow before the end takes it away.
    journal.commit();
    Step.ModelResponded last = journal.state().turns().getLast().response;
    end(new Step.Finished(), last == null ? "" : last.text());
  }

  private void cancel(Step.CancelRequested request) {
    List<RunId> children =
        engine.db().read(run.mandate(), tx -> engine.store().activeChildren(tx, run.id()));
    children.forEach(child -> engine.runs().cancelChild(run.mandate(), child));
    for (RunState.CallState call : List.copyOf(journal.state().calls())) {
      if (call.phase == RunState.Phase.STARTED) {
        tools.doubt(call, "the run was cancelled before its answer came");
      }
    }
    end(new Step.Cancelled(request.by(), request.reason()), "");
  }

  /** Ends the run: its answer, its last step, what it still asks, its parent, its successor. */
  private void end(Step last, String answer) {
    if (last instanceof Step.Failed failed) {
      Span.current().fail(failed.reason());
    }
    journal.commitBy((tx, fence, before) -> {
      List<Step> ended = RunEnd.end(engine, tx, run, fence, before, last, answer);
      LiveText.forget(tx, run.id());
      return ended;
    });
  }

  /**
   * Gives the lease back; false if something was appended meanwhile, or the suspension that the run
   * waits for was lifted: whoever did that woke a run that was not asleep yet.
   */
  private boolean release(@Nullable Suspension suspension) {
    RunState state = journal.state();
    Plan.Waiting until = Plan.waitingFor(state);
    boolean released =
        engine
            .db()
            .write(
                run.mandate(),
                tx -> {
                  boolean given =
                      (!state.suspended()
                              || suspension == null
                              || engine.suspensions().hold(tx, suspension))
                          && engine
                              .store()
                              .release(
                                  tx,
                                  run.id(),
                                  lease.epoch(),
                                  state.lastSeq(),
                                  until.status(),
                                  until.dueAt());
                  if (given) {
                    RunLog.changed(tx, run.id(), run.threadId());
                  }
                  return given;
                });
    if (!released) {
      journal.grow();
    }
    return released;
  }

  /**
   * Waits until the database is there again, if calls are out: the run goes on as if nothing had
   * been, and hears of a cancel.
   *
   * @return false if it is something else, or nothing is out that would be lost
   */
  private boolean rodeOut(Failure failure) {
    if (failure.code() != Failure.Code.UNAVAILABLE) {
      return false;
    }
    log.warn("run {} waits for the database", run.id(), failure);
    journal.rollBack();
    while (lease.holds() && !inFlight.isEmpty()) {
      if (!rested()) {
        return false;
      }
      try {
        journal.save();
        return true;
      } catch (FencedOff e) {
        // Somebody appended just then. If the lease is gone, the loop will see.
        log.debug("run {} has grown", run.id(), e);
      } catch (Failure e) {
        if (e.code() != Failure.Code.UNAVAILABLE) {
          return false;
        }
      }
    }
    return false;
  }

  /**
   * Calls are out, or came back and are not in the log: whatever went wrong, their results are kept
   * for as long as the lease holds.
   */
  private void bringHome() {
    journal.rollBack();
    boolean legible = true;
    while (lease.holds() && (!inFlight.isEmpty() || (legible && journal.hasResults()))) {
      try {
        journal.save();
        legible = true;
        if (journal.state().cancel() != null) {
          inFlight.values().forEach(flight -> flight.stop(null));
        }
      } catch (FencedOff | Failure e) {
        // Somebody appended just then, or the database is away. If the lease is gone, the loop
        // will see.
        log.warn("run {}: results cannot be saved now", run.id(), e);
      } catch (RuntimeException e) {
        // What went wrong is the log itself: whoever claims the run next will see that, too.
        log.error("run {}: its log cannot be carried on", run.id(), e);
        legible = false;
      }
      if (!rested()) {
        return;
      }
    }
  }

  /** A moment, or until there is news; false if this thread is to end. */
  private boolean rested() {
    try {
      if (!news.tryAcquire(1, TimeUnit.SECONDS)) {
        // The wake-up may be lost.
        journal.grow();
      }
      news.drainPermits();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Whatever went wrong may pass; the count of fruitless claims ends it if it does not. */
  private void retryLater() {
    if (!inFlight.isEmpty() || journal.hasResults()) {
      return;
    }
    Instant due = engine.clock().instant().plusMillis(250L << Math.min(claim.fruitless(), 6));
    engine.db().run(run.mandate(), tx -> engine.store().giveBack(tx, run.id(), lease.epoch(), due));
  }

  private boolean holdsInDatabase() {
    return engine.db().read(run.mandate(), tx -> engine.store().holds(tx, run.id(), lease.epoch()));
  }

  // What the parts of an execution share.

  /**
   * Why a call in flight was cancelled. If the run was asked to stop, or something that the call
   * depends on is suspended, that is its result. Otherwise this process lets go of the run, which
   * says nothing about the call: whoever goes on with the run sees a call without an answer.
   *
   * @return null if the run was cancelled
   * @throws FencedOff in the last case
   */
  @Nullable Suspension stoppedBy(String key) {
    Flight flight = inFlight.get(key);
    if (flight == null || !flight.asked) {
      throw new FencedOff(run.id());
    }
    return flight.suspension;
  }

  /**
   * Starts work on a thread of its own; it is in flight under {@code key} until it ends, and broken
   * off when the chain or its tool is suspended.
   */
  void launch(String key, @Nullable String tool, java.util.function.Consumer<CancelSignal> work) {
    Flight flight = new Flight(new CancelSignal(() -> !lease.holds()));
    inFlight.put(key, flight);
    Span span = Span.current();
    Thread.ofVirtual()
        .name("run-" + run.id() + "-" + key)
        .start(() -> {
          MDC.put("trace_id", run.mandate().origin().traceId());
          try (Suspensions.Watch _ =
              engine.suspensions().watch(run.mandate(), tool, flight::stop)) {
            span.run(() -> work.accept(flight.signal));
          } catch (FencedOff e) {
            log.info("run {}: a result came too late to count", run.id());
          } catch (RuntimeException | Error e) {
            log.error("run {}: {} failed", run.id(), key, e);
            // Without its result this process must not go on: the next owner settles it.
            lease.lose();
          } finally {
            // The next call may be out under the same key already.
            inFlight.remove(key, flight);
            news.release();
          }
        });
  }

  Journal journal() {
    return journal;
  }

  Lease lease() {
    return lease;
  }

  Run current() {
    return run;
  }

  /** The definition that the run is pinned to. */
  Agent agent() {
    Agent known = agent;
    if (known == null) {
      known =
          engine
              .db()
              .fetch(
                  run.mandate(),
                  tx -> engine.agents().findVersion(tx, run.agentId(), run.agentVersion()))
              .orElseThrow(() -> new IllegalStateException("no such agent version"));
      Replay replay = run.replay();
      known = replay == null ? known : replay.applyTo(known);
      agent = known;
    }
    return known;
  }

  /** What a replay's calls came to in the original; null if this run makes its calls itself. */
  @Nullable Recording recording() {
    Replay replay = run.replay();
    if (replay == null || !replay.recorded()) {
      return null;
    }
    Recording known = recording;
    if (known == null) {
      known = engine.db().read(run.mandate(), tx -> Recording.of(tx, engine.store(), replay));
      recording = known;
    }
    return known;
  }

  private Plan.Limits limits() {
    Plan.Limits limits = engine.settings().limits();
    int own = agent().maxModelCalls();
    return own == 0 ? limits : new Plan.Limits(own, limits.modelFailures(), limits.toolCalls());
  }

  /** For tests and logs. */
  @Override
  public String toString() {
    return "run " + run.id() + " epoch " + claim.epoch();
  }
}
