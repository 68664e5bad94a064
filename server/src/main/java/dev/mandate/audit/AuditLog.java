package dev.mandate.audit;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Db;
import java.util.List;

/** The rules of reading the audit: by whoever may, one organization's, newest first. */
public final class AuditLog {
  private final Db db;
  private final Authorizer authorizer;
  private final SigningKeys keys;
  private final AuditStore store = new AuditStore();

  public AuditLog(Db db, Authorizer authorizer, Cipher cipher) {
    this.db = db;
    this.authorizer = authorizer;
    this.keys = new SigningKeys(db, cipher);
  }

  Page<AuditEntry> list(Mandate mandate, AuditFilter filter, Page.Request page) {
    authorizer.require(mandate, "audit.list");
    return db.read(
        mandate,
        tx -> Page.cut(store.list(tx, filter, page), page, entry -> entry.id().toString()));
  }

  /** Newest first. */
  Page<Checkpoint> checkpoints(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "audit.checkpoints");
    return db.read(
        mandate,
        tx ->
            Page.cut(
                ChainStore.checkpoints(tx, page.afterId(), page.size() + 1),
                page,
                checkpoint -> checkpoint.id().toString()));
  }

  /** Of the installation: the same for every organization. */
  List<SigningKey.PublicHalf> keys() {
    return keys.published();
  }

  /** The next lines of the exported chain. */
  AuditChain.Export export(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "audit.export");
    List<SigningKey.PublicHalf> published = keys.published();
    return db.read(
        mandate, tx -> AuditChain.export(tx, mandate.org(), page.afterNumber(), published));
  }
}
