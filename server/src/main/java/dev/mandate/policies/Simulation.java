package dev.mandate.policies;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.rego.value.ArrayValue;
import dev.mandate.rego.value.Json;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Asks a draft about decisions that were made. Compared is what was decided then with what the
 * installation's policies, the active ones and the draft in its place would say now; an OPA server
 * is not asked. What looked like a secret is not in the record, so a rule that reads it sees {@code
 * [redacted]}.
 */
final class Simulation {
  private static final int PAGE = 250;
  private static final int DEFAULT_LIMIT = 1000;
  private static final int MAX_LIMIT = 10_000;
  private static final int MAX_CASES = 500;
  private static final int MAX_DAYS = 3650;

  private final Db db;
  private final Authorizer authorizer;
  private final Policies policies;
  private final PolicySets sets;
  private final DecisionLog log;
  private final Predicate<OrgId> first;
  private final Clock clock;
  private final DecisionStore store = new DecisionStore();

  Simulation(
      Db db,
      Authorizer authorizer,
      Policies policies,
      PolicySets sets,
      DecisionLog log,
      Predicate<OrgId> first,
      Clock clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.policies = policies;
    this.sets = sets;
    this.log = log;
    this.first = first;
    this.clock = clock;
  }

  /** A decision that would be another. */
  record Change(Decision decision, String subject, String email, Verdict after) {}

  /** A person on whose behalf changed decisions were made. */
  record Affected(String user, String email, int changed) {}

  /** A run that would have gone another way. */
  record Diverged(UUID run, UUID firstChanged, int unknowable) {}

  /**
   * What comes of it.
   *
   * @param changes oldest first
   */
  record Outcome(
      int decisions,
      int unchanged,
      int changed,
      int unknowable,
      List<Change> changes,
      List<Affected> affected,
      List<Diverged> runs) {}

  Outcome run(Mandate mandate, Policies.DraftRequest request, int limit, int days) {
    authorizer.require(mandate, "policies.simulate");
    if (limit < 0 || limit > MAX_LIMIT) {
      throw Failure.invalid("limit", "must be 1 to " + MAX_LIMIT);
    }
    if (days < 0 || days > MAX_DAYS) {
      throw Failure.invalid("days", "must be 0 to " + MAX_DAYS);
    }
    Policies.Placed placed = policies.place(mandate, request);
    PolicySet candidate = Workbench.compile(placed.draft(), 0);
    boolean forAll = placed.scope().equals(OrgId.INSTALLATION);
    PolicySet installation = forAll ? candidate : sets.of(OrgId.INSTALLATION);
    PolicySet own = forAll ? sets.of(mandate.org()) : candidate;
    Instant since = days == 0 ? Instant.EPOCH : clock.instant().minus(Duration.ofDays(days));
    Tally tally = new Tally();
    for (DecisionStore.Stored stored :
        newest(mandate, limit == 0 ? DEFAULT_LIMIT : limit, since).reversed()) {
      judge(mandate.org(), stored, installation, own, tally);
    }
    return tally.outcome();
  }

  private List<DecisionStore.Stored> newest(Mandate mandate, int limit, Instant since) {
    List<DecisionStore.Stored> found = new ArrayList<>();
    UUID before = null;
    while (found.size() < limit) {
      UUID next = before;
      int wanted = Math.min(PAGE, limit - found.size());
      List<DecisionStore.Stored> page = db.read(mandate, tx -> store.page(tx, next, since, wanted));
      found.addAll(page);
      if (page.size() < wanted) {
        break;
      }
      before = page.getLast().decision().id();
    }
    return found;
  }

  private void judge(
      OrgId org, DecisionStore.Stored stored, PolicySet installation, PolicySet own, Tally tally) {
    Decision decision = stored.decision();
    Diverging diverging = decision.run() == null ? null : tally.runs.get(decision.run());
    Decision.Sealed sealed = log.open(org, stored);
    if (diverging != null || !sealed.whole()) {
      tally.unknowable(diverging);
      return;
    }
    ObjectValue input = (ObjectValue) Json.parse(sealed.input());
    boolean exempt = LockOut.exempts(decision.action(), peopleOnly(input));
    Clock then = Clock.fixed(decision.at(), clock.getZone());
    Verdict.Builder said = new Verdict.Builder();
    if (!(exempt && first.test(org))) {
      installation.decide(input, then, said);
    }
    if (!exempt) {
      own.decide(input, then, said);
    }
    Verdict after = said.build();
    if (after.outcome().equals(decision.outcome())
        && DecisionLog.terms(after).equals(sealed.terms())) {
      tally.unchanged++;
    } else {
      tally.changed(
          new Change(
              decision,
              text(input, "subject", "name"),
              text(input, "subject", "user", "email"),
              after));
    }
  }

  private static boolean peopleOnly(ObjectValue input) {
    if (!(find(input, "subject", "chain") instanceof ArrayValue chain)
        || find(input, "subject", "user") == null) {
      return false;
    }
    for (Value link : chain) {
      if (link instanceof ObjectValue each && text(each, "kind").equals("agent")) {
        return false;
      }
    }
    return true;
  }

  private static String text(ObjectValue from, String... path) {
    return find(from, path) instanceof StringValue text ? text.value() : "";
  }

  private static @Nullable Value find(ObjectValue from, String... path) {
    Value at = from;
    for (String step : path) {
      at = at instanceof ObjectValue object ? object.get(step) : null;
    }
    return at;
  }

  /** A run after its first changed decision. */
  private static final class Diverging {
    private final UUID first;
    private int unknowable;

    Diverging(UUID first) {
      this.first = first;
    }
  }

  /** Counts as decisions come by, oldest first. */
  private static final class Tally {
    private int unchanged;
    private int changed;
    private int unknowable;
    private final List<Change> changes = new ArrayList<>();
    private final Map<String, Affected> affected = new LinkedHashMap<>();
    private final Map<UUID, Diverging> runs = new LinkedHashMap<>();

    void unknowable(@Nullable Diverging run) {
      unknowable++;
      if (run != null) {
        run.unknowable++;
      }
    }

    void changed(Change change) {
      changed++;
      if (changes.size() < MAX_CASES) {
        changes.add(change);
      }
      Decision decision = change.decision();
      String user = decision.user() == null ? "system" : "user:" + decision.user();
      affected.merge(
          user,
          new Affected(user, change.email(), 1),
          (old, one) -> new Affected(user, old.email(), old.changed() + 1));
      if (decision.run() != null) {
        runs.put(decision.run(), new Diverging(decision.id()));
      }
    }

    Outcome outcome() {
      return new Outcome(
          unchanged + changed + unknowable,
          unchanged,
          changed,
          unknowable,
          changes,
          affected.values().stream()
              .sorted((a, b) -> Integer.compare(b.changed(), a.changed()))
              .toList(),
          runs.entrySet().stream()
              .map(each ->
                  new Diverged(each.getKey(), each.getValue().first, each.getValue().unknowable))
              .toList());
    }
  }
}
