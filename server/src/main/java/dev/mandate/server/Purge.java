package dev.mandate.server;

import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.jobs.Leases;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Forgets what has had its time, in all organizations: one process does it, every hour. */
final class Purge implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Purge.class);
  private static final Duration LEASE = Duration.ofMinutes(1);
  private static final Duration EVERY = Duration.ofHours(1);
  private static final int BATCH = 5_000;

  /**
   * @param statement deletes at most about {@code :limit} rows
   */
  private record Rule(String what, String statement) {}

  private static final List<Rule> RULES =
      List.of(
          new Rule(
              "events",
              """
              delete from events where (org_id, topic, seq) in (
                select org_id, topic, seq from events
                 where at < now() - interval '30 days' limit :limit)
              """),
          new Rule(
              "finished jobs",
              """
              delete from jobs where (org_id, id) in (
                select org_id, id from jobs
                 where state = 'done' and finished_at < now() - interval '1 day' limit :limit)
              """),
          // By their time alone: nothing else of a key may be seen here.
          new Rule(
              "idempotency keys",
              """
              delete from idempotency_keys
               where created_at < now() - interval '1 day'
                 and created_at <= coalesce(
                       (select created_at from idempotency_keys
                         order by created_at offset :limit - 1 limit 1), 'infinity')
              """),
          new Rule(
              "dead jobs",
              """
              delete from jobs where (org_id, id) in (
                select org_id, id from jobs
                 where state = 'dead' and finished_at < now() - interval '90 days' limit :limit)
              """),
          // With their keys. A session that is over answers for a while what became of it.
          new Rule(
              "sessions",
              """
              delete from sessions where (org_id, id) in (
                select org_id, id from sessions
                 where expires_at < now() - interval '30 days' limit :limit)
              """),
          new Rule(
              "sign-in links",
              "delete from sign_in_links where expires_at < now() - interval '1 day'"
                  + " and cast(:limit as int) > 0"),
          new Rule(
              "sign-in attempts",
              "delete from sign_in_attempts where last_at < now() - interval '7 days'"
                  + " and cast(:limit as int) > 0"));

  private final Db db;
  private final Leases leases;

  Purge(Db db) {
    this.db = db;
    this.leases = new Leases(db);
  }

  void start() {
    leases.lead(
        "purge",
        LEASE,
        leadership -> {
          while (leadership.held()) {
            run();
            Thread.sleep(EVERY);
          }
        });
  }

  void run() {
    for (Rule rule : RULES) {
      long forgotten = 0;
      int some;
      do {
        some =
            db.dispatch(sql -> sql.createUpdate(rule.statement()).bind("limit", BATCH).execute());
        forgotten += some;
      } while (some >= BATCH);
      if (forgotten > 0) {
        log.info("forgot {} {}", forgotten, rule.what());
      }
    }
  }

  @Override
  public void close() {
    leases.close();
  }
}
