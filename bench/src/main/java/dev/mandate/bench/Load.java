package dev.mandate.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;

/**
 * Callers at work, as fast as they are answered or at a given rate, until they are stopped. The
 * first that gets a wrong answer ends all.
 */
final class Load implements AutoCloseable {
  /** What one caller does again and again; closed when it stops. */
  interface Caller extends AutoCloseable {
    /**
     * @param number of the operation, over all callers
     */
    void call(long number);

    @Override
    void close();
  }

  private final ExecutorService threads;
  private final List<Future<?>> callers = new ArrayList<>();
  private final AtomicLong next = new AtomicLong();
  private final AtomicLong done = new AtomicLong();
  private final double rate;
  private final long began = System.nanoTime();
  private volatile boolean stopping;

  private Load(int count, double rate) {
    this.threads = Executors.newFixedThreadPool(count);
    this.rate = rate;
  }

  /**
   * @param rate operations a second of all together; 0 for as many as they can
   */
  static Load start(int count, double rate, IntFunction<Caller> caller) {
    Load load = new Load(count, rate);
    for (int i = 0; i < count; i++) {
      int number = i;
      load.callers.add(load.threads.submit(() -> load.work(caller, number)));
    }
    return load;
  }

  private void work(IntFunction<Caller> make, int number) {
    try (Caller caller = make.apply(number)) {
      while (!stopping) {
        long operation = next.getAndIncrement();
        if (rate > 0) {
          long due = began + (long) (operation / rate * 1e9);
          for (long wait = due - System.nanoTime(); wait > 0 && !stopping; ) {
            LockSupport.parkNanos(Math.min(wait, 100_000_000));
            wait = due - System.nanoTime();
          }
        }
        if (!stopping) {
          caller.call(operation);
          done.incrementAndGet();
        }
      }
    } finally {
      stopping = true;
    }
  }

  long done() {
    return done.get();
  }

  /** Waits, and fails as soon as a caller has. */
  void during(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      Installation.pause(Duration.ofMillis(50));
      if (stopping) {
        close();
        throw new WrongAnswer("the callers stopped by themselves");
      }
    }
  }

  /** Stops all of them and says what went wrong, if anything did. */
  @Override
  public void close() {
    stopping = true;
    threads.close();
    for (Future<?> caller : callers) {
      try {
        caller.get();
      } catch (ExecutionException e) {
        throw new WrongAnswer("under load: " + e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new WrongAnswer("interrupted");
      }
    }
  }
}
