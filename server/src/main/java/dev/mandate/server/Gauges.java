package dev.mandate.server;

import dev.mandate.audit.Sealer;
import dev.mandate.kernel.db.Db;
import dev.mandate.runs.RunWorker;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an operator watches besides calls: the work that waits in the whole installation, read from
 * the database a few times a minute, and what this process holds. No organization, no name and no
 * id is a label: their number would grow without bound, and a scrape is not theirs to read.
 */
final class Gauges implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Gauges.class);
  private static final Duration EVERY = Duration.ofSeconds(10);

  private static final List<String> ACTIVE =
      List.of("queued", "running", "awaiting_approval", "awaiting_child", "in_doubt", "paused");
  private static final List<String> UNFINISHED = List.of("waiting", "running", "dead");

  private static final String RUNS =
      "select lower(status), count(*) from runs where finished_at is null group by 1";

  private static final String JOBS =
      "select state, count(*) from jobs where state <> 'done' group by 1";

  private static final String DUE =
      """
      select coalesce(extract(epoch from now() - min(due_at)), 0), count(*) from runs
       where due_at <= now() and (lease_until is null or lease_until < now())
      """;

  private static final String JOBS_DUE =
      """
      select coalesce(extract(epoch from now() - min(due_at)), 0), count(*) from jobs
       where state = 'waiting' and due_at <= now()
      """;

  /** An entry's id begins with its time, in milliseconds. */
  private static final String UNSEALED =
      """
      select coalesce(extract(epoch from now())
                - ('x0000' || substr(replace(min(id::text), '-', ''), 1, 12))::bit(64)::bigint
                  / 1000.0, 0),
             count(*)
        from audit_unsealed
      """;

  /** How many wait, and for how long the oldest has. */
  private record Queue(double seconds, double count) {}

  private final Db db;
  private final MultiGauge runs;
  private final MultiGauge jobs;
  private volatile Queue due = new Queue(0, 0);
  private volatile Queue jobsDue = new Queue(0, 0);
  private volatile Queue unsealed = new Queue(0, 0);
  private final JvmGcMetrics collections = new JvmGcMetrics();
  private @Nullable Thread reader;

  Gauges(
      MeterRegistry meters,
      Db db,
      RunWorker worker,
      Sealer sealer,
      Map<String, LongAdder> decisions) {
    this.db = db;
    runs =
        MultiGauge.builder("mandate.runs")
            .description("Runs that are not over, in the whole installation")
            .register(meters);
    jobs =
        MultiGauge.builder("mandate.jobs")
            .description("Jobs that are not done, in the whole installation")
            .register(meters);
    queue(meters, "mandate.runs.due", "Runs that wait for a worker", () -> due);
    queue(meters, "mandate.jobs.due", "Jobs that wait for a worker", () -> jobsDue);
    queue(
        meters,
        "mandate.audit.unsealed",
        "Transactions whose audit entries are not chained yet",
        () -> unsealed);
    Gauge.builder("mandate.audit.refused", sealer, Sealer::refused)
        .description("Chains of the record that this process does not sign: somebody rewrote them")
        .register(meters);
    Gauge.builder("mandate.runs.here", worker, RunWorker::active)
        .description("Runs that this process works on")
        .register(meters);
    FunctionCounter.builder("mandate.lease.takeovers", worker, RunWorker::takeovers)
        .description("Runs that this process took over from one that gave no sign of life")
        .register(meters);
    decisions.forEach((decision, count) ->
        FunctionCounter.builder("mandate.gate.decisions", count, LongAdder::sum)
            .description("Decisions of the gate on calls of tools and models")
            .tag("decision", decision)
            .register(meters));
    Gauge.builder("mandate.child.processes", () -> ProcessHandle.current().children().count())
        .description("Programs that this process has started: tool servers, the database")
        .register(meters);
    db.meter(meters);
    new ClassLoaderMetrics().bindTo(meters);
    new JvmMemoryMetrics().bindTo(meters);
    new JvmThreadMetrics().bindTo(meters);
    collections.bindTo(meters);
    new ProcessorMetrics().bindTo(meters);
    new UptimeMetrics().bindTo(meters);
    new FileDescriptorMetrics().bindTo(meters);
  }

  private interface Reading {
    Queue get();
  }

  private static void queue(MeterRegistry meters, String name, String what, Reading reading) {
    Gauge.builder(name, reading, each -> each.get().count())
        .description(what)
        .strongReference(true)
        .register(meters);
    Gauge.builder(name + ".seconds", reading, each -> each.get().seconds())
        .description(what + ": how long the oldest has waited")
        .strongReference(true)
        .register(meters);
  }

  void start() {
    // A platform thread: figures are wanted most when everything else stands in each other's way.
    reader = Thread.ofPlatform().daemon().name("gauges").start(this::readAgainAndAgain);
  }

  private void readAgainAndAgain() {
    try {
      while (true) {
        try {
          db.dispatch(this::read);
        } catch (RuntimeException e) {
          // The figures stand still while the database is away.
          log.warn("the work that waits cannot be counted now: {}", e.toString());
        }
        Thread.sleep(EVERY);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean read(Handle sql) {
    runs.register(rows("status", ACTIVE, counts(sql, RUNS)), true);
    jobs.register(rows("state", UNFINISHED, counts(sql, JOBS)), true);
    due = queue(sql, DUE);
    jobsDue = queue(sql, JOBS_DUE);
    unsealed = queue(sql, UNSEALED);
    return true;
  }

  private static Map<String, Long> counts(Handle sql, String query) {
    Map<String, Long> counts = new TreeMap<>();
    sql.createQuery(query)
        .map((row, context) -> Map.entry(row.getString(1), row.getLong(2)))
        .forEach(entry -> counts.put(entry.getKey(), entry.getValue()));
    return counts;
  }

  /** Those that nobody is in are zero, not absent: else an alert could not tell. */
  private static List<MultiGauge.Row<?>> rows(
      String tag, List<String> known, Map<String, Long> counts) {
    Map<String, Long> all = new TreeMap<>(counts);
    known.forEach(each -> all.putIfAbsent(each, 0L));
    return all.entrySet().stream()
        .<MultiGauge.Row<?>>map(
            each -> MultiGauge.Row.of(Tags.of(tag, each.getKey()), each.getValue()))
        .toList();
  }

  private static Queue queue(Handle sql, String query) {
    return sql.createQuery(query)
        .map((row, context) -> new Queue(Math.max(0, row.getDouble(1)), row.getLong(2)))
        .one();
  }

  @Override
  public void close() {
    Thread running = reader;
    if (running != null) {
      running.interrupt();
      try {
        running.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    collections.close();
  }
}
