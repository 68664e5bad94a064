package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Tx;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Checks one organization's chain, which it is told place by place. A place that is wrong does not
 * hide others: the check goes on from the hash that stands there, and says so for each.
 */
final class ChainCheck {
  private static final int MOST_PROBLEMS = 100;
  private static final int PAGE = 1_000;

  private final OrgId org;
  private final Map<String, SigningKey.PublicHalf> keys = new HashMap<>();
  private final List<String> problems = new ArrayList<>();
  private long entries;
  private long checkpoints;
  private long erased;
  private long wrong;
  private long seq;
  private byte[] hash = ChainedEntry.START;

  /** Where the last entry stood. */
  private long read;

  /** The last place that a checkpoint is about which fits. */
  private long signed;

  /** Places that say nothing any more, as an old drop allows. */
  private long lost;

  /** A drop of an earlier version, which does not say which later entries went with it. */
  private @Nullable Checkpoint oldDrop;

  private boolean begun;

  /** What was kept elsewhere and its place did not come yet. */
  private final Queue<Checkpoint> expected = new ArrayDeque<>();

  ChainCheck(OrgId org, Collection<SigningKey.PublicHalf> trusted) {
    this.org = org;
    trust(trusted);
  }

  /** Believes in these keys as well. */
  void trust(Collection<SigningKey.PublicHalf> trusted) {
    trusted.forEach(key -> keys.put(key.id(), key));
  }

  /**
   * What was kept elsewhere, before all else.
   *
   * @param checkpoints signed with a trusted key, in the chain's order
   */
  void expect(Collection<Checkpoint> checkpoints) {
    expected.addAll(checkpoints);
  }

  /** Goes on from a checkpoint, of a drop or not, instead of the chain's beginning. */
  void from(Checkpoint checkpoint) {
    checkpoints++;
    if (valid(checkpoint)) {
      from(checkpoint.seq(), checkpoint.hash());
      signed = seq;
      SigningKey.PublicHalf key = keys.get(checkpoint.keyId());
      oldDrop = key != null && checkpoint.isOldDrop(key) ? checkpoint : null;
    }
  }

  /** Goes on from a place. */
  void from(long place, byte[] its) {
    seq = place;
    read = place;
    hash = its;
    while (!expected.isEmpty() && expected.element().seq() <= seq) {
      Checkpoint kept = expected.remove();
      // A gap was told of, and what a drop took away only its checkpoint can speak for.
      if (kept.seq() == seq) {
        compare(kept);
      }
    }
  }

  /**
   * Takes some places out of the database.
   *
   * @param to the last place wanted
   * @return whether there may be more
   */
  boolean follow(Tx tx, long to) {
    int most = Math.clamp(to - seq, 0, PAGE);
    List<ChainStore.Sealed> places = ChainStore.sealed(tx, seq, most);
    places.forEach(this::entry);
    return places.size() == PAGE;
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
      if (oldDrop != null && isBefore(place.id(), oldDrop)) {
        lost++;
      } else {
        problem(name(place) + " is in the chain, but what it said is removed");
      }
    } else if (follows && !java.util.Arrays.equals(entry.hash(hash, place.seq()), place.hash())) {
      problem(name(place) + " is altered, or not in the place that it was chained in");
    } else {
      personal(place, entry);
    }
    from(place.seq(), place.hash());
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

  /**
   * After the entry it is about. One about a place that is not there comes where it would be; the
   * check then goes on from what it says.
   */
  void checkpoint(Checkpoint checkpoint) {
    if (!begun && checkpoint.droppedBefore() != null) {
      from(checkpoint);
      return;
    }
    checkpoints++;
    if (!valid(checkpoint)) {
      return;
    }
    if (checkpoint.seq() < seq) {
      problem(name(checkpoint) + " stands after entry " + seq + ": out of order");
      return;
    }
    if (checkpoint.seq() > seq) {
      beyond(checkpoint);
    } else {
      compare(checkpoint);
    }
  }

  private void beyond(Checkpoint checkpoint) {
    problem(
        places(seq + 1, checkpoint.seq())
            + " removed: the chain was longer when it was signed at "
            + checkpoint.at());
    seq = checkpoint.seq();
    hash = checkpoint.hash();
  }

  private void compare(Checkpoint checkpoint) {
    if (!java.util.Arrays.equals(checkpoint.hash(), hash)) {
      problem(
          "the chain up to entry "
              + seq
              + " is not the one that was signed at "
              + checkpoint.at()
              + ": entries before were rewritten");
    } else {
      signed = seq;
    }
  }

  private boolean valid(Checkpoint checkpoint) {
    SigningKey.PublicHalf key = keys.get(checkpoint.keyId());
    String name = name(checkpoint);
    if (key == null) {
      problem(name + " is signed with the key " + checkpoint.keyId() + ", which is not trusted");
      return false;
    }
    if (!checkpoint.isSignedBy(key)) {
      problem(name + " is forged: the signature is not of the key " + checkpoint.keyId());
      return false;
    }
    return true;
  }

  /**
   * After everything else.
   *
   * @param believed whether a chain that nobody signed will do
   */
  void end(boolean believed) {
    for (Checkpoint kept : expected) {
      if (kept.seq() > seq) {
        beyond(kept);
      }
    }
    if (!believed && checkpoints == 0 && signed == 0) {
      problem("nothing of it is signed: anybody could have written it");
    }
  }

  void problem(String text) {
    wrong++;
    if (problems.size() < MOST_PROBLEMS) {
      problems.add(text);
    }
  }

  boolean intact() {
    return wrong == 0;
  }

  AuditReport report(long waiting) {
    return new AuditReport(
        org,
        entries,
        checkpoints,
        signed,
        Math.max(0, read - signed),
        erased,
        lost,
        waiting,
        wrong,
        problems);
  }

  /** Where the last entry stood. */
  long last() {
    return read;
  }

  byte[] hash() {
    return hash;
  }

  private static boolean isBefore(UUID id, Checkpoint drop) {
    // As the database compares them; UUID.compareTo is signed.
    return drop.droppedBefore() != null
        && id.toString().compareTo(drop.droppedBefore().toString()) < 0;
  }

  private static String name(Checkpoint checkpoint) {
    return "the checkpoint of " + checkpoint.at() + " at entry " + checkpoint.seq();
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
