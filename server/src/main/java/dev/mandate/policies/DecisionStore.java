package dev.mandate.policies;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code decisions}. */
final class DecisionStore {
  /** A row about to be written. */
  @SuppressWarnings("ArrayRecordComponent") // written once, never compared
  record Row(OrgId org, Decision decision, byte[] sealed) {}

  /** A row with its encrypted part. */
  @SuppressWarnings("ArrayRecordComponent") // opened once, never compared
  record Stored(Decision decision, byte[] sealed) {}

  /** Of any organizations, as the dispatcher. */
  void insert(Handle sql, List<Row> rows) {
    try (PreparedBatch batch =
        sql.prepareBatch(
            """
            insert into decisions
              (org_id, id, at, actor, user_id, run_id, action, resource, outcome, set_version,
               installation_set_version, rules, input_hash, micros, sealed)
            values
              (:org, :id, :at, :actor, :user, :run, :action, :resource, :outcome, :set,
               :installationSet, :rules, :hash, :micros, :sealed)
            """)) {
      for (Row row : rows) {
        Decision decision = row.decision();
        batch
            .bind("org", row.org().value())
            .bind("id", decision.id())
            .bind("at", decision.at().atOffset(ZoneOffset.UTC))
            .bind("actor", decision.actor())
            .bind("user", decision.user())
            .bind("run", decision.run())
            .bind("action", decision.action())
            .bind("resource", decision.resource())
            .bind("outcome", decision.outcome())
            .bind("set", decision.set())
            .bind("installationSet", decision.installationSet())
            .bind("rules", String.join("\n", decision.rules()))
            .bind("hash", decision.inputHash())
            .bind("micros", decision.micros())
            .bind("sealed", row.sealed())
            .add();
      }
      int[] _ = batch.execute();
    }
  }

  /** Of all organizations, as the dispatcher. */
  int deleteBefore(Handle sql, Instant before) {
    return sql.createUpdate("delete from decisions where at < :before")
        .bind("before", before.atOffset(ZoneOffset.UTC))
        .execute();
  }

  int deleteOf(Tx tx, UUID user) {
    return tx.sql()
        .createUpdate("delete from decisions where org_id = :org and user_id = :user")
        .bind("org", tx.org().value())
        .bind("user", user)
        .execute();
  }

  Optional<Stored> find(Tx tx, UUID id) {
    return tx.sql()
        .createQuery(
            """
            select id, at, actor, user_id, run_id, action, resource, outcome, set_version,
              installation_set_version, rules, input_hash, micros, sealed
            from decisions
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id)
        .map(DecisionStore::stored)
        .findOne();
  }

  /** Newest first. */
  List<Decision> list(Tx tx, String outcome, String action, Page.Request page) {
    String prefix = action.endsWith("*") ? action.substring(0, action.length() - 1) : null;
    return tx.sql()
        .createQuery(
            """
            select id, at, actor, user_id, run_id, action, resource, outcome, set_version,
              installation_set_version, rules, input_hash, micros
            from decisions
            where org_id = :org and (:outcome = '' or outcome = :outcome)
              and (:action = '' or action = :action
                   or (cast(:prefix as text) is not null and starts_with(action, cast(:prefix as text))))
              and (cast(:after as uuid) is null or id < :after)
            order by id desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("outcome", outcome)
        .bind("action", action)
        .bind("prefix", prefix)
        .bind("after", page.afterId())
        .bind("limit", page.size() + 1)
        .map(DecisionStore::decision)
        .list();
  }

  /** The next {@code limit} before an id, or the newest, newest first; none older than that. */
  List<Stored> page(Tx tx, @Nullable UUID before, Instant since, int limit) {
    return tx.sql()
        .createQuery(
            """
            select id, at, actor, user_id, run_id, action, resource, outcome, set_version,
              installation_set_version, rules, input_hash, micros, sealed
            from decisions
            where org_id = :org and at >= :since and (cast(:before as uuid) is null or id < :before)
            order by id desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("since", since.atOffset(ZoneOffset.UTC))
        .bind("before", before)
        .bind("limit", limit)
        .map(DecisionStore::stored)
        .list();
  }

  /** A decision's encrypted part. */
  @SuppressWarnings("ArrayRecordComponent") // carried from here to there, never compared
  record Seal(UUID id, byte[] sealed) {}

  /** The organization's, in the order of their ids. */
  List<Seal> sealsAfter(Tx tx, @Nullable UUID last, int limit) {
    return tx.sql()
        .createQuery(
            """
            select id, sealed from decisions
            where org_id = :org and (cast(:last as uuid) is null or id > cast(:last as uuid))
            order by id limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("last", last)
        .bind("limit", limit)
        .map((row, context) -> new Seal(Sql.uuid(row, "id"), row.getBytes("sealed")))
        .list();
  }

  void reseal(Tx tx, UUID id, byte[] sealed) {
    tx.sql()
        .createUpdate("update decisions set sealed = :sealed where org_id = :org and id = :id")
        .bind("sealed", sealed)
        .bind("org", tx.org().value())
        .bind("id", id)
        .execute();
  }

  private static Stored stored(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    return new Stored(decision(row, context), row.getBytes("sealed"));
  }

  private static Decision decision(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    String rules = row.getString("rules");
    return new Decision(
        Sql.uuid(row, "id"),
        Sql.instant(row, "at"),
        row.getString("actor"),
        Sql.uuidOrNull(row, "user_id"),
        Sql.uuidOrNull(row, "run_id"),
        row.getString("action"),
        row.getString("resource"),
        row.getString("outcome"),
        row.getLong("set_version"),
        row.getLong("installation_set_version"),
        rules.isEmpty() ? List.of() : List.of(rules.split("\n", -1)),
        row.getString("input_hash"),
        row.getLong("micros"));
  }
}
