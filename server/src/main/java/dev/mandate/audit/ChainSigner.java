package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signs where chains stand, and only what it saw to go on from what was signed last: whoever
 * rewrites a chain in the database gets no signature for it. What this process signed it remembers,
 * so that taking the checkpoints away does not help while it lives.
 */
final class ChainSigner {
  private static final Logger log = LoggerFactory.getLogger(ChainSigner.class);

  /** A chain that was refused is looked at again, and complained of, after this time. */
  private static final Duration AGAIN = Duration.ofMinutes(5);

  private final Db db;
  private final SigningKeys keys;
  private @Nullable SigningKey key;

  /** The last of each chain. */
  private final Map<OrgId, Checkpoint> signed = new ConcurrentHashMap<>();

  /** When, as {@link System#nanoTime} has it. */
  private final Map<OrgId, Long> refused = new ConcurrentHashMap<>();

  ChainSigner(Db db, SigningKeys keys) {
    this.db = db;
    this.keys = keys;
  }

  /** How many chains are not signed because they are not what was signed before. */
  int refused() {
    return refused.size();
  }

  void sign(OrgId org) {
    Long at = refused.get(org);
    if (at != null && System.nanoTime() - at < AGAIN.toNanos()) {
      return;
    }
    SigningKey with = key();
    ChainCheck check = new ChainCheck(org, keys.published());
    boolean more = db.read(Sealer.system(db, org), tx -> begin(tx, check));
    // A page at a time, so that the chain is locked for little more than the signature.
    while (more && check.intact()) {
      more = db.read(Sealer.system(db, org), tx -> check.follow(tx, Long.MAX_VALUE));
    }
    Optional<Checkpoint> made =
        db.write(
            Sealer.system(db, org),
            tx -> {
              ChainStore.Head head = ChainStore.lockHead(tx);
              boolean grown = true;
              while (grown && check.intact()) {
                grown = check.follow(tx, head.seq());
              }
              if (check.last() != head.seq() || !Arrays.equals(check.hash(), head.hash())) {
                check.problem(
                    "the chain's head is entry "
                        + head.seq()
                        + ", and what is there leads elsewhere");
              }
              return check.intact() ? Optional.of(insert(tx, with, head)) : Optional.empty();
            });
    if (made.isPresent()) {
      signed.put(org, made.get());
      refused.remove(org);
    } else {
      refused.put(org, System.nanoTime());
      log.error(
          "the record of organization {} is not signed any more, it does not go on from what was"
              + " signed: {}",
          org,
          check.report(0).problems());
    }
  }

  /** Where to go on from; whether there is more than a page of it. */
  private boolean begin(Tx tx, ChainCheck check) {
    Checkpoint last = ChainStore.lastCheckpoint(tx);
    Checkpoint known = signed.get(tx.org());
    long promised = Math.max(known == null ? 0 : known.seq(), ChainStore.signedUpTo(tx));
    if (last != null) {
      check.from(last);
    }
    if (last == null ? promised > 0 : last.seq() < promised || isAnother(last, known)) {
      check.problem("the checkpoint at entry " + promised + " is removed");
    }
    return check.follow(tx, Long.MAX_VALUE);
  }

  private static boolean isAnother(Checkpoint last, @Nullable Checkpoint known) {
    return known != null && last.seq() == known.seq() && !Arrays.equals(last.hash(), known.hash());
  }

  private static Checkpoint insert(Tx tx, SigningKey with, ChainStore.Head head) {
    Checkpoint made =
        Checkpoint.sign(with, tx.org(), head.seq(), head.hash(), Sealer.now(tx), null);
    ChainStore.insertCheckpoint(tx, made);
    ChainStore.headSigned(tx, head.seq());
    return made;
  }

  private SigningKey key() {
    SigningKey known = key;
    if (known == null) {
      known = keys.current();
      key = known;
    }
    return known;
  }
}
