package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.kernel.telemetry.Spans;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The spans of calls from outside, by OpenTelemetry's conventions for HTTP (REST) and RPC (Connect
 * and gRPC). No address, no query and no message: paths may hold what is only the caller's affair.
 */
final class CallSpans {
  private CallSpans() {}

  static Span begin(Spans spans, Method method, Caller caller) {
    HttpBinding rest = caller.binding();
    Span span =
        rest == null
            ? spans.begin(Span.Kind.SERVER, method.path(), "", caller.origin())
            : spans.begin(Span.Kind.SERVER, rest.verb(), rest.template(), caller.origin());
    if (span.recorded()) {
      if (rest == null) {
        span.set("rpc.system.name", grpc(caller) ? "grpc" : "connectrpc");
      } else {
        span.set("http.request.method", rest.verb()).set("http.route", rest.template());
      }
      span.set("rpc.method", method.path()).set("mandate.action", method.action());
    }
    return span;
  }

  private static boolean grpc(Caller caller) {
    return caller.protocol().startsWith("grpc");
  }

  /** Says who calls, once that is known. */
  static void identify(Span span, Mandate mandate) {
    if (!span.recorded()) {
      return;
    }
    span.set("mandate.organization.id", mandate.org().toString());
    UUID user = mandate.user();
    span.set("user.id", user == null ? "" : user.toString());
    Principal actor = mandate.actor();
    if (actor.kind() == Principal.Kind.AGENT) {
      span.set("gen_ai.agent.id", actor.id().toString());
    }
  }

  static void end(Span span, Caller caller, @Nullable Failure failure) {
    if (span.recorded()) {
      if (caller.binding() != null) {
        // A reader who has the content already gets 304 instead, which says no more.
        span.set("http.response.status_code", failure == null ? 200 : failure.httpStatus());
      } else {
        span.set("rpc.response.status_code", status(caller, failure));
      }
      if (failure != null) {
        span.set("mandate.failure.reason", failure.reason());
        // What a caller did wrong is no failure of this server.
        if (failure.httpStatus() >= 500) {
          span.fail(failure.code().wireName());
        }
      }
    }
    span.end();
  }

  private static String status(Caller caller, @Nullable Failure failure) {
    if (grpc(caller)) {
      return failure == null ? "OK" : Failures.grpcStatus(failure).getCode().name();
    }
    return failure == null ? "ok" : failure.code().wireName();
  }
}
