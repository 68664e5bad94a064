package dev.mandate.suspensions;

import dev.mandate.kernel.FreshCache;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.suspensions.Suspension.Kind;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is suspended now, and telling work under way when that concerns it. A look at what is
 * remembered takes about a microsecond. Thread-safe.
 */
public final class Suspensions implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Suspensions.class);

  /** With {@link #LOOK_MILLIS} less than a second, should every wake-up be lost. */
  private static final Duration MAX_AGE = Duration.ofMillis(600);

  /** How often work under way is looked at without a wake-up. */
  private static final long LOOK_MILLIS = 250;

  private static final int MAX_ORGS = 10_000;
  private static final Duration BRIEF = Duration.ofMinutes(1);
  private static final String CHANNEL = "suspensions/";

  private final Db db;
  private final Wakeups wakeups;
  private final InstantSource clock;
  private final SuspensionStore store = new SuspensionStore();
  private final FreshCache<OrgId, Map<Key, Suspension>> known =
      new FreshCache<>(MAX_AGE, MAX_ORGS, this::read);
  private final Set<Watch> watches = ConcurrentHashMap.newKeySet();
  private final Semaphore look = new Semaphore(0);
  private Wakeups.@Nullable Subscription subscription;
  private @Nullable Thread watcher;

  private record Key(Kind kind, String subject) {}

  public Suspensions(Db db, Wakeups wakeups, InstantSource clock) {
    this.db = db;
    this.wakeups = wakeups;
    this.clock = clock;
  }

  public void start() {
    subscription = wakeups.subscribe(CHANNEL + "*", this::changed);
    watcher = Thread.ofPlatform().daemon().name("suspensions").start(this::watchLoop);
  }

  /** What keeps this chain from acting: a member of it, or the organization; null if nothing. */
  public @Nullable Suspension of(Mandate mandate) {
    Map<Key, Suspension> all = all(mandate.org());
    if (all.isEmpty()) {
      return null;
    }
    for (Principal principal : mandate.chain()) {
      Kind kind = Kind.of(principal);
      if (kind == null) {
        // Mandate's own work (expiry, the look-ups of rights) goes on.
        return null;
      }
      Suspension suspension = all.get(new Key(kind, principal.id().toString()));
      if (suspension != null) {
        return suspension;
      }
    }
    return all.get(new Key(Kind.ORGANIZATION, mandate.org().toString()));
  }

  /** Whether one thing is suspended. */
  public @Nullable Suspension of(OrgId org, Kind kind, String subject) {
    return all(org).get(new Key(kind, subject));
  }

  /** Work under way that must not go on once its chain, or its tool, is suspended. */
  public final class Watch implements AutoCloseable {
    private final Mandate mandate;
    private final @Nullable String tool;
    private final Consumer<Suspension> stop;
    private final AtomicBoolean told = new AtomicBoolean();

    private Watch(Mandate mandate, @Nullable String tool, Consumer<Suspension> stop) {
      this.mandate = mandate;
      this.tool = tool;
      this.stop = stop;
    }

    private void look() {
      Suspension suspension = of(mandate);
      if (suspension == null && tool != null) {
        suspension = of(mandate.org(), Kind.TOOL, tool);
      }
      if (suspension != null && told.compareAndSet(false, true)) {
        stop.accept(suspension);
      }
    }

    @Override
    public void close() {
      watches.remove(this);
    }
  }

  /**
   * Calls {@code stop} once, within a second, when the chain or the tool is suspended: at once, on
   * this thread, if it is so already. It must return at once.
   */
  public Watch watch(Mandate mandate, @Nullable String tool, Consumer<Suspension> stop) {
    Watch watch = new Watch(mandate, tool, stop);
    watches.add(watch);
    look.release();
    watch.look();
    return watch;
  }

  private void watchLoop() {
    try {
      while (true) {
        if (watches.isEmpty()) {
          look.acquire();
        } else {
          boolean _ = look.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        }
        look.drainPermits();
        for (Watch watch : watches) {
          try {
            watch.look();
          } catch (RuntimeException e) {
            log.warn("suspensions cannot be read now", e);
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Whether a suspension that was seen still stands. It cannot be lifted before the transaction
   * ends: what that writes down as waiting is found by whoever lifts it.
   */
  public boolean hold(Tx tx, Suspension suspension) {
    boolean stands = store.hold(tx, suspension.kind(), suspension.subject());
    if (!stands) {
      forget(tx.org());
    }
    return stands;
  }

  /** In the transaction that decides it. False if it is suspended already. */
  boolean put(Tx tx, Kind kind, String subject, String reason) {
    boolean changed =
        store.insert(tx, SuspensionStore.now(tx, kind, subject, clock.instant(), reason));
    tx.wake(CHANNEL + tx.org());
    return changed;
  }

  /** In the transaction that decides it. False if it is not suspended. */
  boolean remove(Tx tx, Kind kind, String subject) {
    boolean changed = store.delete(tx, kind, subject);
    tx.wake(CHANNEL + tx.org());
    return changed;
  }

  /** This process reads again at once. Call after the commit. */
  void forget(OrgId org) {
    known.invalidate(org::equals);
    look.release();
  }

  private Map<Key, Suspension> all(OrgId org) {
    return java.util.Objects.requireNonNull(known.get(org));
  }

  private Map<Key, Suspension> read(OrgId org) {
    Mandate own =
        Mandate.system(org, Set.of("suspensions"), "suspensions", clock.instant().plus(BRIEF));
    Map<Key, Suspension> all = new HashMap<>();
    for (Suspension one : db.read(own, store::all)) {
      all.put(new Key(one.kind(), one.subject()), one);
    }
    return all;
  }

  private void changed(String channel) {
    // The bare prefix says that signals were lost.
    known.invalidate(org -> channel.equals(CHANNEL) || channel.equals(CHANNEL + org));
    look.release();
  }

  @Override
  public void close() {
    if (subscription != null) {
      subscription.close();
    }
    if (watcher != null) {
      watcher.interrupt();
    }
  }
}
