package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** The SQL of the chain: what waits, seals, checkpoints, keys. */
@SuppressWarnings("ArrayRecordComponent") // carried from here to there, compared by content only
final class ChainStore {
  /** Where an organization's chain stands. */
  record Head(long seq, byte[] hash) {}

  /** A place in the chain on its way to the table. */
  record Seal(long seq, UUID entry, byte @Nullable [] personalHash, byte[] hash) {}

  /**
   * A place in the chain with what stands there.
   *
   * @param id of the entry
   * @param entry null if it is gone
   * @param personal JSON; null if there is none, or it was erased
   */
  record Sealed(
      long seq,
      UUID id,
      byte[] hash,
      @Nullable ChainedEntry entry,
      @Nullable String personal,
      @Nullable UUID salt) {}

  /** An entry that stays although its month goes. */
  record Late(OrgId org, UUID entry) {}

  /** A signing key as it is kept. */
  record SealedKey(String id, byte[] publicKey, byte[] sealed) {}

  private static final HexFormat HEX = HexFormat.of();

  private ChainStore() {}

  static List<OrgId> waiting(Handle dispatch) {
    return dispatch
        .createQuery("select distinct org_id from audit_unsealed")
        .mapTo(OrgId.class)
        .list();
  }

  /** Chains that have grown since they were signed, and were not signed just now. */
  static List<OrgId> unsigned(Handle dispatch, Duration pause) {
    return dispatch
        .createQuery(
            """
            select org_id from audit_heads
             where seq > checkpoint_seq
               and checkpoint_at < now() - :pause * interval '1 millisecond'
            """)
        .bind("pause", pause.toMillis())
        .mapTo(OrgId.class)
        .list();
  }

  /** Every organization that there is or that has a record, the reserved one included. */
  static List<OrgId> organizations(Handle dispatch) {
    return dispatch
        .createQuery(
            """
            select org_id from organizations
            union select org_id from audit_heads
            union select org_id from audit_unsealed
            union select :reserved
            order by org_id
            """)
        .bind("reserved", OrgId.INSTALLATION)
        .mapTo(OrgId.class)
        .list();
  }

  /** Locks the organization's chain until the transaction ends. */
  static Head lockHead(Tx tx) {
    tx.sql()
        .createUpdate("insert into audit_heads (org_id) values (:org) on conflict do nothing")
        .bind("org", tx.org())
        .execute();
    return tx.sql()
        .createQuery("select seq, hash from audit_heads where org_id = :org for update")
        .bind("org", tx.org())
        .map((row, context) -> new Head(row.getLong(1), row.getBytes(2)))
        .one();
  }

  /** Takes what waits out of the queue: the entries of some transactions. */
  static List<List<UUID>> take(Tx tx, int transactions) {
    return tx.sql()
        .createQuery(
            """
            delete from audit_unsealed
             where org_id = :org and id in (
               select id from audit_unsealed where org_id = :org order by id limit :limit)
            returning entries
            """)
        .bind("org", tx.org())
        .bind("limit", transactions)
        .map((row, context) -> List.of((UUID[]) row.getArray(1).getArray()))
        .list();
  }

  /** Entries as they are about to be chained, in the order of their making. */
  static List<ChainedEntry> entries(Tx tx, List<UUID> ids) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, at, action, resource, outcome, reason, cast(chain as text) as chain,
                   on_behalf_of, channel, trace_id, cast(details as text) as details,
                   cast(personal as text) as personal, salt
              from audit_entries
             where org_id = :org and id = any(:ids)
             order by id
            """)
        .bind("org", tx.org())
        .bindArray("ids", UUID.class, ids)
        .map((row, context) -> {
          String personal = row.getString("personal");
          UUID salt = Sql.uuidOrNull(row, "salt");
          return entry(
              row,
              personal == null || salt == null ? null : ChainedEntry.personalHash(salt, personal));
        })
        .list();
  }

  static void insertSeals(Tx tx, List<Seal> seals) {
    tx.sql()
        .createUpdate(
            """
            insert into audit_seals (org_id, seq, entry_id, personal_hash, hash)
            select :org, s.seq, s.entry, decode(nullif(s.personal, ''), 'hex'),
                   decode(s.hash, 'hex')
              from unnest(:seqs::bigint[], :entries::uuid[], :personal::text[], :hashes::text[])
                as s (seq, entry, personal, hash)
            """)
        .bind("org", tx.org())
        .bindArray("seqs", Long.class, seals.stream().map(Seal::seq).toList())
        .bindArray("entries", UUID.class, seals.stream().map(Seal::entry).toList())
        .bindArray("personal", String.class, seals.stream().map(ChainStore::personal).toList())
        .bindArray(
            "hashes", String.class, seals.stream().map(s -> HEX.formatHex(s.hash())).toList())
        .execute();
  }

  private static String personal(Seal seal) {
    byte[] hash = seal.personalHash();
    return hash == null ? "" : HEX.formatHex(hash);
  }

  static void moveHead(Tx tx, Head head) {
    tx.sql()
        .createUpdate("update audit_heads set seq = :seq, hash = :hash where org_id = :org")
        .bind("seq", head.seq())
        .bind("hash", head.hash())
        .bind("org", tx.org())
        .execute();
  }

  static void insertCheckpoint(Tx tx, Checkpoint checkpoint) {
    tx.sql()
        .createUpdate(
            """
            insert into audit_checkpoints
              (org_id, id, seq, hash, at, dropped_before, key_id, signature)
            values (:org, :id, :seq, :hash, :at, :dropped, :key, :signature)
            """)
        .bind("org", tx.org())
        .bind("id", checkpoint.id())
        .bind("seq", checkpoint.seq())
        .bind("hash", checkpoint.hash())
        .bind("at", checkpoint.at())
        .bind("dropped", checkpoint.droppedBefore())
        .bind("key", checkpoint.keyId())
        .bind("signature", checkpoint.signature())
        .execute();
  }

  static void headSigned(Tx tx, long seq) {
    tx.sql()
        .createUpdate(
            """
            update audit_heads set checkpoint_seq = :seq, checkpoint_at = now() where org_id = :org
            """)
        .bind("seq", seq)
        .bind("org", tx.org())
        .execute();
  }

  /** Newest first. */
  static List<Checkpoint> checkpoints(Tx tx, @Nullable UUID before, int limit) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, seq, hash, at, dropped_before, key_id, signature
              from audit_checkpoints
             where org_id = :org and (cast(:before as uuid) is null or id < cast(:before as uuid))
             order by id desc limit :limit
            """)
        .bind("org", tx.org())
        .bind("before", before)
        .bind("limit", limit)
        .map((row, context) -> checkpoint(row))
        .list();
  }

  /** Of chains up to places in a range, in the chain's order. */
  static List<Checkpoint> checkpointsBetween(Tx tx, long after, long to) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, seq, hash, at, dropped_before, key_id, signature
              from audit_checkpoints
             where org_id = :org and seq > :after and seq <= :to
             order by seq, id
            """)
        .bind("org", tx.org())
        .bind("after", after)
        .bind("to", to)
        .map((row, context) -> checkpoint(row))
        .list();
  }

  /** Up to where the chain's head says that it was signed. */
  static long signedUpTo(Tx tx) {
    return tx.sql()
        .createQuery("select checkpoint_seq from audit_heads where org_id = :org")
        .bind("org", tx.org())
        .mapTo(Long.class)
        .findOne()
        .orElse(0L);
  }

  /** That of the longest chain. */
  static @Nullable Checkpoint lastCheckpoint(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, seq, hash, at, dropped_before, key_id, signature
              from audit_checkpoints
             where org_id = :org
             order by seq desc, id desc limit 1
            """)
        .bind("org", tx.org())
        .map((row, context) -> checkpoint(row))
        .findOne()
        .orElse(null);
  }

  /** The first that is about a place or a later one, and stands for no drop. */
  static @Nullable Checkpoint checkpointFrom(Tx tx, long seq) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, seq, hash, at, dropped_before, key_id, signature
              from audit_checkpoints
             where org_id = :org and seq >= :seq and dropped_before is null
             order by seq, id limit 1
            """)
        .bind("org", tx.org())
        .bind("seq", seq)
        .map((row, context) -> checkpoint(row))
        .findOne()
        .orElse(null);
  }

  /** What retention said last. */
  static @Nullable Checkpoint lastDrop(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, seq, hash, at, dropped_before, key_id, signature
              from audit_checkpoints
             where org_id = :org and dropped_before is not null
             order by id desc limit 1
            """)
        .bind("org", tx.org())
        .map((row, context) -> checkpoint(row))
        .findOne()
        .orElse(null);
  }

  /** Whether an entry with a lower id is not chained yet. */
  static boolean waitsBefore(Tx tx, UUID boundary) {
    return tx.sql()
        .createQuery(
            """
            select exists (select 1 from audit_unsealed u, unnest(u.entries) e
                            where u.org_id = :org and e < :boundary)
            """)
        .bind("org", tx.org())
        .bind("boundary", boundary)
        .mapTo(Boolean.class)
        .one();
  }

  /** Entries with lower ids that stand after what retention dropped last. */
  static List<Late> late(Tx tx, UUID boundary) {
    return tx.sql()
        .createQuery(
            """
            select entry_id from audit_seals
             where org_id = :org and entry_id < :boundary and seq > :dropped
            """)
        .bind("org", tx.org())
        .bind("boundary", boundary)
        .bind("dropped", lastDropped(tx))
        .mapTo(UUID.class)
        .map(entry -> new Late(tx.org(), entry))
        .list();
  }

  /** Whether there are seals of entries with lower ids. */
  static boolean sealedBefore(Tx tx, UUID boundary) {
    return tx.sql()
        .createQuery(
            """
            select exists (select 1 from audit_seals where org_id = :org and entry_id < :boundary)
            """)
        .bind("org", tx.org())
        .bind("boundary", boundary)
        .mapTo(Boolean.class)
        .one();
  }

  /** The place before the first entry that stays, which is the last place if none does. */
  static long lastBefore(Tx tx, UUID boundary, Head head) {
    return tx.sql()
        .createQuery(
            """
            select coalesce(min(seq) - 1, :head) from audit_seals
             where org_id = :org and entry_id >= :boundary
            """)
        .bind("org", tx.org())
        .bind("boundary", boundary)
        .bind("head", head.seq())
        .mapTo(Long.class)
        .one();
  }

  /** The last place that retention dropped; 0 if it did not. */
  static long lastDropped(Tx tx) {
    Checkpoint drop = lastDrop(tx);
    return drop == null ? 0 : drop.seq();
  }

  /** Forgets the places of entries that were dropped. */
  static int deleteSeals(Handle dispatch, OrgId org, long upTo) {
    return dispatch
        .createUpdate("delete from audit_seals where org_id = :org and seq <= :seq")
        .bind("org", org)
        .bind("seq", upTo)
        .execute();
  }

  /** The chain after a place, with what is left of the entries. */
  static List<Sealed> sealed(Tx tx, long after, int limit) {
    return tx.sql()
        .createQuery(
            """
            select s.seq, s.entry_id, s.hash, s.personal_hash, e.org_id, e.id, e.at, e.action,
                   e.resource, e.outcome, e.reason, cast(e.chain as text) as chain, e.on_behalf_of,
                   e.channel, e.trace_id, cast(e.details as text) as details,
                   cast(e.personal as text) as personal, e.salt
              from (select * from audit_seals where org_id = :org and seq > :after
                     order by seq limit :limit) s
              left join audit_entries e on e.org_id = s.org_id and e.id = s.entry_id
             order by s.seq
            """)
        .bind("org", tx.org())
        .bind("after", after)
        .bind("limit", limit)
        .map((row, context) ->
            new Sealed(
                row.getLong("seq"),
                Sql.uuid(row, "entry_id"),
                row.getBytes("hash"),
                row.getString("action") == null ? null : entry(row, row.getBytes("personal_hash")),
                row.getString("personal"),
                Sql.uuidOrNull(row, "salt")))
        .list();
  }

  /** Entries that are in no chain and do not wait for one: somebody put them there by hand. */
  static List<UUID> strays(Tx tx, int limit) {
    return tx.sql()
        .createQuery(
            """
            select e.id from audit_entries e
             where e.org_id = :org
               and not exists (select 1 from audit_seals s
                                where s.org_id = :org and s.entry_id = e.id)
               and not exists (select 1 from audit_unsealed u
                                where u.org_id = :org and e.id = any(u.entries))
             order by e.id limit :limit
            """)
        .bind("org", tx.org())
        .bind("limit", limit)
        .mapTo(UUID.class)
        .list();
  }

  /** How many entries wait. */
  static long waitingEntries(Tx tx) {
    return tx.sql()
        .createQuery(
            "select coalesce(sum(cardinality(entries)), 0) from audit_unsealed where org_id = :org")
        .bind("org", tx.org())
        .mapTo(Long.class)
        .one();
  }

  /**
   * Oldest first.
   *
   * @param tx of the reserved organization
   */
  static List<SealedKey> keys(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select id, public_key, sealed from audit_keys where org_id = :org order by created_at, id
            """)
        .bind("org", tx.org())
        .map((row, context) -> new SealedKey(row.getString(1), row.getBytes(2), row.getBytes(3)))
        .list();
  }

  static void insertKey(Tx tx, SealedKey key) {
    tx.sql()
        .createUpdate(
            """
            insert into audit_keys (org_id, id, public_key, sealed, created_at)
            values (:org, :id, :public, :sealed, now())
            """)
        .bind("org", tx.org())
        .bind("id", key.id())
        .bind("public", key.publicKey())
        .bind("sealed", key.sealed())
        .execute();
  }

  static void resealKey(Tx tx, String id, byte[] sealed) {
    tx.sql()
        .createUpdate("update audit_keys set sealed = :sealed where org_id = :org and id = :id")
        .bind("sealed", sealed)
        .bind("org", tx.org())
        .bind("id", id)
        .execute();
  }

  private static ChainedEntry entry(ResultSet row, byte @Nullable [] personalHash)
      throws SQLException {
    Instant at = Sql.instant(row, "at");
    return new ChainedEntry(
        new OrgId(Sql.uuid(row, "org_id")),
        Sql.uuid(row, "id"),
        Checkpoint.micros(at),
        row.getString("action"),
        row.getString("resource"),
        row.getString("outcome"),
        row.getString("reason"),
        row.getString("chain"),
        row.getString("on_behalf_of"),
        row.getString("channel"),
        row.getString("trace_id"),
        row.getString("details"),
        personalHash);
  }

  private static Checkpoint checkpoint(ResultSet row) throws SQLException {
    return new Checkpoint(
        new OrgId(Sql.uuid(row, "org_id")),
        Sql.uuid(row, "id"),
        row.getLong("seq"),
        Objects.requireNonNull(row.getBytes("hash")),
        Sql.instant(row, "at"),
        Sql.uuidOrNull(row, "dropped_before"),
        row.getString("key_id"),
        Objects.requireNonNull(row.getBytes("signature")));
  }
}
