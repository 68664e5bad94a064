package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** REST with JSON, and Server-Sent Events for streams, under {@code /api/v1}. */
final class RestService implements HttpService {
  private static final long KEEP_ALIVE_SECONDS = 15;

  private final MethodTable table;
  private final Router router;
  private final Streams streams;
  private final Bodies bodies;

  RestService(MethodTable table, Streams streams, Bodies bodies) {
    this.table = table;
    this.router = new Router(table.methods());
    this.streams = streams;
    this.bodies = bodies;
  }

  @Override
  public HttpResponse serve(ServiceRequestContext ctx, HttpRequest req) {
    String traceId = Requests.traceId(ctx);
    if (ctx.method() == HttpMethod.OPTIONS) {
      return options(ctx, req);
    }
    Router.Match match;
    try {
      match = find(ctx);
    } catch (Failure failure) {
      return refuse(ctx, req, failure);
    }
    Method method = match.route().method();
    CompletableFuture<HttpResponse> answer = new CompletableFuture<>();
    var _ =
        bodies
            .read(ctx, req, method, method.streaming() ? "sse" : "rest")
            .whenComplete((body, cause) -> {
              if (cause != null) {
                answer.complete(Answers.failure(ctx, cause));
              } else if (method.streaming()) {
                stream(ctx, match, body, answer);
              } else {
                Tasks.start(traceId, () -> answer.complete(unary(ctx, match, body)));
              }
            });
    return HttpResponse.of(answer);
  }

  private Router.Match find(ServiceRequestContext ctx) {
    if (ctx.method() != HttpMethod.HEAD) {
      return router.find(ctx.method().name(), ctx.path());
    }
    Router.Match match = router.find("GET", ctx.path());
    if (match.route().method().streaming()) {
      // The headers of a stream are there when it is open.
      throw Failures.wrongVerb("HEAD", "GET");
    }
    return match;
  }

  private HttpResponse options(ServiceRequestContext ctx, HttpRequest req) {
    try {
      String allow = String.join(", ", router.verbs(ctx.path()));
      return HttpResponse.of(
          Bodies.drop(req)
              .handle((_, _) ->
                  HttpResponse.of(
                      ResponseHeaders.of(
                          HttpStatus.NO_CONTENT, HttpHeaderNames.ALLOW, allow + ", OPTIONS"))));
    } catch (Failure failure) {
      return refuse(ctx, req, failure);
    }
  }

  private static HttpResponse refuse(ServiceRequestContext ctx, HttpRequest req, Failure failure) {
    return HttpResponse.of(Bodies.drop(req).handle((_, _) -> Answers.failure(ctx, failure)));
  }

  private HttpResponse unary(
      ServiceRequestContext ctx, Router.Match match, AggregatedHttpRequest http) {
    Method method = match.route().method();
    String traceId = Requests.traceId(ctx);
    try {
      accept(http.headers(), "application/json");
      Caller caller =
          Requests.caller(ctx, "rest", Timeouts.rest(http.headers()), match.route().binding());
      Exchange exchange = new Exchange(caller.credential());
      AtomicReference<@Nullable Mask> mask = new AtomicReference<>();
      Message response =
          ScopedValue.where(Exchange.CURRENT, exchange)
              .call(() ->
                  table.call(
                      caller,
                      null,
                      method,
                      () -> {
                        RestRequest.Read read = read(ctx, match, http);
                        mask.set(read.mask());
                        return read.message();
                      },
                      ctx.whenRequestCancelled()));
      return Answers.body(
          http.headers(),
          method,
          MediaType.JSON_UTF_8,
          JsonCodec.bytes(response, mask.get()),
          exchange);
    } catch (Throwable t) {
      Failure failure = Failures.of(t);
      if (failure != t) {
        Failures.log(failure, method.name(), traceId);
      }
      return Refusals.rest(failure, traceId).toHttpResponse();
    }
  }

  private static void accept(RequestHeaders headers, String type) {
    if (!Accept.type(headers, type)) {
      throw Failures.notAcceptable(type);
    }
  }

  private RestRequest.Read read(
      ServiceRequestContext ctx, Router.Match match, AggregatedHttpRequest http) {
    Method method = match.route().method();
    byte[] body =
        Gzip.plain(
            http.content().array(),
            http.headers().get(HttpHeaderNames.CONTENT_ENCODING),
            bodies.limit(method));
    if (body.length > 0) {
      String type = Requests.mediaType(http.headers());
      if (!type.equals("application/json")) {
        throw Failures.unsupportedMediaType(type, "application/json");
      }
    }
    String lastEventId = method.streaming() ? http.headers().get("last-event-id") : null;
    return RestRequest.read(match, body, ctx.query(), lastEventId);
  }

  private void stream(
      ServiceRequestContext ctx,
      Router.Match match,
      AggregatedHttpRequest http,
      CompletableFuture<HttpResponse> answer) {
    Method method = match.route().method();
    String traceId = Requests.traceId(ctx);
    HttpOutlet outlet =
        new HttpOutlet(
            new SseFraming(
                method, traceId, failure -> Refusals.rest(failure, traceId).toHttpResponse()));
    var _ = outlet.answer().thenAccept(answer::complete);
    var _ = ctx.whenRequestCancelled().thenRun(outlet::gone);
    Tasks.start(
        traceId,
        () -> {
          Caller caller;
          try {
            accept(http.headers(), "text/event-stream");
            caller =
                Requests.caller(ctx, "sse", Timeouts.rest(http.headers()), match.route().binding());
          } catch (Throwable t) {
            outlet.fail(Failures.of(t));
            return;
          }
          streams.open(caller, method, () -> read(ctx, match, http).message(), outlet);
          if (!outlet.closed()) {
            outlet.start();
            Future<?> keepAlive =
                ctx.eventLoop()
                    .scheduleAtFixedRate(
                        () -> outlet.keepAlive(SseFraming.KEEP_ALIVE),
                        KEEP_ALIVE_SECONDS,
                        KEEP_ALIVE_SECONDS,
                        TimeUnit.SECONDS);
            outlet.onClosed(() -> keepAlive.cancel(false));
          }
        });
  }
}
