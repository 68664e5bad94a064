package dev.mandate.governance;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.approvals.ArgumentsHash;
import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.policies.Arguments;
import dev.mandate.policies.Decider;
import dev.mandate.policies.Obligation;
import dev.mandate.policies.PolicyCheck;
import dev.mandate.policies.Question;
import dev.mandate.policies.Verdict;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides about every governed call, in this order: expiry, bounds, what each member of the chain
 * may do now, policies, quota and budget, approval. The first objection wins. Thread-safe.
 *
 * <p>Admission writes nothing; a denial and a settlement leave one audit entry each.
 */
public final class Gate {
  private static final Logger log = LoggerFactory.getLogger(Gate.class);

  private final Db db;
  private final Authorizer authorizer;
  private final PolicyCheck policies;
  private final List<Meter> meters;
  private final InstantSource clock;
  private final LongAdder admitted = new LongAdder();
  private final LongAdder denied = new LongAdder();
  private final LongAdder questions = new LongAdder();

  public Gate(
      Db db, Authorizer authorizer, PolicyCheck policies, List<Meter> meters, InstantSource clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.policies = policies;
    this.meters = List.copyOf(meters);
    this.clock = clock;
  }

  /**
   * Whether a call may be made now.
   *
   * @param action e.g. {@code tools.call}
   * @throws Failure {@code INVALID_ARGUMENT} if the arguments are not one JSON object with unique
   *     names
   */
  public Decision admit(Mandate mandate, String action, Resource resource, Facts facts) {
    Decision decision = decide(mandate, action, resource, facts);
    switch (decision) {
      case Admitted _ -> admitted.increment();
      case Denied _ -> denied.increment();
      case NeedsApproval _ -> questions.increment();
    }
    see(action, resource, decision);
    return decision;
  }

  private static void see(String action, Resource resource, Decision decision) {
    Span span = Span.current();
    if (!span.recorded()) {
      return;
    }
    String word =
        switch (decision) {
          case Admitted _ -> "admitted";
          case Denied _ -> "denied";
          case NeedsApproval _ -> "needs_approval";
        };
    Map<String, String> attributes = new HashMap<>();
    attributes.put("mandate.gate.decision", word);
    attributes.put("mandate.action", action);
    attributes.put("mandate.resource", resource.toString());
    if (decision instanceof Denied denied) {
      attributes.put("mandate.gate.reason", denied.reason());
    }
    span.event("mandate.gate", attributes);
  }

  /** How often this process has decided how; the keys are always the same. */
  public Map<String, LongAdder> decisions() {
    return Map.of("admitted", admitted, "denied", denied, "needs_approval", questions);
  }

  private Decision decide(Mandate mandate, String action, Resource resource, Facts facts) {
    String hash = ArgumentsHash.of(resource.argumentsJson());
    Denied objection = objection(mandate, action, resource);
    if (objection != null) {
      return denied(mandate, action, resource, facts, hash, objection);
    }

    Verdict verdict;
    try {
      verdict = verdict(mandate, action, resource, facts);
    } catch (Failure e) {
      throw e;
    } catch (RuntimeException e) {
      log.error("a policy failed on {} {}: denied", action, resource, e);
      return denied(
          mandate,
          action,
          resource,
          facts,
          hash,
          new Denied(
              "POLICY_ERROR",
              "a policy could not be evaluated, so "
                  + resource.name()
                  + " is refused; the log says why"));
    }
    if (verdict.denied()) {
      Denied denied = new Denied(verdict.reason(), verdict.message());
      return denied(mandate, action, resource, facts, hash, denied, verdict.stamp());
    }

    int reserved = 0;
    for (Meter meter : meters) {
      String exhausted = meter.reserve(mandate, action, resource, facts);
      if (exhausted != null) {
        release(reserved, mandate, action, resource, facts);
        return denied(
            mandate, action, resource, facts, hash, new Denied("QUOTA_EXHAUSTED", exhausted));
      }
      reserved++;
    }

    NeedsApproval question = question(mandate, resource, facts, hash, verdict.demands());
    if (question != null) {
      release(reserved, mandate, action, resource, facts);
      return question;
    }
    for (Obligation obligation : verdict.obligations()) {
      if (resource.kind().equals("model") && obligation.changesResult()) {
        release(reserved, mandate, action, resource, facts);
        Denied denied =
            new Denied(
                "POLICY_ERROR",
                "a policy could not be carried out: what a model says arrives piece by piece, so"
                    + " it is neither redacted nor cut");
        return denied(mandate, action, resource, facts, hash, denied, verdict.stamp());
      }
    }
    return new Admitted(action, resource, facts, hash, verdict.obligations(), verdict.stamp());
  }

  /** Closes an admitted call: audits it and records its usage, in a transaction of its own. */
  public void settle(Mandate mandate, Admitted admitted, Outcome outcome, Duration took) {
    if (admitted.resource().effect() != Effect.READ_ONLY) {
      db.audit(mandate, fact(admitted, outcome, took));
      used(mandate, admitted, outcome, took);
      return;
    }
    db.run(
        mandate,
        tx -> {
          // A read's record need not wait for the disk: only if PostgreSQL itself died within
          // half a second could it be lost, and there is no effect that it would have to explain.
          tx.defer("set local synchronous_commit = off", values -> {});
          settle(tx, admitted, outcome, took);
        });
  }

  /**
   * Like {@link #settle(Mandate, Admitted, Outcome, Duration)}, within the caller's transaction.
   */
  public void settle(Tx tx, Admitted admitted, Outcome outcome, Duration took) {
    AuditFact fact = fact(admitted, outcome, took);
    tx.audit(fact.action(), fact.resource(), fact.outcome(), fact.reason(), fact.details());
    used(tx.mandate(), admitted, outcome, took);
  }

  private void used(Mandate mandate, Admitted admitted, Outcome outcome, Duration took) {
    for (Meter meter : meters) {
      meter.settled(mandate, admitted, outcome, took);
    }
  }

  private static AuditFact fact(Admitted admitted, Outcome outcome, Duration took) {
    ObjectNode node =
        details(admitted.facts(), admitted.argumentsHash(), admitted.decision())
            .put("outcome", outcome.wireName())
            .put("duration_ms", took.toMillis());
    if (!admitted.obligations().isEmpty()) {
      var names = node.putArray("obligations");
      admitted.obligations().forEach(obligation -> names.add(obligation.toString()));
    }
    String details = node.toString();
    String resource = admitted.resource().toString();
    return outcome == Outcome.OK
        ? AuditFact.allowed(admitted.action(), resource, details)
        : AuditFact.failed(admitted.action(), resource, outcome.name(), details);
  }

  /** A tool that is a method of the contract is looked at as both. */
  private Verdict verdict(Mandate mandate, String action, Resource resource, Facts facts) {
    Verdict verdict = policies.decide(mandate, question(action, resource, facts));
    Question method = resource.method();
    return method == null || verdict.denied()
        ? verdict
        : verdict.and(policies.decide(mandate, method.within(facts.run())));
  }

  private static Question question(String action, Resource resource, Facts facts) {
    boolean tool = resource.kind().equals("tool");
    int slash = resource.name().indexOf('/');
    return new Question(
        action,
        resource.kind(),
        resource.name(),
        tool && slash > 0 ? resource.name().substring(0, slash) : "",
        resource.effect().name().toLowerCase(Locale.ROOT),
        resource.labels(),
        tool ? new Arguments.Text(resource.argumentsJson()) : null,
        resource.tokens(),
        resource.costMicros(),
        facts.run());
  }

  private @Nullable Denied objection(Mandate mandate, String action, Resource resource) {
    if (!clock.instant().isBefore(mandate.expiresAt())) {
      return new Denied("MANDATE_EXPIRED", "the authority for this call has expired");
    }
    if (!mandate.boundsPermitAction(action)
        || (resource.kind().equals("tool") && !mandate.boundsPermitTool(resource.name()))) {
      return new Denied("OUT_OF_BOUNDS", resource.name() + " is not within the mandate");
    }
    try {
      authorizer.require(mandate, action);
      if (resource.kind().equals("tool")) {
        authorizer.requireTool(mandate, resource.name());
      }
      return null;
    } catch (Failure e) {
      if (e.code() == Failure.Code.PERMISSION_DENIED || e.code() == Failure.Code.UNAUTHENTICATED) {
        return new Denied(e.reason(), e.publicMessage());
      }
      throw e;
    }
  }

  private static @Nullable NeedsApproval question(
      Mandate mandate, Resource resource, Facts facts, String hash, List<Verdict.Demand> demands) {
    List<String> deciders = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (Verdict.Demand demand : demands) {
      deciders.add(demand.decider());
      reasons.add(demand.reason());
    }
    if (demands.isEmpty()) {
      boolean readOnly = resource.effect() == Effect.READ_ONLY;
      if (!resource.kind().equals("tool") || !mandate.needsApproval(resource.name(), readOnly)) {
        return null;
      }
      deciders.add(Decider.REQUESTER);
      reasons.add(
          mandate.approval(resource.name()) == ApprovalMode.ALWAYS
              ? "the agent's grant asks for an approval of every call"
              : reason(resource.effect()));
    }
    Set<String> needed = Decider.conditions(String.join(",", deciders));
    Facts.Granted granted = facts.granted();
    if (granted != null
        && granted.argumentsHash().equals(hash)
        && Decider.covers(granted.decider(), needed)) {
      return null;
    }
    return new NeedsApproval(hash, String.join(",", needed), String.join("; ", reasons));
  }

  private static String reason(Effect effect) {
    return effect == Effect.DESTRUCTIVE
        ? "it destroys something or cannot be undone"
        : "it changes something";
  }

  private void release(int count, Mandate mandate, String action, Resource resource, Facts facts) {
    for (Meter meter : meters.subList(0, count)) {
      meter.released(mandate, action, resource, facts);
    }
  }

  private Denied denied(
      Mandate mandate, String action, Resource resource, Facts facts, String hash, Denied denied) {
    return denied(mandate, action, resource, facts, hash, denied, null);
  }

  private Denied denied(
      Mandate mandate,
      String action,
      Resource resource,
      Facts facts,
      String hash,
      Denied denied,
      Verdict.@Nullable Stamp decision) {
    String details = details(facts, hash, decision).toString();
    db.audit(mandate, AuditFact.denied(action, resource.toString(), denied.reason(), details));
    return denied;
  }

  private static ObjectNode details(Facts facts, String hash, Verdict.@Nullable Stamp decision) {
    ObjectNode details = Json.object();
    details.put("arguments_hash", hash);
    if (facts.runId() != null) {
      details.put("run_id", facts.runId().toString());
    }
    if (decision != null) {
      details.set("policy", decision.json());
    }
    return details;
  }
}
