package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.util.TimeoutMode;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import io.netty.util.AttributeKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Reads the bodies of requests, which arrive in bounded time and have a bounded size: both are held
 * whole in memory, whoever sends them.
 *
 * @param limit most bytes
 * @param time how long a body may take to arrive
 */
record Bodies(long limit, Duration time) {
  private static final AttributeKey<Boolean> ARRIVED =
      AttributeKey.valueOf(Bodies.class, "ARRIVED");

  /** Most bytes of a call that needs no authentication: a sign-in is small. */
  private static final long PUBLIC = 64 * 1024;

  /** For writing the answer, besides what the method itself may take. */
  private static final Duration GRACE = Duration.ofSeconds(5);

  /** Most bytes of a request of this method. */
  long limit(Method method) {
    return method.rule().getPublic() ? Math.min(PUBLIC, limit) : limit;
  }

  /** The whole request. Completes exceptionally with a {@link Failure} that says what is wrong. */
  CompletableFuture<AggregatedHttpRequest> read(
      ServiceRequestContext ctx, HttpRequest request, Method method) {
    arriving(ctx, method);
    return request
        .aggregate()
        .handle((whole, cause) -> {
          if (cause != null) {
            throw new CompletionException(Failures.ofBody(cause, limit(method)));
          }
          arrived(ctx, method);
          return whole;
        });
  }

  /** Whether a request is past its body: what takes long now is the method. */
  static boolean hasArrived(ServiceRequestContext ctx) {
    return ctx.hasAttr(ARRIVED);
  }

  /** Limits what follows the headers. */
  void arriving(ServiceRequestContext ctx, Method method) {
    ctx.setMaxRequestLength(limit(method));
    ctx.setRequestTimeout(TimeoutMode.SET_FROM_NOW, time);
  }

  /**
   * Gives the transport more time than the handler has, which ends by itself; a stream has no end.
   */
  void arrived(ServiceRequestContext ctx, Method method) {
    ctx.setAttr(ARRIVED, true);
    if (method.streaming()) {
      ctx.clearRequestTimeout();
    } else {
      ctx.setRequestTimeout(TimeoutMode.SET_FROM_NOW, method.timeout().plus(GRACE));
    }
  }
}
