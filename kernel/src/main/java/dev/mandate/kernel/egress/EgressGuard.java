package dev.mandate.kernel.egress;

import dev.mandate.kernel.Failure;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Decides where a URL may lead, and to which addresses exactly: those are dialled, no others. */
final class EgressGuard {
  private final EgressSettings settings;

  EgressGuard(EgressSettings settings) {
    this.settings = settings;
  }

  /**
   * Where to go.
   *
   * @param host without brackets
   * @param addresses to dial, in order; empty when a proxy dials
   * @param proxy null for a direct call
   */
  record Route(
      boolean tls, String host, int port, List<InetAddress> addresses, @Nullable URI proxy) {}

  /**
   * Looks the host up and checks what comes of it. Blocks.
   *
   * @throws EgressFailure {@code BLOCKED} or {@code UNREACHABLE}
   */
  Route route(URI uri, boolean operator) {
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    boolean tls = scheme.equals("https");
    if (!tls && !scheme.equals("http")) {
      throw blocked("only http and https URLs are called");
    }
    String host = uri.getHost();
    if (host == null || host.isEmpty() || host.indexOf('%') >= 0) {
      throw blocked("the URL has no host that can be called");
    }
    if (uri.getRawUserInfo() != null) {
      throw blocked("a URL must not carry a user or password");
    }
    if (host.startsWith("[")) {
      host = host.substring(1, host.length() - 1);
    }
    int port = uri.getPort() == -1 ? (tls ? 443 : 80) : uri.getPort();
    if (port < 1 || port > 65_535) {
      throw blocked("there is no port " + port);
    }
    boolean allowed = operator || settings.allowed().containsName(host, port);
    URI proxy = tls ? settings.httpsProxy() : settings.httpProxy();
    if (proxy != null && !direct(host, port)) {
      checkProxied(host, port, allowed);
      return new Route(tls, host, port, List.of(), proxy);
    }
    List<InetAddress> usable = new ArrayList<>();
    EgressFailure refusal = null;
    for (InetAddress address : lookUp(host)) {
      String problem = allowed ? null : AddressClass.notPublic(address);
      if (problem == null || settings.allowed().containsAddress(address, port)) {
        usable.add(address);
      } else if (refusal == null) {
        refusal = refused(host, port, problem);
      }
    }
    if (usable.isEmpty()) {
      throw refusal == null ? unknown(host, null) : refusal;
    }
    return new Route(tls, host, port, List.copyOf(usable), null);
  }

  /**
   * Behind a proxy the proxy looks names up, and what it reaches is its operator's business; but
   * the machine's own names and addresses never go there.
   */
  private void checkProxied(String host, int port, boolean allowed) {
    if (allowed) {
      return;
    }
    String lower = host.toLowerCase(Locale.ROOT);
    if (lower.equals("localhost") || lower.endsWith(".localhost")) {
      throw refused(host, port, "a loopback address");
    }
    // Spellings such as 2130706433 or 0x7f.1 are addresses to some proxies.
    boolean numeric = lower.matches("(0x[0-9a-f]*|[0-9]+)(\\.(0x[0-9a-f]*|[0-9]+))*\\.?");
    InetAddress literal = Destinations.literal(host).orElse(null);
    if (literal == null && numeric) {
      throw refused(host, port, "not a plain address");
    }
    String problem = literal == null ? null : AddressClass.notPublic(literal);
    if (problem != null && literal != null && !settings.allowed().containsAddress(literal, port)) {
      throw refused(host, port, problem);
    }
  }

  private boolean direct(String host, int port) {
    return settings.noProxy().containsName(host, port)
        || Destinations.literal(host)
            .filter(address ->
                address.isLoopbackAddress() || settings.noProxy().containsAddress(address, port))
            .isPresent()
        || host.equalsIgnoreCase("localhost");
  }

  private static List<InetAddress> lookUp(String host) {
    try {
      return Destinations.lookUp(host);
    } catch (UnknownHostException e) {
      throw unknown(host, e);
    }
  }

  private static EgressFailure unknown(String host, @Nullable Throwable cause) {
    return new EgressFailure(
        EgressFailure.Kind.UNREACHABLE,
        "no address is known for the host '" + Failure.excerpt(host) + "'",
        cause);
  }

  private static EgressFailure refused(String host, int port, String problem) {
    String entry = host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    return blocked(
        "'"
            + Failure.excerpt(host)
            + "' is "
            + problem
            + ", which is not called from here; the installation's operator can allow it with"
            + " MANDATE_EGRESS_ALLOW="
            + Failure.excerpt(entry));
  }

  private static EgressFailure blocked(String message) {
    return new EgressFailure(EgressFailure.Kind.BLOCKED, message, null);
  }
}
