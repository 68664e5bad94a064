package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.Route;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.grpc.GrpcService;
import com.sun.management.UnixOperatingSystemMXBean;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.events.Wakeups;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The one port: REST, Connect, gRPC and Server-Sent Events over the method table, {@code
 * /openapi.json}, {@code /metrics}, and whatever other faces it is given.
 */
public final class HttpServer implements AutoCloseable {
  /**
   * @param host the address to listen on
   * @param port 0 for any free one
   * @param searchPort whether to take the next free port when this one is busy
   * @param maxBody most bytes of a request's body
   * @param bodyTime how long a body may take to arrive
   * @param maxConnections most connections at once; a further one is closed as it comes
   * @param version what the OpenAPI document and the server say they are
   * @param contract whether the methods are served; else only {@code /metrics} and the faces
   * @param edge how people reach it
   */
  public record Options(
      String host,
      int port,
      boolean searchPort,
      long maxBody,
      Duration bodyTime,
      int maxConnections,
      String version,
      boolean contract,
      Edge edge) {
    public static final Duration BODY_TIME = Duration.ofSeconds(30);

    public static final long MAX_BODY = 4L * 1024 * 1024;

    /**
     * Three quarters of the files that this process may open: whoever takes all connections does
     * not take the database's, the tools' and the disk's as well.
     */
    public static int connectionsAllowed() {
      return ManagementFactory.getOperatingSystemMXBean()
              instanceof UnixOperatingSystemMXBean system
          ? (int) Math.min(system.getMaxFileDescriptorCount() / 4 * 3, Integer.MAX_VALUE)
          : Integer.MAX_VALUE;
    }
  }

  /** Adds routes of its own to the server: health, pages, the model proxy, MCP. */
  @FunctionalInterface
  public interface Face {
    void mount(ServerBuilder server);
  }

  private static final int PORTS_TRIED = 100;

  /** What is asked of a process that stops, too. */
  private static final Set<String> WATCHED = Set.of("/health", "/metrics");

  static final Duration PING = Duration.ofSeconds(30);

  private static final Duration DRAIN = Duration.ofSeconds(10);

  private final Options options;
  private final MethodTable table;
  private final Streams streams;
  private final PrometheusMeterRegistry meters;
  private final List<Face> faces;
  private final Bodies bodies;
  private @Nullable Server server;
  private volatile boolean draining;

  public HttpServer(
      Options options,
      MethodTable table,
      Wakeups wakeups,
      PrometheusMeterRegistry meters,
      List<Face> faces) {
    this.options = options;
    this.table = table;
    this.streams = new Streams(table, wakeups);
    this.meters = meters;
    this.faces = List.copyOf(faces);
    this.bodies = new Bodies(options.maxBody, options.bodyTime, table.ports().authentication());
  }

  /**
   * Listens. Returns when requests are answered.
   *
   * @throws Failure {@code PORT_BUSY}
   */
  public void start() {
    if (options.contract) {
      streams.start();
    }
    Server built = build(freePort());
    built.start().join();
    server = built;
  }

  /** The port it listens on. */
  public int port() {
    if (server == null) {
      throw new IllegalStateException("not started");
    }
    return server.activeLocalPort();
  }

  /** Streams that are open now. */
  public int openStreams() {
    return streams.size();
  }

  private Server build(InetSocketAddress address) {
    ServerBuilder builder = Server.builder();
    TlsFiles tls = options.edge.tls();
    if (tls == null) {
      builder
          .http(address)
          .childChannelPipelineCustomizer(pipeline -> pipeline.addFirst(new NoUpgrade()));
    } else {
      // Plain HTTP is not answered on this port: a token must not travel in the clear even once.
      builder.https(address).tlsProvider(tls);
    }
    builder
        .disableServerHeader()
        .maxNumConnections(options.maxConnections)
        .maxRequestLength(options.maxBody)
        .http1MaxInitialLineLength(64 * 1024)
        .http1MaxHeaderSize(32 * 1024)
        .http2MaxHeaderListSize(96 * 1024)
        .requestTimeout(Binder.TIMEOUT)
        .idleTimeout(Duration.ofMinutes(2))
        // Or a reader of a stream on which nothing happens could vanish unnoticed. HTTP/1.1 has
        // nothing to ask with: there TCP does, as often as the system is set to.
        .pingInterval(PING)
        .childChannelOption(ChannelOption.SO_KEEPALIVE, true)
        .gracefulShutdownTimeout(Duration.ZERO, DRAIN)
        .meterRegistry(meters)
        // What is refused on the wire is the caller's affair; what is our own is logged by us.
        .unloggedExceptionsReportInterval(Duration.ZERO)
        .errorHandler(new ErrorPages(bodies));
    if (!options.edge.corsOrigins().isEmpty()) {
      builder.decorator(Cors.of(options.edge.corsOrigins()));
    }
    builder.decorator((delegate, ctx, req) -> {
      options.edge.see(ctx);
      ctx.mutateAdditionalResponseHeaders(h -> h.set("x-trace-id", Requests.traceId(ctx)));
      return draining && !WATCHED.contains(ctx.path())
          ? refuse(ctx, req)
          : delegate.serve(ctx, req);
    });
    if (options.contract) {
      rpc(builder);
      byte[] openApi = OpenApi.of(table, options.version).getBytes(StandardCharsets.UTF_8);
      builder.service("exact:/openapi.json", page(MediaType.JSON_UTF_8, () -> openApi));
    }
    builder.service(
        "exact:/metrics",
        page(
            MediaType.parse("text/plain; version=0.0.4; charset=utf-8"),
            () -> meters.scrape().getBytes(StandardCharsets.UTF_8)));
    for (Face face : faces) {
      face.mount(builder);
    }
    return builder.build();
  }

  /** Sends a caller to another process, and its connection with it. */
  private static HttpResponse refuse(ServiceRequestContext ctx, HttpRequest req) {
    var _ = ctx.initiateConnectionShutdown();
    return HttpResponse.of(
        Bodies.drop(req).handle((_, _) -> Answers.failure(ctx, Failures.draining())));
  }

  private void rpc(ServerBuilder builder) {
    RestService rest = new RestService(table, streams, bodies);
    builder.serviceUnder("/api/", rest);
    // Else it would be redirected to what is not there either.
    builder.service("exact:/api", rest);
    for (Method method : table.methods()) {
      ConnectService connect = new ConnectService(table, method, streams, bodies);
      String path = "exact:/" + method.path();
      if (method.streaming()) {
        builder.service(
            Route.builder()
                .path(path)
                .methods(HttpMethod.POST)
                .consumes(ConnectService.STREAM_JSON, ConnectService.STREAM_PROTO)
                .build(),
            connect);
      } else {
        builder.service(
            Route.builder()
                .path(path)
                .methods(HttpMethod.POST)
                .consumes(ConnectService.JSON, ConnectService.PROTO)
                .build(),
            connect);
        if (method.readOnly()) {
          builder.service(
              Route.builder()
                  .path(path)
                  .methods(HttpMethod.GET)
                  .matchesParams("message", "encoding")
                  .build(),
              connect);
        }
      }
    }
    GrpcBinding binding = new GrpcBinding(table, streams, bodies);
    GrpcService grpc = binding.service();
    HttpService guarded = binding.guarded(grpc);
    for (Route route : grpc.routes()) {
      builder.service(route, guarded);
    }
  }

  private static HttpService page(MediaType type, Supplier<byte[]> body) {
    return (ctx, req) ->
        HttpResponse.of(
            ResponseHeaders.builder(HttpStatus.OK)
                .contentType(type)
                .set(HttpHeaderNames.CACHE_CONTROL, "no-cache")
                .build(),
            HttpData.wrap(body.get()));
  }

  /** Tries the wanted port and, if allowed, those after it, before anything is built. */
  private InetSocketAddress freePort() {
    InetAddress host;
    try {
      host = InetAddress.getByName(options.host);
    } catch (UnknownHostException e) {
      throw Failure.invalid("host", "unknown: '" + Failure.excerpt(options.host) + "'");
    }
    int tries = options.searchPort ? PORTS_TRIED : 1;
    for (int i = 0; i < tries; i++) {
      int port = options.port + i;
      if (options.port == 0 || isFree(host, port)) {
        return new InetSocketAddress(host, port);
      }
    }
    throw Failure.precondition(
        "PORT_BUSY",
        "port " + options.port + " on " + options.host + " is in use by another program");
  }

  private static boolean isFree(InetAddress host, int port) {
    try (ServerSocket probe = new ServerSocket()) {
      probe.setReuseAddress(true);
      probe.bind(new InetSocketAddress(host, port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Takes no more calls: new ones are told to try another process, readers of streams to come back.
   * What runs already goes on, until {@link #close}.
   */
  public void drain() {
    draining = true;
    streams.close();
  }

  /** Whether it is about to stop. */
  public boolean draining() {
    return draining;
  }

  /** Stops. Requests that run are given ten seconds to end. */
  @Override
  public void close() {
    drain();
    if (server != null) {
      server.stop().join();
    }
  }
}
