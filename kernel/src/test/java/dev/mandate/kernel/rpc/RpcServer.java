package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.IdempotencyKeys;
import dev.mandate.kernel.db.KernelDatabase;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Spans;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** The real server over the test contract, on a free port. */
final class RpcServer implements AutoCloseable {
  static final OrgId ORG = new OrgId(new UUID(1, 1));
  static final UUID ANN = new UUID(7, 1);
  static final UUID BOT = new UUID(7, 2);

  final KernelDatabase database = new KernelDatabase();
  final Wakeups wakeups = database.wakeups();
  final NotesHandlers notes = new NotesHandlers(database.db(), wakeups);
  final PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  final List<String> audited = new CopyOnWriteArrayList<>();
  final Set<String> revoked = ConcurrentHashMap.newKeySet();
  final Set<String> forbidden = ConcurrentHashMap.newKeySet();
  final AtomicInteger authenticated = new AtomicInteger();

  /** How far the clock is ahead by which an authority, which is given for an hour, expires. */
  volatile Duration ahead = Duration.ZERO;

  private final String scheme;
  final MethodTable table;
  final HttpServer http;
  final HttpClient client = HttpClient.newHttpClient();

  /** As browsers do: a connection a stream, without an upgrade to HTTP/2 in clear text. */
  final HttpClient streams = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  RpcServer(HttpServer.Face... faces) {
    this(Edge.NONE, HttpServer.Options.BODY_TIME, faces);
  }

  RpcServer(Edge edge, Duration bodyTime, HttpServer.Face... faces) {
    this(edge, bodyTime, HttpServer.Options.connectionsAllowed(), faces);
  }

  RpcServer(Edge edge, Duration bodyTime, int maxConnections, HttpServer.Face... faces) {
    this.scheme = edge.tls() == null ? "http" : "https";
    Binder binder = new Binder();
    notes.bind(binder);
    CallAudit audit =
        new CallAudit() {
          @Override
          public void denied(Mandate mandate, Method method, Failure failure) {
            audited.add("denied " + method.action() + " " + failure.reason());
          }

          @Override
          public void allowed(Mandate mandate, Method method) {
            audited.add("allowed " + method.action());
          }
        };
    this.table =
        binder.build(
            new CallPorts(
                new Authentication(this::authenticate),
                this::require,
                CallPolicy.NONE,
                new IdempotencyKeys(database.db()),
                audit,
                meters,
                Spans.OFF,
                () -> Instant.now().plus(ahead)));
    this.http =
        new HttpServer(
            new HttpServer.Options(
                "127.0.0.1",
                0,
                false,
                HttpServer.Options.MAX_BODY,
                bodyTime,
                maxConnections,
                "1",
                true,
                edge),
            table,
            wakeups,
            meters,
            List.of(faces));
  }

  RpcServer start() {
    http.start();
    return this;
  }

  /** Tokens are `ann`, `bot` (an agent that acts for Ann) and `narrow` (Ann, reading notes). */
  private Mandate authenticate(Credential credential, Mandate.Origin origin) {
    authenticated.incrementAndGet();
    if (revoked.contains(credential.secret())) {
      throw Failure.unauthenticated("unknown, expired or revoked credential");
    }
    Instant later = Instant.now().plusSeconds(3600);
    Principal ann = Principal.user(ANN);
    return switch (credential.secret()) {
      case "ann", "s-ann" -> new Mandate(ORG, List.of(ann), List.of(), null, later, origin);
      case "bot" ->
          new Mandate(ORG, List.of(Principal.agent(BOT), ann), List.of(), null, later, origin);
      case "narrow" ->
          new Mandate(
              ORG, List.of(ann), List.of(Bound.actions(Set.of("notes.get"))), null, later, origin);
      default -> throw Failure.unauthenticated("unknown, expired or revoked credential");
    };
  }

  private void require(Mandate mandate, String action) {
    if (!mandate.boundsPermitAction(action) || forbidden.contains(action)) {
      throw Failure.denied("NOT_PERMITTED", "you may not " + action);
    }
  }

  URI uri(String path) {
    return URI.create(scheme + "://127.0.0.1:" + http.port() + path);
  }

  /** A request as Ann; headers given later win. */
  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(uri(path)).setHeader("authorization", "Bearer ann");
  }

  HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  HttpResponse<byte[]> sendForBytes(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  HttpResponse<InputStream> open(HttpRequest.Builder request) throws Exception {
    return streams.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
  }

  HttpResponse<String> get(String path) throws Exception {
    return send(request(path));
  }

  HttpResponse<String> post(String path, String json) throws Exception {
    return send(
        request(path)
            .setHeader("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json, StandardCharsets.UTF_8)));
  }

  @Override
  public void close() {
    http.close();
    database.close();
    client.close();
    streams.shutdownNow();
  }
}
