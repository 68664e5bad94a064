package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Checks one organization's chain, which it is told place by place. A place that is wrong does not
 * hide others: the check goes on from the hash that stands there, and says so for each.
 */
final class ChainCheck {
  private static final int MOST_PROBLEMS = 100;

  private final OrgId org;
  private final Map<String, SigningKey.PublicHalf> keys = new HashMap<>();
  private final List<String> problems = new ArrayList<>();
  private long entries;
  private long checkpoints;
  private long erased;
  private long wrong;
  private long seq;
  private byte[] hash = ChainedEntry.START;

  /** The place that a valid checkpoint says the chain reached at least. */
  private long promised;

  private @Nullable Checkpoint dropped;
  private boolean begun;

  ChainCheck(OrgId org, Collection<SigningKey.PublicHalf> trusted) {
    this.org = org;
    trusted.forEach(key -> keys.put(key.id(), key));
  }

  /** What retention said last, before the first entry. */
  void dropped(Checkpoint checkpoint) {
    if (!begun && valid(checkpoint)) {
      dropped = checkpoint;
      seq = checkpoint.seq();
      hash = checkpoint.hash();
      promised = Math.max(promised, seq);
    }
  }

  void entry(ChainStore.Sealed place) {
    begun = true;
    entries++;
    if (place.seq() > seq + 1) {
      problem(places(seq + 1, place.seq() - 1) + " removed");
    } else if (place.seq() <= seq) {
      problem(name(place) + " stands after entry " + seq + ": out of order");
    }
    boolean follows = place.seq() == seq + 1;
    ChainedEntry entry = place.entry();
    if (entry == null) {
      Checkpoint drop = dropped;
      if (drop == null || drop.droppedBefore() == null || !isBefore(place.id(), drop)) {
        problem(name(place) + " is in the chain, but what it said is removed");
      }
    } else if (follows && !java.util.Arrays.equals(entry.hash(hash, place.seq()), place.hash())) {
      problem(name(place) + " is altered, or not in the place that it was chained in");
    } else {
      personal(place, entry);
    }
    seq = place.seq();
    hash = place.hash();
  }

  private void personal(ChainStore.Sealed place, ChainedEntry entry) {
    String personal = place.personal();
    byte[] committed = entry.personalHash();
    if (personal == null) {
      erased += committed == null ? 0 : 1;
    } else if (committed == null
        || place.salt() == null
        || !java.util.Arrays.equals(committed, ChainedEntry.personalHash(place.salt(), personal))) {
      problem(name(place) + ": its personal data is altered");
    }
  }

  /** After the entry it is about; one about a place that is not there comes where it would be. */
  void checkpoint(Checkpoint checkpoint) {
    checkpoints++;
    if (!valid(checkpoint)) {
      return;
    }
    promised = Math.max(promised, checkpoint.seq());
    if (checkpoint.seq() == seq && !java.util.Arrays.equals(checkpoint.hash(), hash)) {
      problem(
          "the chain up to entry "
              + seq
              + " is not the one that was signed at "
              + checkpoint.at()
              + ": entries before were rewritten");
    }
  }

  private boolean valid(Checkpoint checkpoint) {
    SigningKey.PublicHalf key = keys.get(checkpoint.keyId());
    String name = "the checkpoint of " + checkpoint.at() + " at entry " + checkpoint.seq();
    if (key == null) {
      problem(name + " is signed with the key " + checkpoint.keyId() + ", which is not trusted");
      return false;
    }
    if (!key.signed(checkpoint.signed(), checkpoint.signature())) {
      problem(name + " is forged: the signature is not of the key " + checkpoint.keyId());
      return false;
    }
    return true;
  }

  void end() {
    if (promised > seq) {
      problem(
          places(seq + 1, promised)
              + " removed: the chain was longer when it was signed at "
              + promised);
    }
  }

  void problem(String text) {
    wrong++;
    if (problems.size() < MOST_PROBLEMS) {
      problems.add(text);
    }
  }

  AuditReport report(long waiting) {
    return new AuditReport(org, entries, checkpoints, erased, waiting, wrong, problems);
  }

  long last() {
    return seq;
  }

  private static boolean isBefore(UUID id, Checkpoint drop) {
    // As the database compares them; UUID.compareTo is signed.
    return drop.droppedBefore() != null
        && id.toString().compareTo(drop.droppedBefore().toString()) < 0;
  }

  private static String name(ChainStore.Sealed place) {
    ChainedEntry entry = place.entry();
    return "entry "
        + place.seq()
        + " ("
        + place.id()
        + (entry == null ? "" : ", " + entry.action())
        + ")";
  }

  private static String places(long from, long to) {
    return from == to ? "entry " + from + " is" : "entries " + from + " to " + to + " are";
  }
}
