package dev.mandate.tools;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressFailure;
import dev.mandate.kernel.egress.EgressRequest;
import dev.mandate.kernel.egress.EgressResponse;
import dev.mandate.kernel.telemetry.Traceparent;
import io.modelcontextprotocol.client.McpAsyncClient;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCMessage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * MCP over streamable HTTP, through the guarded way out. Each message is one POST, answered by JSON
 * or by a stream of events; the server's own streams (GET) are not opened, since nothing of ours
 * needs what they carry.
 */
final class HttpWire extends McpWire {
  private static final Logger log = LoggerFactory.getLogger(HttpWire.class);

  /** Longer than any call may take: who waits for the call ends it. */
  private static final Duration LONGEST = Duration.ofMinutes(11);

  private static final Duration SHORT = Duration.ofSeconds(5);

  private final McpServer.Http server;
  private final EgressClient egress;
  private final CancelSignal closed = new CancelSignal();
  private volatile @Nullable String session;

  HttpWire(McpServer.Http server, EgressClient egress, McpJsonMapper mapper) {
    super(mapper);
    this.server = server;
    this.egress = egress;
  }

  @Override
  void open() {
    // The first message connects.
  }

  @Override
  Mono<Void> send(JSONRPCMessage message) {
    return Mono.deferContextual(context -> {
      String version = context.getOrDefault(McpAsyncClient.NEGOTIATED_PROTOCOL_VERSION, "");
      return Mono.create(sink ->
          Thread.startVirtualThread(() -> {
            try {
              exchange(message, version);
              sink.success();
            } catch (McpFailure failure) {
              sink.error(failure);
            } catch (RuntimeException e) {
              log.debug("a tool server's answer could not be read", e);
              sink.error(McpFailure.lost("its server's answer could not be read"));
            }
          }));
    });
  }

  private void exchange(JSONRPCMessage message, String version) throws McpFailure {
    byte[] body;
    try {
      body = mapper().writeValueAsBytes(message);
    } catch (IOException e) {
      throw McpFailure.notDone("the request cannot be written as JSON");
    }
    Map<String, String> headers = headers(version);
    headers.put("content-type", "application/json");
    headers.put("accept", "application/json, text/event-stream");
    // This thread is at nothing: the message itself says what it is a part of.
    if (message instanceof McpSchema.JSONRPCRequest request
        && request.params() instanceof McpSchema.CallToolRequest call
        && call.meta() != null
        && call.meta().get(Traceparent.NAME) instanceof String traceparent) {
      headers.put(Traceparent.NAME, traceparent);
    }
    EgressRequest request =
        EgressRequest.post(server.url(), headers, body)
            .within(LONGEST, LONGEST)
            .atMost(MAX_MESSAGE);
    try (EgressResponse response = egress.send(request, closed)) {
      accept(message, response);
    } catch (EgressFailure e) {
      throw switch (e.kind()) {
        case BLOCKED, UNREACHABLE -> McpFailure.notDone(e.publicMessage());
        case STALLED, TIMED_OUT, CUT, TOO_LARGE, CANCELLED -> McpFailure.lost(e.publicMessage());
      };
    }
  }

  private void accept(JSONRPCMessage message, EgressResponse response) throws McpFailure {
    int status = response.status();
    String opened = response.header("mcp-session-id");
    if (opened != null && status < 300) {
      session = opened;
    }
    if (status == 404 && session != null) {
      McpFailure gone = McpFailure.notDone("its server does not know the session any more");
      lose(gone);
      throw gone;
    }
    boolean refusal = status < 500 || status == 503;
    if (!refusal) {
      throw McpFailure.lost("its server answered with HTTP " + status);
    }
    if (status >= 300) {
      throw McpFailure.notDone("its server refused with HTTP " + status);
    }
    if (!(message instanceof McpSchema.JSONRPCRequest request)) {
      return;
    }
    String type = response.header("content-type");
    boolean stream = type != null && type.toLowerCase(Locale.ROOT).startsWith("text/event-stream");
    boolean answered =
        stream
            ? events(response, request.id())
            : take(new String(response.readAll(), StandardCharsets.UTF_8), request.id());
    if (!answered) {
      throw McpFailure.lost("its server ended the answer without a result");
    }
  }

  /** Reads events until the response to {@code id} is among them. */
  private boolean events(EgressResponse response, Object id) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    StringBuilder data = new StringBuilder();
    for (byte[] piece = response.read(); piece != null; piece = response.read()) {
      for (byte b : piece) {
        if (b != '\n') {
          line.write(b);
          continue;
        }
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        String field = text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
        if (field.startsWith("data:")) {
          String value = field.substring(5);
          data.append(data.isEmpty() ? "" : "\n")
              .append(value.startsWith(" ") ? value.substring(1) : value);
        } else if (field.isEmpty() && !data.isEmpty()) {
          boolean answered = take(data.toString(), id);
          data.setLength(0);
          if (answered) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Delivers a message; true if it is the response to {@code id}. */
  private boolean take(String json, Object id) {
    JSONRPCMessage message;
    try {
      message = McpSchema.deserializeJsonRpcMessage(mapper(), json);
    } catch (IOException | RuntimeException e) {
      log.debug("a tool server sent {} characters that are no message", json.length());
      return false;
    }
    deliver(message);
    return message instanceof McpSchema.JSONRPCResponse response && id.equals(response.id());
  }

  private Map<String, String> headers(String version) {
    Map<String, String> headers = new LinkedHashMap<>(server.headers());
    String open = session;
    if (open != null) {
      headers.put("mcp-session-id", open);
    }
    if (!version.isEmpty()) {
      headers.put("mcp-protocol-version", version);
    }
    return headers;
  }

  @Override
  public void close() {
    boolean live = lost() == null;
    lose(McpFailure.lost("the connection was closed"));
    if (live && session != null) {
      EgressRequest delete =
          new EgressRequest(
              "DELETE", server.url(), headers(""), new byte[0], SHORT, SHORT, MAX_MESSAGE, false);
      try (EgressResponse response = egress.send(delete, new CancelSignal())) {
        log.debug("a tool server's session ended with HTTP {}", response.status());
      } catch (EgressFailure e) {
        log.debug("a tool server's session could not be ended: {}", e.publicMessage());
      }
    }
    closed.cancel();
  }
}
