package dev.mandate.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** An MCP server over HTTP with one tool, {@code look}, that notes the trace it is called in. */
final class TracedTools implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer http;
  private volatile @Nullable String header;
  private volatile @Nullable String meta;

  private TracedTools(HttpServer http) {
    this.http = http;
  }

  static TracedTools start() throws IOException {
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    TracedTools tools = new TracedTools(http);
    http.createContext("/mcp", tools::answer);
    http.start();
    return tools;
  }

  String url() {
    return "http://127.0.0.1:" + http.getAddress().getPort() + "/mcp";
  }

  /** What the header of the last call said. */
  @Nullable String header() {
    return header;
  }

  /** What its {@code _meta} said. */
  @Nullable String meta() {
    return meta;
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      JsonNode message = JSON.readTree(exchange.getRequestBody().readAllBytes());
      if (!message.has("id")) {
        exchange.sendResponseHeaders(202, -1);
        return;
      }
      JsonNode params = message.path("params");
      String result =
          switch (message.path("method").asText()) {
            case "initialize" ->
                """
                {"protocolVersion": %s, "capabilities": {"tools": {}},
                 "serverInfo": {"name": "traced", "version": "1"}}
                """
                    .formatted(params.path("protocolVersion"));
            case "tools/list" ->
                """
                {"tools": [{"name": "look", "description": "Looks.",
                 "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}}]}
                """;
            case "tools/call" -> {
              header = exchange.getRequestHeaders().getFirst("traceparent");
              meta = params.path("_meta").path("traceparent").asText();
              yield "{\"content\": [{\"type\": \"text\", \"text\": \"Seen.\"}]}";
            }
            default -> "{}";
          };
      ObjectNode response = JSON.createObjectNode().put("jsonrpc", "2.0");
      response.set("id", message.get("id"));
      response.set("result", JSON.readTree(result));
      byte[] body = JSON.writeValueAsBytes(response);
      exchange.getResponseHeaders().set("content-type", "application/json");
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
