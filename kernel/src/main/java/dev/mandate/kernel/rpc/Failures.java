package dev.mandate.kernel.rpc;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.ResponseCompleteException;
import com.linecorp.armeria.common.TimeoutException;
import com.linecorp.armeria.common.stream.CancelledSubscriptionException;
import com.linecorp.armeria.common.stream.ClosedStreamException;
import com.linecorp.armeria.server.HttpStatusException;
import dev.mandate.kernel.Failure;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one mapper: from whatever was thrown to a {@link Failure}, and from it to every protocol. */
public final class Failures {
  private static final Logger log = LoggerFactory.getLogger(Failures.class);
  private static final JsonFactory JSON = new JsonFactory();
  private static final String DOMAIN = "mandate";
  private static final Metadata.Key<com.google.rpc.Status> GRPC_DETAILS =
      Metadata.Key.of(
          "grpc-status-details-bin",
          ProtoUtils.metadataMarshaller(com.google.rpc.Status.getDefaultInstance()));

  private Failures() {}

  /**
   * What a caller may be told about a throwable. Anything that is not a {@link Failure} or a known
   * transport condition is a defect: {@code INTERNAL}, without its message.
   */
  public static Failure of(Throwable thrown) {
    return switch (thrown) {
      case Failure failure -> failure;
      case CompletionException e when e.getCause() != null -> of(e.getCause());
      case ExecutionException e when e.getCause() != null -> of(e.getCause());
      case ContentTooLargeException e -> tooLarge(e.maxContentLength());
      case TimeoutException e -> deadlineExceeded();
      // The server has answered before the body was there: nobody reads what else is said.
      case ResponseCompleteException e -> canceled();
      case ClosedStreamException e -> canceled();
      case CancelledSubscriptionException e -> canceled();
      case InterruptedException e -> canceled();
      case HttpStatusException e -> ofStatus(e.httpStatus().code());
      default -> Failure.internal(thrown);
    };
  }

  /** Logs a defect with the trace id that the caller is given. */
  static void log(Failure failure, String what, String traceId) {
    if (failure.code() == Failure.Code.INTERNAL || failure.code() == Failure.Code.UNAVAILABLE) {
      log.error("{} failed: {} (trace {})", what, failure.reason(), traceId, failure.getCause());
    } else if (log.isDebugEnabled()) {
      log.debug("{} refused: {} (trace {})", what, failure.reason(), traceId);
    }
  }

  /** Why a request's body could not be read. */
  static Failure ofBody(Throwable thrown, long limit) {
    Failure failure = of(thrown);
    return switch (failure.code()) {
      case RESOURCE_EXHAUSTED -> tooLarge(limit);
      case DEADLINE_EXCEEDED ->
          Failure.of(
                  Failure.Code.DEADLINE_EXCEEDED,
                  "BODY_TOO_SLOW",
                  "the body did not arrive in time")
              .withHttpStatus(408);
      default -> failure;
    };
  }

  static Failure malformed(String problem) {
    return Failure.of(Failure.Code.INVALID_ARGUMENT, "MALFORMED_BODY", problem);
  }

  /** The caller shows nothing that says who it is. */
  static Failure nobody() {
    return Failure.unauthenticated(
        "sign in, or send 'Authorization: Bearer' with a session or API token");
  }

  static Failure tooLarge(long limit) {
    return Failure.of(
            Failure.Code.RESOURCE_EXHAUSTED,
            "BODY_TOO_LARGE",
            limit > 0 ? "the body is larger than " + limit + " bytes" : "the body is too large")
        .withHttpStatus(413);
  }

  static Failure deadlineExceeded() {
    return Failure.of(
        Failure.Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the call took too long");
  }

  static Failure canceled() {
    return Failure.of(Failure.Code.CANCELED, "CANCELED", "the caller went away");
  }

  static Failure draining() {
    return Failure.of(
            Failure.Code.UNAVAILABLE, "DRAINING", "this process stops: come back in a moment")
        .with("retry_after_seconds", "1");
  }

  static Failure wrongVerb(String verb, String allow) {
    return Failure.of(
            Failure.Code.UNIMPLEMENTED, "WRONG_VERB", verb + " is not served here, only " + allow)
        .with("allow", allow)
        .withHttpStatus(405);
  }

  static Failure unsupportedMediaType(String got, String expected) {
    return Failure.of(
            Failure.Code.INVALID_ARGUMENT,
            "UNSUPPORTED_MEDIA_TYPE",
            "cannot read "
                + (got.isEmpty()
                    ? "a body without a content type"
                    : "'" + Failure.excerpt(got) + "'")
                + ", send "
                + expected)
        .withHttpStatus(415);
  }

  static Failure notAcceptable(String type) {
    return Failure.of(
            Failure.Code.INVALID_ARGUMENT,
            "NOT_ACCEPTABLE",
            "the answer is " + type + ", which the Accept header refuses")
        .withHttpStatus(406);
  }

  /** What an HTTP status that the server itself answers means. */
  static Failure ofStatus(int status) {
    return switch (status) {
      case 404 -> Failure.of(Failure.Code.NOT_FOUND, "NO_ROUTE", "there is nothing here");
      case 405 ->
          Failure.of(Failure.Code.UNIMPLEMENTED, "WRONG_VERB", "this verb is not served here")
              .withHttpStatus(405);
      case 408, 504 -> deadlineExceeded();
      case 413 -> tooLarge(0);
      case 414, 431 ->
          Failure.of(
                  Failure.Code.INVALID_ARGUMENT,
                  "HEADERS_TOO_LARGE",
                  "the address or headers are too long")
              .withHttpStatus(status);
      case 415 -> unsupportedMediaType("", "application/json");
      case 503 ->
          Failure.of(
              Failure.Code.UNAVAILABLE,
              "UNAVAILABLE",
              "the server cannot take this now, try again");
      default ->
          status >= 400 && status < 500
              ? Failure.of(
                      Failure.Code.INVALID_ARGUMENT, "BAD_REQUEST", "this is not a valid request")
                  .withHttpStatus(status)
              : Failure.of(
                  Failure.Code.INTERNAL,
                  "INTERNAL",
                  "internal error; the log has it under the trace id");
    };
  }

  /** REST's body: {@code {code, message, details: {reason, …}, trace_id}}. */
  static byte[] rest(Failure failure, String traceId) {
    return json(json -> {
      json.writeStringField("code", failure.code().wireName());
      json.writeStringField("message", failure.publicMessage());
      json.writeObjectFieldStart("details");
      json.writeStringField("reason", failure.reason());
      for (Map.Entry<String, String> detail : failure.details().entrySet()) {
        json.writeStringField(detail.getKey(), detail.getValue());
      }
      json.writeEndObject();
      json.writeStringField("trace_id", traceId);
    });
  }

  /** Connect's error, the body of a unary response. */
  static byte[] connect(Failure failure, String traceId) {
    return json(json -> connectFields(json, failure, traceId));
  }

  /** Connect's last envelope of a stream that failed. */
  static byte[] connectEnd(Failure failure, String traceId) {
    return json(json -> {
      json.writeObjectFieldStart("error");
      connectFields(json, failure, traceId);
      json.writeEndObject();
    });
  }

  private static void connectFields(JsonGenerator json, Failure failure, String traceId)
      throws IOException {
    json.writeStringField("code", failure.code().wireName());
    json.writeStringField("message", failure.publicMessage());
    json.writeArrayFieldStart("details");
    connectDetail(json, "google.rpc.ErrorInfo", info(failure).toByteArray());
    connectDetail(json, "google.rpc.RequestInfo", request(traceId).toByteArray());
    json.writeEndArray();
  }

  private static void connectDetail(JsonGenerator json, String type, byte[] value)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("type", type);
    json.writeStringField("value", Base64.getEncoder().withoutPadding().encodeToString(value));
    json.writeEndObject();
  }

  static Status grpcStatus(Failure failure) {
    Status.Code code =
        failure.code() == Failure.Code.CANCELED
            ? Status.Code.CANCELLED
            : Status.Code.valueOf(failure.code().name());
    return code.toStatus().withDescription(failure.publicMessage());
  }

  static Metadata grpcTrailers(Failure failure, String traceId) {
    Metadata trailers = new Metadata();
    trailers.put(GRPC_DETAILS, status(failure, traceId));
    return trailers;
  }

  static com.google.rpc.Status status(Failure failure, String traceId) {
    return com.google.rpc.Status.newBuilder()
        .setCode(grpcStatus(failure).getCode().value())
        .setMessage(failure.publicMessage())
        .addDetails(Any.pack(info(failure)))
        .addDetails(Any.pack(request(traceId)))
        .build();
  }

  private static ErrorInfo info(Failure failure) {
    return ErrorInfo.newBuilder()
        .setReason(failure.reason())
        .setDomain(DOMAIN)
        .putAllMetadata(failure.details())
        .build();
  }

  private static RequestInfo request(String traceId) {
    return RequestInfo.newBuilder().setRequestId(traceId).build();
  }

  private interface Fields {
    void write(JsonGenerator json) throws IOException;
  }

  private static byte[] json(Fields fields) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      fields.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
