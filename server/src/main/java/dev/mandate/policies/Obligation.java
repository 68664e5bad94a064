package dev.mandate.policies;

import com.google.re2j.Pattern;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What whoever makes a call has to do with it because a policy says so. */
public sealed interface Obligation {
  Logger log = LoggerFactory.getLogger(Obligation.class);

  /** {@code redact}: matches of the pattern are taken out of what the call returns. */
  record Redact(Pattern pattern) implements Obligation {
    @Override
    public boolean equals(Object other) {
      return other instanceof Redact redact && redact.toString().equals(toString());
    }

    @Override
    public int hashCode() {
      return toString().hashCode();
    }

    @Override
    public String toString() {
      return "redact " + pattern.pattern();
    }
  }

  /** {@code limit}: what the call returns is cut to this many bytes of UTF-8. */
  record Limit(long maxResultBytes) implements Obligation {
    @Override
    public String toString() {
      return "limit " + maxResultBytes;
    }
  }

  /** {@code log}: the message is written to the log. */
  record Note(String message) implements Obligation {
    @Override
    public String toString() {
      return "log " + message;
    }
  }

  /** Reads what {@code toString} wrote. */
  static Obligation parse(String text) {
    String rest = text.substring(text.indexOf(' ') + 1);
    return switch (text.substring(0, text.indexOf(' '))) {
      case "redact" -> new Redact(Pattern.compile(rest));
      case "limit" -> new Limit(Long.parseLong(rest));
      case "log" -> new Note(rest);
      default -> throw new IllegalArgumentException("no obligation: " + text);
    };
  }

  /** Whether only a caller that sees the result as text can carry it out. */
  default boolean changesResult() {
    return !(this instanceof Note);
  }

  /**
   * Carries obligations out on what a call returned: redacts first, then cuts.
   *
   * @param what the call, for the log
   */
  static String carryOut(List<Obligation> obligations, String what, String text) {
    String result = text;
    for (Obligation obligation : obligations) {
      switch (obligation) {
        case Redact redact -> result = redact.pattern().matcher(result).replaceAll("[redacted]");
        case Note note -> log.info("{}: {}", what, note.message());
        case Limit limit -> {}
      }
    }
    for (Obligation obligation : obligations) {
      if (obligation instanceof Limit limit) {
        result = cut(result, limit.maxResultBytes());
      }
    }
    return result;
  }

  private static String cut(String text, long maxBytes) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= maxBytes) {
      return text;
    }
    int end = (int) maxBytes;
    while (end > 0 && (bytes[end] & 0xC0) == 0x80) {
      end--;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8)
        + "\n[cut by policy: "
        + bytes.length
        + " bytes]";
  }
}
