package dev.mandate.runs;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Tx;
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
   * @param others other runs on threads where the person said something
   */
  record Theirs(List<UUID> own, List<UUID> others) {}

  Theirs runs(Tx tx, String person, List<UUID> alone) {
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
            )
            select r.id, o.id is not null as own
              from runs r left join own o on o.id = r.id
             where r.org_id = :org
               and (o.id is not null or exists (
                 select from messages m
                  where m.org_id = r.org_id and m.thread_id = r.thread_id and m.author = :person))
            """)
        .bind("org", tx.org().value())
        .bind("person", person)
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

  /**
   * Deletes of these payloads those that no step refers to any more; and others without a step,
   * which an erasure that was stopped has left. (Of what is young a step may just be written.)
   */
  void deletePayloads(Tx tx, Set<String> hashes) {
    tx.sql()
        .createUpdate(
            """
            with referenced as (
              select jsonb_array_elements_text(payload -> 'added') as hash from run_steps
               where org_id = :org and kind = 'model_requested'
              union
              select unnest(array[payload ->> 'system', payload ->> 'tool_specs',
                                  payload ->> 'response', payload ->> 'result'])
                from run_steps where org_id = :org)
            delete from payloads p
             where p.org_id = :org
               and (encode(p.hash, 'hex') = any(:hashes)
                 or p.created_at < now() - interval '1 hour')
               and not exists (
                 select from referenced r where r.hash = encode(p.hash, 'hex'))
            """)
        .bind("org", tx.org().value())
        .bindArray("hashes", String.class, hashes)
        .execute();
  }
}
