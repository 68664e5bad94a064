package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;

/** Values as people read them. */
final class Format {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);
  private static final DateTimeFormatter CLOCK =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT);

  private Format() {}

  /** A timestamp in the local time zone; {@code -} if there is none. */
  static String time(String timestamp) {
    return instant(timestamp, TIME);
  }

  /** Only the time of day, with milliseconds. */
  static String clock(String timestamp) {
    return instant(timestamp, CLOCK);
  }

  private static String instant(String timestamp, DateTimeFormatter format) {
    if (timestamp.isEmpty()) {
      return "-";
    }
    try {
      return format.format(Instant.parse(timestamp).atZone(ZoneId.systemDefault()));
    } catch (DateTimeParseException other) {
      return timestamp;
    }
  }

  /** {@code 12 ms}, {@code 3.4 s}, {@code 2 min 5 s}. */
  static String duration(long millis) {
    if (millis < 1_000) {
      return millis + " ms";
    }
    if (millis < 60_000) {
      return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
    }
    return millis / 60_000 + " min " + millis % 60_000 / 1000 + " s";
  }

  /** Between two timestamps; {@code -} if one is missing. */
  static String between(String from, String to) {
    try {
      return duration(Duration.between(Instant.parse(from), Instant.parse(to)).toMillis());
    } catch (DateTimeParseException missing) {
      return "-";
    }
  }

  /** The cost of a run or step; says when nobody knows it and when it is not real. */
  static String cost(JsonNode node, boolean simulated) {
    if (!Json.flag(node, "costKnown")) {
      return simulated ? "none (simulated)" : "unknown";
    }
    return dollars(Json.number(node, "costMicros")) + (simulated ? " (simulated)" : "");
  }

  static String dollars(long micros) {
    return String.format(Locale.ROOT, micros < 10_000 ? "$%.6f" : "$%.4f", micros / 1e6);
  }

  /** One line of at most {@code most} characters; {@code …} stands for what was cut. */
  static String oneLine(String text, int most) {
    String line = printable(text).strip().replaceAll("\\s+", " ");
    return line.length() <= most ? line : line.substring(0, Math.max(1, most - 1)) + "…";
  }

  /**
   * Without control characters but new lines and tabs, and without those that turn the direction of
   * writing or do not show: text from models and tools must not drive a terminal, nor read
   * otherwise than it is.
   */
  static String printable(String text) {
    if (text.codePoints().noneMatch(Format::isControl)) {
      return text;
    }
    StringBuilder clean = new StringBuilder(text.length());
    text.codePoints().forEach(c -> clean.appendCodePoint(isControl(c) ? 0xFFFD : c));
    return clean.toString();
  }

  private static boolean isControl(int c) {
    return (c < 0x20 && c != '\n' && c != '\t')
        || (c >= 0x7F && c < 0xA0)
        // Marks, embeddings, overrides and isolates of direction; line and paragraph separators.
        || c == 0x061C
        || c == 0x200E
        || c == 0x200F
        || (c >= 0x2028 && c <= 0x202E)
        || (c >= 0x2066 && c <= 0x2069)
        // Tags: a whole invisible alphabet.
        || (c >= 0xE0000 && c <= 0xE007F);
  }

  /** An enum's value in plain words: {@code AWAITING_APPROVAL} → {@code awaiting approval}. */
  static String words(String value) {
    return value.toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** {@code EFFECT_READ_ONLY} → {@code read only}. */
  static String effect(String value) {
    return words(value.startsWith("EFFECT_") ? value.substring("EFFECT_".length()) : value);
  }

  static String orDash(String value) {
    return value.isEmpty() ? "-" : value;
  }
}
