package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;

/** Builds whole HTTP answers. Public for the other faces on the same port. */
public final class Answers {
  private Answers() {}

  /**
   * The error answer of every face that has no shape of its own: in the shape of the protocol that
   * the request speaks, which for most is REST's.
   */
  public static HttpResponse failure(ServiceRequestContext ctx, Throwable thrown) {
    Failure failure = Failures.of(thrown);
    String traceId = Requests.traceId(ctx);
    Failures.log(failure, ctx.method() + " " + ctx.path(), traceId);
    return Refusals.of(ctx.request().headers(), failure, traceId).toHttpResponse();
  }

  /**
   * A page of ours: its scripts and styles come from this server only, nobody may frame it, and it
   * is asked for anew each time.
   */
  public static HttpResponse html(HttpStatus status, String page) {
    return HttpResponse.of(
        ResponseHeaders.builder(status)
            .contentType(MediaType.HTML_UTF_8)
            .set(HttpHeaderNames.CACHE_CONTROL, "no-cache")
            .set(
                HttpHeaderNames.CONTENT_SECURITY_POLICY,
                "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
                    + " object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
            .set(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
            .set(HttpHeaderNames.X_FRAME_OPTIONS, "DENY")
            .set(HttpHeaderNames.REFERRER_POLICY, "no-referrer")
            .build(),
        HttpData.ofUtf8(page));
  }

  /**
   * A good answer, compressed if the caller likes and it is worth it. What is read by GET carries a
   * tag of its content, and whoever has that content already is told so.
   */
  static HttpResponse body(
      RequestHeaders request, Method method, MediaType type, byte[] body, Exchange exchange) {
    boolean compress = body.length >= Gzip.WORTHWHILE && Accept.gzip(request, "accept-encoding");
    ResponseHeadersBuilder headers = ResponseHeaders.builder(HttpStatus.OK).contentType(type);
    for (Exchange.Header header : exchange.headers()) {
      headers.add(header.name(), header.value());
    }
    if (body.length >= Gzip.WORTHWHILE) {
      headers.add(HttpHeaderNames.VARY, "accept-encoding");
    }
    if (isGet(request) && !method.secretResponse()) {
      // A strong tag stands for bytes: those that are compressed are others.
      String tag = '"' + hash(body) + (compress ? "-gzip\"" : "\"");
      headers
          .set(HttpHeaderNames.CACHE_CONTROL, "private, no-cache")
          .set(HttpHeaderNames.ETAG, tag)
          .add(HttpHeaderNames.VARY, "authorization, cookie");
      if (Accept.has(request, tag)) {
        return HttpResponse.of(headers.status(HttpStatus.NOT_MODIFIED).build());
      }
    } else {
      headers.set(HttpHeaderNames.CACHE_CONTROL, "no-store");
    }
    if (compress) {
      headers.set(HttpHeaderNames.CONTENT_ENCODING, "gzip");
    }
    return HttpResponse.of(headers.build(), HttpData.wrap(compress ? Gzip.compress(body) : body));
  }

  private static boolean isGet(RequestHeaders request) {
    return request.method() == HttpMethod.GET || request.method() == HttpMethod.HEAD;
  }

  private static String hash(byte[] body) {
    try {
      byte[] whole = MessageDigest.getInstance("SHA-256").digest(body);
      return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(whole, 16));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
