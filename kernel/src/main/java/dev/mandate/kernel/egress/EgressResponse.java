package dev.mandate.kernel.egress;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.ResponseHeaders;
import dev.mandate.kernel.CancelSignal;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * An answer whose body is read as it arrives. One reader; {@link #close} from any thread ends the
 * exchange, and with it the connection if the body is not complete.
 */
public final class EgressResponse implements AutoCloseable {
  /** Pieces that may wait unread: enough to keep the connection busy, little enough to hold. */
  private static final int AHEAD = 16;

  /** What arrives besides heads and pieces. */
  private enum Sign {
    END,
    CANCELLED
  }

  private final HttpResponse response;
  private final String host;
  private final Duration stall;
  private final long deadline;
  private final long maxBytes;
  private final LinkedBlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private volatile @Nullable Subscription subscription;
  private volatile boolean cancelled;
  private CancelSignal.@Nullable Registration registration;
  private @Nullable ResponseHeaders head;
  private long received;
  private boolean ended;

  EgressResponse(HttpResponse response, String host, Duration stall, long deadline, long maxBytes) {
    this.response = response;
    this.host = host;
    this.stall = stall;
    this.deadline = deadline;
    this.maxBytes = maxBytes;
  }

  /** Waits for the head. */
  void open(CancelSignal cancel) {
    response.subscribe(new Inbox());
    registration =
        cancel.onCancel(() -> {
          cancelled = true;
          arrived.add(Sign.CANCELLED);
          response.abort();
        });
    try {
      ResponseHeaders headers;
      do {
        if (!(next() instanceof ResponseHeaders received)) {
          throw new EgressFailure(
              EgressFailure.Kind.CUT, "'" + host + "' closed the connection unanswered", null);
        }
        headers = received;
      } while (headers.status().isInformational());
      head = headers;
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  public int status() {
    return headers().status().code();
  }

  /** A header's first value, by its name in any case. */
  public @Nullable String header(String name) {
    return headers().get(name);
  }

  /**
   * The next bytes of the body as they arrived, never empty; null at its end.
   *
   * @throws EgressFailure {@code STALLED}, {@code TIMED_OUT}, {@code CUT}, {@code TOO_LARGE} or
   *     {@code CANCELLED}
   */
  public byte @Nullable [] read() {
    while (!ended) {
      Object item = next();
      if (item.equals(Sign.END)) {
        ended = true;
      } else if (item instanceof HttpData data && !data.isEmpty()) {
        received += data.length();
        if (received > maxBytes) {
          close();
          throw new EgressFailure(
              EgressFailure.Kind.TOO_LARGE,
              "'" + host + "' answered with more than " + maxBytes + " bytes",
              null);
        }
        return data.array();
      }
    }
    return null;
  }

  /** The rest of the body. */
  public byte[] readAll() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] piece = read(); piece != null; piece = read()) {
      all.writeBytes(piece);
    }
    return all.toByteArray();
  }

  /** The beginning of the rest of the body, for one of which more is of no use. */
  public byte[] readUpTo(int most) {
    ByteArrayOutputStream some = new ByteArrayOutputStream();
    while (some.size() < most) {
      byte[] piece = read();
      if (piece == null) {
        break;
      }
      some.write(piece, 0, Math.min(piece.length, most - some.size()));
    }
    return some.toByteArray();
  }

  @Override
  public void close() {
    if (registration != null) {
      registration.close();
    }
    if (!ended) {
      response.abort();
    }
  }

  private ResponseHeaders headers() {
    return java.util.Objects.requireNonNull(head, "not open");
  }

  /** The next head, piece or end. */
  private Object next() {
    long now = System.nanoTime();
    long wait = Math.min(stall.toNanos(), deadline - now);
    Object item;
    try {
      item = cancelled ? Sign.CANCELLED : arrived.poll(Math.max(wait, 0), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      item = Sign.CANCELLED;
    }
    if (item == null) {
      close();
      boolean total = deadline - System.nanoTime() <= 0;
      throw new EgressFailure(
          total ? EgressFailure.Kind.TIMED_OUT : EgressFailure.Kind.STALLED,
          total
              ? "'" + host + "' took longer than allowed"
              : "'" + host + "' sent nothing for " + stall.toSeconds() + " s",
          null);
    }
    if (item.equals(Sign.CANCELLED) || cancelled) {
      close();
      throw new EgressFailure(EgressFailure.Kind.CANCELLED, "was cancelled", null);
    }
    if (item instanceof Throwable thrown) {
      close();
      throw EgressClient.failure(host, thrown);
    }
    Subscription source = subscription;
    if (source != null) {
      source.request(1);
    }
    return item;
  }

  /** Hands over what arrives on an event loop, which must never wait. */
  private final class Inbox implements Subscriber<HttpObject> {
    @Override
    public void onSubscribe(Subscription source) {
      subscription = source;
      source.request(AHEAD);
    }

    @Override
    public void onNext(HttpObject item) {
      arrived.add(item);
    }

    @Override
    public void onError(Throwable thrown) {
      arrived.add(thrown);
    }

    @Override
    public void onComplete() {
      arrived.add(Sign.END);
    }
  }
}
