package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.ResponseHeaders;
import dev.mandate.kernel.Failure;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A stream as one HTTP response body. Headers go out with the first message or when the handler has
 * returned, so that a refusal before that is an ordinary error answer.
 */
final class HttpOutlet extends Outlet {
  /** What one protocol puts around messages. */
  interface Framing {
    ResponseHeaders headers();

    byte[] message(Message message);

    /** What comes last; empty for nothing. */
    byte[] end(@Nullable Failure failure);

    /** What comes last when the server restarts. */
    byte[] restart();

    /** The whole answer when nothing was sent yet; null if that is an ordinary end as well. */
    @Nullable HttpResponse refusal(Failure failure);
  }

  /**
   * Queued bytes after which a writer who does not wait is cut off. One message alone may be
   * larger: an answer of a model can be.
   */
  private static final int TOO_MUCH = 8 * 1024 * 1024;

  private final Framing framing;
  private final CompletableFuture<HttpResponse> answer = new CompletableFuture<>();
  private final HttpResponseWriter body = HttpResponse.streaming();
  private boolean started;
  private long queued;
  private boolean watching;

  HttpOutlet(Framing framing) {
    this.framing = framing;
    var _ = body.whenComplete().whenComplete((v, t) -> gone());
  }

  /** The response, complete once it is known whether it is a stream or a refusal. */
  CompletableFuture<HttpResponse> answer() {
    return answer;
  }

  /** Sends the headers if they have not gone out. */
  synchronized void start() {
    if (!started && !closed()) {
      begin();
    }
  }

  private void begin() {
    started = true;
    put(framing.headers());
    answer.complete(body);
  }

  @Override
  void write(Message message) {
    if (!started) {
      begin();
    }
    if (queued > TOO_MUCH) {
      body.close(new IllegalStateException("the reader of a stream is too slow"));
      return;
    }
    byte[] bytes = framing.message(message);
    put(HttpData.wrap(bytes));
    queued += bytes.length;
    if (queued >= ENOUGH && !watching) {
      watching = true;
      long upToHere = queued;
      var _ = body.whenConsumed().whenComplete((v, t) -> consumed(upToHere));
    }
  }

  private void consumed(long bytes) {
    synchronized (this) {
      queued -= bytes;
      watching = false;
      if (queued >= ENOUGH) {
        watching = true;
        long upToHere = queued;
        var _ = body.whenConsumed().whenComplete((v, t) -> consumed(upToHere));
        return;
      }
    }
    becameReady();
  }

  @Override
  public synchronized boolean ready() {
    return !closed() && queued < ENOUGH;
  }

  /** Writes bytes that are no message, if the connection is idle. */
  synchronized void keepAlive(HttpData bytes) {
    if (started && !closed() && queued < ENOUGH) {
      put(bytes);
    }
  }

  @Override
  void end(@Nullable Failure failure) {
    if (!started && failure != null) {
      HttpResponse refusal = framing.refusal(failure);
      if (refusal != null) {
        started = true;
        answer.complete(refusal);
        body.abort();
        return;
      }
    }
    last(framing.end(failure));
  }

  @Override
  void endForRestart() {
    last(framing.restart());
  }

  private void last(byte[] bytes) {
    if (!started) {
      begin();
    }
    if (bytes.length > 0) {
      put(HttpData.wrap(bytes));
    }
    body.close();
  }

  private void put(HttpObject object) {
    // False means that the reader has left: the stream's completion tells the others.
    boolean _ = body.tryWrite(object);
  }
}
