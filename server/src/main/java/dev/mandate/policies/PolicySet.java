package dev.mandate.policies;

import dev.mandate.rego.CompileException;
import dev.mandate.rego.CompileOptions;
import dev.mandate.rego.EvalException;
import dev.mandate.rego.Limits;
import dev.mandate.rego.Query;
import dev.mandate.rego.Rego;
import dev.mandate.rego.RegoError;
import dev.mandate.rego.RegoModule;
import dev.mandate.rego.Result;
import dev.mandate.rego.syntax.Location;
import dev.mandate.rego.syntax.ModuleAst;
import dev.mandate.rego.syntax.RuleAst;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.Value;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Policies in force together, compiled. Immutable, shared by all threads. */
final class PolicySet {
  private static final Logger log = LoggerFactory.getLogger(PolicySet.class);

  /** Of one decision: what a policy needs at most is a small part of this. */
  static final Duration TIME = Duration.ofSeconds(2);

  private static final Limits LIMITS = new Limits(500_000, TIME, 500_000, 20_000, 200);

  /** A module in force. */
  record Source(PolicyId policy, String name, String module) {
    String file() {
      return name + ".rego";
    }
  }

  private record Entry(EntryPoint point, String path, Query query) {}

  private final long version;
  private final List<Entry> entries;
  private final @Nullable String broken;

  private PolicySet(long version, List<Entry> entries, @Nullable String broken) {
    this.version = version;
    this.entries = List.copyOf(entries);
    this.broken = broken;
  }

  static PolicySet empty(long version) {
    return new PolicySet(version, List.of(), null);
  }

  /** Of modules that were once accepted and no longer compile: objects to everything. */
  static PolicySet broken(long version, String why) {
    return new PolicySet(version, List.of(), why);
  }

  /**
   * @throws CompileException with the errors and their places
   */
  static PolicySet compile(long version, List<Source> sources) {
    if (sources.isEmpty()) {
      return empty(version);
    }
    List<RegoModule> modules =
        sources.stream().map(source -> RegoModule.of(source.file(), source.module())).toList();
    var policy = Rego.compile(modules, CompileOptions.DEFAULT);
    Map<String, Entry> entries = new LinkedHashMap<>();
    List<RegoError> errors = new ArrayList<>();
    for (ModuleAst module : policy.modules()) {
      for (RuleAst rule : module.rules()) {
        for (EntryPoint point : EntryPoint.values()) {
          if (rule.name().equals(point.rule)) {
            String path = String.join(".", module.path()) + "." + point.rule;
            check(rule, errors);
            entries.computeIfAbsent(
                path, p -> new Entry(point, path, policy.prepare(reference(module, point))));
          }
        }
      }
    }
    if (!errors.isEmpty()) {
      throw new CompileException(errors);
    }
    return new PolicySet(version, List.copyOf(entries.values()), null);
  }

  /** The commonest slip, {@code deny if …}, is told where it is made and not when it is asked. */
  private static void check(RuleAst rule, List<RegoError> errors) {
    if (rule.args() != null || (rule.key() == null && rule.value() == null && !rule.isDefault())) {
      errors.add(
          new RegoError(
              "policy_type_error",
              rule.name() + " must be a set: write `" + rule.name() + " contains … if { … }`",
              rule.loc()));
    }
  }

  private static String reference(ModuleAst module, EntryPoint point) {
    StringBuilder reference = new StringBuilder("data");
    for (String part : module.path()) {
      boolean plain = part.matches("[a-zA-Z_][a-zA-Z0-9_]*");
      reference.append(
          plain ? "." + part : "[" + new dev.mandate.rego.value.StringValue(part) + "]");
    }
    return reference.append('.').append(point.rule).toString();
  }

  long version() {
    return version;
  }

  /** Whether nobody here has anything to say. */
  boolean isEmpty() {
    return entries.isEmpty() && broken == null;
  }

  /** Asks every policy of the set. Never throws. */
  void decide(ObjectValue input, Clock clock, Verdict.Builder into) {
    if (broken != null) {
      into.error("the active policies no longer compile: " + broken, "set@" + version);
      return;
    }
    long deadline = System.nanoTime() + TIME.toNanos();
    for (Entry entry : entries) {
      try {
        long left = Math.max(0, deadline - System.nanoTime());
        var options =
            Query.Options.DEFAULT
                .withLimits(LIMITS.withTime(Duration.ofNanos(left)))
                .withClock(clock)
                .strict();
        Result result = entry.query().evaluate(input, options);
        entry.point().readAll(result.value(), false, member -> rule(entry, result, member), into);
      } catch (EvalException e) {
        // What it says may quote the input: it is for the log, not for the caller.
        log.error("policy {} failed: {}", entry.path(), e.getMessage());
        Location at = e.errors().getFirst().location();
        into.error(e.code(), at.line() == 0 ? entry.path() : entry.path() + "@" + at.line());
      } catch (RuntimeException | StackOverflowError e) {
        log.error("policy {} failed", entry.path(), e);
        into.error("internal error", entry.path());
      }
    }
  }

  /** {@code mandate.policies.four_eyes.deny@7}. */
  private static String rule(Entry entry, Result result, @Nullable Value member) {
    for (Result.Contribution contribution : result.contributions()) {
      if (member == null || contribution.value().equals(member)) {
        return entry.path() + "@" + contribution.location().line();
      }
    }
    for (Result.RuleHit hit : result.rules()) {
      if (hit.path().equals("data." + entry.path())) {
        return entry.path() + "@" + hit.location().line();
      }
    }
    return entry.path();
  }
}
