package dev.mandate.server;

import com.linecorp.armeria.common.Cookie;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.identity.Sessions;
import dev.mandate.identity.SignedIn;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.rpc.HttpServer;
import dev.mandate.kernel.rpc.Requests;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** A plain page at {@code /} with status and links, and the way in by a one-time link. */
final class Home implements HttpServer.Face {
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private static final Map<String, MediaType> ASSETS =
      Map.of(
          "home.css", MediaType.CSS_UTF_8,
          "home.js", MediaType.JAVASCRIPT_UTF_8,
          "sign-in.js", MediaType.JAVASCRIPT_UTF_8);

  private final Sessions sessions;
  private final InstantSource clock;
  private final Executor executor = Executors.newVirtualThreadPerTaskExecutor();

  Home(Sessions sessions, InstantSource clock) {
    this.sessions = sessions;
    this.clock = clock;
  }

  @Override
  public void mount(ServerBuilder server) {
    server.service("exact:/", page("index.html", MediaType.HTML_UTF_8));
    ASSETS.forEach((name, type) -> server.service("exact:/home/" + name, page(name, type)));
    server.route().get("exact:/sign-in").build(page("sign-in.html", MediaType.HTML_UTF_8));
    server.route().post("exact:/sign-in").maxRequestLength(1024).build(this::signIn);
  }

  private HttpResponse signIn(
      ServiceRequestContext ctx, com.linecorp.armeria.common.HttpRequest request) {
    return HttpResponse.of(
        request
            .aggregate()
            .thenApplyAsync(
                whole -> {
                  Mandate.Origin origin = Requests.origin(ctx, "web");
                  try {
                    SignedIn signedIn =
                        sessions.signInByLink(origin, whole.contentUtf8().strip(), null);
                    return signedIn(signedIn, Requests.secure(ctx));
                  } catch (Failure e) {
                    return refused(e);
                  }
                },
                executor));
  }

  private HttpResponse signedIn(SignedIn signedIn, boolean secure) {
    Cookie cookie =
        Cookie.secureBuilder(Requests.SESSION_COOKIE, signedIn.accessToken())
            .httpOnly(true)
            .secure(secure)
            .sameSite("Strict")
            .path("/")
            .maxAge(
                Math.max(
                    1, Duration.between(clock.instant(), signedIn.accessExpiresAt()).toSeconds()))
            .build();
    return HttpResponse.of(
        ResponseHeaders.builder(HttpStatus.OK)
            .cookies(cookie)
            .contentType(MediaType.JSON_UTF_8)
            .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
            .build(),
        HttpData.ofUtf8("{}"));
  }

  private static HttpResponse refused(Failure failure) {
    String body =
        Json.object()
            .put("code", failure.code().wireName())
            .put("message", failure.publicMessage())
            .toString();
    return HttpResponse.of(HttpStatus.valueOf(failure.httpStatus()), MediaType.JSON_UTF_8, body);
  }

  private static HttpService page(String name, MediaType type) {
    HttpData body = HttpData.wrap(resource(name));
    ResponseHeaders headers =
        ResponseHeaders.builder(HttpStatus.OK)
            .contentType(type)
            .set(HttpHeaderNames.CONTENT_SECURITY_POLICY, POLICY)
            .set(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
            .set(HttpHeaderNames.REFERRER_POLICY, "no-referrer")
            .set(HttpHeaderNames.CACHE_CONTROL, "no-cache")
            .build();
    return (ctx, request) -> HttpResponse.of(headers, body);
  }

  private static byte[] resource(String name) {
    try (InputStream in = Home.class.getResourceAsStream("/home/" + name)) {
      if (in == null) {
        throw new IllegalStateException("the build lacks /home/" + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
