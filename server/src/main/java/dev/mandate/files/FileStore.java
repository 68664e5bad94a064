package dev.mandate.files;

import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The SQL of files, of the contents that are in the storage, and of what they come to. */
final class FileStore {
  void insert(Tx tx, StoredFile file) {
    tx.sql()
        .createUpdate(
            """
            insert into files
              (org_id, id, name, content_type, size, sha256, state, owner, created_at, expires_at)
            values (:org, :id, :name, :type, :size, decode(:sha256, 'hex'), 'pending', :owner,
              :createdAt, :expiresAt)
            """)
        .bind("org", tx.org().value())
        .bind("id", file.id().value())
        .bind("name", file.name())
        .bind("type", file.contentType())
        .bind("size", file.size())
        .bind("sha256", file.sha256())
        .bind("owner", file.owner().toString())
        .bind("createdAt", file.createdAt())
        .bind("expiresAt", file.expiresAt())
        .execute();
  }

  Optional<StoredFile> find(Tx tx, FileId id) {
    return tx.sql()
        .createQuery(
            """
            select id, name, content_type, size, encode(sha256, 'hex') as sha256, state, owner,
              created_at, completed_at, expires_at
            from files
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .map(FileStore::file)
        .findOne();
  }

  List<StoredFile> list(Tx tx, Principal owner, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select id, name, content_type, size, encode(sha256, 'hex') as sha256, state, owner,
              created_at, completed_at, expires_at
            from files
            where org_id = :org and owner = :owner
              and (cast(:before as uuid) is null or id < cast(:before as uuid))
            order by id desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("owner", owner.toString())
        .bind("before", page.afterId())
        .bind("limit", page.size() + 1)
        .map(FileStore::file)
        .list();
  }

  /** False if it is not pending any more. */
  boolean complete(Tx tx, FileId id, Instant now) {
    return tx.sql()
            .createUpdate(
                """
                update files set state = 'complete', completed_at = :now
                where org_id = :org and id = :id and state = 'pending'
                """)
            .bind("org", tx.org().value())
            .bind("id", id.value())
            .bind("now", now)
            .execute()
        == 1;
  }

  /**
   * Deletes a file; if {@code expiredAt} is given, only one still pending that has expired by then.
   */
  Optional<StoredFile> delete(Tx tx, FileId id, @Nullable Instant expiredAt) {
    return tx.sql()
        .createQuery(
            """
            delete from files
            where org_id = :org and id = :id
              and (cast(:expired as timestamptz) is null
                or (state = 'pending' and expires_at <= cast(:expired as timestamptz)))
            returning id, name, content_type, size, encode(sha256, 'hex') as sha256, state, owner,
              created_at, completed_at, expires_at
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("expired", expiredAt)
        .map(FileStore::file)
        .findOne();
  }

  /** Deletes all files of an owner, which no message carries any more. */
  List<StoredFile> deleteOf(Tx tx, Principal owner) {
    return tx.sql()
        .createQuery(
            """
            delete from files where org_id = :org and owner = :owner
            returning id, name, content_type, size, encode(sha256, 'hex') as sha256, state, owner,
              created_at, completed_at, expires_at
            """)
        .bind("org", tx.org().value())
        .bind("owner", owner.toString())
        .map(FileStore::file)
        .list();
  }

  /** Says that a content is, or will be, in the storage; false while it is being deleted. */
  boolean touchBlob(Tx tx, String sha256, Instant now) {
    return tx.sql()
            .createUpdate(
                """
                insert into file_blobs (org_id, sha256, touched_at)
                values (:org, decode(:sha256, 'hex'), :now)
                on conflict (org_id, sha256) do update set touched_at = excluded.touched_at
                where not file_blobs.doomed
                """)
            .bind("org", tx.org().value())
            .bind("sha256", sha256)
            .bind("now", now)
            .execute()
        == 1;
  }

  /**
   * Dooms a content that no file has; true also if it is doomed already. Whoever announces a file
   * of it meanwhile has touched the row, and wins.
   */
  boolean doomBlob(Tx tx, String sha256, Instant untouchedSince) {
    return tx.sql()
            .createUpdate(
                """
                update file_blobs b set doomed = true
                where b.org_id = :org and b.sha256 = decode(:sha256, 'hex')
                  and (b.doomed or b.touched_at <= :since)
                  and not exists (
                    select from files f where f.org_id = b.org_id and f.sha256 = b.sha256)
                """)
            .bind("org", tx.org().value())
            .bind("sha256", sha256)
            .bind("since", untouchedSince)
            .execute()
        == 1;
  }

  void deleteBlob(Tx tx, String sha256) {
    tx.sql()
        .createUpdate(
            """
            delete from file_blobs
            where org_id = :org and sha256 = decode(:sha256, 'hex') and doomed
            """)
        .bind("org", tx.org().value())
        .bind("sha256", sha256)
        .execute();
  }

  /** Adds to what the organization uses; the new sum. */
  long use(Tx tx, long bytes) {
    return tx.sql()
        .createQuery(
            """
            insert into file_usage (org_id, bytes) values (:org, greatest(:bytes, 0))
            on conflict (org_id) do update set bytes = file_usage.bytes + :bytes
            returning bytes
            """)
        .bind("org", tx.org().value())
        .bind("bytes", bytes)
        .mapTo(long.class)
        .one();
  }

  private static StoredFile file(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    return new StoredFile(
        new FileId(Sql.uuid(row, "id")),
        row.getString("name"),
        row.getString("content_type"),
        row.getLong("size"),
        row.getString("sha256"),
        row.getString("state").equals("complete"),
        Principal.parse(row.getString("owner")),
        Sql.instant(row, "created_at"),
        Sql.instantOrNull(row, "completed_at"),
        Sql.instant(row, "expires_at"));
  }
}
