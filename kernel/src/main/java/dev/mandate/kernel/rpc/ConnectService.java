package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One method in the Connect protocol: unary by POST, without side effects also by GET, and server
 * streaming in envelopes; JSON and binary.
 */
final class ConnectService implements HttpService {
  static final MediaType JSON = MediaType.create("application", "json");
  static final MediaType PROTO = MediaType.create("application", "proto");
  static final MediaType STREAM_JSON = MediaType.create("application", "connect+json");
  static final MediaType STREAM_PROTO = MediaType.create("application", "connect+proto");

  private final MethodTable table;
  private final Method method;
  private final Streams streams;
  private final Bodies bodies;

  ConnectService(MethodTable table, Method method, Streams streams, Bodies bodies) {
    this.table = table;
    this.method = method;
    this.streams = streams;
    this.bodies = bodies;
  }

  @Override
  public HttpResponse serve(ServiceRequestContext ctx, HttpRequest req) {
    String traceId = Requests.traceId(ctx);
    CompletableFuture<HttpResponse> answer = new CompletableFuture<>();
    var _ =
        bodies
            .read(ctx, req, method, "connect")
            .whenComplete((http, cause) -> {
              if (cause != null) {
                answer.complete(Answers.failure(ctx, cause));
              } else if (method.streaming()) {
                stream(ctx, http, answer);
              } else {
                Tasks.start(traceId, () -> answer.complete(unary(ctx, http)));
              }
            });
    return HttpResponse.of(answer);
  }

  private HttpResponse unary(ServiceRequestContext ctx, AggregatedHttpRequest http) {
    String traceId = Requests.traceId(ctx);
    try {
      QueryParams query = QueryParams.of();
      boolean json;
      if (http.method() == HttpMethod.GET) {
        query = QueryParams.fromQueryString(ctx.query());
        json = isJson(query.get("encoding"), "encoding");
      } else {
        json = isJson(subtype(http.headers(), ""), "content-type");
      }
      QueryParams parameters = query;
      Caller caller = Requests.caller(ctx, "connect", Timeouts.connect(http.headers()));
      Exchange exchange = new Exchange(caller.credential());
      Message response =
          ScopedValue.where(Exchange.CURRENT, exchange)
              .call(() ->
                  table.call(
                      caller,
                      null,
                      method,
                      () -> message(body(http, parameters), json),
                      ctx.whenRequestCancelled()));
      return Answers.body(
          http.headers(),
          method,
          json ? JSON : PROTO,
          json ? JsonCodec.bytes(response) : response.toByteArray(),
          exchange);
    } catch (Throwable t) {
      Failure failure = Failures.of(t);
      if (failure != t) {
        Failures.log(failure, method.name(), traceId);
      }
      return Refusals.connect(failure, traceId).toHttpResponse();
    }
  }

  private byte[] body(AggregatedHttpRequest http, QueryParams query) {
    long limit = bodies.limit(method);
    if (http.method() != HttpMethod.GET) {
      String encoding = http.headers().get(HttpHeaderNames.CONTENT_ENCODING);
      return Gzip.plain(http.content().array(), encoding, limit);
    }
    String message = query.get("message", "");
    byte[] bytes;
    if (query.get("base64", "").equals("1")) {
      try {
        bytes = Base64.getUrlDecoder().decode(message.replace("=", ""));
      } catch (IllegalArgumentException e) {
        throw Failure.invalid("message", "is not URL-safe base64");
      }
    } else {
      bytes = message.getBytes(StandardCharsets.UTF_8);
    }
    return Gzip.plain(bytes, query.get("compression"), limit);
  }

  /** {@code json} or {@code proto} of a content type such as {@code application/connect+json}. */
  private static String subtype(RequestHeaders headers, String prefix) {
    return Requests.mediaType(headers).replace("application/" + prefix, "");
  }

  private static boolean isJson(@Nullable String codec, String field) {
    return switch (codec) {
      case "json" -> true;
      case "proto" -> false;
      case null, default -> throw Failure.invalid(field, "must be json or proto");
    };
  }

  private Message message(byte[] bytes, boolean json) {
    return json
        ? JsonCodec.read(bytes, method.requestType())
        : Binary.read(bytes, method.requestType());
  }

  private void stream(
      ServiceRequestContext ctx,
      AggregatedHttpRequest http,
      CompletableFuture<HttpResponse> answer) {
    String traceId = Requests.traceId(ctx);
    RequestHeaders headers = http.headers();
    boolean json = !subtype(headers, "connect+").equals("proto");
    boolean compress = Accept.gzip(headers, "connect-accept-encoding");
    HttpOutlet outlet =
        new HttpOutlet(
            new ConnectFraming(
                json,
                traceId,
                compress ? ConnectFraming.Compression.GZIP : ConnectFraming.Compression.NONE));
    var _ = outlet.answer().thenAccept(answer::complete);
    var _ = ctx.whenRequestCancelled().thenRun(outlet::gone);
    Tasks.start(
        traceId,
        () -> {
          Caller caller;
          try {
            caller = Requests.caller(ctx, "connect", Timeouts.connect(headers));
          } catch (Throwable t) {
            outlet.fail(Failures.of(t));
            return;
          }
          streams.open(caller, method, () -> message(envelope(http), json), outlet);
          outlet.start();
        });
  }

  private byte[] envelope(AggregatedHttpRequest http) {
    return ConnectFraming.single(
        http.content().array(),
        http.headers().get("connect-content-encoding"),
        bodies.limit(method));
  }
}
