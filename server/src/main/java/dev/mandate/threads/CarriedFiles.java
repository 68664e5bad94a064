package dev.mandate.threads;

import dev.mandate.files.FileId;
import dev.mandate.files.FileSharing;
import dev.mandate.kernel.db.Tx;

/** Whoever takes part in a thread sees the files that its messages carry. */
public final class CarriedFiles implements FileSharing {
  @Override
  public boolean shared(Tx tx, FileId file) {
    return tx.sql()
        .createQuery(
            """
            select exists (
              select from message_attachments a
              join messages m on m.org_id = a.org_id and m.id = a.message_id
              join thread_participants p
                on p.org_id = m.org_id and p.thread_id = m.thread_id
              where a.org_id = :org and a.file_id = :file and p.principal = :person)
            """)
        .bind("org", tx.org().value())
        .bind("file", file.value())
        .bind("person", Threads.person(tx.mandate()).toString())
        .mapTo(boolean.class)
        .one();
  }
}
