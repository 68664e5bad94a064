package dev.mandate.kernel.events;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes waiting readers in this process at once and in others through a {@link Fanout}, coalesced,
 * after the commit. A wake-up can be lost or doubled, so every reader also polls.
 */
public final class Wakeups implements AutoCloseable {
  /** Ends a subscription. */
  public interface Subscription extends AutoCloseable {
    @Override
    void close();
  }

  private static final Logger log = LoggerFactory.getLogger(Wakeups.class);

  /** For what is still to be told. */
  private static final Duration FAREWELL = Duration.ofSeconds(5);

  private final Fanout fanout;
  private final Map<String, CopyOnWriteArrayList<Consumer<String>>> exact =
      new ConcurrentHashMap<>();
  private final CopyOnWriteArrayList<Prefix> prefixes = new CopyOnWriteArrayList<>();
  private final Mailbox local = new Mailbox();
  private final Mailbox remote = new Mailbox();
  private final List<Thread> threads = new ArrayList<>();

  private record Prefix(String start, Consumer<String> listener) {}

  public Wakeups(Fanout fanout) {
    this.fanout = fanout;
  }

  public void start() {
    // Platform threads: a wake-up must not queue behind busy virtual ones.
    threads.add(Thread.ofPlatform().daemon().name("wakeups").start(() -> drain(local, this::tell)));
    threads.add(
        Thread.ofPlatform().daemon().name("wakeups-out").start(() -> drain(remote, this::publish)));
    fanout.start(local::put, this::wakeEverybody);
  }

  /** Returns at once; the listeners run on another thread. */
  public void signal(Collection<String> channels) {
    local.put(channels);
    remote.put(channels);
  }

  /**
   * Calls {@code listener} with the channel after each signal on it. It must return at once.
   *
   * @param channel a full name, or a prefix that ends in {@code *}
   */
  public Subscription subscribe(String channel, Consumer<String> listener) {
    if (channel.endsWith("*")) {
      Prefix prefix = new Prefix(channel.substring(0, channel.length() - 1), listener);
      prefixes.add(prefix);
      return () -> prefixes.remove(prefix);
    }
    exact.compute(
        channel,
        (name, old) -> {
          CopyOnWriteArrayList<Consumer<String>> all =
              old == null ? new CopyOnWriteArrayList<>() : old;
          all.add(listener);
          return all;
        });
    return () ->
        exact.computeIfPresent(
            channel,
            (name, all) -> {
              all.remove(listener);
              return all.isEmpty() ? null : all;
            });
  }

  private void tell(Set<String> channels) {
    for (String channel : channels) {
      List<Consumer<String>> listeners = exact.get(channel);
      if (listeners != null) {
        listeners.forEach(each -> tell(each, channel));
      }
      for (Prefix prefix : prefixes) {
        if (channel.startsWith(prefix.start())) {
          tell(prefix.listener(), channel);
        }
      }
    }
  }

  private static void tell(Consumer<String> listener, String channel) {
    try {
      listener.accept(channel);
    } catch (RuntimeException e) {
      log.error("a listener on {} failed", channel, e);
    }
  }

  private void publish(Set<String> channels) {
    try {
      fanout.publish(channels);
    } catch (Exception e) {
      log.warn("other processes were not woken and will notice when they poll: {}", e.toString());
    }
  }

  /** Signals were lost: everybody looks. */
  private void wakeEverybody() {
    local.put(exact.keySet());
    prefixes.forEach(each -> local.put(List.of(each.start())));
  }

  private static void drain(Mailbox mailbox, Consumer<Set<String>> out) {
    Set<String> channels;
    while ((channels = mailbox.take()) != null) {
      out.accept(channels);
    }
  }

  @Override
  public void close() {
    local.close();
    remote.close();
    long deadline = System.nanoTime() + FAREWELL.toNanos();
    for (Thread each : threads) {
      try {
        each.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    fanout.close();
  }

  /** What gathers while the other side is busy, each channel once. */
  private static final class Mailbox {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition filled = lock.newCondition();
    private Set<String> pending = new HashSet<>();
    private boolean closed;

    void put(Collection<String> channels) {
      lock.lock();
      try {
        pending.addAll(channels);
        filled.signal();
      } finally {
        lock.unlock();
      }
    }

    /** Everything there is, as soon as there is anything; null at the end. */
    @Nullable Set<String> take() {
      lock.lock();
      try {
        while (pending.isEmpty()) {
          if (closed) {
            return null;
          }
          filled.awaitUninterruptibly();
        }
        Set<String> taken = pending;
        pending = new HashSet<>();
        return taken;
      } finally {
        lock.unlock();
      }
    }

    void close() {
      lock.lock();
      try {
        closed = true;
        filled.signal();
      } finally {
        lock.unlock();
      }
    }
  }
}
