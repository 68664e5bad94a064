package dev.mandate.kernel;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Remembers what was read for at most a short time, counted from before the read began, so that a
 * change elsewhere is seen at the latest when that time is over, even if its wake-up was lost. Each
 * key is read by one thread at a time; what is absent and what failed is not remembered. Those who
 * wait for a read share its failure, unless the thread that read was interrupted: then another
 * reads.
 */
public final class FreshCache<K, V> {
  private static final class Entry<V> {
    private final V value;
    private final long readAt;

    /** Not shown before it is known that no invalidation overtook its read. */
    private volatile boolean shown;

    Entry(V value, long readAt) {
      this.value = value;
      this.readAt = readAt;
    }
  }

  private final long maxAgeNanos;
  private final int limit;
  private final Function<K, @Nullable V> read;
  private final ConcurrentHashMap<K, Entry<V>> entries = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<K, CompletableFuture<@Nullable V>> reading =
      new ConcurrentHashMap<>();

  /** Counts invalidations: a read that one overtook is answered but not remembered. */
  private final AtomicLong generation = new AtomicLong();

  /**
   * @param limit most entries kept
   * @param read looks a key up; may block; null for absent
   */
  public FreshCache(Duration maxAge, int limit, Function<K, @Nullable V> read) {
    this.maxAgeNanos = maxAge.toNanos();
    this.limit = limit;
    this.read = read;
  }

  /** What is remembered and fresh, without reading: safe on an event loop. */
  public @Nullable V cached(K key) {
    Entry<V> entry = entries.get(key);
    return entry != null && entry.shown && System.nanoTime() - entry.readAt < maxAgeNanos
        ? entry.value
        : null;
  }

  /**
   * The value, read if it is not remembered; null if absent. Whatever the read throws is thrown.
   */
  public @Nullable V get(K key) {
    V known = cached(key);
    return known != null ? known : readOnce(key);
  }

  /** Forgets the keys that match: the next look at each reads again. */
  public void invalidate(Predicate<K> which) {
    generation.incrementAndGet();
    // A read under way may have begun before the change: those who come now must not join it.
    reading.keySet().removeIf(which);
    entries.keySet().removeIf(which);
  }

  private @Nullable V readOnce(K key) {
    while (true) {
      CompletableFuture<@Nullable V> mine = new CompletableFuture<>();
      CompletableFuture<@Nullable V> other = reading.putIfAbsent(key, mine);
      if (other == null) {
        return read(key, mine);
      }
      try {
        return other.join();
      } catch (CancellationException interrupted) {
        // Next time it may be this thread that reads.
      } catch (CompletionException e) {
        if (e.getCause() instanceof RuntimeException cause) {
          throw cause;
        }
        throw e;
      }
    }
  }

  private @Nullable V read(K key, CompletableFuture<@Nullable V> mine) {
    long before = generation.get();
    long readAt = System.nanoTime();
    try {
      V value = read.apply(key);
      if (value != null && generation.get() == before) {
        Entry<V> entry = new Entry<>(value, readAt);
        remember(key, entry);
        // Once more: an invalidation in between may have missed it. A later one finds it there.
        if (generation.get() == before) {
          entry.shown = true;
        } else {
          entries.remove(key, entry);
        }
      }
      mine.complete(value);
      return value;
    } catch (Throwable e) {
      if (Thread.currentThread().isInterrupted()) {
        // The caller has left, which is nothing to those who wait with it.
        reading.remove(key, mine);
        mine.cancel(false);
      }
      mine.completeExceptionally(e);
      throw e;
    } finally {
      reading.remove(key, mine);
    }
  }

  private void remember(K key, Entry<V> entry) {
    if (entries.size() >= limit) {
      long now = System.nanoTime();
      entries.values().removeIf(old -> now - old.readAt >= maxAgeNanos);
      if (entries.size() >= limit) {
        entries.clear();
      }
    }
    entries.merge(key, entry, (old, mine) -> mine.readAt - old.readAt > 0 ? mine : old);
  }
}
