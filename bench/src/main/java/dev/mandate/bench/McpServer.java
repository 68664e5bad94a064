package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The MCP server that counts effects, over streamable HTTP, and calling it without Mandate. */
final class McpServer {
  private static final String INITIALIZE =
      """
      {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18",
       "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}\
      """;
  private static final String CALL =
      """
      {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
       "params": {"name": "read", "arguments": {}}}\
      """;

  /** What {@code read} answers while nothing was counted. */
  static final String NOTHING = "{\"value\":0,\"keys\":[]}";

  private static final Map<String, String> HEADERS =
      Map.of("accept", "application/json, text/event-stream");

  private final String url;

  private McpServer(String url) {
    this.url = url;
  }

  static McpServer start(Installation installation) {
    Path ledger = installation.home().resolve("effects");
    ChildProcess process =
        installation.program(
            "mcp",
            // It writes an answer's head and body apart: the second must not wait for the first's
            // acknowledgement.
            ChildProcess.ofServer(
                "dev.mandate.server.demo.EffectCounter",
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-Dsun.net.httpserver.nodelay=true"),
            Map.of(),
            "--file",
            ledger.toString(),
            "--http",
            "0");
    Path out = installation.home().resolve("mcp.out");
    String url = "";
    while (!url.endsWith("/mcp")) {
      url = Installation.await(process, out);
      Installation.pause(java.time.Duration.ofMillis(10));
    }
    return new McpServer(url);
  }

  /** Makes its tools known under {@code counter/…}, and lets {@code read} be read-only. */
  void importInto(Client owner) {
    String server = Client.JSON.createObjectNode().put("url", url).toString();
    owner.post("/api/v1/tool-sources:import", "{\"name\": \"counter\", \"http\": " + server + "}");
    JsonNode read = owner.get("/api/v1/tools/counter%2Fread");
    owner.patch(
        "/api/v1/tools/" + read.get("id").textValue(),
        Client.JSON
            .createObjectNode()
            .put("version", read.get("version").asText())
            .put("effect", "EFFECT_READ_ONLY")
            .toString());
  }

  /** A connection of its own, and the request that reads. */
  Direct direct() {
    String base = url.substring(0, url.length() - "/mcp".length());
    try (Client first = new Client(base, HEADERS)) {
      Client.Response opened = first.exchange(first.request("POST", "/mcp", INITIALIZE));
      Map<String, String> headers = new HashMap<>(HEADERS);
      headers.put("mcp-session-id", String.valueOf(opened.headers().get("mcp-session-id")));
      return new Direct(new Client(base, headers));
    }
  }

  /** Calls its tool as Mandate does, with nothing between. */
  static final class Direct implements AutoCloseable {
    private final Client client;
    private final byte[] request;

    private Direct(Client client) {
      this.client = client;
      this.request = client.request("POST", "/mcp", CALL);
    }

    long read() {
      String event = client.exchange(request).text();
      int data = event.indexOf("data: ");
      WrongAnswer.unless(data >= 0, "the MCP server", event);
      JsonNode result = parse(event.substring(data + "data: ".length()));
      String text = result.at("/result/content/0/text").asText();
      WrongAnswer.unless(text.equals(NOTHING), "the MCP server", event);
      return text.length();
    }

    private static JsonNode parse(String json) {
      try {
        return Client.JSON.readTree(json);
      } catch (java.io.IOException e) {
        throw new WrongAnswer("no JSON from the MCP server: " + json);
      }
    }

    @Override
    public void close() {
      client.close();
    }
  }
}
