package dev.mandate.tools;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.tools.McpFailure.Kind;
import io.modelcontextprotocol.client.McpAsyncClient;
import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.json.schema.JsonSchemaValidator;
import io.modelcontextprotocol.spec.McpError;
import io.modelcontextprotocol.spec.McpSchema;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** One open connection to an MCP server. Thread-safe; everything blocks. */
final class McpConnection implements AutoCloseable {
  /** Above every tool's timeout: ours are the ones that count. */
  private static final Duration SDK_TIMEOUT = Duration.ofMinutes(11);

  /** An HTTP server cannot say that its tools changed unless it is asked something. */
  private static final Duration LOOK_AGAIN = Duration.ofMinutes(1);

  private final McpWire wire;
  private final McpAsyncClient client;
  private final Map<Object, Consumer<McpFailure>> waiting = new ConcurrentHashMap<>();

  private volatile @Nullable Offered offered;

  /**
   * The tools as listed at a time.
   *
   * @param changes that the server had told of before it was asked: of two who ask at once, the one
   *     with the older list may be the later to say so
   */
  private record Offered(List<McpSchema.Tool> tools, long at, long changes) {}

  private McpConnection(McpWire wire, McpAsyncClient client) {
    this.wire = wire;
    this.client = client;
  }

  /** Connects and agrees on a protocol version. */
  static McpConnection open(McpWire wire, Duration timeout) throws McpFailure {
    McpAsyncClient client =
        McpClient.async(wire)
            .clientInfo(McpSchema.Implementation.builder("mandate", "1").build())
            .requestTimeout(SDK_TIMEOUT)
            .initializationTimeout(SDK_TIMEOUT)
            // Output is data for whoever called; checking it is not the connection's business.
            .enableCallToolSchemaCaching(false)
            .jsonSchemaValidator(
                (schema, content) -> JsonSchemaValidator.ValidationResponse.asValid(null))
            .build();
    McpConnection connection = new McpConnection(wire, client);
    boolean opened = false;
    try {
      wire.open();
      wire.onLost(connection::lost);
      connection.await(client.initialize(), timeout, new CancelSignal());
      opened = true;
      return connection;
    } catch (McpFailure failure) {
      // Nothing was asked of it yet that could have had an effect.
      throw failure.kind() == Kind.LOST ? McpFailure.notDone(failure.message()) : failure;
    } finally {
      if (!opened) {
        connection.close();
      }
    }
  }

  /** What the server offers now: as known, unless it said that it changed or some time went by. */
  List<McpSchema.Tool> offered(Duration timeout, CancelSignal cancel) throws McpFailure {
    Offered known = offered;
    long now = System.nanoTime();
    long changes = wire.toolChanges();
    if (known != null && known.changes() == changes && now - known.at() < LOOK_AGAIN.toNanos()) {
      return known.tools();
    }
    // If it does not say, what is known is no answer any more.
    offered = null;
    List<McpSchema.Tool> tools = tools(Discovery.MAX_TOOLS, timeout, cancel);
    offered = new Offered(tools, now, changes);
    return tools;
  }

  /** The server's tools, page by page; at most {@code limit} and one more page. */
  List<McpSchema.Tool> tools(int limit, Duration timeout) throws McpFailure {
    return tools(limit, timeout, new CancelSignal());
  }

  private List<McpSchema.Tool> tools(int limit, Duration timeout, CancelSignal cancel)
      throws McpFailure {
    List<McpSchema.Tool> tools = new ArrayList<>();
    String cursor = McpSchema.FIRST_PAGE;
    int pages = 0;
    long end = System.nanoTime() + timeout.toNanos();
    do {
      Duration left = Duration.ofNanos(Math.max(end - System.nanoTime(), 0));
      McpSchema.ListToolsResult page = await(client.listTools(cursor), left, cancel);
      tools.addAll(page.tools());
      String next = page.nextCursor();
      cursor = next == null || next.isEmpty() || next.equals(cursor) ? null : next;
      pages++;
    } while (cursor != null && tools.size() <= limit && pages <= limit);
    return tools;
  }

  McpSchema.CallToolResult call(
      McpSchema.CallToolRequest request, Duration timeout, CancelSignal cancel) throws McpFailure {
    try {
      McpSchema.CallToolResult result = await(client.callTool(request), timeout, cancel);
      wire.forget(request);
      return result;
    } catch (McpFailure failure) {
      if (failure.kind() == Kind.TIMEOUT || failure.kind() == Kind.CANCELLED) {
        wire.abandon(request);
      } else {
        wire.forget(request);
      }
      throw failure;
    }
  }

  /** Whether it answers at all. */
  boolean alive(Duration timeout) {
    try {
      await(client.ping(), timeout, new CancelSignal());
      return true;
    } catch (McpFailure failure) {
      return false;
    }
  }

  boolean isLost() {
    return wire.lost() != null;
  }

  /** Waits, for no longer than the connection lives, the time allows and the caller wants. */
  private <T> T await(Mono<T> work, Duration timeout, CancelSignal cancel) throws McpFailure {
    CompletableFuture<T> answer = work.toFuture();
    Object ticket = new Object();
    waiting.put(ticket, answer::completeExceptionally);
    McpFailure gone = wire.lost();
    if (gone != null) {
      lost(gone);
    }
    CancelSignal.Registration registration =
        cancel.onCancel(() -> answer.completeExceptionally(cancelled()));
    try {
      return answer.get(Math.max(timeout.toMillis(), 1), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new McpFailure(Kind.TIMEOUT, "no answer within " + ToolTimes.seconds(timeout), null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cancelled();
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    } finally {
      registration.close();
      waiting.remove(ticket);
      answer.cancel(true);
    }
  }

  private static McpFailure cancelled() {
    return new McpFailure(Kind.CANCELLED, "it was cancelled", null);
  }

  private void lost(McpFailure failure) {
    waiting.values().forEach(waiter -> waiter.accept(failure));
  }

  private static McpFailure failure(@Nullable Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof McpFailure failure) {
        return failure;
      }
      if (cause instanceof McpError error && error.getJsonRpcError() != null) {
        String message = ResultText.clean(String.valueOf(error.getJsonRpcError().message()));
        return new McpFailure(Kind.REFUSED, "its server answered with an error: " + message, error);
      }
    }
    return new McpFailure(Kind.LOST, "its server's answer could not be understood", thrown);
  }

  @Override
  public void close() {
    wire.close();
    client.close();
  }
}
