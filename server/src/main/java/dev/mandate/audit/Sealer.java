package dev.mandate.audit;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.jobs.Leases;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chains audit entries, each organization's for itself, and signs where the chains stand. One
 * process of the installation does this for all of them.
 *
 * <p>An entry's place is given here and not by its writer, who would have to queue for it: whatever
 * is committed gets the next place, late transactions later ones. What waits is found by rows that
 * were committed with the entries; taking such a row away, writing the seals and moving the head
 * are one transaction, so that neither a crash nor a second sealer loses or repeats a place. The
 * lease only saves two of them from waiting for each other.
 */
public final class Sealer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Sealer.class);
  private static final Duration LEASE = Duration.ofSeconds(6);
  private static final Duration PAUSE = Duration.ofMillis(400);

  /** A chain that grows is signed this often; whoever changes less than that is not found out. */
  private static final Duration SIGNED_EVERY = Duration.ofSeconds(30);

  private static final Duration TIDIED_EVERY = Duration.ofHours(1);

  /** Transactions whose entries are chained in one of ours. */
  private static final int BATCH = 500;

  private static final int MOST_BATCHES = 20;

  private final Db db;
  private final ChainSigner signer;
  private final AuditMonths months;

  /** Held through a round: an end comes between two, not in the middle of a transaction. */
  private final ReentrantLock working = new ReentrantLock();

  private final Leases leases;
  private final Duration signedEvery;

  /**
   * @param keep how long entries are kept at least; zero for ever
   */
  public Sealer(Db db, Cipher cipher, Endpoint endpoint, Duration keep) {
    this(db, cipher, endpoint, keep, SIGNED_EVERY);
  }

  Sealer(Db db, Cipher cipher, Endpoint endpoint, Duration keep, Duration signedEvery) {
    this.db = db;
    SigningKeys keys = new SigningKeys(db, cipher);
    this.signer = new ChainSigner(db, keys);
    this.months = new AuditMonths(db, endpoint, keys, keep);
    this.leases = new Leases(db);
    this.signedEvery = signedEvery;
  }

  public void start() {
    leases.lead("audit-sealer", LEASE, this::lead);
  }

  /** Chains that this process does not sign, because they do not go on from what was signed. */
  public int refused() {
    return signer.refused();
  }

  private void lead(Leases.Leadership leadership) throws InterruptedException {
    long tidy = System.nanoTime();
    while (leadership.held()) {
      working.lockInterruptibly();
      try {
        round();
        if (System.nanoTime() - tidy >= 0) {
          tidy = System.nanoTime() + TIDIED_EVERY.toNanos();
          tidy();
        }
      } finally {
        working.unlock();
      }
      Thread.sleep(PAUSE);
    }
  }

  private void tidy() {
    try {
      months.tidy(db.clock().instant());
    } catch (SQLException | RuntimeException e) {
      if (Thread.currentThread().isInterrupted()) {
        return;
      }
      // Entries have the default partition to go to, and an hour later is soon enough.
      log.warn("cannot look after the record's months", e);
    }
  }

  /** Chains what waits, and signs what has grown. */
  void round() {
    for (OrgId org : db.dispatch(ChainStore::waiting)) {
      seal(org);
    }
    for (OrgId org : db.dispatch(sql -> ChainStore.unsigned(sql, signedEvery))) {
      signer.sign(org);
    }
  }

  private void seal(OrgId org) {
    // No further than that: an organization that never stops writing is not the only one.
    for (int batch = 0; batch < MOST_BATCHES; batch++) {
      int taken = db.write(system(db, org), Sealer::chain);
      log.debug("chained the audit entries of {} transactions of {}", taken, org);
      if (taken < BATCH) {
        return;
      }
    }
  }

  private static int chain(Tx tx) {
    ChainStore.Head head = ChainStore.lockHead(tx);
    List<List<UUID>> taken = ChainStore.take(tx, BATCH);
    List<ChainedEntry> entries =
        ChainStore.entries(tx, taken.stream().flatMap(List::stream).toList());
    List<ChainStore.Seal> seals = new ArrayList<>(entries.size());
    long seq = head.seq();
    byte[] hash = head.hash();
    for (ChainedEntry entry : entries) {
      seq++;
      hash = entry.hash(hash, seq);
      seals.add(new ChainStore.Seal(seq, entry.id(), entry.personalHash(), hash));
    }
    if (!seals.isEmpty()) {
      ChainStore.insertSeals(tx, seals);
      ChainStore.moveHead(tx, new ChainStore.Head(seq, hash));
    }
    return taken.size();
  }

  /** As exactly as the database keeps it. */
  static Instant now(Tx tx) {
    return tx.now().truncatedTo(ChronoUnit.MICROS);
  }

  static Mandate system(Db db, OrgId org) {
    return Mandate.system(
        org,
        Set.of("audit.seal"),
        "audit-sealer",
        db.clock().instant().plus(Duration.ofMinutes(1)));
  }

  @Override
  public void close() {
    boolean idle = false;
    try {
      idle = working.tryLock(5, TimeUnit.SECONDS);
      leases.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      leases.close();
    } finally {
      if (idle) {
        working.unlock();
      }
    }
  }
}
