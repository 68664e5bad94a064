package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.events.Wakeups;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Keeps a stream supplied from the database. It reads a batch when a channel is signalled, when the
 * reader takes more, and now and then in case a signal was lost; one read at a time, each on a
 * virtual thread of its own, so that an idle stream holds no thread.
 */
public final class Pump<R extends Message> {
  /**
   * Where messages come from. Called one at a time, and may block.
   *
   * <p>It remembers where it stands: each call goes on after the last message it gave.
   */
  @FunctionalInterface
  public interface Source<R> {
    /** At most {@code max} further messages, in order; empty when there are none now. */
    List<R> next(int max);

    /** Whether nothing will ever follow; asked when {@link #next} had nothing. */
    default boolean finished() {
      return false;
    }
  }

  private static final int BATCH = 64;

  private enum State {
    IDLE,
    RUNNING,
    /** Signalled while it ran: what it read may be old. */
    AGAIN
  }

  private final StreamSink<R> sink;
  private final Source<R> source;

  /** Of the last batch, what the reader did not take yet. */
  private final Queue<R> unsent = new ArrayDeque<>(BATCH);

  private final AtomicReference<State> state = new AtomicReference<>(State.IDLE);

  private Pump(StreamSink<R> sink, Source<R> source) {
    this.sink = sink;
    this.source = source;
  }

  /**
   * Starts to supply a sink; returns at once. Ends with the sink. A failure of the source ends the
   * sink with it.
   *
   * @param channels full names, or prefixes that end in {@code *}
   * @param poll how long a lost signal may go unnoticed
   * @return a signal of the caller's own: what follows may be there
   */
  public static <R extends Message> Runnable start(
      StreamSink<R> sink,
      Wakeups wakeups,
      Collection<String> channels,
      Duration poll,
      Source<R> source) {
    Pump<R> pump = new Pump<>(sink, source);
    sink.onReady(pump::signal);
    List<Wakeups.Subscription> subscriptions = new ArrayList<>(channels.size());
    for (String channel : channels) {
      subscriptions.add(wakeups.subscribe(channel, signalled -> pump.signal()));
    }
    long period = poll.toNanos();
    // Streams that were opened together must not poll together for ever.
    long first = ThreadLocalRandom.current().nextLong(period / 2, period + 1);
    Future<?> polls =
        Deadline.TIMER.scheduleWithFixedDelay(pump::signal, first, period, TimeUnit.NANOSECONDS);
    sink.onClosed(() -> {
      polls.cancel(false);
      subscriptions.forEach(Wakeups.Subscription::close);
    });
    pump.signal();
    return pump::signal;
  }

  private void signal() {
    if (sink.closed() || !sink.ready()) {
      return;
    }
    State was = state.getAndUpdate(s -> s == State.IDLE ? State.RUNNING : State.AGAIN);
    if (was == State.IDLE) {
      Thread.ofVirtual().name("pump").start(this::run);
    }
  }

  private void run() {
    do {
      try {
        if (!drain()) {
          sink.complete();
          return;
        }
      } catch (Throwable t) {
        Failure failure = Failures.of(t);
        Failures.log(failure, "a stream's source", "");
        sink.fail(failure);
        return;
      }
    } while (state.updateAndGet(s -> s == State.AGAIN ? State.RUNNING : State.IDLE)
        == State.RUNNING);
  }

  /** Sends what there is, as far as the reader takes it; false when nothing will ever follow. */
  private boolean drain() {
    while (!sink.closed() && sink.ready()) {
      R message = unsent.poll();
      if (message != null) {
        sink.send(message);
        continue;
      }
      List<R> batch = source.next(BATCH);
      if (batch.isEmpty()) {
        return !source.finished();
      }
      unsent.addAll(batch);
    }
    return true;
  }
}
