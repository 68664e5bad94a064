package dev.mandate.policies;

import dev.mandate.kernel.telemetry.Secrets;
import dev.mandate.rego.value.ArrayValue;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Takes what looks like a secret out of an input before it is kept: by its name, or by its form.
 */
final class Redaction {
  private static final Value GONE = new StringValue("[redacted]");

  private static final Pattern NAME =
      Pattern.compile(
          "password|passwd|passphrase|secret|credential|private_?key|api_?key|access_?key"
              + "|authorization|cookie|(^|_)pin$|(^|[_a-z])token$|^headers$|^environment$");

  private static final int MAX_KNOWN = 1_000;

  /** Most names are the same few, in every input. */
  private static final Map<String, Boolean> SECRET = new ConcurrentHashMap<>();

  private Redaction() {}

  static Value of(Value value) {
    return switch (value) {
      case ObjectValue object -> {
        ObjectValue.Builder copy = ObjectValue.builder();
        object.asMap().forEach((key, each) -> copy.put(key, secret(key) ? GONE : of(each)));
        yield copy.build();
      }
      case ArrayValue array -> ArrayValue.of(array.asList().stream().map(Redaction::of).toList());
      case StringValue text -> {
        String masked = Secrets.mask(text.value());
        yield masked.equals(text.value()) ? text : new StringValue(masked);
      }
      default -> value;
    };
  }

  private static boolean secret(Value key) {
    if (!(key instanceof StringValue name)) {
      return false;
    }
    Boolean known = SECRET.get(name.value());
    if (known == null) {
      known = NAME.matcher(name.value().toLowerCase(Locale.ROOT).replace('-', '_')).find();
      if (SECRET.size() < MAX_KNOWN) {
        SECRET.put(name.value(), known);
      }
    }
    return known;
  }
}
