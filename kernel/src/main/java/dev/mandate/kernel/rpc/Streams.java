package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Span;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The open streams. Each lives only as long as its mandate: expiry ends it within a second, a
 * change of rights is signalled on {@code auth/<org>} and checked at once, and every ten seconds in
 * case the signal was lost.
 */
final class Streams implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Streams.class);
  private static final long RECHECK = Duration.ofSeconds(10).toNanos();

  /** Longer than anybody may remember rights. */
  private static final long REMEMBERED = Duration.ofMillis(1100).toNanos();

  /** What to set the time of a check to, for the next to come when rights are forgotten. */
  private static long lookAgain() {
    return System.nanoTime() - RECHECK + REMEMBERED;
  }

  private static final class Open {
    final Caller caller;
    final Method method;
    final Mandate mandate;
    final Message request;
    final Outlet outlet;

    /** Begins as after a change of rights: there may have been one while it was being opened. */
    volatile long checkedAt = lookAgain();

    Open(Caller caller, Method method, Mandate mandate, Message request, Outlet outlet) {
      this.caller = caller;
      this.method = method;
      this.mandate = mandate;
      this.request = request;
      this.outlet = outlet;
    }
  }

  private final MethodTable table;
  private final Wakeups wakeups;
  private final Set<Open> open = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean checking = new AtomicBoolean();
  private Wakeups.@Nullable Subscription subscription;
  private @Nullable Future<?> tick;
  private volatile boolean stopping;

  Streams(MethodTable table, Wakeups wakeups) {
    this.table = table;
    this.wakeups = wakeups;
  }

  void start() {
    subscription = wakeups.subscribe("auth/*", this::rightsChanged);
    tick = Deadline.TIMER.scheduleWithFixedDelay(this::tick, 1, 1, TimeUnit.SECONDS);
  }

  /**
   * Opens a stream on the current (virtual) thread. The outlet is told of every failure. A stream
   * lives as long as its caller asked for, if it asked.
   *
   * @param request reads the message; not asked before the caller is known and may call
   */
  void open(Caller caller, Method method, Supplier<Message> request, Outlet outlet) {
    Span span = CallSpans.begin(table.ports().spans(), method, caller);
    if (span == Span.NONE) {
      Failure _ = openNow(caller, method, request, outlet);
      return;
    }
    span.run(() -> {
      Failure failure = openNow(caller, method, request, outlet);
      // It is seen for as long as it is open.
      outlet.onClosed(() -> CallSpans.end(span, caller, failure));
    });
  }

  private @Nullable Failure openNow(
      Caller caller, Method method, Supplier<Message> request, Outlet outlet) {
    long start = System.nanoTime();
    Deadline deadline = Deadline.start(caller.timeout(method));
    outlet.onClosed(deadline::cancel);
    Failure failure = null;
    try {
      MethodTable.Admitted admitted = table.admitStream(caller, method, request);
      Mandate mandate = admitted.mandate();
      Message message = admitted.request();
      Open stream = new Open(caller, method, mandate, message, outlet);
      open.add(stream);
      table.meters().streamOpened();
      outlet.onClosed(() -> {
        open.remove(stream);
        table.meters().streamClosed();
      });
      // Not before it is among those that are sent away, or it is missed.
      if (stopping) {
        throw Failures.draining();
      }
      ((Method.Handler.Streaming) method.handler()).handler().open(mandate, message, outlet);
      Duration asked = caller.asked();
      if (asked != null) {
        long left = asked.toNanos() - (System.nanoTime() - start);
        Future<?> expiry =
            Deadline.TIMER.schedule(
                () -> Thread.startVirtualThread(() -> outlet.fail(Failures.deadlineExceeded())),
                left,
                TimeUnit.NANOSECONDS);
        outlet.onClosed(() -> expiry.cancel(false));
      }
    } catch (Throwable t) {
      failure = Failures.of(t);
    }
    Failure stopped = deadline.end();
    if (failure != null) {
      failure = stopped != null ? stopped : failure;
      Failures.log(failure, method.name(), caller.origin().traceId());
      outlet.fail(failure);
    }
    table.meters().record(method, caller.protocol(), failure, System.nanoTime() - start);
    return failure;
  }

  int size() {
    return open.size();
  }

  private void rightsChanged(String channel) {
    String org = channel.substring("auth/".length());
    Thread.ofVirtual()
        .name("streams-recheck")
        .start(() -> {
          table.ports().authentication().forgetAll();
          // Without a name it may be anybody's.
          Predicate<Open> concerned =
              stream -> org.isEmpty() || stream.mandate.org().toString().equals(org);
          recheck(concerned);
          // The authorizer may still have remembered the old rights: look again when it cannot.
          long soon = lookAgain();
          open.stream().filter(concerned).forEach(stream -> stream.checkedAt = soon);
        });
  }

  private void tick() {
    if (!open.isEmpty() && checking.compareAndSet(false, true)) {
      Thread.ofVirtual()
          .name("streams-tick")
          .start(() -> {
            try {
              long now = System.nanoTime();
              Instant wall = table.ports().clock().instant();
              recheck(stream ->
                  now - stream.checkedAt > RECHECK || !wall.isBefore(stream.mandate.expiresAt()));
            } finally {
              checking.set(false);
            }
          });
    }
  }

  private void recheck(Predicate<Open> which) {
    for (Open stream : open) {
      if (which.test(stream)) {
        recheck(stream);
      }
    }
  }

  private void recheck(Open stream) {
    stream.checkedAt = System.nanoTime();
    try {
      if (!table.ports().clock().instant().isBefore(stream.mandate.expiresAt())) {
        throw Failure.unauthenticated("the authority of this stream has expired");
      }
      table.readmit(stream.caller, stream.method, stream.request);
    } catch (Throwable t) {
      Failure failure = Failures.of(t);
      switch (failure.code()) {
        case UNAUTHENTICATED, PERMISSION_DENIED -> stream.outlet.fail(failure);
        // Not knowing is no denial: the database may be away for a moment.
        default -> log.warn("could not check the rights of a stream again", failure);
      }
    }
  }

  /** Sends every reader away with word to come back. */
  void goAway() {
    stopping = true;
    for (Open stream : open) {
      stream.outlet.goAway();
    }
  }

  @Override
  public void close() {
    if (tick != null) {
      tick.cancel(false);
    }
    if (subscription != null) {
      subscription.close();
    }
    goAway();
  }
}
