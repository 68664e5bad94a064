package dev.mandate.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class FreshCacheTest {
  private static final Duration LONG = Duration.ofHours(1);

  private final AtomicInteger reads = new AtomicInteger();

  @Test
  void readsOnceUntilTheValueIsOld() {
    FreshCache<String, Integer> cache = counting(Duration.ofMillis(50));
    assertThat(cache.cached("a")).isNull();
    assertThat(cache.get("a")).isEqualTo(1);
    Awaitility.await().untilAsserted(() -> assertThat(cache.get("a")).isGreaterThan(1));
  }

  @Test
  void readsAgainWhatWasInvalidatedAndOnlyThat() {
    FreshCache<String, Integer> cache = counting(LONG);
    cache.get("a");
    cache.get("b");
    cache.invalidate("a"::equals);
    assertThat(cache.get("a")).isEqualTo(3);
    assertThat(cache.get("b")).isEqualTo(2);
  }

  @Test
  void aReadThatAnInvalidationOvertookIsNotRemembered() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    FreshCache<String, Integer> cache =
        new FreshCache<>(
            LONG,
            10,
            key -> {
              int read = reads.incrementAndGet();
              if (read == 1) {
                begun.countDown();
                await(go);
              }
              return read;
            });
    CompletableFuture<Integer> slow = CompletableFuture.supplyAsync(() -> cache.get("a"));
    begun.await();
    cache.invalidate(key -> true);

    // Whoever asks after the change does not wait for what was read before it.
    assertThat(cache.get("a")).isEqualTo(2);
    go.countDown();
    assertThat(slow.get()).isEqualTo(1);
    assertThat(cache.get("a")).isEqualTo(2);
  }

  @Test
  void neitherAbsenceNorFailureIsRemembered() {
    FreshCache<String, Integer> cache =
        new FreshCache<>(
            LONG,
            10,
            key -> {
              if (reads.incrementAndGet() == 1) {
                return null;
              }
              throw Failure.notFound(key);
            });
    assertThat(cache.get("a")).isNull();
    assertThatThrownBy(() -> cache.get("a")).isInstanceOf(Failure.class);
    assertThatThrownBy(() -> cache.get("a")).isInstanceOf(Failure.class);
    assertThat(reads).hasValue(3);
  }

  @Test
  void anInterruptedReadFailsNobodyElse() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    FreshCache<String, Integer> cache =
        new FreshCache<>(
            LONG,
            10,
            key -> {
              int read = reads.incrementAndGet();
              if (read == 1) {
                begun.countDown();
                forever();
              }
              return read;
            });
    CompletableFuture<Integer> left = new CompletableFuture<>();
    CompletableFuture<Integer> stayed = new CompletableFuture<>();
    Thread first = reader(cache, left);
    begun.await();
    Thread second = reader(cache, stayed);
    Awaitility.await().until(() -> second.getState() == Thread.State.WAITING);

    first.interrupt();
    assertThat(stayed.get()).isEqualTo(2);
    assertThatThrownBy(left::get).hasMessageContaining("interrupted");
  }

  @Test
  void thoseWhoWaitShareAFailure() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    FreshCache<String, Integer> cache =
        new FreshCache<>(
            LONG,
            10,
            key -> {
              reads.incrementAndGet();
              begun.countDown();
              await(go);
              throw Failure.notFound(key);
            });
    CompletableFuture<Integer> one = new CompletableFuture<>();
    CompletableFuture<Integer> other = new CompletableFuture<>();
    reader(cache, one);
    begun.await();
    Thread second = reader(cache, other);
    Awaitility.await().until(() -> second.getState() == Thread.State.WAITING);

    go.countDown();
    assertThatThrownBy(one::get).hasCauseInstanceOf(Failure.class);
    assertThatThrownBy(other::get).hasCauseInstanceOf(Failure.class);
    assertThat(reads).hasValue(1);
  }

  private static Thread reader(
      FreshCache<String, Integer> cache, CompletableFuture<Integer> answer) {
    return Thread.startVirtualThread(() -> {
      try {
        answer.complete(cache.get("a"));
      } catch (RuntimeException e) {
        answer.completeExceptionally(e);
      }
    });
  }

  private static void forever() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Test
  void keepsNoMoreThanItsLimit() {
    FreshCache<String, Integer> cache = new FreshCache<>(LONG, 2, key -> reads.incrementAndGet());
    cache.get("a");
    cache.get("b");
    cache.get("c");
    assertThat(cache.cached("a")).isNull();
    assertThat(cache.cached("c")).isEqualTo(3);
  }

  private FreshCache<String, Integer> counting(Duration maxAge) {
    return new FreshCache<>(maxAge, 10, key -> reads.incrementAndGet());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
