package dev.mandate.policies;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.mandate.kernel.Failure;
import dev.mandate.rego.value.ArrayValue;
import dev.mandate.rego.value.NumberValue;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.SetValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The rules of a policy that are asked, and how their values are read. A value that is not what it
 * must be is an error, and so an objection: a policy with a slip of the pen must not let pass.
 */
enum EntryPoint {
  DENY("deny") {
    @Override
    void read(Value member, String rule, Verdict.Builder into) {
      if (member instanceof StringValue text && !text.value().isBlank()) {
        into.deny(text.value(), rule);
      } else {
        into.error("must hold messages, non-empty strings, not a " + member.typeName(), rule);
      }
    }
  },
  REQUIRE_APPROVAL("require_approval") {
    @Override
    void read(Value member, String rule, Verdict.Builder into) {
      String decider = text(member, "decider");
      String reason = text(member, "reason");
      if (decider == null || reason == null || !only(member, Set.of("decider", "reason"))) {
        into.error("must hold objects {\"decider\": …, \"reason\": …}", rule);
        return;
      }
      try {
        Decider.conditions(decider);
      } catch (Failure e) {
        into.error("decider must be made of " + Decider.CONDITIONS, rule);
        return;
      }
      into.demand(decider, reason, rule);
    }
  },
  OBLIGATIONS("obligations") {
    @Override
    void read(Value member, String rule, Verdict.Builder into) {
      String type = text(member, "type");
      Obligation obligation = type == null ? null : obligation(type, member);
      if (obligation == null) {
        into.error(
            "must hold {\"type\": \"redact\", \"pattern\": RE2}, {\"type\": \"limit\","
                + " \"max_result_bytes\": n} or {\"type\": \"log\", \"message\": …}",
            rule);
      } else {
        into.oblige(obligation);
      }
    }
  };

  final String rule;

  EntryPoint(String rule) {
    this.rule = rule;
  }

  abstract void read(Value member, String rule, Verdict.Builder into);

  /**
   * Reads the whole value.
   *
   * @param listed also an array is a set: what comes by JSON has no others
   * @param ruleOf the rule that a member is from
   */
  void readAll(
      @Nullable Value value,
      boolean listed,
      Function<@Nullable Value, String> ruleOf,
      Verdict.Builder into) {
    switch (value) {
      case null -> {}
      case SetValue set -> set.forEach(member -> read(member, ruleOf.apply(member), into));
      case ArrayValue list when listed ->
          list.forEach(member -> read(member, ruleOf.apply(member), into));
      default -> into.error("must be a set, not a " + value.typeName(), ruleOf.apply(null));
    }
  }

  private static @Nullable Obligation obligation(String type, Value member) {
    switch (type) {
      case "redact" -> {
        String pattern = text(member, "pattern");
        if (pattern == null || pattern.isEmpty() || !only(member, Set.of("type", "pattern"))) {
          return null;
        }
        try {
          return new Obligation.Redact(Pattern.compile(pattern));
        } catch (PatternSyntaxException e) {
          return null;
        }
      }
      case "limit" -> {
        return member instanceof ObjectValue object
                && only(member, Set.of("type", "max_result_bytes"))
                && object.get("max_result_bytes") instanceof NumberValue number
                && number.isLong()
                && number.longValue() >= 0
            ? new Obligation.Limit(Math.min(number.longValue(), Integer.MAX_VALUE - 8))
            : null;
      }
      case "log" -> {
        String message = text(member, "message");
        return message == null || !only(member, Set.of("type", "message"))
            ? null
            : new Obligation.Note(message);
      }
      default -> {
        return null;
      }
    }
  }

  private static @Nullable String text(Value member, String key) {
    return member instanceof ObjectValue object && object.get(key) instanceof StringValue text
        ? text.value()
        : null;
  }

  private static boolean only(Value member, Set<String> keys) {
    return member instanceof ObjectValue object
        && object.keys().stream()
            .allMatch(key -> key instanceof StringValue text && keys.contains(text.value()));
  }
}
