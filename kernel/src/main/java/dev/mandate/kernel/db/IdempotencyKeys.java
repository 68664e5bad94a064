package dev.mandate.kernel.db;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import java.security.MessageDigest;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Calls that carry an {@code Idempotency-Key}: the key is inserted by the first statement of the
 * mutation's own transaction, so that key and effect exist together or not at all; the response
 * follows when the call has answered. Rows are kept for 24 hours.
 *
 * <p>Table {@code idempotency_keys(org_id, principal, method, key, body_hash, response,
 * created_at)} with the first four columns as primary key.
 */
public final class IdempotencyKeys {
  /** Bound around a handler that a caller gave a key to. {@link Db#write} reads it. */
  public static final ScopedValue<Claim> CLAIM = ScopedValue.newInstance();

  /** A key on its way into the first read-write transaction of its call. */
  public static final class Claim {
    private final Mandate mandate;
    private final String method;
    private final String key;
    private final byte[] bodyHash;
    private volatile boolean committed;

    /**
     * @param method the method's full name
     * @param bodyHash SHA-256 of the request
     */
    public Claim(Mandate mandate, String method, String key, byte[] bodyHash) {
      this.mandate = mandate;
      this.method = method;
      this.key = key;
      this.bodyHash = bodyHash.clone();
    }

    /** Whether the key is in the database: later transactions of the same call leave it alone. */
    public boolean committed() {
      return committed;
    }

    /** {@link Db#write} calls this after the commit. */
    void markCommitted() {
      committed = true;
    }
  }

  /** An earlier call with the same key. */
  public static final class Earlier {
    private final byte[] bodyHash;
    private final byte @Nullable [] response;

    private Earlier(byte[] bodyHash, byte @Nullable [] response) {
      this.bodyHash = bodyHash;
      this.response = response;
    }

    /** Whether it was the same request. */
    public boolean sameBody(Claim claim) {
      return MessageDigest.isEqual(bodyHash, claim.bodyHash);
    }

    /** Absent if it never answered: it still runs, or was interrupted after its effect. */
    public byte @Nullable [] response() {
      return response;
    }
  }

  /** Reason of the failure that {@link #insert} throws when the key is there already. */
  public static final String TAKEN = "IDEMPOTENCY_KEY_TAKEN";

  private final Db db;

  public IdempotencyKeys(Db db) {
    this.db = db;
  }

  public Optional<Earlier> find(Claim claim) {
    return db.fetch(
        claim.mandate,
        tx ->
            tx.later(
                """
                select body_hash, response
                  from idempotency_keys
                 where org_id = ? and principal = ? and method = ? and key = ?
                """,
                values ->
                    values
                        .uuid(claim.mandate.org().value())
                        .text(claim.mandate.actor().toString())
                        .text(claim.method)
                        .text(claim.key),
                Sql.one(row -> new Earlier(row.getBytes(1), row.getBytes(2)))));
  }

  /** The key that the next read-write transaction of this thread has to insert, if any. */
  static @Nullable Claim claimFor(OrgId org) {
    if (!CLAIM.isBound()) {
      return null;
    }
    Claim claim = CLAIM.get();
    return claim.committed || !claim.mandate.org().equals(org) ? null : claim;
  }

  /**
   * The first statement of the mutation's transaction; waits for a concurrent call with the same
   * key. {@link Db#write} calls it, and calls {@link Claim#markCommitted} after the commit.
   */
  static void insert(Handle sql, Claim claim) {
    int inserted =
        sql.createUpdate(
                """
                insert into idempotency_keys (org_id, principal, method, key, body_hash)
                values (:org, :principal, :method, :key, :hash)
                on conflict do nothing
                """)
            .bind("org", claim.mandate.org().value())
            .bind("principal", claim.mandate.actor().toString())
            .bind("method", claim.method)
            .bind("key", claim.key)
            .bind("hash", claim.bodyHash)
            .execute();
    if (inserted == 0) {
      throw Failure.of(Failure.Code.ABORTED, TAKEN, "the Idempotency-Key was just used");
    }
  }

  /** Adds the response, for replays. */
  public void answer(Claim claim, byte[] response) {
    db.write(
        claim.mandate,
        tx ->
            tx.sql()
                .createUpdate(
                    """
                    update idempotency_keys
                       set response = :response
                     where org_id = :org and principal = :principal
                       and method = :method and key = :key
                    """)
                .bind("response", response)
                .bind("org", tx.org().value())
                .bind("principal", claim.mandate.actor().toString())
                .bind("method", claim.method)
                .bind("key", claim.key)
                .execute());
  }
}
