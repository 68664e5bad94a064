package dev.mandate.kernel.events;

import dev.mandate.kernel.Ids;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A fan-out over one link that listens and one that tells, each made again when it breaks. */
class LinkFanout implements Fanout {
  private static final Logger log = LoggerFactory.getLogger(LinkFanout.class);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  /** Most bytes that are told before an answer is waited for. */
  static final int AT_ONCE = 64 * 1024;

  private static final Duration FAREWELL = Duration.ofSeconds(5);

  private final Link.Opener opener;
  private final int largestPayload;
  private final String self = Ids.next().toString();
  private @Nullable Thread listener;
  private volatile boolean closed;
  private volatile @Nullable Link listening;
  private volatile @Nullable Link telling;

  /**
   * @param largestPayload in bytes
   */
  LinkFanout(Link.Opener opener, int largestPayload) {
    this.opener = opener;
    this.largestPayload = largestPayload;
  }

  @Override
  public void start(Consumer<Collection<String>> received, Runnable missed) {
    // A platform thread: a wake-up must not queue behind busy virtual ones.
    listener =
        Thread.ofPlatform().daemon().name("wakeups-in").start(() -> listen(received, missed));
  }

  @Override
  public void publish(Collection<String> channels) throws Exception {
    List<String> payloads = pack(channels);
    Link kept = telling;
    if (kept != null) {
      try {
        publish(kept, payloads);
        return;
      } catch (Exception e) {
        // Idle connections are ended by servers and by what stands between: a new one may do.
        log.debug("the connection for wake-ups of other processes had ended", e);
        telling = null;
        kept.close();
      }
    }
    requireOpen();
    Link fresh = opener.open();
    telling = fresh;
    try {
      // Again, now that the link can be seen: else nobody might close it.
      requireOpen();
      publish(fresh, payloads);
    } catch (Exception e) {
      telling = null;
      fresh.close();
      throw e;
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("closed");
    }
  }

  private void publish(Link link, List<String> payloads) throws Exception {
    int step = Math.max(1, AT_ONCE / largestPayload);
    for (int i = 0; i < payloads.size(); i += step) {
      link.publish(payloads.subList(i, Math.min(i + step, payloads.size())));
    }
  }

  /** Our id, then as many names as fit, a line each. */
  private List<String> pack(Collection<String> channels) {
    List<String> payloads = new ArrayList<>();
    StringBuilder payload = new StringBuilder(self);
    int bytes = self.length();
    for (String each : channels) {
      int more = 1 + each.getBytes(StandardCharsets.UTF_8).length;
      if (bytes + more > largestPayload) {
        payloads.add(payload.toString());
        payload.setLength(self.length());
        bytes = self.length();
      }
      payload.append('\n').append(each);
      bytes += more;
    }
    payloads.add(payload.toString());
    return payloads;
  }

  private void listen(Consumer<Collection<String>> received, Runnable missed) {
    Duration pause = FIRST_PAUSE;
    boolean again = false;
    while (!closed) {
      try (Link link = opener.open()) {
        listening = link;
        link.listen();
        if (again) {
          missed.run();
        }
        again = true;
        pause = FIRST_PAUSE;
        while (!closed) {
          link.receive().forEach(payload -> tell(payload, received));
        }
      } catch (Exception e) {
        if (closed) {
          return;
        }
        again = true;
        log.warn("wake-ups of other processes are not heard, trying again: {}", e.getMessage());
        LockSupport.parkNanos(pause.toNanos());
        pause = pause.multipliedBy(2);
        pause = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
      }
    }
  }

  private void tell(String payload, Consumer<Collection<String>> received) {
    String[] lines = payload.split("\n", -1);
    if (!lines[0].equals(self)) {
      received.accept(Arrays.asList(lines).subList(1, lines.length));
    }
  }

  @Override
  public void close() {
    closed = true;
    Link open = listening;
    if (open != null) {
      open.close();
    }
    Thread running = listener;
    if (running != null) {
      LockSupport.unpark(running);
      try {
        // Longer if it just connects: then it ends by itself, as what it has opened does.
        running.join(FAREWELL);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    Link kept = telling;
    if (kept != null) {
      kept.close();
    }
  }
}
