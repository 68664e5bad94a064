package dev.mandate.kernel;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** Makes and reads UUIDv7 (RFC 9562): time-ordered, so that new rows land at an index's end. */
public final class Ids {
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Milliseconds and 12 counter bits of the last id: ids of one process never go backwards. */
  private static final AtomicLong LAST = new AtomicLong();

  /** The same of {@link #at}. */
  private static final AtomicLong LAST_AT = new AtomicLong();

  private Ids() {}

  /** A new UUIDv7, greater than every one this process made before. */
  public static UUID next() {
    long tick =
        LAST.updateAndGet(last -> {
          long now = System.currentTimeMillis() << 12;
          return now > last ? now : last + 1;
        });
    return of(tick);
  }

  /**
   * A new UUIDv7 of a moment, for rows that are found or kept by their time. Those of one
   * millisecond are in the order in which they were made.
   */
  public static UUID at(Instant moment) {
    long millis = moment.toEpochMilli();
    return of(LAST_AT.updateAndGet(last -> last >>> 12 == millis ? last + 1 : millis << 12));
  }

  private static UUID of(long tick) {
    long high = ((tick >>> 12) << 16) | 0x7000L | (tick & 0xFFF);
    long low = (RANDOM.nextLong() & 0x3FFF_FFFF_FFFF_FFFFL) | 0x8000_0000_0000_0000L;
    return new UUID(high, low);
  }

  /**
   * Reads the canonical 36-character form.
   *
   * @param field the request field the text came from, named in the error
   * @throws Failure {@code INVALID_ARGUMENT} for anything else
   */
  public static UUID parse(String field, String text) {
    // UUID.fromString also takes short groups ("1-1-1-1-1"): two spellings of one id.
    if (text.length() == 36) {
      try {
        return UUID.fromString(text);
      } catch (IllegalArgumentException e) {
        throw Failure.invalid(field, "not a UUID: '" + Failure.excerpt(text) + "'");
      }
    }
    throw Failure.invalid(
        field, text.isEmpty() ? "is required" : "not a UUID: '" + Failure.excerpt(text) + "'");
  }
}
