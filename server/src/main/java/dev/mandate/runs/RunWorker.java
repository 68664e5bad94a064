package dev.mandate.runs;

import dev.mandate.agents.Agents;
import dev.mandate.approvals.Approvals;
import dev.mandate.files.Files;
import dev.mandate.governance.Gate;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Spans;
import dev.mandate.models.Models;
import dev.mandate.suspensions.Suspensions;
import dev.mandate.threads.Threads;
import dev.mandate.tools.Tools;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims runs that are due, carries them out, and keeps their leases. Any number of processes do
 * this on one database.
 */
public final class RunWorker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RunWorker.class);

  /** A wake-up can be lost: due runs are looked for this often anyway. */
  private static final long POLL_MILLIS = 1_000;

  private final RunEngine engine;
  private final LiveText live;
  private final UUID owner = UUID.randomUUID();
  private final LeaseStore leases = new LeaseStore();
  private final Map<Key, Running> running = new ConcurrentHashMap<>();
  private final Semaphore due = new Semaphore(1);
  private final LongAdder takeovers = new LongAdder();
  private volatile boolean stopping;
  private Wakeups.@Nullable Subscription subscription;
  private final List<Thread> loops = new ArrayList<>();

  private record Key(RunId run, long epoch) {}

  private record Running(Lease lease, Thread thread) {}

  public RunWorker(
      Db db,
      Wakeups wakeups,
      InstantSource clock,
      Runs runs,
      RunStarter starter,
      Agents agents,
      Threads threads,
      Files files,
      Models models,
      Tools tools,
      Gate gate,
      Approvals approvals,
      Suspensions suspensions,
      Spans spans,
      RunSettings settings) {
    RunStore store = new RunStore();
    this.live = new LiveText(db);
    this.engine =
        new RunEngine(
            db,
            wakeups,
            clock,
            store,
            new RunLog(store),
            runs,
            starter,
            agents,
            threads,
            models,
            tools,
            gate,
            approvals,
            suspensions,
            new Prompts(db, threads),
            new Attachments(files),
            live,
            spans,
            settings);
  }

  public void start() {
    subscription = engine.wakeups().subscribe(RunLog.DUE, channel -> due.release());
    loops.add(Thread.ofPlatform().daemon().name("run-claims").start(this::claimLoop));
    loops.add(Thread.ofPlatform().daemon().name("run-leases").start(this::renewLoop));
  }

  private void claimLoop() {
    while (!stopping) {
      try {
        boolean _ = due.tryAcquire(POLL_MILLIS, TimeUnit.MILLISECONDS);
        due.drainPermits();
        while (!stopping && claim()) {
          // More may be due than one claim takes.
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        log.warn("due runs cannot be claimed now", e);
        pause();
      }
    }
  }

  private boolean claim() {
    int room = Math.min(32, engine.settings().capacity() - running.size());
    if (room <= 0) {
      return false;
    }
    long asked = System.nanoTime();
    RunSettings settings = engine.settings();
    List<LeaseStore.Claim> claims =
        engine
            .db()
            .dispatch(sql -> leases.claim(sql, owner, settings.lease(), settings.grace(), room));
    if (stopping) {
      // Whoever stops us gives them back.
      return false;
    }
    takeovers.add(claims.stream().filter(LeaseStore.Claim::takenOver).count());
    claims.forEach(claim -> launch(claim, new Lease(claim.epoch(), asked, settings.lease())));
    return claims.size() == room;
  }

  private void launch(LeaseStore.Claim claim, Lease lease) {
    Key key = new Key(claim.run(), claim.epoch());
    Thread thread =
        Thread.ofVirtual()
            .name("run-" + claim.run())
            .unstarted(() -> {
              try {
                RunExecution.carryOut(engine, claim, lease);
              } catch (RuntimeException e) {
                // The lease runs out by itself; whoever takes the run up counts the claim.
                if (RunExecution.brokenOff(lease, e)) {
                  log.info("run {} was let go of", claim.run());
                } else {
                  log.error("run {} failed unexpectedly", claim.run(), e);
                }
              } finally {
                running.remove(key);
                due.release();
              }
            });
    running.put(key, new Running(lease, thread));
    thread.start();
  }

  private void renewLoop() {
    while (!stopping) {
      try {
        Thread.sleep(Math.max(50, engine.settings().lease().toMillis() / 4));
        if (!running.isEmpty()) {
          renew();
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        // Leases end by their own deadlines; their owners see that.
        log.warn("leases cannot be renewed now", e);
      }
    }
  }

  private void renew() {
    // Only of runs that are worked on: what was let go of without being given back must run out.
    Map<Key, Running> before = new HashMap<>(running);
    before.values().removeIf(run -> run.lease().lost());
    Set<RunId> runs = before.keySet().stream().map(Key::run).collect(Collectors.toSet());
    long asked = System.nanoTime();
    List<LeaseStore.Claim> renewed =
        engine.db().dispatch(sql -> leases.renew(sql, owner, runs, engine.settings().lease()));
    Set<Key> held = new HashSet<>();
    for (LeaseStore.Claim claim : renewed) {
      Key key = new Key(claim.run(), claim.epoch());
      held.add(key);
      Running run = running.get(key);
      if (run != null) {
        run.lease().renewed(asked, engine.settings().lease());
      }
    }
    before.forEach((key, run) -> {
      if (!held.contains(key)) {
        run.lease().lose();
      }
    });
  }

  private static void pause() {
    try {
      Thread.sleep(500);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Frees the leases of processes that are known to be dead, so that their runs go on at once. Only
   * for an installation whose database allows one process, before {@link #start}.
   */
  public void takeOverAll() {
    engine.db().dispatch(leases::free);
  }

  /** How many runs this process has taken over from owners that gave no sign of life. */
  public long takeovers() {
    return takeovers.sum();
  }

  /** How many runs this process works on. */
  public int active() {
    return running.size();
  }

  /**
   * Takes nothing new and lets go of what runs: the next owner, or this one after a restart, goes
   * on from the log. Calls that are out are given a moment to bring their results home.
   */
  @Override
  public void close() {
    stopping = true;
    Wakeups.Subscription listening = subscription;
    if (listening != null) {
      listening.close();
    }
    loops.forEach(Thread::interrupt);
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
    // A claim under way may still bring runs.
    loops.forEach(loop -> join(loop, until));
    for (Running run : running.values()) {
      join(run.thread(), until);
      run.lease().lose();
      run.thread().interrupt();
    }
    handOver();
    live.close();
  }

  private static void join(Thread thread, long until) {
    try {
      long left = until - System.nanoTime();
      if (left > 0) {
        boolean _ = thread.join(java.time.Duration.ofNanos(left));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** No effect goes out from here any more: another process need not wait for deadlines. */
  private void handOver() {
    try {
      if (engine.db().dispatch(sql -> leases.free(sql, owner)) > 0) {
        engine.wakeups().signal(List.of(RunLog.DUE));
      }
    } catch (RuntimeException e) {
      log.warn("leases cannot be given back: others wait until they have run out", e);
    }
  }
}
