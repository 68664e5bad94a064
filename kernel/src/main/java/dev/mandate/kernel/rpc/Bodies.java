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
import org.jspecify.annotations.Nullable;

/**
 * Reads the bodies of requests, which arrive in bounded time and have a bounded size, as they are
 * held whole in memory: small ones whoever sends them, others only for who is known.
 *
 * @param limit most bytes
 * @param time how long a body may take to arrive
 * @param authentication who is known
 */
record Bodies(long limit, Duration time, Authentication authentication) {
  private static final AttributeKey<Boolean> ARRIVED =
      AttributeKey.valueOf(Bodies.class, "ARRIVED");
  private static final AttributeKey<Failure> REFUSED =
      AttributeKey.valueOf(Bodies.class, "REFUSED");

  /** Most bytes that are held for somebody who is not known: a sign-in is small. */
  static final long SMALL = 64 * 1024;

  private static final CompletableFuture<@Nullable Failure> WELCOME =
      CompletableFuture.completedFuture(null);

  /** For writing the answer, besides what the method itself may take. */
  private static final Duration GRACE = Duration.ofSeconds(5);

  /** Most bytes of a request of this method. */
  long limit(Method method) {
    return method.rule().getPublic() ? Math.min(SMALL, limit) : limit;
  }

  /**
   * The whole request; without its body if the caller is {@link #refused}. Completes exceptionally
   * with a {@link Failure} that says what is wrong.
   *
   * @param channel the face it came in by, e.g. {@code rest}
   */
  CompletableFuture<AggregatedHttpRequest> read(
      ServiceRequestContext ctx, HttpRequest request, Method method, String channel) {
    arriving(ctx, method);
    return isSmall(request)
        ? whole(ctx, request, method)
        : refusal(ctx, method, channel)
            .thenCompose(failure ->
                failure == null ? whole(ctx, request, method) : nothing(ctx, request, method));
  }

  private static boolean isSmall(HttpRequest request) {
    long announced = request.headers().contentLength();
    return announced < 0 ? request.isEmpty() : announced <= SMALL;
  }

  private CompletableFuture<AggregatedHttpRequest> whole(
      ServiceRequestContext ctx, HttpRequest request, Method method) {
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

  private CompletableFuture<AggregatedHttpRequest> nothing(
      ServiceRequestContext ctx, HttpRequest request, Method method) {
    return drop(request)
        .handle((_, cause) -> {
          if (cause != null) {
            throw new CompletionException(Failures.ofBody(cause, limit(method)));
          }
          arrived(ctx, method);
          return AggregatedHttpRequest.of(request.headers());
        });
  }

  /**
   * Takes a body and keeps nothing of it: whoever is told before it has arrived may still be
   * sending it.
   */
  static CompletableFuture<Void> drop(HttpRequest request) {
    return request.subscribe();
  }

  /**
   * Why the caller may not send more than a little; null if it may. Complete at once for who was
   * known a moment ago. The call itself asks again when the body is there: rights may end
   * meanwhile.
   *
   * @param channel the face it came in by, e.g. {@code rest}
   */
  CompletableFuture<@Nullable Failure> refusal(
      ServiceRequestContext ctx, Method method, String channel) {
    Credential credential = Requests.credential(ctx.request().headers());
    if (method.rule().getPublic() || (credential != null && authentication.remembers(credential))) {
      return WELCOME;
    }
    Failure refused = credential == null ? Failures.nobody() : Requests.crossSite(ctx, credential);
    if (credential == null || refused != null) {
      ctx.setAttr(REFUSED, refused);
      return CompletableFuture.completedFuture(refused);
    }
    return authentication
        .of(credential, Requests.origin(ctx, channel))
        .handle((_, cause) -> {
          if (cause == null) {
            return null;
          }
          Failure failure = Failures.of(cause);
          ctx.setAttr(REFUSED, failure);
          return failure;
        });
  }

  /** What {@link #refusal} said: the body was not kept, and the call must not be made. */
  static @Nullable Failure refused(ServiceRequestContext ctx) {
    return ctx.attr(REFUSED);
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
