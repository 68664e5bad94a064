package dev.mandate.tools;

import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.json.TypeRef;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCMessage;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What both of our transports under the SDK's client have in common: they tell at once when the
 * connection is lost, and can give up single calls. (The SDK's own wait for the request's timeout
 * in the first case, and know nothing of the second.)
 */
abstract class McpWire implements McpClientTransport {
  /** Most bytes of one message. */
  static final int MAX_MESSAGE = 16 << 20;

  /** Requests of the server that are being answered at once. */
  private static final int MOST_ANSWERS = 8;

  private final McpJsonMapper mapper;
  private final Map<McpSchema.CallToolRequest, Object> calls =
      Collections.synchronizedMap(new IdentityHashMap<>());
  private final Set<Object> abandoned = ConcurrentHashMap.newKeySet();
  private final AtomicInteger answering = new AtomicInteger();
  private final AtomicLong toolChanges = new AtomicLong();
  private final AtomicReference<@Nullable McpFailure> lost = new AtomicReference<>();
  private volatile @Nullable Consumer<McpFailure> lostListener;
  private volatile @Nullable Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> handler;

  McpWire(McpJsonMapper mapper) {
    this.mapper = mapper;
  }

  /** Opens what is needed before the first message. */
  abstract void open() throws McpFailure;

  /** Sends one message; returns when it is out, or for HTTP when its answer is in. */
  abstract Mono<Void> send(JSONRPCMessage message);

  /** Ends the connection and everything that belongs to it. Blocks for a few seconds at most. */
  @Override
  public abstract void close();

  McpJsonMapper mapper() {
    return mapper;
  }

  /** How often the server has said that its tools changed. */
  long toolChanges() {
    return toolChanges.get();
  }

  /** Calls {@code listener} once when the connection is lost, at once if it is. */
  void onLost(Consumer<McpFailure> listener) {
    lostListener = listener;
    McpFailure failure = lost.get();
    if (failure != null) {
      listener.accept(failure);
    }
  }

  @Nullable McpFailure lost() {
    return lost.get();
  }

  void lose(McpFailure failure) {
    if (lost.compareAndSet(null, failure)) {
      Consumer<McpFailure> listener = lostListener;
      if (listener != null) {
        listener.accept(failure);
      }
    }
  }

  /** Nobody waits for this call any more: tells the server, and the SDK's bookkeeping. */
  void abandon(McpSchema.CallToolRequest call) {
    Object id = calls.remove(call);
    if (id == null) {
      return;
    }
    deliver(
        McpSchema.JSONRPCResponse.error(
            id, new McpSchema.JSONRPCResponse.JSONRPCError(-32800, "abandoned", null)));
    abandoned.add(id);
    Object params = Map.of("requestId", id, "reason", "the caller gave up");
    send(new McpSchema.JSONRPCNotification("notifications/cancelled", params))
        .onErrorComplete()
        .subscribe();
  }

  /** The call has ended by itself. */
  void forget(McpSchema.CallToolRequest call) {
    calls.remove(call);
  }

  /** Hands a message from the server to the SDK. */
  void deliver(JSONRPCMessage message) {
    // Nothing else here uses notifications, and the SDK writes those it does not know to the log.
    if (message instanceof McpSchema.JSONRPCNotification notification) {
      if (McpSchema.METHOD_NOTIFICATION_TOOLS_LIST_CHANGED.equals(notification.method())) {
        toolChanges.incrementAndGet();
      }
      return;
    }
    // A server that asks faster than its answers go out is asking for something else.
    if (message instanceof McpSchema.JSONRPCRequest && answering.get() >= MOST_ANSWERS) {
      return;
    }
    if (message instanceof McpSchema.JSONRPCResponse response && abandoned.remove(response.id())) {
      return;
    }
    var to = handler;
    if (to != null) {
      to.apply(Mono.just(message)).onErrorComplete().subscribe();
    }
  }

  @Override
  public Mono<Void> connect(Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> to) {
    handler = to;
    return Mono.empty();
  }

  @Override
  public Mono<Void> sendMessage(JSONRPCMessage message) {
    if (message instanceof McpSchema.JSONRPCRequest request
        && request.params() instanceof McpSchema.CallToolRequest call) {
      calls.put(call, request.id());
    }
    if (message instanceof McpSchema.JSONRPCResponse) {
      // One that cannot be sent is let go: it matters to the server alone, which may not want it.
      return send(message)
          .onErrorComplete()
          .doOnSubscribe(subscription -> answering.incrementAndGet())
          .doFinally(signal -> answering.decrementAndGet());
    }
    return send(message);
  }

  @Override
  public Mono<Void> closeGracefully() {
    return Mono.fromRunnable(this::close);
  }

  @Override
  public <T> T unmarshalFrom(Object data, TypeRef<T> type) {
    return mapper.convertValue(data, type);
  }
}
