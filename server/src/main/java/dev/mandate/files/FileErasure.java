package dev.mandate.files;

import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Tx;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Deletes a person's files, also where messages carry them. Their contents go with the jobs of a
 * server that runs.
 */
public final class FileErasure {
  private FileErasure() {}

  /** SHA-256 of what a person's files hold. */
  public static Set<String> contents(Tx tx, Principal owner) {
    return new HashSet<>(
        tx.sql()
            .createQuery(
                """
                select distinct encode(sha256, 'hex') from files
                 where org_id = :org and owner = :owner
                """)
            .bind("org", tx.org().value())
            .bind("owner", owner.toString())
            .mapTo(String.class)
            .list());
  }

  /** How many there were. */
  public static int erase(Tx tx, Principal owner, Instant now) {
    tx.sql()
        .createUpdate(
            """
            delete from message_attachments a
             using files f
             where a.org_id = :org and f.org_id = a.org_id and f.id = a.file_id
               and f.owner = :owner
            """)
        .bind("org", tx.org().value())
        .bind("owner", owner.toString())
        .execute();
    List<StoredFile> files = new FileStore().deleteOf(tx, owner);
    files.forEach(file -> Files.gone(tx, file, "files.erase", now));
    return files.size();
  }
}
