package dev.mandate.kernel.db;

import dev.mandate.kernel.Failure;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database's clock, carried on between two looks by the machine's count of nanoseconds. It
 * decides what has expired and what is due: leases are measured by the database, and every process
 * on it must agree with them and with the others. A clock that is wrong here, or jumps, changes
 * nothing.
 */
public final class DatabaseClock extends Clock implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DatabaseClock.class);
  private static final Duration EVERY = Duration.ofSeconds(10);

  /** A look that took longer says too little about when it was. */
  private static final Duration SLOW = Duration.ofSeconds(1);

  private static final Duration JUMP = Duration.ofSeconds(5);

  private record Look(Instant at, long nanos) {
    Instant now() {
      return at.plusNanos(System.nanoTime() - nanos);
    }
  }

  /** Until the first look, our own clock. */
  private volatile Look last = new Look(Instant.now(), System.nanoTime());

  private @Nullable Thread thread;

  /**
   * Looks once and then from time to time.
   *
   * @throws Failure if the first look is in vain
   */
  public void start(Db db) {
    start(
        () ->
            db.dispatch(
                handle -> handle.select("select clock_timestamp()").mapTo(Instant.class).one()),
        EVERY);
  }

  void start(Supplier<Instant> database, Duration every) {
    // The first is taken however long it took: a wrong clock here may be wrong by years.
    long before = System.nanoTime();
    Instant first = database.get();
    long now = System.nanoTime();
    take(new Look(first, before + (now - before) / 2));
    thread =
        Thread.ofVirtual()
            .name("database-clock")
            .start(() -> {
              try {
                while (true) {
                  Thread.sleep(every);
                  look(database);
                }
              } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
              }
            });
  }

  private void look(Supplier<Instant> database) {
    long before = System.nanoTime();
    Instant at;
    try {
      at = database.get();
    } catch (RuntimeException e) {
      // Without a database the last look is carried on.
      log.debug("the database's clock cannot be read", e);
      return;
    }
    long took = System.nanoTime() - before;
    if (took < SLOW.toNanos()) {
      take(new Look(at, before + took / 2));
    }
  }

  private void take(Look look) {
    Duration jump = Duration.between(last.now(), look.now());
    if (jump.abs().compareTo(JUMP) > 0) {
      log.warn(
          "the database's clock is {} s {} of what was thought here: it counts",
          jump.abs().toSeconds(),
          jump.isNegative() ? "behind" : "ahead");
    }
    last = look;
  }

  @Override
  public Instant instant() {
    return last.now();
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    throw new UnsupportedOperationException("times are kept in UTC");
  }

  @Override
  public void close() {
    if (thread != null) {
      thread.interrupt();
    }
  }
}
