package dev.mandate.kernel.events;

import dev.mandate.kernel.Failure;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Where a broker is, and how to get in.
 *
 * @param servers unresolved; any of them will do
 * @param user empty if there is none
 * @param secret a password, or a token if there is no user; empty if there is none
 * @param tls null for plain text
 */
record BrokerUrl(
    Kind kind,
    List<InetSocketAddress> servers,
    String user,
    String secret,
    @Nullable SSLSocketFactory tls) {

  enum Kind {
    REDIS,
    NATS
  }

  /**
   * Reads {@code redis://}, {@code rediss://}, {@code nats://} and {@code tls://} (NATS).
   *
   * @param tls used by the two that ask for TLS
   * @throws Failure {@code INVALID_ARGUMENT} that never quotes the URL, which may hold a password
   */
  static BrokerUrl parse(String url, SSLSocketFactory tls) {
    URI uri;
    try {
      uri = new URI(url);
    } catch (URISyntaxException e) {
      throw invalid("is not a URL; characters such as '@' or '#' in the password are written %40");
    }
    String scheme = String.valueOf(uri.getScheme());
    Kind kind =
        switch (scheme) {
          case "redis", "rediss" -> Kind.REDIS;
          case "nats", "tls" -> Kind.NATS;
          default ->
              throw invalid(
                  "must be postgres, or begin with redis://, rediss://, nats:// or tls://");
        };
    String authority = String.valueOf(uri.getRawAuthority());
    int at = authority.lastIndexOf('@');
    String[] login = (at < 0 ? "" : authority.substring(0, at)).split(":", 2);
    List<InetSocketAddress> servers = new ArrayList<>();
    for (String host : authority.substring(at + 1).split(",", -1)) {
      servers.add(server(host, kind == Kind.REDIS ? 6379 : 4222));
    }
    return new BrokerUrl(
        kind,
        List.copyOf(servers),
        login.length == 2 ? decode(login[0]) : "",
        decode(login[login.length - 1]),
        scheme.equals("rediss") || scheme.equals("tls") ? tls : null);
  }

  private static InetSocketAddress server(String text, int usualPort) {
    int colon = text.lastIndexOf(':');
    boolean hasPort = colon > text.lastIndexOf(']');
    String host = hasPort ? text.substring(0, colon) : text;
    if (host.isEmpty() || host.equals("null")) {
      throw invalid("must name a host");
    }
    try {
      int port = hasPort ? Integer.parseInt(text.substring(colon + 1)) : usualPort;
      return InetSocketAddress.createUnresolved(host, port);
    } catch (IllegalArgumentException e) {
      throw invalid("has a port that is none");
    }
  }

  private static String decode(String text) {
    // A plus sign in a password means itself.
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static Failure invalid(String problem) {
    return Failure.invalid("fanout", problem);
  }

  /** Neither user nor secret. */
  @Override
  public String toString() {
    return kind + " " + servers;
  }
}
