package dev.mandate.policies;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.jobs.Jobs;
import java.time.Clock;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;

/** What was decided: read, erased, forgotten in time. */
public final class Decisions {
  static final String PURGE = "decisions.purge";
  private static final Set<String> OUTCOMES = Set.of("", "allow", "deny", "approval", "error");
  private static final Duration BRIEF = Duration.ofMinutes(1);

  private final Db db;
  private final Authorizer authorizer;
  private final Jobs jobs;
  private final DecisionLog log;
  private final Duration retention;
  private final Clock clock;
  private final DecisionStore store = new DecisionStore();

  Decisions(
      Db db, Authorizer authorizer, Jobs jobs, DecisionLog log, Duration retention, Clock clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.jobs = jobs;
    this.log = log;
    this.retention = retention;
    this.clock = clock;
  }

  /** A decision and what is encrypted of it. */
  record Opened(Decision decision, Decision.Sealed sealed) {}

  /** Declares and schedules the hourly purge. Call before {@code jobs.start()}. */
  void start() {
    jobs.handle(
        PURGE,
        Set.of(PURGE),
        5,
        (mandate, job) -> {
          int _ = db.dispatch(sql -> store.deleteBefore(sql, clock.instant().minus(retention)));
        });
    db.run(
        Mandate.system(OrgId.INSTALLATION, Set.of(PURGE), "decisions", clock.instant().plus(BRIEF)),
        tx -> jobs.schedule(tx, PURGE, "{}", "23 * * * *", "", PURGE));
  }

  Page<Decision> list(Mandate mandate, String outcome, String action, Page.Request page) {
    authorizer.require(mandate, "decisions.list");
    if (!OUTCOMES.contains(outcome)) {
      throw Failure.invalid("outcome", "must be allow, deny, approval or error");
    }
    return db.read(
        mandate,
        tx ->
            Page.cut(
                store.list(tx, outcome, action, page), page, decision -> decision.id().toString()));
  }

  /**
   * @throws Failure {@code NOT_FOUND}
   */
  Opened get(Mandate mandate, UUID id) {
    authorizer.require(mandate, "decisions.get");
    DecisionStore.Stored stored =
        db.read(mandate, tx -> store.find(tx, id)).orElseThrow(() -> Failure.notFound("decision"));
    return new Opened(stored.decision(), log.open(mandate.org(), stored));
  }

  /** Deletes what was decided about calls on a person's behalf; how many there were. */
  int erase(Mandate mandate, UUID user) {
    authorizer.require(mandate, "decisions.erase");
    return db.write(
        mandate,
        tx -> {
          int erased = store.deleteOf(tx, user);
          tx.audit(
              "decisions.erase", "user:" + user, Json.object().put("erased", erased).toString());
          return erased;
        });
  }
}
