package dev.mandate.runs;

import dev.mandate.agents.AgentId;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import dev.mandate.threads.ThreadId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The SQL of runs and their logs. (Leases are in {@link LeaseStore}.) */
final class RunStore {
  private static final String COLUMNS =
      """
      org_id, id, thread_id, agent_id, agent_version, mandate, message_position, parent_run_id,
      parent_call_id, status, reason, model, simulated, input_tokens, output_tokens, cost_micros,
      cost_known, next_seq, replay, created_at, started_at, finished_at
      """;

  void insert(
      Tx tx,
      RunId id,
      ThreadId thread,
      AgentId agent,
      long agentVersion,
      Mandate mandate,
      long messagePosition,
      @Nullable RunId parent,
      @Nullable String parentCall) {
    tx.sql()
        .createUpdate(
            """
            insert into runs
              (org_id, id, thread_id, agent_id, agent_version, mandate, message_position,
               parent_run_id, parent_call_id, status, due_at)
            values
              (:org, :id, :thread, :agent, :agentVersion, cast(:mandate as jsonb), :position,
               :parent, :parentCall, 'QUEUED', now())
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("thread", thread.value())
        .bind("agent", agent.value())
        .bind("agentVersion", agentVersion)
        .bind("mandate", MandateJson.write(mandate))
        .bind("position", messagePosition)
        .bind("parent", parent == null ? null : parent.value())
        .bind("parentCall", parentCall)
        .execute();
  }

  /** Makes a new run a replay: it begins with the original's steps before {@code fromSeq}. */
  void insertReplay(Tx tx, RunId id, Replay replay) {
    tx.sql()
        .createUpdate(
            """
            insert into run_steps (org_id, run_id, seq, kind, payload, created_at)
            select org_id, :id, seq, kind, payload, created_at
            from run_steps
            where org_id = :org and run_id = :original and seq < :from
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("original", replay.of().value())
        .bind("from", replay.fromSeq())
        .execute();
    tx.sql()
        .createUpdate(
            """
            update runs set replay = cast(:replay as jsonb), next_seq = :from
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("replay", replay.write())
        .bind("from", replay.fromSeq())
        .execute();
  }

  /** Where the last model request up to a step stands; 0 if there is none. */
  long requestBefore(Tx tx, RunId id, long seq) {
    return tx.sql()
        .createQuery(
            """
            select coalesce(max(seq), 0) from run_steps
            where org_id = :org and run_id = :id and kind = 'model_requested' and seq <= :seq
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("seq", seq)
        .mapTo(long.class)
        .one();
  }

  Optional<Run> find(Tx tx, RunId id) {
    return findLater(tx, id).get();
  }

  Later<Optional<Run>> findLater(Tx tx, RunId id) {
    return tx.later(
        "select " + COLUMNS + " from runs where org_id = ? and id = ?",
        values -> values.uuid(tx.org().value()).uuid(id.value()),
        Sql.one(row -> run(row, null)));
  }

  /** Those that there are, in no order. */
  Later<List<Run>> findAll(Tx tx, Collection<RunId> ids) {
    return tx.later(
        "select " + COLUMNS + " from runs where org_id = ? and id = any(?)",
        values ->
            values.uuid(tx.org().value()).array("uuid", ids.stream().map(RunId::value).toArray()),
        Sql.all(row -> run(row, null)));
  }

  Optional<Run> findActive(Tx tx, ThreadId thread, AgentId agent) {
    return tx.sql()
        .createQuery(
            "select "
                + COLUMNS
                + """
                 from runs
                where org_id = :org and thread_id = :thread and agent_id = :agent
                  and finished_at is null
                """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("agent", agent.value())
        .map(RunStore::run)
        .findOne();
  }

  /** Runs on threads that both take part in, newest first. */
  List<Run> list(
      Tx tx,
      Principal viewer,
      Principal person,
      @Nullable ThreadId thread,
      @Nullable RunStatus status,
      Page.Request page) {
    return tx.sql()
        .createQuery(
            "select "
                + COLUMNS
                + """
                 from runs r
                where r.org_id = :org
                  and exists (
                    select 1 from thread_participants p
                    where p.org_id = r.org_id and p.thread_id = r.thread_id
                      and p.principal = :viewer)
                  and exists (
                    select 1 from thread_participants p
                    where p.org_id = r.org_id and p.thread_id = r.thread_id
                      and p.principal = :person)
                  and (cast(:thread as uuid) is null or r.thread_id = cast(:thread as uuid))
                  and (cast(:status as text) is null or r.status = cast(:status as text))
                  and (cast(:before as uuid) is null or r.id < cast(:before as uuid))
                order by r.id desc
                limit :limit
                """)
        .bind("org", tx.org().value())
        .bind("viewer", viewer.toString())
        .bind("person", person.toString())
        .bind("thread", thread == null ? null : thread.value())
        .bind("status", status == null ? null : status.name())
        .bind("before", page.afterId())
        .bind("limit", page.size() + 1)
        .map(RunStore::run)
        .list();
  }

  List<RunId> activeChildren(Tx tx, RunId parent) {
    return tx.sql()
        .createQuery(
            """
            select id from runs
            where org_id = :org and parent_run_id = :parent and finished_at is null
            """)
        .bind("org", tx.org().value())
        .bind("parent", parent.value())
        .map((row, context) -> new RunId(row.getObject("id", UUID.class)))
        .list();
  }

  /** What a batch of steps changes in its run's row. Null leaves a column as it is. */
  record Change(
      @Nullable String status,
      @Nullable String reason,
      @Nullable String model,
      @Nullable Boolean simulated,
      long inputTokens,
      long outputTokens,
      long costMicros,
      boolean costUnknown,
      boolean started,
      boolean finished,
      boolean paused,
      @Nullable Boolean suspended,
      boolean due,
      boolean progress) {}

  /** Numbers from the run's row, whose lock keeps others off, and the steps, in one statement. */
  private static final String APPEND =
      """
      with advanced as (
        update runs set
          next_seq = next_seq + ?,
          fruitless_claims = case when ? then 0 else fruitless_claims end,
          status = coalesce(?, status),
          reason = coalesce(?, reason),
          suspended = coalesce(?, suspended),
          model = coalesce(?, model),
          simulated = coalesce(?, simulated),
          input_tokens = input_tokens + ?,
          output_tokens = output_tokens + ?,
          cost_micros = cost_micros + ?,
          cost_known = cost_known and not ?,
          started_at = case when ? then now() else started_at end,
          finished_at = case when ? then now() else finished_at end,
          due_at = case when ? then null when ? then now() else due_at end,
          lease_owner = case when ? then null else lease_owner end,
          lease_until = case when ? then null else lease_until end
        where org_id = ? and id = ? and finished_at is null
          and lease_epoch = coalesce(?, lease_epoch)
          and next_seq = coalesce(? + 1, next_seq)
        returning next_seq - ? as first
      )
      insert into run_steps (org_id, run_id, seq, kind, payload)
      select ?, ?, a.first + g.place - 1, g.kind, g.payload::jsonb
      from advanced a,
        unnest(?::text[], ?::text[]) with ordinality as g (kind, payload, place)
      """;

  /**
   * Appends steps.
   *
   * @return the number of the first
   * @throws FencedOff if the fence does not hold or the run is over; at the transaction's end, if
   *     the fence says how long the log is
   */
  long append(Tx tx, RunId id, Fence fence, List<Step> steps, Change change) {
    Sql.Parameters parameters = values -> parameters(values, tx, id, fence, steps, change);
    Long seen = fence.seenSeq();
    if (seen != null) {
      tx.defer(
          APPEND,
          parameters,
          count -> {
            if (count == 0) {
              throw new FencedOff(id);
            }
          });
      return seen + 1;
    }
    return tx.query(
        APPEND + "returning seq",
        parameters,
        rows -> {
          long first = Long.MAX_VALUE;
          while (rows.next()) {
            first = Math.min(first, rows.getLong(1));
          }
          if (first == Long.MAX_VALUE) {
            throw new FencedOff(id);
          }
          return first;
        });
  }

  private static void parameters(
      Sql.Values values, Tx tx, RunId id, Fence fence, List<Step> steps, Change change)
      throws SQLException {
    long count = steps.size();
    boolean idle = change.finished() || change.paused();
    values
        .number(count)
        .flag(change.progress())
        .text(change.status())
        .text(change.reason())
        .flag(change.suspended())
        .text(change.model())
        .flag(change.simulated())
        .number(change.inputTokens())
        .number(change.outputTokens())
        .number(change.costMicros())
        .flag(change.costUnknown())
        .flag(change.started())
        .flag(change.finished())
        .flag(idle)
        .flag(change.due())
        .flag(idle)
        .flag(idle)
        .uuid(tx.org().value())
        .uuid(id.value())
        .number(fence.epoch())
        .number(fence.seenSeq())
        .number(count)
        .uuid(tx.org().value())
        .uuid(id.value())
        .texts(steps.stream().map(StepJson::kind).toArray())
        .texts(steps.stream().map(StepJson::write).toArray());
  }

  /**
   * Gives a lease back and says what the run waits for; false if its log has grown since {@code
   * seenSeq}, or the lease is not held.
   */
  boolean release(
      Tx tx, RunId id, long epoch, long seenSeq, RunStatus status, @Nullable Instant dueAt) {
    return tx.sql()
            .createUpdate(
                """
                update runs
                set status = :status, due_at = :due, lease_owner = null, lease_until = null,
                  fruitless_claims = 0
                where org_id = :org and id = :id and lease_epoch = :epoch and next_seq = :seen + 1
                  and finished_at is null
                """)
            .bind("org", tx.org().value())
            .bind("id", id.value())
            .bind("epoch", epoch)
            .bind("seen", seenSeq)
            .bind("status", status.name())
            .bind("due", dueAt == null ? null : Timestamp.from(dueAt))
            .execute()
        == 1;
  }

  /** Gives a lease back after a failure, to be claimed again, which counts as fruitless. */
  void giveBack(Tx tx, RunId id, long epoch, Instant dueAt) {
    tx.sql()
        .createUpdate(
            """
            update runs set due_at = :due, lease_owner = null, lease_until = null
            where org_id = :org and id = :id and lease_epoch = :epoch and finished_at is null
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("epoch", epoch)
        .bind("due", Timestamp.from(dueAt))
        .execute();
  }

  /** Has every run looked at again that waits for the end of a suspension. */
  void wakeSuspended(Tx tx) {
    tx.sql()
        .createUpdate(
            """
            update runs set due_at = now()
            where org_id = :org and suspended and finished_at is null
            """)
        .bind("org", tx.org().value())
        .execute();
  }

  void lockRun(Tx tx, RunId id) {
    tx.sql()
        .createQuery("select 1 from runs where org_id = :org and id = :id for update")
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .mapTo(int.class)
        .findOne();
  }

  boolean cancelRequested(Tx tx, RunId id) {
    return tx.sql()
        .createQuery(
            """
            select exists (
              select 1 from run_steps
              where org_id = :org and run_id = :id and kind = 'cancel_requested')
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .mapTo(boolean.class)
        .one();
  }

  boolean holds(Tx tx, RunId id, long epoch) {
    return tx.sql()
        .createQuery(
            """
            select lease_epoch = :epoch and lease_until >= now() and finished_at is null
            from runs where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("epoch", epoch)
        .mapTo(Boolean.class)
        .findOne()
        .orElse(false);
  }

  List<LoggedStep> steps(Tx tx, RunId id, long after, int limit) {
    return stepsLater(tx, id, after, limit).get();
  }

  Later<List<LoggedStep>> stepsLater(Tx tx, RunId id, long after, int limit) {
    return tx.later(
        """
        select seq, kind, payload, created_at from run_steps
        where org_id = ? and run_id = ? and seq > ?
        order by seq
        limit ?
        """,
        values -> values.uuid(tx.org().value()).uuid(id.value()).number(after).number((long) limit),
        Sql.all(row ->
            new LoggedStep(
                row.getLong("seq"),
                StepJson.read(row.getString("kind"), row.getString("payload")),
                row.getTimestamp("created_at").toInstant())));
  }

  void insertInbox(Tx tx, ThreadId thread, AgentId agent, long position, Mandate mandate) {
    tx.sql()
        .createUpdate(
            """
            insert into run_inbox (org_id, thread_id, agent_id, position, mandate)
            values (:org, :thread, :agent, :position, cast(:mandate as jsonb))
            """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("agent", agent.value())
        .bind("position", position)
        .bind("mandate", MandateJson.write(mandate))
        .execute();
  }

  /** A message that waits. */
  record Waiting(long position, Mandate mandate) {}

  List<Waiting> inbox(Tx tx, ThreadId thread, AgentId agent) {
    return tx.sql()
        .createQuery(
            """
            select position, mandate from run_inbox
            where org_id = :org and thread_id = :thread and agent_id = :agent
            order by position
            """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("agent", agent.value())
        .map((row, context) ->
            new Waiting(
                row.getLong("position"), MandateJson.read(tx.org(), row.getString("mandate"))))
        .list();
  }

  void deleteInbox(Tx tx, ThreadId thread, AgentId agent, long upTo) {
    tx.sql()
        .createUpdate(
            """
            delete from run_inbox
            where org_id = :org and thread_id = :thread and agent_id = :agent
              and position <= :upTo
            """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("agent", agent.value())
        .bind("upTo", upTo)
        .execute();
  }

  /**
   * Serializes with messages that arrive: whoever posts one holds this lock too, so a run that ends
   * sees every message or is seen as over.
   */
  void lockThread(Tx tx, ThreadId thread) {
    tx.sql()
        .createQuery("select 1 from threads where org_id = :org and id = :id for update")
        .bind("org", tx.org().value())
        .bind("id", thread.value())
        .mapTo(int.class)
        .findOne();
  }

  private static Run run(ResultSet row, @Nullable StatementContext context) throws SQLException {
    UUID parent = row.getObject("parent_run_id", UUID.class);
    String replay = row.getString("replay");
    OrgId org = new OrgId(row.getObject("org_id", UUID.class));
    return new Run(
        new RunId(row.getObject("id", UUID.class)),
        new ThreadId(row.getObject("thread_id", UUID.class)),
        new AgentId(row.getObject("agent_id", UUID.class)),
        row.getLong("agent_version"),
        MandateJson.read(org, row.getString("mandate")),
        row.getLong("message_position"),
        parent == null ? null : new RunId(parent),
        row.getString("parent_call_id"),
        RunStatus.valueOf(row.getString("status")),
        row.getString("reason"),
        row.getString("model"),
        row.getBoolean("simulated"),
        row.getLong("input_tokens"),
        row.getLong("output_tokens"),
        row.getLong("cost_micros"),
        row.getBoolean("cost_known"),
        row.getLong("next_seq") - 1,
        replay == null ? null : Replay.read(replay),
        row.getTimestamp("created_at").toInstant(),
        instant(row.getTimestamp("started_at")),
        instant(row.getTimestamp("finished_at")));
  }

  private static @Nullable Instant instant(@Nullable Timestamp at) {
    return at == null ? null : at.toInstant();
  }
}
