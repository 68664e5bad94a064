package dev.mandate.kernel.egress;

import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.ClientFactoryBuilder;
import com.linecorp.armeria.client.Endpoint;
import com.linecorp.armeria.client.UnprocessedRequestException;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.client.proxy.ProxyConfig;
import com.linecorp.armeria.client.proxy.ProxyConfigSelector;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.RequestHeadersBuilder;
import com.linecorp.armeria.common.SessionProtocol;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.kernel.telemetry.Traceparent;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Calls outside systems over HTTP/1.1 or HTTP/2. The host is looked up here, its addresses are
 * checked, and exactly those are dialled, so that a name which changes its address in between gains
 * nothing. Redirects are not followed. Thread-safe; {@link #send} blocks, so call it on a virtual
 * thread.
 */
public final class EgressClient implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration IDLE = Duration.ofSeconds(30);
  private static final int ADDRESSES_TRIED = 3;
  private static final Set<String> OURS =
      Set.of("host", "content-length", "transfer-encoding", "connection", "upgrade");

  private final EgressGuard guard;
  private final ClientFactory direct;
  private final ClientFactory proxied;

  public EgressClient(EgressSettings settings) {
    guard = new EgressGuard(settings);
    Path authorities = settings.caFile();
    TrustManagerFactory trust = authorities == null ? null : Trust.withFile(authorities);
    direct = factory(trust).proxyConfig(ProxyConfig.direct()).build();
    proxied = factory(trust).proxyConfig(new Proxies(settings)).build();
  }

  private static ClientFactoryBuilder factory(@Nullable TrustManagerFactory trust) {
    ClientFactoryBuilder builder =
        ClientFactory.builder().connectTimeout(CONNECT).idleTimeout(IDLE);
    return trust == null ? builder : builder.tlsCustomizer(tls -> tls.trustManager(trust));
  }

  /**
   * Checks a URL that somebody wants to keep, so that they hear of a refusal at once. Each later
   * call checks again. Blocks.
   *
   * @throws EgressFailure {@code BLOCKED} or {@code UNREACHABLE} (no address)
   */
  public void check(URI uri) {
    guard.route(uri, false);
  }

  /**
   * Sends a request and waits for the head of the answer, of whatever status. The body then comes
   * piece by piece from the answer, which must be closed.
   *
   * @throws EgressFailure see its kinds
   */
  public EgressResponse send(EgressRequest request, CancelSignal cancel) {
    long deadline = System.nanoTime() + request.total().toNanos();
    EgressGuard.Route route = guard.route(request.uri(), request.operator());
    RequestHeaders headers = headers(request);
    if (route.proxy() != null) {
      return exchange(
          Endpoint.of(route.host(), route.port()), route, request, headers, deadline, cancel);
    }
    List<InetAddress> addresses =
        route.addresses().subList(0, Math.min(ADDRESSES_TRIED, route.addresses().size()));
    EgressFailure last = null;
    for (InetAddress address : addresses) {
      Endpoint endpoint = Endpoint.of(route.host(), route.port()).withInetAddress(address);
      try {
        return exchange(endpoint, route, request, headers, deadline, cancel);
      } catch (EgressFailure e) {
        if (e.kind() != EgressFailure.Kind.UNREACHABLE) {
          throw e;
        }
        last = e;
      }
    }
    throw java.util.Objects.requireNonNull(last);
  }

  private EgressResponse exchange(
      Endpoint endpoint,
      EgressGuard.Route route,
      EgressRequest request,
      RequestHeaders headers,
      long deadline,
      CancelSignal cancel) {
    // Not HTTP with upgrade: plain servers behind plain URLs answer an unknown preface with errors.
    SessionProtocol protocol = route.tls() ? SessionProtocol.HTTPS : SessionProtocol.H1C;
    WebClient client =
        WebClient.builder(protocol, endpoint)
            .factory(route.proxy() == null ? direct : proxied)
            .responseTimeoutMillis(0)
            .writeTimeoutMillis(request.stall().toMillis())
            .maxResponseLength(0)
            .build();
    HttpResponse response = client.execute(headers, HttpData.wrap(request.body()));
    EgressResponse answer =
        new EgressResponse(response, route.host(), request.stall(), deadline, request.maxBytes());
    answer.open(cancel);
    return answer;
  }

  private static RequestHeaders headers(EgressRequest request) {
    URI uri = request.uri();
    String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    if (uri.getRawQuery() != null) {
      path += "?" + uri.getRawQuery();
    }
    RequestHeadersBuilder builder =
        RequestHeaders.builder(HttpMethod.valueOf(request.method()), path);
    request
        .headers()
        .forEach((name, value) -> {
          String lower = name.toLowerCase(Locale.ROOT);
          if (!OURS.contains(lower)) {
            builder.add(lower, value);
          }
        });
    String traceparent = Span.current().traceparent();
    if (traceparent != null && !builder.contains(Traceparent.NAME)) {
      builder.add(Traceparent.NAME, traceparent);
    }
    if (!builder.contains("user-agent")) {
      builder.add("user-agent", "mandate");
    }
    return builder.build();
  }

  /** What a transport's error means to whoever called. */
  static EgressFailure failure(String host, Throwable thrown) {
    String place = "'" + Failure.excerpt(host) + "'";
    if (thrown instanceof UnprocessedRequestException) {
      Throwable cause = thrown.getCause() == null ? thrown : thrown.getCause();
      boolean tls = cause instanceof javax.net.ssl.SSLException;
      return new EgressFailure(
          EgressFailure.Kind.UNREACHABLE,
          tls ? "no trusted TLS connection to " + place : "no connection to " + place,
          thrown);
    }
    return new EgressFailure(
        EgressFailure.Kind.CUT, "the connection to " + place + " ended in the middle", thrown);
  }

  @Override
  public void close() {
    direct.close();
    proxied.close();
  }

  /** The proxy of each protocol. Whether to go through one is the guard's decision. */
  private record Proxies(EgressSettings settings) implements ProxyConfigSelector {
    @Override
    public ProxyConfig select(SessionProtocol protocol, Endpoint endpoint) {
      URI proxy = protocol.isTls() ? settings.httpsProxy() : settings.httpProxy();
      if (proxy == null) {
        throw new IllegalStateException("no proxy for " + protocol);
      }
      boolean tls = "https".equals(proxy.getScheme());
      int port = proxy.getPort() == -1 ? (tls ? 443 : 80) : proxy.getPort();
      InetSocketAddress address = new InetSocketAddress(proxy.getHost(), port);
      String user = proxy.getRawUserInfo();
      if (user == null) {
        return ProxyConfig.connect(address, tls);
      }
      int colon = user.indexOf(':');
      return ProxyConfig.connect(
          address,
          decode(colon < 0 ? user : user.substring(0, colon)),
          colon < 0 ? "" : decode(user.substring(colon + 1)),
          tls);
    }

    @Override
    public void connectFailed(
        SessionProtocol protocol,
        Endpoint endpoint,
        @Nullable SocketAddress address,
        @Nullable Throwable thrown) {
      // The call itself fails and says so.
    }

    private static String decode(String text) {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }
  }
}
