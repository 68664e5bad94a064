package dev.mandate.kernel.jobs;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Spans;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/** The job queue, on the system of record: enqueued in the transaction that wants the work done. */
public final class Jobs implements AutoCloseable {
  static final String CHANNEL = "jobs";

  /** Who does a kind. */
  record Kind(Set<String> actions, int maxAttempts, JobHandler handler) {}

  private static final JobStore STORE = new JobStore();
  private final Map<String, Kind> kinds = new ConcurrentHashMap<>();
  private final JobRunner runner;

  public Jobs(Db db, Wakeups wakeups) {
    this(db, wakeups, JobSettings.DEFAULTS, Spans.OFF);
  }

  public Jobs(Db db, Wakeups wakeups, JobSettings settings, Spans spans) {
    this.runner = new JobRunner(db, wakeups, STORE, kinds, settings, spans);
  }

  /**
   * @param payload a JSON object of ids
   * @param uniqueKey at most one waiting job of this kind with this key; null for no such limit. If
   *     one waits already it keeps its payload, and is due at the earlier of both times. One that
   *     is enqueued while its predecessor runs is a new one, and may run beside it
   */
  public void enqueue(Tx tx, String kind, String payload, Instant due, @Nullable String uniqueKey) {
    put(tx, kind, payload, due, uniqueKey);
  }

  /** The same for who works on no jobs itself. */
  public static void put(
      Tx tx, String kind, String payload, Instant due, @Nullable String uniqueKey) {
    STORE.insert(tx, Ids.next(), kind, payload, due, uniqueKey, null, "");
    tx.wake(CHANNEL);
  }

  /**
   * A job that comes again and again. One schedule for each kind and key: scheduling again replaces
   * time and payload.
   *
   * @param cron five fields, see {@link Cron}
   * @param zone e.g. {@code Europe/Berlin}; empty for UTC
   * @throws Failure {@code INVALID_ARGUMENT} for a bad schedule
   */
  public void schedule(
      Tx tx, String kind, String payload, String cron, String zone, String uniqueKey) {
    Instant due = Cron.parse("cron", cron, zone).next(tx.now());
    STORE.insert(tx, Ids.next(), kind, payload, due, uniqueKey, cron, zone);
    tx.wake(CHANNEL);
  }

  /** Takes away what waits under this key; what runs already is not interrupted. */
  public void cancel(Tx tx, String kind, String uniqueKey) {
    STORE.deleteWaiting(tx, kind, uniqueKey);
  }

  /** The organization's jobs, newest first; those of one state, or all. */
  public Page<JobStatus> list(Tx tx, JobStatus.@Nullable State state, Page.Request page) {
    return Page.cut(STORE.list(tx, state, page), page, job -> job.id().toString());
  }

  /**
   * Puts a dead letter back, with all its attempts before it.
   *
   * @throws Failure {@code NOT_FOUND}, or {@code FAILED_PRECONDITION} if it is not dead or another
   *     one of the same key waits already
   */
  public JobStatus retry(Tx tx, UUID id) {
    boolean revived;
    try {
      revived = STORE.revive(tx, id);
    } catch (JdbiException e) {
      if ("jobs_unique".equals(Sql.constraint(e))) {
        throw Failure.precondition("JOB_WAITS", "another job with the same key waits already");
      }
      throw e;
    }
    JobStatus job = STORE.find(tx, id);
    if (job == null) {
      throw Failure.notFound("job");
    }
    if (!revived) {
      throw Failure.precondition(
          "JOB_NOT_DEAD", "the job is " + job.state().wireName() + "; only a dead one is retried");
    }
    tx.wake(CHANNEL);
    return job;
  }

  /**
   * Declares who does a kind. Before {@link #start}.
   *
   * @param actions what the job's system mandate is limited to
   */
  public void handle(String kind, Set<String> actions, int maxAttempts, JobHandler handler) {
    if (kinds.putIfAbsent(kind, new Kind(Set.copyOf(actions), maxAttempts, handler)) != null) {
      throw new IllegalStateException("two handlers for the job kind " + kind);
    }
  }

  public void start() {
    runner.start();
  }

  /**
   * Takes no more jobs, waits a little for those that run, then interrupts them: they give
   * themselves back. The lease of one that does not let itself be interrupted ends by itself.
   */
  @Override
  public void close() {
    runner.close();
  }
}
