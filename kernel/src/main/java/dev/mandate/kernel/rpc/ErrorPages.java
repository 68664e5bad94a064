package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import org.jspecify.annotations.Nullable;

/** Gives what the server itself refuses the same shape as every other error. */
final class ErrorPages implements ServerErrorHandler {
  private final Bodies bodies;

  ErrorPages(Bodies bodies) {
    this.bodies = bodies;
  }

  @Override
  public HttpResponse onServiceException(ServiceRequestContext ctx, Throwable cause) {
    Failure failure =
        Bodies.hasArrived(ctx) ? Failures.of(cause) : Failures.ofBody(cause, limit(cause));
    return Answers.failure(ctx, failure);
  }

  @Override
  public AggregatedHttpResponse renderStatus(
      @Nullable ServiceRequestContext ctx,
      ServiceConfig config,
      @Nullable RequestHeaders headers,
      HttpStatus status,
      @Nullable String description,
      @Nullable Throwable cause) {
    Failure failure =
        status.code() == 413 ? Failures.tooLarge(limit(cause)) : Failures.ofStatus(status.code());
    String traceId = ctx == null ? Requests.traceId((String) null) : Requests.traceId(ctx);
    return headers == null
        ? Refusals.rest(failure, traceId)
        : Refusals.of(headers, failure, traceId);
  }

  /** The limit that was passed, which is not the same for every address. */
  private long limit(@Nullable Throwable cause) {
    for (Throwable each = cause; each != null; each = each.getCause()) {
      if (each instanceof ContentTooLargeException large) {
        return large.maxContentLength();
      }
    }
    return bodies.limit();
  }
}
