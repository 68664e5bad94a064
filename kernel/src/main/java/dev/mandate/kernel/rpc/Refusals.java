package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import dev.mandate.kernel.Failure;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * What a request is answered that never gets to a method: no such address, too large, the server
 * stops. Each client is told in the shape of its own protocol.
 */
final class Refusals {
  private Refusals() {}

  static AggregatedHttpResponse of(RequestHeaders request, Failure failure, String traceId) {
    String type = Requests.mediaType(request);
    if (type.startsWith("application/grpc")) {
      return grpc(type, ofMethod(failure), traceId);
    }
    if (type.startsWith("application/connect+")) {
      ConnectFraming framing =
          new ConnectFraming(!type.endsWith("proto"), traceId, ConnectFraming.Compression.NONE);
      return AggregatedHttpResponse.of(
          framing.headers(), HttpData.wrap(framing.end(ofMethod(failure))));
    }
    return isConnect(request, type) ? connect(ofMethod(failure), traceId) : rest(failure, traceId);
  }

  /** Where REST has addresses, these have methods: an unknown one is not implemented. */
  private static Failure ofMethod(Failure failure) {
    return failure.reason().equals("NO_ROUTE")
        ? Failure.of(Failure.Code.UNIMPLEMENTED, "NO_METHOD", "there is no such method")
            .withHttpStatus(404)
        : failure;
  }

  private static boolean isConnect(RequestHeaders request, String type) {
    String path = request.path();
    int query = path.indexOf('?');
    return !path.startsWith("/api/")
        && (type.equals("application/proto")
            || request.contains("connect-protocol-version")
            || (query >= 0
                && QueryParams.fromQueryString(path.substring(query + 1))
                    .contains("connect", "v1")));
  }

  /** Connect has its own mapping of codes to statuses, besides those that HTTP itself speaks of. */
  static AggregatedHttpResponse connect(Failure failure, String traceId) {
    int status =
        switch (failure.httpStatus()) {
          case 404, 405, 408, 413, 415, 431 -> failure.httpStatus();
          default -> failure.code().httpStatus();
        };
    return AggregatedHttpResponse.of(
        headers(status, ConnectService.JSON, failure).build(),
        HttpData.wrap(Failures.connect(failure, traceId)));
  }

  static AggregatedHttpResponse rest(Failure failure, String traceId) {
    return AggregatedHttpResponse.of(
        headers(failure.httpStatus(), MediaType.JSON_UTF_8, failure).build(),
        HttpData.wrap(Failures.rest(failure, traceId)));
  }

  private static ResponseHeadersBuilder headers(int status, MediaType type, Failure failure) {
    ResponseHeadersBuilder headers =
        ResponseHeaders.builder(HttpStatus.valueOf(status))
            .contentType(type)
            .set(HttpHeaderNames.CACHE_CONTROL, "no-store");
    String allow = failure.details().get("allow");
    if (allow != null) {
      headers.set(HttpHeaderNames.ALLOW, allow);
    }
    if (status == 401) {
      headers.set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer realm=\"mandate\"");
    }
    String retryAfter = failure.details().get("retry_after_seconds");
    if (retryAfter != null) {
      headers.set(HttpHeaderNames.RETRY_AFTER, retryAfter);
    }
    return headers;
  }

  /** A status without a message: gRPC calls it "trailers only", and it is one block of headers. */
  private static AggregatedHttpResponse grpc(String type, Failure failure, String traceId) {
    return AggregatedHttpResponse.of(
        ResponseHeaders.builder(HttpStatus.OK)
            .set(HttpHeaderNames.CONTENT_TYPE, type)
            .set("grpc-status", Integer.toString(Failures.grpcStatus(failure).getCode().value()))
            .set("grpc-message", percent(failure.publicMessage()))
            .set(
                "grpc-status-details-bin",
                Base64.getEncoder()
                    .withoutPadding()
                    .encodeToString(Failures.status(failure, traceId).toByteArray()))
            // Else a stream's answer gets an empty frame behind it, and is no such block any more.
            .endOfStream(true)
            .build());
  }

  private static String percent(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (b >= 0x20 && b < 0x7f && b != '%') {
        out.append((char) b);
      } else {
        out.append("%%%02X".formatted(b & 0xff));
      }
    }
    return out.toString();
  }
}
