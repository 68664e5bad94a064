package dev.mandate.runs;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.db.TxWork;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run's log as its owner works with it. What came back and what is decided on it are added to the
 * state at once and committed together, before the first effect of it goes out. If anybody else
 * appended meanwhile, that commit fails: what was decided is void, what came back is kept.
 *
 * <p>Used by the planning thread, but for {@link #arrived}, {@link #write} and {@link #grow}.
 */
final class Journal {
  private static final Logger log = LoggerFactory.getLogger(Journal.class);
  private static final int PAGE = 500;

  private final Db db;
  private final InstantSource clock;
  private final RunStore store;
  private final RunLog steps;
  private final Run run;
  private final Lease lease;

  private RunState state = new RunState();

  /** The number of the last step that is in the database and in the state. */
  private long committed;

  private final List<Draft> added = new ArrayList<>();
  private final List<Runnable> departures = new ArrayList<>();

  /** Results that are not in the state yet, oldest first. */
  private final Deque<Draft> results = new ConcurrentLinkedDeque<>();

  /** Results that are in the database and not in the state yet. */
  private final Queue<Written> written = new ConcurrentLinkedQueue<>();

  /**
   * Whether the log may hold what this process did not write. A wake-up says so, and may be lost.
   */
  private volatile boolean grown = true;

  /** Texts by hash, of what was appended since they were last forgotten. */
  private final Map<String, String> known = new HashMap<>();

  /** Hashes of texts that this process has committed. */
  private final Set<String> stored = new HashSet<>();

  private record Written(long first, Draft draft) {}

  /** Work that appends by itself: what was added before, and steps of its own. */
  interface Appending {
    /**
     * @return its own steps
     */
    List<Step> run(Tx tx, Fence fence, List<Step> before);
  }

  Journal(Db db, InstantSource clock, RunStore store, RunLog steps, Run run, Lease lease) {
    this.db = db;
    this.clock = clock;
    this.store = store;
    this.steps = steps;
    this.run = run;
    this.lease = lease;
  }

  /** With what is added and not committed yet. */
  RunState state() {
    return state;
  }

  /** Others may have appended. */
  void grow() {
    grown = true;
  }

  /** A result that can be had again: it is committed with what is decided on it. */
  void arrived(Draft result) {
    results.add(result);
  }

  /**
   * Commits a result that cannot be had again, from the thread that has it: whatever the planner is
   * busy with, it must not be lost. If the database is away, it waits like the others.
   *
   * @throws FencedOff if the lease is somebody else's
   */
  void write(Draft result) {
    try {
      long first =
          db.write(
              run.mandate(),
              tx -> {
                Payloads.put(tx, result.texts());
                result.recordBeside(tx);
                return append(tx, Fence.owner(lease.epoch()), result.steps());
              });
      written.add(new Written(first, result));
    } catch (Failure e) {
      if (e.code() != Failure.Code.UNAVAILABLE) {
        throw e;
      }
      log.warn("run {}: a result waits for the database", run.id(), e);
      results.add(result);
    }
  }

  /** Whether results wait to be committed. */
  boolean hasResults() {
    return !results.isEmpty();
  }

  /**
   * Brings the state up to the log and to what came back. What this process appended is known
   * without reading; that nothing of others is missing is seen by the numbers, and, before anything
   * follows from the state, by the fence.
   */
  void catchUp() {
    // Looked at once, before anything is done about it: what comes now is seen in the next round.
    // A state with steps that are not committed must not be read on, its numbers would lie.
    boolean read = grown;
    grown = false;
    List<Written> here = new ArrayList<>();
    for (Written own = written.poll(); own != null; own = written.poll()) {
      here.add(own);
    }
    if (!added.isEmpty() && (read || !here.isEmpty())) {
      rollBack();
      read = true;
      grown = false;
    }
    for (Written own : here) {
      long next = state.lastSeq() + 1;
      if (own.first() == next) {
        apply(own.draft().steps());
        known.putAll(own.draft().texts());
        committed = state.lastSeq();
      } else {
        read |= own.first() > next;
      }
    }
    if (read) {
      readLog();
    }
    for (Draft result = results.poll(); result != null; result = results.poll()) {
      // One that was committed although its commit seemed to fail is in the log already.
      if (state.awaits(result)) {
        add(result);
      }
    }
  }

  private void readLog() {
    List<LoggedStep> page;
    do {
      long after = state.lastSeq();
      page = db.fetch(run.mandate(), tx -> store.stepsLater(tx, run.id(), after, PAGE));
      page.forEach(state::apply);
    } while (page.size() == PAGE);
    committed = state.lastSeq();
  }

  /** Adds to the state what the next commit appends. */
  void add(Draft draft) {
    apply(draft.steps());
    known.putAll(draft.texts());
    added.add(draft);
  }

  /** Has something go out once what it follows from is committed. */
  void depart(Runnable effect) {
    departures.add(effect);
  }

  /** Whether something waits for a commit in order to go out. */
  boolean departing() {
    return !departures.isEmpty();
  }

  /**
   * Appends what was added, then lets go out what waited for it.
   *
   * @throws FencedOff if somebody else appended, or the lease is gone; then nothing was appended
   */
  void commit() {
    if (!added.isEmpty()) {
      commitWith(tx -> List.of());
    }
  }

  /** The same with steps, if any, that are made in the transaction. */
  void commitWith(TxWork<List<Step>> make) {
    commitBy((tx, fence, before) -> {
      List<Step> more = make.run(tx);
      List<Step> all = new ArrayList<>(before);
      all.addAll(more);
      if (!all.isEmpty()) {
        append(tx, fence, all);
      }
      return more;
    });
  }

  /** The same for work that appends by itself. */
  void commitBy(Appending work) {
    List<Step> before = new ArrayList<>();
    Map<String, String> texts = new LinkedHashMap<>();
    for (Draft draft : added) {
      before.addAll(draft.steps());
      texts.putAll(draft.texts());
    }
    texts.keySet().removeAll(stored);
    Fence fence = Fence.owner(lease.epoch(), committed);
    List<Step> more =
        db.write(
            run.mandate(),
            tx -> {
              Payloads.put(tx, texts);
              added.forEach(draft -> draft.recordBeside(tx));
              return work.run(tx, fence, before);
            });
    added.clear();
    stored.addAll(texts.keySet());
    apply(more);
    committed = state.lastSeq();
    List<Runnable> leaving = List.copyOf(departures);
    departures.clear();
    leaving.forEach(Runnable::run);
  }

  private long append(Tx tx, Fence fence, List<Step> more) {
    return steps.append(tx, run.id(), run.threadId(), fence, more);
  }

  private void apply(List<Step> steps) {
    Instant now = clock.instant();
    for (Step step : steps) {
      state.apply(new LoggedStep(state.lastSeq() + 1, step, now));
    }
  }

  /** Forgets what was decided and not committed; the state is read again. */
  void rollBack() {
    for (Draft draft : added.reversed()) {
      if (draft.isResult()) {
        results.addFirst(draft);
      }
    }
    added.clear();
    departures.clear();
    state = new RunState();
    committed = 0;
    grown = true;
  }

  /** Commits what came back, and nothing that was decided: whoever goes on decides again. */
  void save() {
    try {
      catchUp();
      commit();
    } catch (RuntimeException e) {
      rollBack();
      throw e;
    }
  }

  /**
   * Texts by hash, of what was appended here lately or else from the database.
   *
   * @throws IllegalStateException if one is missing: then a log refers to nothing
   */
  Map<String, String> texts(Collection<String> hashes) {
    Map<String, String> found = new HashMap<>();
    Set<String> missing = new HashSet<>();
    for (String hash : hashes) {
      String text = known.get(hash);
      if (text == null) {
        missing.add(hash);
      } else {
        found.put(hash, text);
      }
    }
    if (!missing.isEmpty()) {
      found.putAll(db.fetch(run.mandate(), tx -> Payloads.getLater(tx, missing)));
    }
    return found;
  }

  /** What was appended so far is not asked for again. */
  void forgetTexts() {
    known.clear();
  }
}
