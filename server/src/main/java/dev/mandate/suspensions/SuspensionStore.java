package dev.mandate.suspensions;

import dev.mandate.kernel.db.Tx;
import dev.mandate.suspensions.Suspension.Kind;
import java.time.Instant;
import java.util.List;

/** The table {@code suspensions}. */
final class SuspensionStore {
  /** False if it is suspended already. */
  boolean insert(Tx tx, Suspension suspension) {
    return tx.sql()
            .createUpdate(
                """
                insert into suspensions (org_id, kind, subject, suspended_by, suspended_at, reason)
                values (:org, :kind, :subject, :by, :at, :reason)
                on conflict do nothing
                """)
            .bind("org", tx.org().value())
            .bind("kind", suspension.kind().name())
            .bind("subject", suspension.subject())
            .bind("by", suspension.by())
            .bind("at", suspension.at())
            .bind("reason", suspension.reason())
            .execute()
        == 1;
  }

  /** False if it is not suspended. */
  boolean delete(Tx tx, Kind kind, String subject) {
    return tx.sql()
            .createUpdate(
                """
                delete from suspensions
                where org_id = :org and kind = :kind and subject = :subject
                """)
            .bind("org", tx.org().value())
            .bind("kind", kind.name())
            .bind("subject", subject)
            .execute()
        == 1;
  }

  /** Whether it is there; then nobody can lift it before this transaction ends. */
  boolean hold(Tx tx, Kind kind, String subject) {
    return tx.sql()
        .createQuery(
            """
            select 1 from suspensions
            where org_id = :org and kind = :kind and subject = :subject
            for share
            """)
        .bind("org", tx.org().value())
        .bind("kind", kind.name())
        .bind("subject", subject)
        .mapTo(int.class)
        .findOne()
        .isPresent();
  }

  List<Suspension> all(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select kind, subject, suspended_by, suspended_at, reason
            from suspensions
            where org_id = :org
            """)
        .bind("org", tx.org().value())
        .map((row, context) ->
            new Suspension(
                Kind.valueOf(row.getString("kind")),
                row.getString("subject"),
                row.getString("suspended_by"),
                row.getObject("suspended_at", java.time.OffsetDateTime.class).toInstant(),
                row.getString("reason")))
        .list();
  }

  static Suspension now(Tx tx, Kind kind, String subject, Instant now, String reason) {
    return new Suspension(kind, subject, tx.mandate().actor().toString(), now, reason);
  }
}
