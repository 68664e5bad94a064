package dev.mandate.secrets;

import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The table {@code secrets}. */
final class SecretStore {
  private SecretStore() {}

  static void insert(Tx tx, SecretId id, String purpose, byte[] sealed) {
    tx.sql()
        .createUpdate(
            """
            insert into secrets (org_id, id, purpose, sealed)
            values (:org, :id, :purpose, :sealed)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("purpose", purpose)
        .bind("sealed", sealed)
        .execute();
  }

  static int update(Tx tx, SecretId id, String purpose, byte[] sealed) {
    return tx.sql()
        .createUpdate(
            """
            update secrets set sealed = :sealed, updated_at = now()
            where org_id = :org and id = :id and purpose = :purpose
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("purpose", purpose)
        .bind("sealed", sealed)
        .execute();
  }

  static byte @Nullable [] find(Tx tx, SecretId id, String purpose) {
    return tx.sql()
        .createQuery(
            """
            select sealed from secrets
            where org_id = :org and id = :id and purpose = :purpose
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("purpose", purpose)
        .mapTo(byte[].class)
        .findOne()
        .orElse(null);
  }

  /** A secret as it lies there. */
  @SuppressWarnings("ArrayRecordComponent") // carried from here to there, never compared
  record Row(SecretId id, String purpose, byte[] sealed) {}

  /** The organization's, in the order of their ids. */
  static List<Row> after(Tx tx, @Nullable SecretId last, int limit) {
    return tx.sql()
        .createQuery(
            """
            select id, purpose, sealed from secrets
            where org_id = :org and (cast(:last as uuid) is null or id > cast(:last as uuid))
            order by id limit :limit for update
            """)
        .bind("org", tx.org().value())
        .bind("last", last == null ? null : last.value())
        .bind("limit", limit)
        .map((row, context) ->
            new Row(new SecretId(Sql.uuid(row, "id")), row.getString(2), row.getBytes(3)))
        .list();
  }

  static void delete(Tx tx, SecretId id) {
    tx.sql()
        .createUpdate("delete from secrets where org_id = :org and id = :id")
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .execute();
  }
}
