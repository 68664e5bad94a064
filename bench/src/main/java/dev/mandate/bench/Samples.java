package dev.mandate.bench;

import java.time.Duration;
import java.util.Arrays;
import java.util.function.LongSupplier;

/** Durations of single operations, in nanoseconds, sorted. */
final class Samples {
  /** What operations gave, kept so that the compiler cannot leave them out. */
  private static volatile long consumed;

  private static final int MOST = 2_000_000;

  private final long[] nanos;

  private Samples(long[] sorted) {
    this.nanos = sorted;
  }

  static Samples of(long[] nanos) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    return new Samples(sorted);
  }

  /**
   * Warms up, then runs the operation one by one until the time is over.
   *
   * @param operation checks its own answer and returns something that depends on it
   */
  static Samples measure(Duration warmUp, Duration time, LongSupplier operation) {
    long sum = 0;
    long end = System.nanoTime() + warmUp.toNanos();
    while (System.nanoTime() < end) {
      sum += operation.getAsLong();
    }
    var nanos = new long[MOST];
    int count = 0;
    long before = System.nanoTime();
    end = before + time.toNanos();
    while (count < MOST && before < end) {
      sum += operation.getAsLong();
      long after = System.nanoTime();
      nanos[count++] = after - before;
      before = after;
    }
    consumed = sum;
    return of(Arrays.copyOf(nanos, count));
  }

  /** The last sum of results; printing it is what makes it used. */
  static long consumed() {
    return consumed;
  }

  int count() {
    return nanos.length;
  }

  double millis(double q) {
    return micros(q) / 1_000;
  }

  /** In microseconds; q is 0.5 for the median. */
  double micros(double q) {
    if (nanos.length == 0) {
      throw new IllegalStateException("no samples");
    }
    return nanos[(int) Math.min(nanos.length - 1L, (long) Math.ceil(q * nanos.length))] / 1_000.0;
  }
}
