package dev.mandate.approvals;

import dev.mandate.approvals.Approval.Status;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Tx;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code approvals}. */
final class ApprovalStore {

  void insert(Tx tx, Approval approval) {
    tx.sql()
        .createUpdate(
            """
            insert into approvals (org_id, id, status, run_id, thread_id, call_id, tool, arguments,
              arguments_hash, chain, requester, decider, reason, created_at, expires_at,
              decided_by, decided_at, comment, replaces)
            values (:org, :id, :status, :run, :thread, :call, :tool, :arguments,
              :hash, :chain, :requester, :decider, :reason, :created, :expires,
              :by, :decided, :comment, :replaces)
            """)
        .bind("org", tx.org().value())
        .bind("id", approval.id().value())
        .bind("run", approval.runId())
        .bind("thread", approval.threadId())
        .bind("call", approval.callId())
        .bind("tool", approval.tool())
        .bind("arguments", approval.argumentsJson())
        .bind("hash", approval.argumentsHash())
        .bindArray("chain", String.class, approval.chain())
        .bind("requester", approval.requester())
        .bind("decider", approval.decider())
        .bind("reason", approval.reason())
        .bind("created", at(approval.createdAt()))
        .bind("expires", at(approval.expiresAt()))
        .bind("status", approval.status().name())
        .bind("by", approval.decidedBy())
        .bind("decided", approval.decidedAt() == null ? null : at(approval.decidedAt()))
        .bind("comment", approval.comment())
        .bind("replaces", approval.replaces() == null ? null : approval.replaces().value())
        .execute();
  }

  Optional<Approval> find(Tx tx, ApprovalId id) {
    return tx.sql()
        .createQuery(
            """
            select id, status, run_id, thread_id, call_id, tool, arguments, arguments_hash, chain,
              requester, decider, reason, created_at, expires_at, decided_by, decided_at, comment,
              replaces, replaced_by
            from approvals
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .map(ApprovalStore::row)
        .findOne();
  }

  /** Like {@link #find}; nobody else decides it until the transaction ends. */
  Optional<Approval> lock(Tx tx, ApprovalId id) {
    return tx.sql()
        .createQuery(
            """
            select id, status, run_id, thread_id, call_id, tool, arguments, arguments_hash, chain,
              requester, decider, reason, created_at, expires_at, decided_by, decided_at, comment,
              replaces, replaced_by
            from approvals
            where org_id = :org and id = :id
            for update
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .map(ApprovalStore::row)
        .findOne();
  }

  Approval finish(
      Tx tx,
      Approval approval,
      Status status,
      String by,
      Instant now,
      String comment,
      @Nullable ApprovalId replacedBy) {
    return tx.sql()
        .createQuery(
            """
            update approvals
            set status = :status, decided_by = :by, decided_at = :now, comment = :comment,
              replaced_by = :replacedBy
            where org_id = :org and id = :id and status = 'PENDING'
            returning id, status, run_id, thread_id, call_id, tool, arguments, arguments_hash,
              chain, requester, decider, reason, created_at, expires_at, decided_by, decided_at,
              comment, replaces, replaced_by
            """)
        .bind("org", tx.org().value())
        .bind("id", approval.id().value())
        .bind("status", status.name())
        .bind("by", by)
        .bind("now", at(now))
        .bind("comment", comment)
        .bind("replacedBy", replacedBy == null ? null : replacedBy.value())
        .map(ApprovalStore::row)
        .one();
  }

  void withdraw(Tx tx, UUID runId, Instant now) {
    tx.sql()
        .createUpdate(
            """
            update approvals set status = 'WITHDRAWN', decided_at = :now
            where org_id = :org and run_id = :run and status = 'PENDING'
            """)
        .bind("org", tx.org().value())
        .bind("run", runId)
        .bind("now", at(now))
        .execute();
  }

  /** One more than the page holds. Mirrors {@link Approvals}' rule about who may see what. */
  List<Approval> list(
      Tx tx, UUID user, boolean owner, boolean member, @Nullable Status status, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select id, status, run_id, thread_id, call_id, tool, arguments, arguments_hash, chain,
              requester, decider, reason, created_at, expires_at, decided_by, decided_at, comment,
              replaces, replaced_by
            from approvals
            where org_id = :org
              and (:owner or requester = :user
                or (:member and decider in ('other', 'other,role:member', 'role:member')))
              and (cast(:status as text) is null or status = :status)
              and (cast(:after as uuid) is null or id < :after)
            order by id desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("user", user)
        .bind("owner", owner)
        .bind("member", member)
        .bind("status", status == null ? null : status.name())
        .bind("after", page.afterId())
        .bind("limit", page.size() + 1)
        .map(ApprovalStore::row)
        .list();
  }

  private static Approval row(ResultSet row, StatementContext context) throws SQLException {
    Array chain = row.getArray("chain");
    OffsetDateTime decided = row.getObject("decided_at", OffsetDateTime.class);
    return new Approval(
        new ApprovalId(row.getObject("id", UUID.class)),
        Status.valueOf(row.getString("status")),
        row.getObject("run_id", UUID.class),
        row.getObject("thread_id", UUID.class),
        row.getString("call_id"),
        row.getString("tool"),
        row.getString("arguments"),
        row.getString("arguments_hash"),
        List.of((String[]) chain.getArray()),
        row.getObject("requester", UUID.class),
        row.getString("decider"),
        row.getString("reason"),
        row.getObject("created_at", OffsetDateTime.class).toInstant(),
        row.getObject("expires_at", OffsetDateTime.class).toInstant(),
        row.getString("decided_by"),
        decided == null ? null : decided.toInstant(),
        row.getString("comment"),
        other(row, "replaces"),
        other(row, "replaced_by"));
  }

  private static @Nullable ApprovalId other(ResultSet row, String column) throws SQLException {
    UUID id = row.getObject(column, UUID.class);
    return id == null ? null : new ApprovalId(id);
  }

  private static OffsetDateTime at(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }
}
