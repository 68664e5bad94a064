package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.Cookie;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.telemetry.Traceparent;
import io.netty.util.AsciiString;
import io.netty.util.AttributeKey;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * What an HTTP request says about its caller: credential, origin, trace. For the transports here
 * and for the other faces on the same port (model proxy, MCP).
 */
public final class Requests {
  /** The cookie that browsers sign in with. */
  public static final String SESSION_COOKIE = "mandate_session";

  private static final AttributeKey<String> TRACE = AttributeKey.valueOf(Requests.class, "TRACE");
  private static final AsciiString TRACEPARENT = AsciiString.cached(Traceparent.NAME);
  private static final AsciiString IDEMPOTENCY_KEY = AsciiString.cached("idempotency-key");
  private static final AsciiString FETCH_SITE = AsciiString.cached("sec-fetch-site");

  private Requests() {}

  /** The trace id of a request: taken from its {@code traceparent}, or made here, once. */
  public static String traceId(ServiceRequestContext ctx) {
    String known = ctx.attr(TRACE);
    if (known == null) {
      known = traceId(ctx.request().headers().get(TRACEPARENT));
      ctx.setAttr(TRACE, known);
    }
    return known;
  }

  static String traceId(@Nullable String header) {
    String traceparent = Traceparent.parse(header);
    if (traceparent != null) {
      return Traceparent.traceId(traceparent);
    }
    ThreadLocalRandom random = ThreadLocalRandom.current();
    HexFormat format = HexFormat.of();
    return format.toHexDigits(random.nextLong() | 1) + format.toHexDigits(random.nextLong());
  }

  /**
   * Where a request comes from.
   *
   * @param channel the face it came in by, e.g. {@code rest}
   */
  public static Mandate.Origin origin(ServiceRequestContext ctx, String channel) {
    return new Mandate.Origin(
        channel,
        Edge.of(ctx).client().getHostAddress(),
        traceId(ctx),
        null,
        Traceparent.parse(ctx.request().headers().get(TRACEPARENT)));
  }

  /** Whether the person's own connection is by https: a cookie for it must not go out otherwise. */
  public static boolean secure(ServiceRequestContext ctx) {
    return Edge.of(ctx).secure();
  }

  /** What the caller shows; a bearer token wins over a cookie. Null if it shows nothing. */
  public static @Nullable Credential credential(RequestHeaders headers) {
    String authorization = headers.get(HttpHeaderNames.AUTHORIZATION);
    if (authorization != null) {
      return authorization.regionMatches(true, 0, "Bearer ", 0, 7)
          ? new Credential(Credential.Kind.BEARER, authorization.substring(7).strip())
          : null;
    }
    if (headers.contains(HttpHeaderNames.COOKIE)) {
      for (Cookie cookie : headers.cookies()) {
        if (cookie.name().equals(SESSION_COOKIE) && !cookie.value().isEmpty()) {
          return new Credential(Credential.Kind.COOKIE, cookie.value());
        }
      }
    }
    return null;
  }

  /**
   * Why a cookie is not enough for this request: an unsafe one must prove that it comes from our
   * own pages, or any site could act for whoever visits it. Null if nothing is wrong.
   */
  public static @Nullable Failure crossSite(
      ServiceRequestContext ctx, @Nullable Credential credential) {
    RequestHeaders headers = ctx.request().headers();
    if (credential == null
        || credential.kind() != Credential.Kind.COOKIE
        || headers.method() == HttpMethod.GET
        || headers.method() == HttpMethod.HEAD) {
      return null;
    }
    String site = headers.get(FETCH_SITE);
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    boolean same =
        site != null ? site.equals("same-origin") : origin != null && sameHost(ctx, origin);
    return same
        ? null
        : Failure.unauthenticated(
            "a session cookie is only good for requests from this server's own pages; send"
                + " 'Authorization: Bearer' instead");
  }

  private static boolean sameHost(ServiceRequestContext ctx, String origin) {
    String authority = Edge.of(ctx).authority();
    try {
      String host = new URI(origin).getRawAuthority();
      return host != null && host.equalsIgnoreCase(authority);
    } catch (URISyntaxException e) {
      return false;
    }
  }

  /** The caller of a method of the contract. */
  static Caller caller(ServiceRequestContext ctx, String protocol, @Nullable Duration asked) {
    return caller(ctx, protocol, asked, null);
  }

  /**
   * @param binding what its REST address meant
   */
  static Caller caller(
      ServiceRequestContext ctx,
      String protocol,
      @Nullable Duration asked,
      @Nullable HttpBinding binding) {
    RequestHeaders headers = ctx.request().headers();
    Credential credential = credential(headers);
    Failure refused = Bodies.refused(ctx);
    return new Caller(
        credential,
        origin(ctx, protocol),
        idempotencyKey(headers),
        asked,
        refused != null ? refused : crossSite(ctx, credential),
        protocol,
        binding);
  }

  private static @Nullable String idempotencyKey(RequestHeaders headers) {
    String key = headers.get(IDEMPOTENCY_KEY);
    if (key == null) {
      return null;
    }
    boolean printable = key.chars().allMatch(c -> c > 0x20 && c < 0x7f);
    if (key.isEmpty() || key.length() > 255 || !printable) {
      throw Failure.invalid("Idempotency-Key", "must be 1 to 255 printable characters");
    }
    return key;
  }

  /** The media type without parameters, in lower case; empty if there is none. */
  static String mediaType(RequestHeaders headers) {
    String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
    if (type == null) {
      return "";
    }
    int end = type.indexOf(';');
    return (end < 0 ? type : type.substring(0, end)).strip().toLowerCase(Locale.ROOT);
  }
}
