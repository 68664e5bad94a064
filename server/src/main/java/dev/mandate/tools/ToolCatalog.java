package dev.mandate.tools;

import dev.mandate.governance.Effect;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.FreshCache;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.events.Wakeups;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which tools an organization has, and what its administrators say about them. Thread-safe. */
final class ToolCatalog implements AutoCloseable {
  /** A change elsewhere bites within a second, even if its wake-up is lost. */
  private static final Duration FRESH = Duration.ofMillis(900);

  private static final int MAX_ORGS = 1000;
  private static final int MAX_LABELS = 16;
  private static final Pattern LABEL = Pattern.compile("[a-z0-9_-]{1,32}");
  private static final String CHANNEL = "tools/";

  private final Db db;
  private final Authorizer authorizer;
  private final SelfTools self;
  private final Wakeups wakeups;
  private final ToolStore store = new ToolStore();
  private final FreshCache<Key, Catalog> cache;
  private Wakeups.@Nullable Subscription subscription;

  /** An organization; the mandate is only what it is read under. */
  private record Key(OrgId org, Mandate reader) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key key && key.org.equals(org);
    }

    @Override
    public int hashCode() {
      return org.hashCode();
    }
  }

  ToolCatalog(Db db, Authorizer authorizer, SelfTools self, Wakeups wakeups) {
    this.db = db;
    this.authorizer = authorizer;
    this.self = self;
    this.wakeups = wakeups;
    this.cache = new FreshCache<>(FRESH, MAX_ORGS, key -> read(key.reader()));
  }

  void start() {
    subscription =
        wakeups.subscribe(
            CHANNEL + "*",
            channel -> {
              // The bare prefix says that signals may have been lost.
              String org = channel.substring(CHANNEL.length());
              cache.invalidate(key -> org.isEmpty() || key.org().toString().equals(org));
            });
  }

  /** At most a second old. */
  Catalog of(Mandate mandate) {
    return Objects.requireNonNull(cache.get(new Key(mandate.org(), mandate)));
  }

  Catalog read(Mandate mandate) {
    return db.read(mandate, this::read);
  }

  Catalog read(Tx tx) {
    return Catalog.of(
        self.all(), self.source(), store.sources(tx), store.tools(tx), store.settings(tx));
  }

  /** Everybody reads again once this transaction is committed. */
  void changed(Tx tx) {
    tx.wake(CHANNEL + tx.org());
  }

  /** This process reads again at once. Call after the commit. */
  void forget(OrgId org) {
    cache.invalidate(key -> key.org().equals(org));
  }

  /** Tools within the mandate's bounds, disabled ones too, by name. */
  Page<Catalog.Entry> list(Mandate mandate, @Nullable ToolSourceId source, Page.Request page) {
    authorizer.require(mandate, "tools.list");
    String after = page.after();
    List<Catalog.Entry> rows =
        read(mandate).entries().stream()
            .filter(entry -> mandate.boundsPermitTool(entry.tool().name()))
            .filter(entry -> source == null || entry.tool().sourceId().equals(source))
            .filter(entry -> after == null || entry.tool().name().compareTo(after) > 0)
            .limit(page.size() + 1L)
            .toList();
    return Page.cut(rows, page, entry -> entry.tool().name());
  }

  /**
   * @param idOrName a tool's id or full name
   */
  Catalog.Entry get(Mandate mandate, String idOrName) {
    authorizer.require(mandate, "tools.get");
    return lookUp(read(mandate), idOrName)
        .filter(entry -> mandate.boundsPermitTool(entry.tool().name()))
        .orElseThrow(() -> Failure.notFound("tool"));
  }

  static Optional<Catalog.Entry> lookUp(Catalog catalog, String idOrName) {
    return Optional.ofNullable(
        idOrName.indexOf('/') >= 0
            ? catalog.find(idOrName)
            : catalog.find(new ToolId(dev.mandate.kernel.Ids.parse("id", idOrName))));
  }

  /**
   * Sets what is not null.
   *
   * @param version of the tool that the change is based on
   */
  Catalog.Entry update(
      Mandate mandate,
      String idOrName,
      long version,
      @Nullable Effect effect,
      @Nullable Integer timeoutSeconds,
      @Nullable Boolean enabled,
      @Nullable List<String> labels) {
    authorizer.require(mandate, "tools.update");
    if (timeoutSeconds != null
        && (timeoutSeconds < 1 || timeoutSeconds > ToolTimes.LONGEST.toSeconds())) {
      throw Failure.invalid("timeout_seconds", "must be 1 to " + ToolTimes.LONGEST.toSeconds());
    }
    if (labels != null) {
      checkLabels(labels);
    }
    Catalog.Entry updated =
        db.write(
            mandate,
            tx -> {
              Catalog.Entry entry =
                  lookUp(read(tx), idOrName).orElseThrow(() -> Failure.notFound("tool"));
              if (entry.tool().version() != version) {
                throw Failure.stale("tool", entry.tool().version());
              }
              ToolSetting before = entry.setting();
              ToolSetting setting =
                  new ToolSetting(
                      entry.tool().id(),
                      effect != null || before == null ? effect : before.effect(),
                      effect != null || before == null ? entry.discovered() : before.effectOf(),
                      timeoutSeconds != null || before == null
                          ? timeoutSeconds
                          : before.timeoutSeconds(),
                      enabled == null ? entry.enabled() : enabled,
                      labels == null ? entry.tool().labels() : labels.stream().distinct().toList(),
                      before == null ? 1 : before.version() + 1);
              if (!store.saveSetting(tx, setting)) {
                throw Failure.stale("tool", entry.tool().version() + 1);
              }
              var details = Json.object().put("name", entry.tool().name());
              if (effect != null) {
                details.put("effect", effect.name());
              }
              if (timeoutSeconds != null) {
                details.put("timeout_seconds", timeoutSeconds);
              }
              if (enabled != null) {
                details.put("enabled", enabled);
              }
              if (labels != null) {
                var names = details.putArray("labels");
                labels.forEach(names::add);
              }
              tx.audit("tools.update", "tool:" + entry.tool().id(), details.toString());
              changed(tx);
              return lookUp(read(tx), idOrName).orElseThrow(() -> Failure.notFound("tool"));
            });
    forget(mandate.org());
    return updated;
  }

  private static void checkLabels(List<String> labels) {
    if (labels.size() > MAX_LABELS) {
      throw Failure.invalid("labels", "at most " + MAX_LABELS);
    }
    for (int i = 0; i < labels.size(); i++) {
      if (!LABEL.matcher(labels.get(i)).matches()) {
        throw Failure.invalid(
            "labels[" + i + "]", "must be 1 to 32 lower-case letters, digits, '-' and '_'");
      }
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
