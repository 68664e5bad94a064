package dev.mandate.policies;

import com.google.protobuf.Message;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.rpc.CallPolicy;
import dev.mandate.kernel.rpc.Method;
import dev.mandate.rego.value.ObjectValue;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the policies in force: for the gate about tools and models, for the method table about every
 * method. Where no policy is active, nothing is built or evaluated. Thread-safe.
 */
public final class ActivePolicies implements PolicyCheck, CallPolicy {
  private static final Logger log = LoggerFactory.getLogger(ActivePolicies.class);

  /** Its handler asks the gate, which knows the tool: one decision is enough. */
  private static final String CALL_TOOL = "tools.call";

  /**
   * The run whose tool is about to call a method in process: what the gate was told of it, policies
   * are told again.
   */
  public static final ScopedValue<Question.Run> RUN = ScopedValue.newInstance();

  private final Db db;
  private final PolicySets sets;
  private final InputDocument inputs;
  private final DecisionLog decisions;
  private final @Nullable OpaServer opa;
  private final Predicate<OrgId> first;
  private final Clock clock;

  /**
   * @param first whether it is the installation's first organization
   */
  ActivePolicies(
      Db db,
      PolicySets sets,
      InputDocument inputs,
      DecisionLog decisions,
      @Nullable OpaServer opa,
      Predicate<OrgId> first,
      Clock clock) {
    this.db = db;
    this.sets = sets;
    this.inputs = inputs;
    this.decisions = decisions;
    this.opa = opa;
    this.first = first;
    this.clock = clock;
  }

  @Override
  public Verdict decide(Mandate mandate, Question question) {
    return decide(mandate, question, true);
  }

  /**
   * @param always record the decision also if nobody objects
   */
  private Verdict decide(Mandate mandate, Question question, boolean always) {
    boolean exempt = LockOut.exempts(mandate, question.action());
    boolean ofTheFirst = exempt && first.test(mandate.org());
    PolicySet installation = sets.of(OrgId.INSTALLATION);
    PolicySet own = sets.of(mandate.org());
    boolean askInstallation = !ofTheFirst && !installation.isEmpty();
    boolean askOwn = !exempt && !own.isEmpty();
    boolean askOpa = !ofTheFirst && opa != null;
    Instant now = clock.instant();
    if (!askInstallation && !askOwn && !askOpa) {
      if (always) {
        decisions.offer(mandate, question, now);
      }
      return Verdict.NONE;
    }
    long start = System.nanoTime();
    ObjectValue input;
    Verdict.Builder said = new Verdict.Builder();
    try {
      input = inputs.of(mandate, question, now);
    } catch (Failure e) {
      throw e;
    } catch (RuntimeException e) {
      log.error(
          "no input for policies about {} {}: refused", question.action(), question.name(), e);
      said.error("the call cannot be shown to policies", "input");
      return said.build().stamped(own.version(), installation.version(), "", 0);
    }
    Clock fixed = Clock.fixed(now, clock.getZone());
    if (askInstallation) {
      installation.decide(input, fixed, said);
    }
    if (askOwn) {
      own.decide(input, fixed, said);
    }
    if (opa != null && askOpa) {
      opa.decide(input, said);
    }
    long micros = (System.nanoTime() - start) / 1000;
    String hash = InputDocument.hash(input);
    Verdict verdict = said.build().stamped(own.version(), installation.version(), hash, micros);
    if (always || !verdict.outcome().equals("allow")) {
      decisions.offer(
          new DecisionLog.Made(
              mandate,
              question,
              now,
              input,
              verdict,
              own.version(),
              installation.version(),
              hash,
              micros));
    }
    return verdict;
  }

  @Override
  public @Nullable String require(Mandate mandate, Method method, Message request, Face face) {
    if (method.action().equals(CALL_TOOL)) {
      return null;
    }
    boolean record = face == Face.DIRECT && !method.readOnly();
    Verdict verdict = decide(mandate, question(method, request), record);
    if (verdict.denied()) {
      throw refused(mandate, method, face, verdict, verdict.reason(), verdict.message());
    }
    Verdict.Stamp stamp = verdict.stamp();
    String decision = stamp == null ? null : stamp.json().toString();
    if (face != Face.DIRECT) {
      return decision;
    }
    if (!verdict.demands().isEmpty()) {
      throw refused(mandate, method, face, verdict, "APPROVAL_REQUIRED", waits(method, verdict));
    }
    for (Obligation obligation : verdict.obligations()) {
      if (obligation.changesResult()) {
        throw refused(
            mandate,
            method,
            face,
            verdict,
            "POLICY_ERROR",
            "a policy could not be carried out: '"
                + obligation.toString().split(" ", 2)[0]
                + "' is for tools; its rule lacks input.resource.type == \"tool\"");
      }
    }
    Obligation.carryOut(verdict.obligations(), method.action(), "");
    return decision;
  }

  /** A method as policies see it, on whatever face it is called, within {@link #RUN} if bound. */
  public static Question question(Method method, Message request) {
    return new Question(
        method.action(),
        "method",
        method.action(),
        "",
        method.effect().name().substring("EFFECT_".length()).toLowerCase(Locale.ROOT),
        List.of(),
        new Arguments.Request(request),
        null,
        null,
        RUN.isBound() ? RUN.get() : null);
  }

  private static String waits(Method method, Verdict verdict) {
    return method.action()
        + " needs an approval by "
        + verdict.demands().stream()
            .map(Verdict.Demand::decider)
            .distinct()
            .collect(Collectors.joining(","))
        + ", which only a run can wait for: "
        + verdict.demands().stream()
            .map(Verdict.Demand::reason)
            .distinct()
            .collect(Collectors.joining("; "));
  }

  /** The refusal, with its audit entry written: nobody else knows what decided. */
  private Failure refused(
      Mandate mandate, Method method, Face face, Verdict verdict, String reason, String message) {
    Failure failure =
        reason.equals("APPROVAL_REQUIRED")
            ? Failure.precondition(reason, message)
            : Failure.denied(reason, message);
    if (face == Face.CONTINUED) {
      return failure;
    }
    var details = Json.object().put("method", method.path());
    Verdict.Stamp stamp = verdict.stamp();
    if (stamp != null) {
      details.set("policy", stamp.json());
    }
    db.audit(mandate, AuditFact.denied(method.action(), "", reason, details.toString()));
    return failure.asRecorded();
  }
}
