package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.TxWork;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.runs.Plan.Action;
import dev.mandate.suspensions.Suspension;
import dev.mandate.suspensions.Suspensions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
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

  /** Characters of a result that stand in the log itself. */
  static final int EXCERPT = 2_000;

  private static final int PAGE = 500;

  private final RunEngine engine;
  private final LeaseStore.Claim claim;
  private final Lease lease;
  private final RunState state = new RunState();
  private final Map<String, Flight> inFlight = new ConcurrentHashMap<>();
  private final Semaphore news = new Semaphore(0);

  /** What calls in flight appended, oldest first, and the state does not have yet. */
  private final Queue<List<LoggedStep>> written = new ConcurrentLinkedQueue<>();

  /**
   * Whether the log may hold what this process did not write. A wake-up says so, and may be lost.
   */
  private volatile boolean grown = true;

  private final ModelCalls models;
  private final ToolCalls tools;

  // Set when the run was loaded, by the planning thread, before anything else looks.
  private @Nullable Run run;
  private @Nullable Agent agent;
  private @Nullable Recording recording;

  RunExecution(RunEngine engine, LeaseStore.Claim claim, Lease lease) {
    this.engine = engine;
    this.claim = claim;
    this.lease = lease;
    this.models = new ModelCalls(engine, this);
    this.tools = new ToolCalls(engine, this);
  }

  /** Blocks until there is nothing more for this process to do. */
  void run() {
    Mandate loader = loader();
    Optional<Run> loaded = engine.db().read(loader, tx -> engine.store().find(tx, claim.run()));
    if (loaded.isEmpty() || loaded.get().status().terminal()) {
      return;
    }
    run = loaded.get();
    MDC.put("trace_id", run.mandate().origin().traceId());
    String channel = RunLog.channel(claim.run());
    Wakeups.Subscription growth =
        engine
            .wakeups()
            .subscribe(
                channel,
                ignored -> {
                  grown = true;
                  news.release();
                });
    try {
      if (claim.fruitless() > engine.settings().maxFruitlessClaims()) {
        append(
            new Fence(lease.epoch(), null),
            List.of(
                new Step.Paused(
                    "it was taken up "
                        + (claim.fruitless() - 1)
                        + " times in a row without getting any further")));
        return;
      }
      carryOn();
    } catch (FencedOff e) {
      log.info("run {} is somebody else's now", claim.run());
    } catch (RuntimeException e) {
      log.error("run {} failed unexpectedly, {} times now", claim.run(), claim.fruitless(), e);
      bringHome();
      retryLater();
    } finally {
      growth.close();
      inFlight.values().forEach(flight -> flight.signal.cancel());
    }
  }

  /** Until it is over or waits: one span, within the call that started the run. */
  private void carryOn() {
    Span span = RunSpans.begin(engine.spans(), current(), this::agent);
    try {
      span.run(() -> {
        while (advance()) {
          // Each round goes by what the log says now.
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
    catchUp();
    if (!lease.holds()) {
      throw new FencedOff(claim.run());
    }
    Suspension suspension = engine.suspensions().of(current().mandate());
    List<Action> actions =
        Plan.next(
            state,
            flying,
            limits(),
            engine.clock().instant(),
            suspension == null ? null : suspension.describe());
    boolean waits = actions.isEmpty() || actions.getFirst() instanceof Plan.Interrupt;
    try {
      for (Action action : actions) {
        perform(action, suspension);
      }
    } catch (FencedOff e) {
      // Either somebody decided something meanwhile, or the lease is gone. The log knows.
      if (!holdsInDatabase()) {
        throw e;
      }
      grown = true;
      return true;
    }
    if (state.over() || (!waits && state.suspended())) {
      return false;
    }
    if (!waits) {
      return true;
    }
    return inFlight.isEmpty() ? !release() : awaitNews();
  }

  private boolean awaitNews() {
    try {
      if (!news.tryAcquire(1, TimeUnit.SECONDS)) {
        // The wake-up may be lost.
        grown = true;
      }
      news.drainPermits();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FencedOff(claim.run());
    }
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
        Suspension why = state.cancel() == null ? suspension : null;
        inFlight.values().forEach(flight -> flight.stop(why));
      }
      case Plan.Suspend suspend -> suspend(suspension, suspend.reason());
      case Plan.Resume resume -> append(fence(), List.of(new Step.Resumed("")));
      case Plan.Cancel cancel -> cancel(cancel.request());
    }
  }

  /**
   * Unless the suspension was lifted meanwhile: whoever did that would not find this run waiting.
   */
  private void suspend(@Nullable Suspension suspension, String reason) {
    append(
        fence(),
        tx ->
            suspension == null || engine.suspensions().hold(tx, suspension)
                ? List.of(new Step.Suspended(Texts.clean(reason)))
                : List.of());
  }

  private void start() {
    Run now = current();
    append(
        fence(),
        tx ->
            List.of(
                new Step.RunStarted(
                    now.agentVersion(),
                    now.messagePosition(),
                    engine.store().labelsBefore(tx, now))));
  }

  private void finish() {
    Step.ModelResponded last = state.turns().getLast().response;
    end(new Step.Finished(), last == null ? "" : last.text());
  }

  private void cancel(Step.CancelRequested request) {
    Run now = current();
    List<RunId> children =
        engine.db().read(now.mandate(), tx -> engine.store().activeChildren(tx, now.id()));
    children.forEach(child -> engine.runs().cancelChild(now.mandate(), child));
    for (RunState.CallState call : List.copyOf(state.calls())) {
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
    Run ending = current();
    long seen = state.lastSeq();
    List<Step> steps =
        write(tx -> {
          List<Step> ended = RunEnd.end(engine, tx, ending, fence(), last, answer);
          LiveText.forget(tx, ending.id());
          return ended;
        });
    applied(seen + 1, steps);
  }

  /** Gives the lease back; false if something was appended meanwhile. */
  private boolean release() {
    Run waiting = current();
    Plan.Waiting until = Plan.waitingFor(state);
    return write(tx -> {
      boolean released =
          engine
              .store()
              .release(
                  tx, claim.run(), lease.epoch(), state.lastSeq(), until.status(), until.dueAt());
      if (released) {
        RunLog.changed(tx, waiting.id(), waiting.threadId());
      } else {
        grown = true;
      }
      return released;
    });
  }

  /** Calls are out: their results, or the end of the lease, decide how the run goes on. */
  private void bringHome() {
    try {
      while (!inFlight.isEmpty() && lease.holds()) {
        boolean _ = news.tryAcquire(1, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whatever went wrong may pass; the count of fruitless claims ends it if it does not. */
  private void retryLater() {
    if (!inFlight.isEmpty()) {
      return;
    }
    Instant due = engine.clock().instant().plusMillis(250L << Math.min(claim.fruitless(), 6));
    engine
        .db()
        .run(
            current().mandate(),
            tx -> engine.store().giveBack(tx, claim.run(), lease.epoch(), due));
  }

  /**
   * Brings the state up to the log. What this process appended is known without reading; that
   * nothing of others is missing is seen by the numbers, and, before anything follows from the
   * state, by the fence.
   */
  private void catchUp() {
    boolean read = grown;
    // Before reading: what comes now is seen in the next round.
    grown = false;
    for (List<LoggedStep> own = written.poll(); own != null; own = written.poll()) {
      long next = state.lastSeq() + 1;
      if (own.getFirst().seq() == next) {
        own.forEach(state::apply);
      } else {
        read |= own.getFirst().seq() > next;
      }
    }
    if (read) {
      readLog();
    }
  }

  private void readLog() {
    Mandate mandate = current().mandate();
    List<LoggedStep> page;
    do {
      long after = state.lastSeq();
      page = engine.db().read(mandate, tx -> engine.store().steps(tx, claim.run(), after, PAGE));
      page.forEach(state::apply);
    } while (page.size() == PAGE);
  }

  private boolean holdsInDatabase() {
    return engine
        .db()
        .read(current().mandate(), tx -> engine.store().holds(tx, claim.run(), lease.epoch()));
  }

  // What the parts of an execution share.

  /** Appends what was decided on the present state, and applies it. */
  void append(Fence fence, List<Step> steps) {
    append(fence, tx -> steps);
  }

  /**
   * Appends steps that are made in the transaction, if any, and applies them to the state, from the
   * planning thread.
   */
  void append(Fence fence, TxWork<List<Step>> make) {
    Run owner = current();
    List<LoggedStep> logged =
        write(tx -> {
          List<Step> steps = make.run(tx);
          if (steps.isEmpty()) {
            return List.of();
          }
          long first = engine.log().append(tx, owner.id(), owner.threadId(), fence, steps);
          return number(first, steps);
        });
    if (logged.isEmpty()) {
      return;
    }
    if (logged.getFirst().seq() == state.lastSeq() + 1) {
      logged.forEach(state::apply);
    } else {
      grown = true;
    }
  }

  private void applied(long first, List<Step> steps) {
    number(first, steps).forEach(state::apply);
  }

  private List<LoggedStep> number(long first, List<Step> steps) {
    Instant now = engine.clock().instant();
    return java.util.stream.IntStream.range(0, steps.size())
        .mapToObj(i -> new LoggedStep(first + i, steps.get(i), now))
        .toList();
  }

  /**
   * Appends a result, from the thread that has it. What came back from outside must not be lost to
   * a database that is away for a moment: it is tried for as long as the lease holds.
   */
  void appendResult(TxWork<List<Step>> make) {
    Run owner = current();
    while (true) {
      try {
        Fence fence = Fence.owner(lease.epoch());
        written.add(
            write(tx -> {
              List<Step> steps = make.run(tx);
              long first = engine.log().append(tx, owner.id(), owner.threadId(), fence, steps);
              return number(first, steps);
            }));
        return;
      } catch (FencedOff e) {
        throw e;
      } catch (RuntimeException e) {
        if (!lease.holds()
            || !(e instanceof Failure failure)
            || failure.code() != Failure.Code.UNAVAILABLE) {
          throw e;
        }
        log.warn("run {}: a result waits for the database", claim.run(), e);
        pause();
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(200);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failure.of(Failure.Code.CANCELED, "CANCELED", "this process is stopping");
    }
  }

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
      throw new FencedOff(claim.run());
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
        .name("run-" + claim.run() + "-" + key)
        .start(() -> {
          MDC.put("trace_id", current().mandate().origin().traceId());
          try (Suspensions.Watch _ =
              engine.suspensions().watch(current().mandate(), tool, flight::stop)) {
            span.run(() -> work.accept(flight.signal));
          } catch (FencedOff e) {
            log.info("run {}: a result came too late to count", claim.run());
          } catch (RuntimeException e) {
            log.error("run {}: {} failed", claim.run(), key, e);
            // Without its result this process must not go on: the next owner settles it.
            lease.lose();
          } finally {
            inFlight.remove(key);
            news.release();
          }
        });
  }

  <T extends @Nullable Object> T write(TxWork<T> work) {
    return engine.db().write(current().mandate(), work);
  }

  Fence fence() {
    return Fence.owner(lease.epoch(), state.lastSeq());
  }

  Lease lease() {
    return lease;
  }

  RunState state() {
    return state;
  }

  Run current() {
    Run loaded = run;
    if (loaded == null) {
      throw new IllegalStateException("the run is not loaded yet");
    }
    return loaded;
  }

  /** The definition that the run is pinned to. */
  Agent agent() {
    Agent known = agent;
    if (known == null) {
      Run owner = current();
      known =
          engine
              .db()
              .read(
                  owner.mandate(),
                  tx ->
                      engine
                          .agents()
                          .findVersion(tx, owner.agentId(), owner.agentVersion())
                          .orElseThrow(() -> new IllegalStateException("no such agent version")));
      Replay replay = owner.replay();
      known = replay == null ? known : replay.applyTo(known);
      agent = known;
    }
    return known;
  }

  /** What a replay's calls came to in the original; null if this run makes its calls itself. */
  @Nullable Recording recording() {
    Replay replay = current().replay();
    if (replay == null || !replay.recorded()) {
      return null;
    }
    Recording known = recording;
    if (known == null) {
      known = engine.db().read(current().mandate(), tx -> Recording.of(tx, engine.store(), replay));
      recording = known;
    }
    return known;
  }

  private Plan.Limits limits() {
    Plan.Limits limits = engine.settings().limits();
    int own = agent().maxModelCalls();
    return own == 0 ? limits : new Plan.Limits(own, limits.modelFailures(), limits.toolCalls());
  }

  /** Reads the run's own authority; everything after that happens under it. */
  private Mandate loader() {
    return Mandate.system(
        claim.org(), Set.of("runs.load"), "runs", engine.clock().instant().plusSeconds(60));
  }

  /** For tests and logs. */
  @Override
  public String toString() {
    return "run " + claim.run() + " epoch " + claim.epoch();
  }
}
