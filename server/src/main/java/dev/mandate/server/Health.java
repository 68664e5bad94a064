package dev.mandate.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServerBuilder;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.rpc.HttpServer;
import dev.mandate.runs.RunWorker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * {@code /health}: 200 while this process can do its work, 503 while it cannot, with what it is
 * made of and whether each dependency can be reached. Says nothing that a stranger may not know.
 */
final class Health implements HttpServer.Face {
  /** Probes come often and from many: the database is asked at most once in this time. */
  private static final long KEPT_NANOS = 1_000_000_000L;

  /** A probe must not wait as long as a frozen database makes a statement wait. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /** Changes are tried all the time: after so long without a refusal there is space again. */
  private static final Duration UNWRITABLE = Duration.ofSeconds(10);

  private record Answer(long at, boolean healthy, String json) {}

  private final Db db;
  private final RunWorker worker;
  private final List<String> models;
  private final ProcessSettings process;
  private final boolean embedded;
  private final boolean sharedFiles;
  private final String version;
  private final BooleanSupplier draining;
  private final Executor executor = Executors.newVirtualThreadPerTaskExecutor();
  private volatile @Nullable Answer last;

  /**
   * @param draining whether the process is about to stop: load goes elsewhere
   */
  Health(
      Db db,
      RunWorker worker,
      List<String> models,
      ProcessSettings process,
      boolean embedded,
      boolean sharedFiles,
      String version,
      BooleanSupplier draining) {
    this.db = db;
    this.worker = worker;
    this.models = models;
    this.process = process;
    this.embedded = embedded;
    this.sharedFiles = sharedFiles;
    this.version = version;
    this.draining = draining;
  }

  @Override
  public void mount(ServerBuilder server) {
    HttpService service =
        (ctx, request) -> HttpResponse.of(CompletableFuture.supplyAsync(this::answer, executor));
    server.service("exact:/health", service);
  }

  private HttpResponse answer() {
    Answer known = last;
    if (known == null || System.nanoTime() - known.at() >= KEPT_NANOS || draining.getAsBoolean()) {
      known = look();
      last = known;
    }
    return HttpResponse.of(
        known.healthy() ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE,
        MediaType.JSON_UTF_8,
        known.json());
  }

  private Answer look() {
    boolean reachable = reachable();
    boolean writable = reachable && !db.refusedChanges(UNWRITABLE);
    boolean stopping = draining.getAsBoolean();
    ObjectNode json = Json.object();
    json.put("status", stopping ? "draining" : writable ? "ok" : "unavailable");
    json.put("version", version);
    ArrayNode roles = json.putArray("roles");
    if (process.api()) {
      roles.add("api");
    }
    if (process.worker()) {
      roles.add("worker");
    }
    json.putObject("dependencies")
        .putObject("postgresql")
        .put("reachable", reachable)
        .put("writable", writable)
        .put("embedded", embedded);
    ObjectNode features = json.putObject("features");
    features.put("runs", true).put("mcp", true).put("approvals", true);
    features.put("models", models.isEmpty() ? "rehearsal only" : "configured");
    features.put("files", embedded || sharedFiles ? "configured" : "this process only");
    json.put("active_runs", worker.active());
    return new Answer(System.nanoTime(), writable && !stopping, json.toString());
  }

  private boolean reachable() {
    try {
      return CompletableFuture.supplyAsync(
              () -> db.dispatch(sql -> sql.select("select 1").mapTo(int.class).one()) == 1,
              executor)
          .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      // That it cannot be reached is the answer.
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
