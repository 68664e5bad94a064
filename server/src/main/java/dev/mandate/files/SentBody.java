package dev.mandate.files;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * A request's body as it arrives. Little of it is held: the sender is asked for more only when a
 * piece was read. A sender that is silent for too long is given up.
 */
final class SentBody extends InputStream {
  private static final int AHEAD = 8;
  private static final Object END = new Object();

  private final LinkedBlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private final Duration stall;
  private volatile @Nullable Subscription subscription;
  private byte[] piece = new byte[0];
  private int at;
  private boolean ended;

  SentBody(HttpRequest request, Duration stall) {
    this.stall = stall;
    request.subscribe(new Inbox());
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    while (at == piece.length) {
      if (ended) {
        return -1;
      }
      next();
    }
    int count = Math.min(length, piece.length - at);
    System.arraycopy(piece, at, into, offset, count);
    at += count;
    return count;
  }

  private void next() throws IOException {
    Object item;
    try {
      item = arrived.poll(stall.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
    if (item == null) {
      throw new InterruptedIOException("nothing was sent for " + stall.toSeconds() + " s");
    }
    if (item instanceof Throwable thrown) {
      throw new IOException("the sender went away", thrown);
    }
    if (item instanceof HttpData data) {
      piece = data.array();
      at = 0;
      Subscription source = subscription;
      if (source != null) {
        source.request(1);
      }
    } else {
      ended = true;
    }
  }

  private final class Inbox implements Subscriber<HttpObject> {
    @Override
    public void onSubscribe(Subscription source) {
      subscription = source;
      source.request(AHEAD);
    }

    @Override
    public void onNext(HttpObject item) {
      // Trailers are of no interest.
      arrived.add(item instanceof HttpData ? item : HttpData.empty());
    }

    @Override
    public void onError(Throwable thrown) {
      arrived.add(thrown);
    }

    @Override
    public void onComplete() {
      arrived.add(END);
    }
  }
}
