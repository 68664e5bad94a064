package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.egress.Destinations;
import io.netty.util.AttributeKey;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How people reach this server: by which address, through which proxies, from which pages of
 * others, and with which certificate. What a proxy says of a request ({@code X-Forwarded-For},
 * {@code -Proto}, {@code -Host}) counts only if the proxy is one of ours.
 *
 * @param publicUrl scheme and authority that links show; null for the one listened on
 * @param trustedProxies addresses and networks
 * @param corsOrigins pages of these origins may call with a token; {@code *} for all
 * @param tls the certificate; null for plain HTTP
 */
public record Edge(
    @Nullable String publicUrl,
    Destinations trustedProxies,
    List<String> corsOrigins,
    @Nullable TlsFiles tls) {
  /** Reached directly, by plain HTTP, by nobody's pages but ours. */
  public static final Edge NONE = new Edge(null, Destinations.none(), List.of(), null);

  private static final AttributeKey<Seen> SEEN = AttributeKey.valueOf(Edge.class, "SEEN");

  /**
   * Where a request comes from.
   *
   * @param secure whether it came by https to whoever is outermost
   * @param authority of the address that the person used
   */
  record Seen(InetAddress client, boolean secure, String authority) {}

  /** Reads the settings, which are named as in the configuration. */
  public static Edge of(
      String publicUrl,
      List<String> trustedProxies,
      List<String> corsOrigins,
      @Nullable TlsFiles tls) {
    for (String proxy : trustedProxies) {
      if (!proxy.matches("[0-9A-Fa-f.:]+(/[0-9]{1,3})?")) {
        throw Failure.invalid(
            "http.trusted-proxies",
            "'" + Failure.excerpt(proxy) + "' is no address or network, such as 10.0.0.0/8");
      }
    }
    Destinations proxies;
    try {
      proxies = Destinations.parse("http.trusted-proxies", String.join(",", trustedProxies));
    } catch (IllegalArgumentException e) {
      throw Failure.invalid("http.trusted-proxies", String.valueOf(e.getMessage()));
    }
    for (String origin : corsOrigins) {
      if (!origin.equals("*") && !origin.equals(origin("http.cors-origins", origin))) {
        throw Failure.invalid(
            "http.cors-origins",
            "'" + Failure.excerpt(origin) + "' is no origin, such as https://app.example.org");
      }
    }
    return new Edge(
        publicUrl.isEmpty() ? null : origin("http.public-url", publicUrl),
        proxies,
        List.copyOf(corsOrigins),
        tls);
  }

  /** Scheme and authority of a URL that has nothing else. */
  private static String origin(String setting, String text) {
    try {
      URI url = new URI(text);
      String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
      String path = url.getRawPath();
      if ((scheme.equals("http") || scheme.equals("https"))
          && url.getHost() != null
          && url.getRawUserInfo() == null
          && (path == null || path.isEmpty() || path.equals("/"))
          && url.getRawQuery() == null
          && url.getRawFragment() == null) {
        return scheme + "://" + url.getRawAuthority().toLowerCase(Locale.ROOT);
      }
    } catch (URISyntaxException e) {
      // Said below.
    }
    throw Failure.invalid(
        setting, "'" + Failure.excerpt(text) + "' is no http(s)://host[:port] without a path");
  }

  /** Looks at a request once, before anything else does. */
  Seen see(ServiceRequestContext ctx) {
    RequestHeaders headers = ctx.request().headers();
    InetAddress peer = ctx.remoteAddress().getAddress();
    boolean believed = trusts(peer);
    String proto = believed ? last(headers, "x-forwarded-proto") : null;
    String host = believed ? last(headers, "x-forwarded-host") : null;
    String url = publicUrl;
    Seen seen =
        new Seen(
            believed ? client(peer, headers) : peer,
            url != null
                ? url.startsWith("https:")
                : proto != null ? proto.equals("https") : ctx.sessionProtocol().isTls(),
            url != null
                ? url.substring(url.indexOf("//") + 2)
                : host != null ? host : authority(headers));
    ctx.setAttr(SEEN, seen);
    return seen;
  }

  /** HTTP/2 and HTTP/1.1 say it in different headers. */
  private static String authority(RequestHeaders headers) {
    String authority = headers.authority();
    return authority == null ? "" : authority;
  }

  static Seen of(ServiceRequestContext ctx) {
    Seen seen = ctx.attr(SEEN);
    return seen != null ? seen : NONE.see(ctx);
  }

  private boolean trusts(InetAddress address) {
    return trustedProxies.containsAddress(address, 0);
  }

  /**
   * The nearest address that is not ours, from the server outwards: what stands further left was
   * said by somebody we do not know.
   */
  private InetAddress client(InetAddress peer, RequestHeaders headers) {
    String[] hops = String.join(",", headers.getAll("x-forwarded-for")).split(",", -1);
    InetAddress nearest = peer;
    for (int i = hops.length - 1; i >= 0; i--) {
      Optional<InetAddress> hop = Destinations.literal(withoutPort(hops[i].strip()));
      if (hop.isEmpty()) {
        break;
      }
      nearest = hop.get();
      if (!trusts(nearest)) {
        break;
      }
    }
    return nearest;
  }

  private static String withoutPort(String hop) {
    if (hop.startsWith("[")) {
      int end = hop.indexOf(']');
      return end < 0 ? hop : hop.substring(1, end);
    }
    int colon = hop.indexOf(':');
    return colon > 0 && colon == hop.lastIndexOf(':') ? hop.substring(0, colon) : hop;
  }

  /** What the nearest proxy said. */
  private static @Nullable String last(RequestHeaders headers, String name) {
    List<String> all = headers.getAll(name);
    if (all.isEmpty()) {
      return null;
    }
    String[] parts = all.getLast().split(",", -1);
    return parts[parts.length - 1].strip().toLowerCase(Locale.ROOT);
  }
}
