package dev.mandate.policies;

import dev.mandate.identity.AuthChannel;
import dev.mandate.kernel.FreshCache;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.rego.RegoException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sets in force, one for each organization and one for the installation. A change is seen
 * within a second everywhere, at once in the process that makes it. Thread-safe.
 */
final class PolicySets implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PolicySets.class);
  private static final Duration FRESH = Duration.ofMillis(900);
  private static final Duration BRIEF = Duration.ofMinutes(1);
  private static final int REMEMBERED = 10_000;
  private static final String CHANNEL = "policies/";

  private final Db db;
  private final Wakeups wakeups;
  private final InstantSource clock;
  private final PolicyStore store = new PolicyStore();
  private final FreshCache<OrgId, PolicySet> cache =
      new FreshCache<>(FRESH, REMEMBERED, this::read);

  /** What was compiled last: a set is compiled once for each version, not whenever it is read. */
  private final ConcurrentHashMap<OrgId, PolicySet> compiled = new ConcurrentHashMap<>();

  private Wakeups.@Nullable Subscription subscription;

  PolicySets(Db db, Wakeups wakeups, InstantSource clock) {
    this.db = db;
    this.wakeups = wakeups;
    this.clock = clock;
  }

  void start() {
    subscription =
        wakeups.subscribe(
            CHANNEL + "*",
            channel -> {
              String org = channel.substring(CHANNEL.length());
              // Without a name signals were lost: it may be anybody's.
              cache.invalidate(key -> org.isEmpty() || key.toString().equals(org));
            });
  }

  /** At most a second old. */
  PolicySet of(OrgId org) {
    return Objects.requireNonNull(cache.get(org));
  }

  /** Everybody reads again once this transaction is committed, and looks at open streams again. */
  void changed(Tx tx) {
    tx.wake(CHANNEL + tx.org());
    tx.wake(tx.org().equals(OrgId.INSTALLATION) ? AuthChannel.EVERYBODY : AuthChannel.of(tx.org()));
  }

  /** This process reads again at once. Call after the commit. */
  void forget(OrgId org) {
    cache.invalidate(org::equals);
  }

  private PolicySet read(OrgId org) {
    Mandate own = Mandate.system(org, Set.of("policies"), "policies", clock.instant().plus(BRIEF));
    return db.read(
        own,
        tx -> {
          long version = store.setVersion(tx);
          PolicySet known = compiled.get(org);
          if (known != null && known.version() == version) {
            return known;
          }
          PolicySet set = version == 0 ? PolicySet.empty(0) : compile(tx, version);
          if (!set.isEmpty()) {
            compiled.put(org, set);
          } else {
            compiled.remove(org);
          }
          return set;
        });
  }

  private PolicySet compile(Tx tx, long version) {
    try {
      return PolicySet.compile(version, store.active(tx));
    } catch (RegoException e) {
      log.error(
          "the active policies of {} no longer compile, so every call is refused: {}",
          tx.org(),
          e.getMessage());
      return PolicySet.broken(version, e.code());
    } catch (RuntimeException | StackOverflowError e) {
      if (e instanceof dev.mandate.kernel.Failure || e instanceof org.jdbi.v3.core.JdbiException) {
        throw e;
      }
      log.error(
          "the active policies of {} cannot be compiled, so every call is refused", tx.org(), e);
      return PolicySet.broken(version, "internal error");
    }
  }

  @Override
  public void close() {
    Wakeups.Subscription current = subscription;
    if (current != null) {
      current.close();
    }
  }
}
