package dev.mandate.runs;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Tx;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/** The SQL of {@link RunErasure}. */
final class RunErasureStore {
  /**
   * @param own runs that act for a person, that were on the person's own threads, or that repeat
   *     such a run
   * @param others other runs on threads where the person said something, runs that the person
   *     decided something in, and what repeats those
   */
  record Theirs(List<UUID> own, List<UUID> others) {}

  /** Steps that somebody decided, and may have put words to. */
  private static final String DECISIONS =
      """
      kind in ('approval_decided', 'approval_edited', 'tool_settled', 'cancel_requested',
               'cancelled')
      and coalesce(payload ->> 'decided_by', payload ->> 'by') = any(:actors)
      """;

  Theirs runs(Tx tx, String person, Set<String> actors, List<UUID> alone) {
    List<UUID> own = new ArrayList<>();
    List<UUID> others = new ArrayList<>();
    tx.sql()
        .createQuery(
            """
            with recursive own (id) as (
              select id from runs
               where org_id = :org
                 and (mandate -> 'chain' ->> -1 = :person or thread_id = any(:alone))
              union
              select r.id from own o join runs r on r.org_id = :org
                and cast(r.replay ->> 'of' as uuid) = o.id
            ), decided (id) as (
              select run_id from run_steps where org_id = :org and
            """
                + DECISIONS
                + """
                  union
                  select r.id from decided d join runs r on r.org_id = :org
                    and cast(r.replay ->> 'of' as uuid) = d.id
                )
                select r.id, o.id is not null as own
                  from runs r left join own o on o.id = r.id left join decided d on d.id = r.id
                 where r.org_id = :org
                   and (o.id is not null or d.id is not null or exists (
                     select from messages m
                      where m.org_id = r.org_id and m.thread_id = r.thread_id and m.author = :person))
                """)
        .bind("org", tx.org().value())
        .bind("person", person)
        .bindArray("actors", String.class, actors)
        .bindArray("alone", UUID.class, alone)
        .map((row, context) ->
            (row.getBoolean("own") ? own : others).add(row.getObject("id", UUID.class)))
        .list();
    return new Theirs(own, others);
  }

  List<RunId> active(Tx tx, String person) {
    return tx.sql()
        .createQuery(
            """
            select id from runs
             where org_id = :org and mandate -> 'chain' ->> -1 = :person and finished_at is null
             order by id
            """)
        .bind("org", tx.org().value())
        .bind("person", person)
        .map((row, context) -> new RunId(row.getObject("id", UUID.class)))
        .list();
  }

  boolean isCancelling(Tx tx, RunId run) {
    return tx.sql()
        .createQuery(
            """
            select exists (
              select from run_steps
               where org_id = :org and run_id = :run and kind = 'cancel_requested')
            """)
        .bind("org", tx.org().value())
        .bind("run", run.value())
        .mapTo(boolean.class)
        .one();
  }

  /** What a person said on a run's thread. */
  Set<String> said(Tx tx, RunId run, String person) {
    return new HashSet<>(
        tx.sql()
            .createQuery(
                """
                select distinct m.text
                  from runs r join messages m on m.org_id = r.org_id and m.thread_id = r.thread_id
                 where r.org_id = :org and r.id = :run and m.author = :person and m.text <> ''
                """)
            .bind("org", tx.org().value())
            .bind("run", run.value())
            .bind("person", person)
            .mapTo(String.class)
            .list());
  }

  /** What a person decided in a run, and in those that it repeats. */
  List<Step> decisions(Tx tx, RunId run, Set<String> actors) {
    return tx.sql()
        .createQuery(
            """
            with recursive line (id) as (
              select cast(:run as uuid)
              union
              select cast(r.replay ->> 'of' as uuid) from line l join runs r
                on r.org_id = :org and r.id = l.id and r.replay is not null
            )
            select kind, payload from run_steps
             where org_id = :org and run_id in (select id from line) and
            """
                + DECISIONS)
        .bind("org", tx.org().value())
        .bind("run", run.value())
        .bindArray("actors", String.class, actors)
        .map((row, context) -> StepJson.read(row.getString("kind"), row.getString("payload")))
        .list();
  }

  boolean replace(Handle sql, OrgId org, RunId run, Map<Long, Step> steps) {
    PreparedBatch batch =
        sql.prepareBatch(
            """
            update run_steps set payload = cast(:payload as jsonb)
             where org_id = :org and run_id = :run and seq = :seq
            """);
    steps.forEach((seq, step) ->
        batch
            .bind("org", org.value())
            .bind("run", run.value())
            .bind("seq", seq)
            .bind("payload", StepJson.write(step))
            .add());
    batch.execute();
    return true;
  }

  /** What stands beside the logs. */
  void forget(Tx tx, List<UUID> runs) {
    tx.sql()
        .createUpdate(
            """
            update runs
               set reason = case when reason = '' then '' else '[erased]' end,
                   replay = jsonb_set(replay, '{instructions}', '""')
             where org_id = :org and id = any(:runs)
            """)
        .bind("org", tx.org().value())
        .bindArray("runs", UUID.class, runs)
        .execute();
    tx.sql()
        .createUpdate("delete from live_chunks where org_id = :org and run_id = any(:runs)")
        .bind("org", tx.org().value())
        .bindArray("runs", UUID.class, runs)
        .execute();
  }

  /** Why the person had these runs stop. */
  void forgetReasons(Tx tx, List<UUID> runs, Set<String> actors) {
    tx.sql()
        .createUpdate(
            """
            update runs r set reason = '[erased]'
             where org_id = :org and id = any(:runs) and reason not in ('', '[erased]')
               and exists (
                 select from run_steps s
                  where s.org_id = r.org_id and s.run_id = r.id and s.kind = 'cancelled'
                    and s.payload ->> 'by' = any(:actors))
            """)
        .bind("org", tx.org().value())
        .bindArray("runs", UUID.class, runs)
        .bindArray("actors", String.class, actors)
        .execute();
  }

  /**
   * Payloads that no step referred to at one moment.
   *
   * @param active runs that were not over: they may refer to one since
   * @param at when that was
   */
  record Unused(List<String> hashes, List<UUID> active, Instant at) {}

  private static final String REFERENCED =
      """
      referenced as (
        select jsonb_array_elements_text(payload -> 'added') as hash from written
         where kind = 'model_requested'
        union
        select unnest(array[payload ->> 'system', payload ->> 'tool_specs',
                            payload ->> 'response', payload ->> 'result'])
          from written)
      """;

  /**
   * Looks through all logs.
   *
   * @param tx a consistent snapshot
   * @param hashes of these, and of all that are older than an hour: what is younger may be another
   *     erasure's, which puts it first and the steps that refer to it then
   */
  Unused unused(Tx tx, Set<String> hashes) {
    List<String> found =
        tx.sql()
            .createQuery(
                "with written as (select kind, payload from run_steps where org_id = :org), "
                    + REFERENCED
                    + """
                    select encode(p.hash, 'hex') from payloads p
                     where p.org_id = :org
                       and (encode(p.hash, 'hex') = any(:hashes)
                         or p.created_at < now() - interval '1 hour')
                       and not exists (
                         select from referenced r where r.hash = encode(p.hash, 'hex'))
                     order by p.hash
                    """)
            .bind("org", tx.org().value())
            .bindArray("hashes", String.class, hashes)
            .mapTo(String.class)
            .list();
    List<UUID> active =
        tx.sql()
            .createQuery("select id from runs where org_id = :org and finished_at is null")
            .bind("org", tx.org().value())
            .mapTo(UUID.class)
            .list();
    return new Unused(found, active, tx.now());
  }

  /**
   * Deletes some of them, unless a run has come to refer to one since.
   *
   * <p>Whoever keeps a text that is there already changes nothing, but is in the table until its
   * step is written. So nobody may be in it while this looks, which it does at few logs: those of
   * runs that were not over, and of later ones.
   */
  void delete(Tx tx, List<String> some, Unused unused) {
    // Who waits for the table has everybody else wait behind.
    tx.sql().execute("set local lock_timeout = '1s'");
    tx.sql().execute("lock table payloads in share row exclusive mode");
    tx.sql()
        .createUpdate(
            """
            with written as (
              select kind, payload from run_steps
               where org_id = :org and run_id in (
                 select unnest(:active)
                 union
                 select id from runs
                  where org_id = :org and id >= :after and created_at > :at)),
            """
                + REFERENCED
                + """
                delete from payloads p
                 where p.org_id = :org
                   and p.hash in (select decode(h, 'hex') from unnest(:hashes) h)
                   and not exists (
                     select from referenced r where r.hash = encode(p.hash, 'hex'))
                """)
        .bind("org", tx.org().value())
        .bindArray("active", UUID.class, unused.active())
        // Ids are in the order of their makers' clocks, which may be wrong; the time is ours.
        .bind("after", Ids.at(unused.at().minus(Duration.ofHours(1))))
        .bind("at", unused.at().minus(Duration.ofMinutes(5)))
        .bindArray("hashes", String.class, some)
        .execute();
  }
}
