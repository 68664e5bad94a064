package dev.mandate.kernel.jobs;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.kernel.telemetry.Spans;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Claims jobs and runs each on a virtual thread of its own. */
final class JobRunner implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(JobRunner.class);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);
  private static final Duration AUTHORITY = Duration.ofHours(1);

  private final Db db;
  private final Wakeups wakeups;
  private final JobStore store;
  private final Map<String, Jobs.Kind> kinds;
  private final JobSettings settings;
  private final Spans spans;
  private final UUID holder = Ids.next();
  private final Map<UUID, Thread> running = new ConcurrentHashMap<>();
  private final List<Thread> threads = new ArrayList<>();
  private final Bell bell = new Bell();
  private volatile boolean closing;
  private Wakeups.@Nullable Subscription subscription;

  /** When the running jobs' leases end, at the earliest. */
  private volatile long leaseEnds;

  JobRunner(
      Db db,
      Wakeups wakeups,
      JobStore store,
      Map<String, Jobs.Kind> kinds,
      JobSettings settings,
      Spans spans) {
    this.db = db;
    this.wakeups = wakeups;
    this.store = store;
    this.kinds = kinds;
    this.settings = settings;
    this.spans = spans;
  }

  void start() {
    subscription = wakeups.subscribe(Jobs.CHANNEL, channel -> bell.ring());
    threads.add(Thread.ofVirtual().name("jobs").start(this::claimLoop));
    threads.add(Thread.ofVirtual().name("jobs-heartbeat").start(this::heartbeatLoop));
  }

  private void claimLoop() {
    long lookForAbandoned = System.nanoTime();
    while (!closing) {
      Duration pause = settings.poll();
      try {
        int free = settings.concurrency() - running.size();
        int claimed = free > 0 ? begin(claimDue(free)) : 0;
        free -= claimed;
        if (free > 0 && System.nanoTime() - lookForAbandoned >= 0) {
          lookForAbandoned = System.nanoTime() + settings.poll().toNanos();
          begin(claimAbandoned(free));
        }
        pause = untilNext(free);
      } catch (RuntimeException e) {
        if (!closing) {
          log.warn("cannot look for jobs, trying again: {}", e.toString());
        }
        pause = Duration.ofSeconds(1);
      }
      if (pause.isPositive() && !bell.await(pause)) {
        return;
      }
    }
  }

  private List<JobStore.Claimed> claimDue(int limit) {
    return db.dispatch(sql -> store.claimDue(sql, holder, kinds.keySet(), settings.lease(), limit));
  }

  private List<JobStore.Claimed> claimAbandoned(int limit) {
    return db.dispatch(
        sql -> store.claimAbandoned(sql, holder, kinds.keySet(), settings.lease(), limit));
  }

  /** With all hands busy there is nothing to wait for but one of them, which rings. */
  private Duration untilNext(int free) {
    if (free <= 0) {
      return settings.poll();
    }
    long poll = settings.poll().toMillis();
    long millis = db.dispatch(sql -> store.untilNext(sql, kinds.keySet())).orElse(poll);
    return Duration.ofMillis(Math.clamp(millis, 0, poll));
  }

  private int begin(List<JobStore.Claimed> claimed) {
    if (running.isEmpty()) {
      leaseEnds = System.nanoTime() + settings.lease().toNanos();
    }
    for (JobStore.Claimed job : claimed) {
      Thread thread = Thread.ofVirtual().name("job-" + job.kind()).unstarted(() -> work(job));
      running.put(job.id(), thread);
      thread.start();
    }
    return claimed.size();
  }

  private void work(JobStore.Claimed job) {
    try {
      Jobs.Kind kind = kinds.get(job.kind());
      if (kind != null) {
        attempt(job, kind);
      }
    } catch (Exception e) {
      // The lease ends and somebody tries again.
      if (closing) {
        log.warn("job {} {} was not given back: {}", job.kind(), job.id(), e.toString());
      } else {
        log.error("job {} {} could not be settled", job.kind(), job.id(), e);
      }
    } finally {
      // Not a later attempt's, which we may have claimed ourselves.
      running.remove(job.id(), Thread.currentThread());
      MDC.clear();
      bell.ring();
    }
  }

  private void attempt(JobStore.Claimed job, Jobs.Kind kind) throws Exception {
    String trace = job.id().toString().replace("-", "");
    Mandate system =
        Mandate.system(job.org(), kind.actions(), job.kind(), db.clock().instant().plus(AUTHORITY));
    Mandate mandate = system.withOrigin(new Mandate.Origin(system.origin().channel(), "", trace));
    MDC.put("trace_id", trace);
    try {
      attempt(mandate, job, kind);
    } catch (Exception e) {
      if (!cutShort(e)) {
        throw e;
      }
      giveBack(mandate, job);
    }
  }

  private void attempt(Mandate mandate, JobStore.Claimed job, Jobs.Kind kind) throws Exception {
    JobStore.Content content = db.read(mandate, tx -> store.content(tx, job, holder)).orElse(null);
    if (content == null) {
      // The lease went to somebody else before we began.
      return;
    }
    if (job.attempt() > kind.maxAttempts()) {
      // Its earlier attempts ended with their process: perhaps it is what ended them.
      bury(mandate, job, content, "every attempt ended with its process");
      return;
    }
    try {
      handle(mandate, job, kind, content);
    } catch (Exception e) {
      if (cutShort(e)) {
        throw e;
      }
      log.warn("job {} {} failed, attempt {}", job.kind(), job.id(), job.attempt(), e);
      if (job.attempt() < kind.maxAttempts()) {
        putBack(mandate, job, pause(job.attempt()), job.attempt(), describe(e));
      } else {
        bury(mandate, job, content, describe(e));
      }
      return;
    }
    if (content.cron() != null) {
      putBack(mandate, job, untilCron(content), 0, "");
    } else {
      db.run(mandate, tx -> store.finish(tx, job, holder, JobStatus.State.DONE, ""));
    }
  }

  private void handle(
      Mandate mandate, JobStore.Claimed job, Jobs.Kind kind, JobStore.Content content)
      throws Exception {
    Job work = new Job(job.org(), job.id(), job.kind(), content.payload(), job.attempt());
    Span span = spans.begin(Span.Kind.INTERNAL, "job", job.kind(), mandate.origin());
    if (span.recorded()) {
      span.set("mandate.organization.id", job.org().toString())
          .set("mandate.job.id", job.id().toString())
          .set("mandate.job.attempt", job.attempt());
    }
    try {
      span.call(() -> {
        kind.handler().run(mandate, work);
        return true;
      });
    } catch (Exception e) {
      span.fail(e instanceof Failure failure ? failure.reason() : e.getClass().getSimpleName());
      throw e;
    } finally {
      span.end();
    }
  }

  private void bury(Mandate mandate, JobStore.Claimed job, JobStore.Content content, String error) {
    if (content.cron() == null) {
      db.run(mandate, tx -> store.finish(tx, job, holder, JobStatus.State.DEAD, error));
    } else {
      db.run(mandate, tx -> store.insertDead(tx, Ids.next(), job, content.payload(), error));
      putBack(mandate, job, untilCron(content), 0, error);
    }
  }

  private void putBack(
      Mandate mandate, JobStore.Claimed job, Duration pause, int attempt, String error) {
    try {
      db.run(mandate, tx -> store.putBack(tx, job, holder, pause, attempt, error));
    } catch (JdbiException e) {
      if (!"jobs_unique".equals(Sql.constraint(e))) {
        throw e;
      }
      // Another of the same key came to wait in this moment: now it is seen.
      putBack(mandate, job, pause, attempt, error);
    }
  }

  /** Whether our own end is the cause. */
  private boolean cutShort(Exception e) {
    return closing && (e instanceof InterruptedException || Thread.currentThread().isInterrupted());
  }

  /** An attempt that was cut short counts as none. */
  private void giveBack(Mandate mandate, JobStore.Claimed job) {
    // The interrupt that ended the work must not end this too.
    if (Thread.interrupted()) {
      log.debug("job {} {} was interrupted by our end", job.kind(), job.id());
    }
    putBack(mandate, job, Duration.ZERO, job.attempt() - 1, "");
  }

  private Duration untilCron(JobStore.Content content) {
    Instant now = db.clock().instant();
    String cron = String.valueOf(content.cron());
    return Duration.between(now, Cron.parse("cron", cron, content.zone()).next(now));
  }

  /** Doubled each time, with a fifth of chance so that what failed together does not return so. */
  private Duration pause(int attempt) {
    long millis = settings.firstPause().toMillis() << Math.min(attempt - 1, 20);
    millis = Math.min(millis, LONGEST_PAUSE.toMillis());
    return Duration.ofMillis((long) (millis * ThreadLocalRandom.current().nextDouble(0.8, 1.2)));
  }

  /** For people of the organization: the cause itself is in the log under the job's trace id. */
  private static String describe(Exception e) {
    return e instanceof Failure failure
        ? failure.reason() + ": " + failure.publicMessage()
        : e.getClass().getSimpleName();
  }

  private void heartbeatLoop() {
    while (!closing || !running.isEmpty()) {
      try {
        Thread.sleep(settings.lease().dividedBy(3));
      } catch (InterruptedException e) {
        return;
      }
      if (!running.isEmpty()) {
        heartbeat();
      }
    }
  }

  private void heartbeat() {
    // Those that are claimed from here on are not in the answer, and need not be.
    Map<UUID, Thread> before = Map.copyOf(running);
    long asked = System.nanoTime();
    try {
      Set<UUID> ours = db.dispatch(sql -> store.heartbeat(sql, holder, settings.lease()));
      leaseEnds = asked + settings.lease().toNanos();
      before.forEach((id, thread) -> {
        if (!ours.contains(id) && running.containsKey(id)) {
          log.warn("job {} has gone to another process: interrupting ours", id);
          thread.interrupt();
        }
      });
    } catch (RuntimeException e) {
      if (!Thread.currentThread().isInterrupted()) {
        log.warn("no sign of life for {} jobs: {}", before.size(), e.toString());
      }
      if (System.nanoTime() - leaseEnds >= 0) {
        // Somebody else may have begun the same work.
        before.values().forEach(Thread::interrupt);
      }
    }
  }

  @Override
  public void close() {
    Wakeups.Subscription subscribed = subscription;
    if (subscribed == null) {
      return;
    }
    subscribed.close();
    closing = true;
    bell.ring();
    try {
      threads.getFirst().join();
      awaitRunning();
      running.values().forEach(Thread::interrupt);
      awaitRunning();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      // Until here, so that nobody else begins what still runs.
      threads.get(1).interrupt();
    }
  }

  /** Waits a little for all of them. */
  private void awaitRunning() throws InterruptedException {
    long deadline = System.nanoTime() + settings.grace().toNanos();
    for (Thread each : List.copyOf(running.values())) {
      each.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
    }
  }

  /** Rung by many, awaited by one; a ring before the wait is not lost. */
  private static final class Bell {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition rung = lock.newCondition();
    private boolean pending;

    void ring() {
      lock.lock();
      try {
        pending = true;
        rung.signal();
      } finally {
        lock.unlock();
      }
    }

    /** False if the waiting thread was interrupted. */
    boolean await(Duration limit) {
      lock.lock();
      try {
        long left = limit.toNanos();
        while (!pending && left > 0) {
          left = rung.awaitNanos(left);
        }
        pending = false;
        return true;
      } catch (InterruptedException e) {
        return false;
      } finally {
        lock.unlock();
      }
    }
  }
}
