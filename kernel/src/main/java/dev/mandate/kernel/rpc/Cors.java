package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.cors.CorsService;
import com.linecorp.armeria.server.cors.CorsServiceBuilder;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/**
 * Lets pages of other origins call with a token. Never with our session cookie: no answer allows
 * credentials, and the cookie is not sent across sites.
 */
final class Cors {
  private Cors() {}

  static Function<? super HttpService, ? extends HttpService> of(List<String> origins) {
    CorsServiceBuilder builder =
        origins.contains("*") ? CorsService.builderForAnyOrigin() : CorsService.builder(origins);
    return builder
        .allowRequestMethods(
            HttpMethod.GET,
            HttpMethod.HEAD,
            HttpMethod.POST,
            HttpMethod.PUT,
            HttpMethod.PATCH,
            HttpMethod.DELETE)
        .allowAllRequestHeaders(true)
        .exposeHeaders(
            "x-trace-id",
            "etag",
            "retry-after",
            "connect-content-encoding",
            "grpc-status",
            "grpc-message",
            "grpc-status-details-bin")
        .maxAge(Duration.ofHours(1))
        .newDecorator();
  }
}
