package dev.mandate.kernel.telemetry;

import org.jspecify.annotations.Nullable;

/** W3C trace context: {@code 00-<trace id>-<span id>-<flags>}. */
public final class Traceparent {
  /** Its name as a header, and in MCP's {@code _meta}. */
  public static final String NAME = "traceparent";

  private static final int LENGTH = 55;

  private Traceparent() {}

  /** What a caller sent, as version 00; null if it is nothing that can be gone on from. */
  public static @Nullable String parse(@Nullable String header) {
    if (header == null || header.length() < LENGTH) {
      return null;
    }
    boolean known = header.startsWith("00-");
    if (known ? header.length() != LENGTH : header.length() > LENGTH && header.charAt(55) != '-') {
      return null;
    }
    boolean wellFormed =
        hex(header, 0, 2, false)
            && header.charAt(2) == '-'
            && hex(header, 3, 35, true)
            && header.charAt(35) == '-'
            && hex(header, 36, 52, true)
            && header.charAt(52) == '-'
            && hex(header, 53, LENGTH, false);
    if (!wellFormed || header.startsWith("ff")) {
      return null;
    }
    return known ? header : "00" + header.substring(2, LENGTH);
  }

  private static boolean hex(String text, int from, int to, boolean notZero) {
    boolean zero = true;
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return false;
      }
      zero &= c == '0';
    }
    return !(zero && notZero);
  }

  /**
   * @param traceparent from {@link #parse}, here and below
   */
  public static String traceId(String traceparent) {
    return traceparent.substring(3, 35);
  }

  static String spanId(String traceparent) {
    return traceparent.substring(36, 52);
  }

  static String flags(String traceparent) {
    return traceparent.substring(53);
  }
}
