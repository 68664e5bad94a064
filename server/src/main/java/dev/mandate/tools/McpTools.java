package dev.mandate.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.governance.Outcome;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.kernel.telemetry.Traceparent;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.spec.McpSchema;
import java.util.LinkedHashMap;
import java.util.Map;

/** Calls tools of MCP servers, and keeps in mind which servers answer. */
final class McpTools {
  static final String KEY = "dev.mandate/idempotency-key";
  static final String ATTEMPT = "dev.mandate/attempt";

  private final McpPool pool;
  private final ToolSources sources;
  private final McpJsonMapper mapper;

  McpTools(McpPool pool, ToolSources sources, McpJsonMapper mapper) {
    this.pool = pool;
    this.sources = sources;
    this.mapper = mapper;
  }

  ToolResult call(
      Mandate mandate,
      Catalog.Entry entry,
      SourceRow source,
      String argumentsJson,
      Invocation invocation) {
    long start = System.nanoTime();
    long deadline = start + entry.tool().timeout().toNanos();
    try {
      McpSchema.CallToolResult result =
          pool.call(
              new McpPool.Key(mandate.org(), source.id()),
              () -> sources.server(mandate, source),
              offered -> entry.definition().changedIn(offered, entry.remoteName()),
              new McpSchema.CallToolRequest(
                  entry.remoteName(), arguments(argumentsJson), meta(invocation)),
              deadline,
              invocation.cancel());
      if (!source.reachable()) {
        sources.note(mandate, source.id(), true, "");
      }
      boolean failed = Boolean.TRUE.equals(result.isError());
      String text = ResultText.of(result, mapper);
      return new ToolResult(failed, text, failed ? Outcome.ERROR : Outcome.OK, millis(start));
    } catch (McpFailure failure) {
      if (invocation.cancel().cancelled() && failure.kind() == McpFailure.Kind.NOT_DONE) {
        String text = entry.tool().name() + " was cancelled before it was called";
        return new ToolResult(true, text, Outcome.CANCELLED, millis(start));
      }
      if (failure.kind() == McpFailure.Kind.NOT_DONE && source.reachable()) {
        sources.note(mandate, source.id(), false, failure.message());
      }
      return failed(entry.tool().name(), failure, millis(start));
    }
  }

  private static Map<String, Object> meta(Invocation invocation) {
    String traceparent = Span.current().traceparent();
    return traceparent == null
        ? Map.of(KEY, invocation.idempotencyKey(), ATTEMPT, invocation.attempt())
        : Map.of(
            KEY,
            invocation.idempotencyKey(),
            ATTEMPT,
            invocation.attempt(),
            Traceparent.NAME,
            traceparent);
  }

  private static ToolResult failed(String tool, McpFailure failure, long millis) {
    return switch (failure.kind()) {
      case NOT_DONE ->
          new ToolResult(
              true, tool + " was not called: " + failure.message(), Outcome.ERROR, millis);
      case REFUSED ->
          new ToolResult(true, tool + " failed: " + failure.message(), Outcome.ERROR, millis);
      case LOST ->
          new ToolResult(
              true,
              tool + " may or may not have been carried out: " + failure.message(),
              Outcome.UNKNOWN,
              millis);
      case TIMEOUT ->
          new ToolResult(
              true,
              tool + ": " + failure.message() + "; it may have been carried out",
              Outcome.TIMEOUT,
              millis);
      case CANCELLED ->
          new ToolResult(
              true,
              tool + " was cancelled; it may have been carried out",
              Outcome.CANCELLED,
              millis);
    };
  }

  /** Members stay JSON nodes, so that numbers go out as they were written. */
  private static Map<String, Object> arguments(String json) {
    JsonNode node = Json.parse("arguments", json);
    Map<String, Object> arguments = new LinkedHashMap<>();
    node.properties().forEach(member -> arguments.put(member.getKey(), member.getValue()));
    return arguments;
  }

  private static long millis(long start) {
    return (System.nanoTime() - start) / 1_000_000;
  }
}
