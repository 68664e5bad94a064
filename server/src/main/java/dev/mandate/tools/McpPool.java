package dev.mandate.tools;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.tools.McpFailure.Kind;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.spec.McpSchema;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The open connections, one for each source of each organization: opened when first needed, again
 * after a loss (ever later while it keeps failing), closed when idle and at the end. Thread-safe.
 */
final class McpPool implements AutoCloseable {
  /** Package runners may have to download the program first. */
  static final Duration START = Duration.ofSeconds(60);

  private static final Duration PING = Duration.ofSeconds(2);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);

  /** Up to here a call waits for the next attempt; beyond, it fails at once. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final EgressClient egress;
  private final McpJsonMapper mapper;
  private final Duration idle;
  private final ChildProcesses processes = new ChildProcesses();
  private final Map<Key, Slot> slots = new ConcurrentHashMap<>();
  private @Nullable ScheduledExecutorService reaper;
  private volatile boolean closed;

  /** Looks at what a server offers now, before one of its tools is called. */
  interface Check {
    /** Why nothing may be called; null if nothing is wrong. */
    @Nullable String problem(List<McpSchema.Tool> offered);
  }

  /** A source of an organization. */
  record Key(OrgId org, ToolSourceId source) {}

  /** One source's place. */
  private static final class Slot {
    final ReentrantLock lock = new ReentrantLock();

    /** When each call that is at work began. */
    final Map<Object, Long> inFlight = new ConcurrentHashMap<>();

    volatile @Nullable McpConnection connection;
    volatile long lastUsed = System.nanoTime();
    @Nullable CompletableFuture<McpConnection> opening;
    boolean dropped;
    int failures;
    long pausedUntil;
    String lastProblem = "";
  }

  /**
   * @param idle how long an unused connection stays open
   */
  McpPool(EgressClient egress, McpJsonMapper mapper, Duration idle) {
    this.egress = egress;
    this.mapper = mapper;
    this.idle = idle;
  }

  void start() {
    ScheduledExecutorService scheduler =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("mcp-reaper").factory());
    long every = Math.max(idle.toMillis() / 4, 50);
    Future<?> _ = scheduler.scheduleWithFixedDelay(this::reap, every, every, TimeUnit.MILLISECONDS);
    reaper = scheduler;
  }

  /** Opens a connection outside the pool, to look at a server. The caller closes it. */
  McpConnection connect(McpServer server) throws McpFailure {
    return McpConnection.open(wire(server), START);
  }

  /** Puts an open connection into the pool, unless a call came first and has opened its own. */
  void adopt(Key key, McpConnection connection) {
    Slot slot = slots.computeIfAbsent(key, k -> new Slot());
    boolean wanted;
    slot.lock.lock();
    try {
      wanted = slot.connection == null;
      if (wanted) {
        slot.lastUsed = System.nanoTime();
        slot.connection = connection;
      }
    } finally {
      slot.lock.unlock();
    }
    if (!wanted) {
      connection.close();
    }
  }

  /**
   * Calls a tool.
   *
   * @param server looked up when a connection has to be opened
   * @param check asked before the call leaves; nothing is called if it finds a problem
   * @param deadline when it is given up, as {@link System#nanoTime} counts
   */
  McpSchema.CallToolResult call(
      Key key,
      Supplier<McpServer> server,
      Check check,
      McpSchema.CallToolRequest request,
      long deadline,
      CancelSignal cancel)
      throws McpFailure {
    Slot slot = slots.computeIfAbsent(key, k -> new Slot());
    Object call = new Object();
    slot.inFlight.put(call, System.nanoTime());
    try {
      McpConnection connection = connection(slot, server, deadline, cancel);
      try {
        requireNone(check, connection, deadline, cancel);
        return succeeded(slot, send(connection, request, deadline, cancel));
      } catch (McpFailure failure) {
        if (failure.kind() == Kind.TIMEOUT || failure.kind() == Kind.CANCELLED) {
          suspect(slot, connection);
        }
        // An HTTP server that was restarted has forgotten the session and did nothing.
        if (failure.kind() != Kind.NOT_DONE || !connection.isLost()) {
          throw failure;
        }
      }
      McpSchema.CallToolRequest again =
          new McpSchema.CallToolRequest(request.name(), request.arguments(), request.meta());
      McpConnection fresh = connection(slot, server, deadline, cancel);
      requireNone(check, fresh, deadline, cancel);
      return succeeded(slot, send(fresh, again, deadline, cancel));
    } finally {
      slot.lastUsed = System.nanoTime();
      slot.inFlight.remove(call);
    }
  }

  private static void requireNone(
      Check check, McpConnection connection, long deadline, CancelSignal cancel) throws McpFailure {
    List<McpSchema.Tool> offered;
    try {
      offered = connection.offered(left(deadline), cancel);
    } catch (McpFailure failure) {
      // Whatever became of the question, the call itself never left.
      throw McpFailure.notDone("its server did not say what it offers: " + failure.message());
    }
    String problem = check.problem(offered);
    if (problem != null) {
      throw McpFailure.notDone(problem);
    }
  }

  /** Looks once more before the call leaves: opening the connection may have taken a minute. */
  private static McpSchema.CallToolResult send(
      McpConnection connection,
      McpSchema.CallToolRequest request,
      long deadline,
      CancelSignal cancel)
      throws McpFailure {
    if (cancel.cancelled()) {
      throw McpFailure.notDone("it was cancelled");
    }
    return connection.call(request, left(deadline), cancel);
  }

  /** Closes a source's connection and forgets it. */
  void drop(Key key) {
    Slot slot = slots.remove(key);
    if (slot == null) {
      return;
    }
    McpConnection connection;
    slot.lock.lock();
    try {
      slot.dropped = true;
      connection = slot.connection;
    } finally {
      slot.lock.unlock();
    }
    if (connection != null) {
      connection.close();
    }
  }

  private McpConnection connection(
      Slot slot, Supplier<McpServer> server, long deadline, CancelSignal cancel) throws McpFailure {
    McpConnection open = slot.connection;
    if (open != null && !open.isLost()) {
      return open;
    }
    CompletableFuture<McpConnection> opening = opening(slot, server, deadline);
    CompletableFuture<McpConnection> mine = opening.copy();
    CancelSignal.Registration registration = cancel.onCancel(() -> mine.cancel(false));
    try {
      return mine.get(left(deadline).toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw McpFailure.notDone("its server did not start in time");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw McpFailure.notDone("it was cancelled");
    } catch (CancellationException e) {
      throw McpFailure.notDone("it was cancelled");
    } catch (ExecutionException e) {
      throw McpFailure.notDone(
          "its server could not be reached: "
              + (e.getCause() instanceof McpFailure failure
                  ? failure.message()
                  : "it is not known how"));
    } finally {
      registration.close();
    }
  }

  /**
   * The attempt that is under way, or a new one. It has its own time and serves everybody who
   * waits: a call with a short timeout must not stop a server from ever starting.
   */
  private CompletableFuture<McpConnection> opening(
      Slot slot, Supplier<McpServer> server, long deadline) throws McpFailure {
    slot.lock.lock();
    try {
      McpConnection open = slot.connection;
      if (open != null && !open.isLost()) {
        return CompletableFuture.completedFuture(open);
      }
      CompletableFuture<McpConnection> current = slot.opening;
      if (current != null && !current.isDone()) {
        return current;
      }
      if (closed) {
        throw McpFailure.notDone("the server is shutting down");
      }
      if (open != null) {
        slot.connection = null;
        failed(slot, "it ended");
        Thread.startVirtualThread(open::close);
      }
      Duration pause = pause(slot, deadline);
      CompletableFuture<McpConnection> next = new CompletableFuture<>();
      slot.opening = next;
      Thread.startVirtualThread(() -> open(slot, server, pause, next));
      return next;
    } finally {
      slot.lock.unlock();
    }
  }

  private void open(
      Slot slot,
      Supplier<McpServer> server,
      Duration pause,
      CompletableFuture<McpConnection> opening) {
    try {
      Thread.sleep(pause);
      McpConnection fresh = McpConnection.open(wire(server.get()), START);
      slot.lock.lock();
      try {
        if (slot.dropped) {
          fresh.close();
          throw McpFailure.notDone("it was removed meanwhile");
        }
        slot.connection = fresh;
      } finally {
        slot.lock.unlock();
      }
      opening.complete(fresh);
    } catch (McpFailure | RuntimeException | InterruptedException | Error e) {
      slot.lock.lock();
      try {
        failed(slot, e instanceof McpFailure failure ? failure.message() : "it is not known how");
      } finally {
        slot.lock.unlock();
      }
      opening.completeExceptionally(e);
    }
  }

  /** How long to wait before the next attempt; refuses if that is too long for the caller. */
  private static Duration pause(Slot slot, long deadline) throws McpFailure {
    Duration wait = Duration.ofNanos(slot.pausedUntil - System.nanoTime());
    if (slot.failures < 2 || wait.isNegative()) {
      return Duration.ZERO;
    }
    if (wait.compareTo(PATIENCE) > 0 || wait.compareTo(left(deadline)) > 0) {
      throw McpFailure.notDone(
          "its server keeps failing ("
              + slot.lastProblem
              + "); the next attempt is in "
              + ToolTimes.seconds(wait));
    }
    return wait;
  }

  private static void failed(Slot slot, String problem) {
    slot.failures++;
    slot.lastProblem = problem;
    long seconds = Math.min(1L << Math.min(slot.failures - 1, 6), LONGEST_PAUSE.toSeconds());
    slot.pausedUntil = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
  }

  private static McpSchema.CallToolResult succeeded(Slot slot, McpSchema.CallToolResult result) {
    slot.lock.lock();
    try {
      slot.failures = 0;
    } finally {
      slot.lock.unlock();
    }
    return result;
  }

  /**
   * A call got no answer. If the server is mute, and no call that began before is still at work (it
   * may be what a simple server is busy with), it is ended.
   */
  private static void suspect(Slot slot, McpConnection connection) {
    long since = System.nanoTime();
    Thread.startVirtualThread(() -> {
      boolean mute = !connection.alive(PING);
      if (mute && slot.inFlight.values().stream().noneMatch(began -> began - since < 0)) {
        connection.close();
      }
    });
  }

  private void reap() {
    long now = System.nanoTime();
    slots.forEach((key, slot) -> {
      boolean unused = slot.inFlight.isEmpty() && now - slot.lastUsed > idle.toNanos();
      if (unused && slot.lock.tryLock()) {
        try {
          McpConnection connection = slot.connection;
          slot.connection = null;
          // A call enters itself before it looks for the connection: either it finds none and waits
          // for this lock, or it is seen here.
          if (!slot.inFlight.isEmpty()) {
            slot.connection = connection;
          } else if (connection != null) {
            connection.close();
          }
        } finally {
          slot.lock.unlock();
        }
      }
    });
  }

  private McpWire wire(McpServer server) {
    return switch (server) {
      case McpServer.Stdio stdio -> new StdioWire(stdio, processes, mapper);
      case McpServer.Http http -> new HttpWire(http, egress, mapper);
    };
  }

  private static Duration left(long deadline) {
    return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
  }

  @Override
  public void close() {
    closed = true;
    ScheduledExecutorService scheduler = reaper;
    if (scheduler != null) {
      scheduler.shutdownNow();
    }
    var all =
        slots.keySet().stream().map(key -> Thread.startVirtualThread(() -> drop(key))).toList();
    for (Thread thread : all) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    processes.close();
  }
}
