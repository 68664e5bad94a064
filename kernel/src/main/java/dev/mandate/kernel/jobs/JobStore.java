package dev.mandate.kernel.jobs;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Json;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** The SQL of jobs. What takes a {@link Handle} runs as the dispatcher, across organizations. */
final class JobStore {
  /** A job that is this process's until its lease ends. */
  record Claimed(OrgId org, UUID id, String kind, int attempt) {}

  /** What the dispatcher may not see of a claimed job. */
  record Content(String payload, @Nullable String cron, String zone) {}

  void insert(
      Tx tx,
      UUID id,
      String kind,
      String payload,
      Instant due,
      @Nullable String uniqueKey,
      @Nullable String cron,
      String zone) {
    tx.sql()
        .createUpdate(
            """
            insert into jobs
              (org_id, id, kind, payload, state, due_at, unique_key, cron, zone)
            values
              (:org, :id, :kind, :payload, 'waiting',
               -- The database's clock decides what is due: ours may be ahead of it.
               case when :due <= :now then now() else :due end, :key, :cron, :zone)
            on conflict (org_id, kind, unique_key)
              where state = 'waiting' and unique_key is not null
            do update set
              due_at = case when excluded.cron is null
                            then least(jobs.due_at, excluded.due_at) else excluded.due_at end,
              payload = case when excluded.cron is null then jobs.payload else excluded.payload end,
              cron = coalesce(excluded.cron, jobs.cron),
              zone = coalesce(excluded.zone, jobs.zone)
            """)
        .bind("org", tx.org())
        .bind("id", id)
        .bind("kind", kind)
        .bind("payload", Json.of(payload))
        .bind("due", due)
        .bind("now", tx.now())
        .bind("key", uniqueKey)
        .bind("cron", cron)
        .bind("zone", zone)
        .execute();
  }

  int deleteWaiting(Tx tx, String kind, String uniqueKey) {
    return tx.sql()
        .createUpdate(
            """
            delete from jobs
             where org_id = :org and kind = :kind and unique_key = :key and state = 'waiting'
            """)
        .bind("org", tx.org())
        .bind("kind", kind)
        .bind("key", uniqueKey)
        .execute();
  }

  List<Claimed> claimDue(
      Handle sql, UUID holder, Collection<String> kinds, Duration lease, int limit) {
    return claim(
        sql,
        """
        with found as (
          select org_id, id
            from jobs
           where kind = any(:kinds) and state = 'waiting' and due_at <= now()
           order by due_at
           limit :limit
           for update skip locked
        )
        update jobs j
           set state = 'running', attempt = j.attempt + 1, lease_holder = :holder,
               lease_until = now() + :lease * interval '1 millisecond'
          from found
         where j.org_id = found.org_id and j.id = found.id
        returning j.org_id, j.id, j.kind, j.attempt
        """,
        holder,
        kinds,
        lease,
        limit);
  }

  /** Jobs of processes that have given no sign of life for a whole lease. */
  List<Claimed> claimAbandoned(
      Handle sql, UUID holder, Collection<String> kinds, Duration lease, int limit) {
    return claim(
        sql,
        """
        with found as (
          select org_id, id
            from jobs
           where kind = any(:kinds) and state = 'running' and lease_until < now()
           order by lease_until
           limit :limit
           for update skip locked
        )
        update jobs j
           set attempt = j.attempt + 1, lease_holder = :holder,
               lease_until = now() + :lease * interval '1 millisecond'
          from found
         where j.org_id = found.org_id and j.id = found.id
        returning j.org_id, j.id, j.kind, j.attempt
        """,
        holder,
        kinds,
        lease,
        limit);
  }

  private static List<Claimed> claim(
      Handle sql,
      String statement,
      UUID holder,
      Collection<String> kinds,
      Duration lease,
      int limit) {
    return sql.createQuery(statement)
        .bindArray("kinds", String.class, List.copyOf(kinds))
        .bind("holder", holder)
        .bind("lease", lease.toMillis())
        .bind("limit", limit)
        .map((row, context) ->
            new Claimed(
                new OrgId(Sql.uuid(row, "org_id")),
                Sql.uuid(row, "id"),
                row.getString("kind"),
                row.getInt("attempt")))
        .list();
  }

  /** Milliseconds until the next job is due; empty if none waits. */
  Optional<Long> untilNext(Handle sql, Collection<String> kinds) {
    return sql.createQuery(
            """
            select ceil(extract(epoch from min(due_at) - now()) * 1000)::bigint
              from jobs
             where kind = any(:kinds) and state = 'waiting'
            """)
        .bindArray("kinds", String.class, List.copyOf(kinds))
        .mapTo(Long.class)
        .findOne();
  }

  /**
   * @return those that are still the holder's
   */
  Set<UUID> heartbeat(Handle sql, UUID holder, Duration lease) {
    return new HashSet<>(
        sql.createQuery(
                """
                update jobs
                   set lease_until = now() + :lease * interval '1 millisecond'
                 where lease_holder = :holder and state = 'running'
                returning id
                """)
            .bind("holder", holder)
            .bind("lease", lease.toMillis())
            .mapTo(UUID.class)
            .list());
  }

  /** Empty if the job is no longer the holder's, or was taken up again. */
  Optional<Content> content(Tx tx, Claimed job, UUID holder) {
    return tx.sql()
        .createQuery(
            """
            select payload, cron, zone
              from jobs
             where org_id = :org and id = :id and lease_holder = :holder and attempt = :attempt
               and state = 'running'
            """)
        .bind("org", tx.org())
        .bind("id", job.id())
        .bind("holder", holder)
        .bind("attempt", job.attempt())
        .map((row, context) ->
            new Content(
                row.getString("payload"),
                row.getString("cron"),
                java.util.Objects.requireNonNullElse(row.getString("zone"), "")))
        .findOne();
  }

  /** Ends the job for good, done or dead; nothing happens if it is no longer the holder's. */
  void finish(Tx tx, Claimed job, UUID holder, JobStatus.State state, String error) {
    tx.sql()
        .createUpdate(
            """
            update jobs
               set state = :state, error = :error, finished_at = now(),
                   lease_holder = null, lease_until = null
             where org_id = :org and id = :id and lease_holder = :holder and attempt = :attempt
            """)
        .bind("state", state.wireName())
        .bind("error", error)
        .bind("org", tx.org())
        .bind("id", job.id())
        .bind("holder", holder)
        .bind("attempt", job.attempt())
        .execute();
  }

  /**
   * Puts the job back, unless another of the same key has come to wait meanwhile: then that one
   * does its work, and goes on with its schedule.
   *
   * @param pause until it is due
   * @param attempt that it has had
   */
  void putBack(Tx tx, Claimed job, UUID holder, Duration pause, int attempt, String error) {
    tx.sql()
        .createUpdate(
            """
            with mine as (
              select * from jobs
               where org_id = :org and id = :id and lease_holder = :holder and attempt = :attempt
                 for update
            ), heir as (
              update jobs w
                 set (payload, cron, zone, due_at) = (
                       select case when inherits then m.payload else w.payload end,
                              case when inherits then m.cron else w.cron end,
                              case when inherits then m.zone else w.zone end,
                              case when inherits then least(w.due_at, d.due) else w.due_at end
                         from (select m.cron is not null and w.cron is null as inherits) i)
                from mine m, (select now() + :pause * interval '1 millisecond' as due) d
               where w.org_id = m.org_id and w.kind = m.kind and w.unique_key = m.unique_key
                 and w.state = 'waiting'
              returning w.id
            )
            update jobs j
               set state = case when exists (select from heir) then 'done' else 'waiting' end,
                   finished_at = case when exists (select from heir) then now() end,
                   due_at = now() + :pause * interval '1 millisecond',
                   attempt = :next, error = :error, lease_holder = null, lease_until = null
              from mine
             where j.org_id = mine.org_id and j.id = mine.id
            """)
        .bind("pause", pause.toMillis())
        .bind("next", attempt)
        .bind("error", error)
        .bind("org", tx.org())
        .bind("id", job.id())
        .bind("holder", holder)
        .bind("attempt", job.attempt())
        .execute();
  }

  /** A dead letter beside a recurring job, which itself goes on. */
  void insertDead(Tx tx, UUID id, Claimed job, String payload, String error) {
    tx.sql()
        .createUpdate(
            """
            insert into jobs
              (org_id, id, kind, payload, state, due_at, attempt, error, finished_at)
            values (:org, :id, :kind, :payload, 'dead', now(), :attempt, :error, now())
            """)
        .bind("org", tx.org())
        .bind("id", id)
        .bind("kind", job.kind())
        .bind("payload", Json.of(payload))
        .bind("attempt", job.attempt())
        .bind("error", error)
        .execute();
  }

  List<JobStatus> list(Tx tx, JobStatus.@Nullable State state, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select id, kind, state, attempt, error, due_at, created_at
              from jobs
             where org_id = :org
               and (:state::text is null or state = :state)
               and (:after::uuid is null or id < :after)
             order by id desc
             limit :limit
            """)
        .bind("org", tx.org())
        .bind("state", state == null ? null : state.wireName())
        .bind("after", page.afterId())
        .bind("limit", page.size() + 1)
        .map((row, context) -> status(row))
        .list();
  }

  @Nullable JobStatus find(Tx tx, UUID id) {
    return tx.sql()
        .createQuery(
            """
            select id, kind, state, attempt, error, due_at, created_at
              from jobs
             where org_id = :org and id = :id
            """)
        .bind("org", tx.org())
        .bind("id", id)
        .map((row, context) -> status(row))
        .findOne()
        .orElse(null);
  }

  boolean revive(Tx tx, UUID id) {
    return tx.sql()
            .createUpdate(
                """
                update jobs
                   set state = 'waiting', attempt = 0, due_at = now(), finished_at = null
                 where org_id = :org and id = :id and state = 'dead'
                """)
            .bind("org", tx.org())
            .bind("id", id)
            .execute()
        == 1;
  }

  private static JobStatus status(ResultSet row) throws SQLException {
    return new JobStatus(
        Sql.uuid(row, "id"),
        row.getString("kind"),
        Sql.enumeration(JobStatus.State.class, row, "state"),
        row.getInt("attempt"),
        row.getString("error"),
        Sql.instant(row, "due_at"),
        Sql.instant(row, "created_at"));
  }
}
