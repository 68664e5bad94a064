package dev.mandate.kernel.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Failure;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class DatabaseClockTest {
  private static final Duration OFTEN = Duration.ofMillis(10);

  /** By how much the database's clock is ahead of ours. */
  private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);

  private Instant database() {
    return Instant.now().plus(ahead.get());
  }

  @Test
  void theDatabasesClockCountsWhateverOursSays() {
    for (Duration skew : new Duration[] {Duration.ofHours(1), Duration.ofDays(-400)}) {
      ahead.set(skew);
      try (DatabaseClock clock = new DatabaseClock()) {
        clock.start(this::database, Duration.ofHours(1));
        assertThat(clock.instant()).isCloseTo(database(), within(30, ChronoUnit.SECONDS));
      }
    }
  }

  @Test
  void aJumpIsFollowed() {
    try (DatabaseClock clock = new DatabaseClock()) {
      clock.start(this::database, OFTEN);
      ahead.set(Duration.ofHours(-1));
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() ->
              assertThat(clock.instant()).isCloseTo(database(), within(30, ChronoUnit.SECONDS)));
    }
  }

  @Test
  void itGoesOnWhileTheDatabaseIsAway() {
    AtomicInteger looks = new AtomicInteger();
    try (DatabaseClock clock = new DatabaseClock()) {
      clock.start(
          () -> {
            if (looks.incrementAndGet() > 1) {
              throw Failure.unavailable("away", new IllegalStateException());
            }
            return Instant.now().plus(Duration.ofHours(2));
          },
          OFTEN);
      Instant first = clock.instant();
      await().atMost(Duration.ofSeconds(30)).until(() -> looks.get() > 3);
      assertThat(clock.instant()).isAfter(first);
      assertThat(clock.instant())
          .isCloseTo(Instant.now().plus(Duration.ofHours(2)), within(30, ChronoUnit.SECONDS));
    }
  }
}
