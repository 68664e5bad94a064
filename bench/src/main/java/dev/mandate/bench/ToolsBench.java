package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.api.tools.v1.CallToolRequest;
import dev.mandate.api.tools.v1.CallToolResponse;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Governed calls of tools that only read: one caller, one after the other. In the same run the same
 * without governance: the method that a tool of Mandate stands for, and the MCP server itself.
 */
final class ToolsBench {
  private static final String SELF = "self/agents_list";
  private static final String MCP = "counter/read";
  private static final int WARM_UP = 5_000;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Duration time;
  private final int runs;
  private final Report report = new Report("tools");
  private ProcessTree tree = new ProcessTree(ProcessHandle.current());

  /**
   * @param time how long each figure is measured, after a warm-up of at most three times that
   * @param runs how many runs of 20 calls are made, after as many to warm up
   */
  ToolsBench(Duration time, int runs) {
    this.time = time;
    this.runs = runs;
  }

  Report run() {
    try (Installation installation = Installation.create()) {
      ServerProcess server = installation.server("server", Map.of());
      McpServer mcp = McpServer.start(installation);
      measure(server, mcp);
    }
    report.note(
        "one caller; a call's audit entry is on the disk before its answer, in the bundled"
            + " PostgreSQL");
    return report;
  }

  /** On a server that is there already. */
  Report measure(ServerProcess server, McpServer mcp) {
    String token = server.signIn();
    try (Client owner = Client.of(server.url(), token);
        GrpcTools grpc = new GrpcTools(server.port(), token)) {
      mcp.importInto(owner);
      tree = server.tree();
      byte[] listing = owner.request("GET", "/api/v1/agents", null);
      Samples plain =
          sampled("the method itself, REST", () -> agents(Client.json(owner.exchange(listing))));
      Samples self = sampled("tool of Mandate, REST", rest(owner, SELF));
      budget("tool of Mandate, REST", self);
      report.figure(
          "tool of Mandate / the method itself, REST, p50",
          self.micros(0.5) / plain.micros(0.5),
          "times");
      budget("tool of Mandate, gRPC", sampled("tool of Mandate, gRPC", grpc(grpc, SELF)));
      Samples bare = bare(mcp);
      Samples counted = sampled("MCP tool, REST", rest(owner, MCP));
      budget("MCP tool, REST", counted);
      report.figure(
          "MCP tool, REST: added by governing it, p50",
          counted.micros(0.5) - bare.micros(0.5),
          "µs");
      report.figure(
          "MCP tool, REST / the MCP server itself, p50",
          counted.micros(0.5) / bare.micros(0.5),
          "times");
      budget("MCP tool, gRPC", sampled("MCP tool, gRPC", grpc(grpc, MCP)));
      durable(owner, SELF);
      durable(owner, MCP);
    }
    return report;
  }

  private void budget(String name, Samples samples) {
    report.atMost(name + ": p50 against the budget", samples.micros(0.5), "µs", 300);
  }

  /** On a connection of this moment: the MCP server closes one that is idle. */
  private Samples bare(McpServer mcp) {
    try (McpServer.Direct direct = mcp.direct()) {
      return sampled("the MCP server itself", direct::read);
    }
  }

  /** With the processor time of each call, which says more than its duration on a busy machine. */
  private Samples sampled(String name, LongSupplier operation) {
    // By count: on a busy machine seconds are too few calls for the compiler.
    long until = System.nanoTime() + time.multipliedBy(3).toNanos();
    for (int i = 0; i < WARM_UP && System.nanoTime() < until; i++) {
      var _ = operation.getAsLong();
    }
    double server = tree.rootCpuSeconds();
    double all = tree.cpuSeconds();
    Samples samples = Samples.measure(Duration.ZERO, time, operation);
    server = (tree.rootCpuSeconds() - server) / samples.count() * 1e6;
    all = (tree.cpuSeconds() - all) / samples.count() * 1e6;
    report.latency(name + ":", samples);
    report.figure(name + ": processor time of the server", server, "µs");
    report.figure(name + ": processor time of PostgreSQL", all - server, "µs");
    return samples;
  }

  private static long agents(JsonNode answer) {
    WrongAnswer.unless(answer.path("agents").size() >= 2, "the list of agents", answer);
    return answer.path("agents").size();
  }

  private static LongSupplier rest(Client client, String tool) {
    String name = URLEncoder.encode(tool, StandardCharsets.UTF_8);
    byte[] request = client.request("POST", "/api/v1/tools/" + name + ":call", "{}");
    return () -> {
      JsonNode answer = Client.json(client.exchange(request));
      check(tool, answer.path("isError").asBoolean(), answer.path("text").asText());
      return answer.size();
    };
  }

  private static LongSupplier grpc(GrpcTools client, String tool) {
    CallToolRequest request = CallToolRequest.newBuilder().setId(tool).build();
    return () -> {
      CallToolResponse answer = client.call(request);
      check(tool, answer.getIsError(), answer.getText());
      return answer.getText().length();
    };
  }

  private static void check(String tool, boolean error, String text) {
    boolean right = tool.equals(MCP) ? text.equals(McpServer.NOTHING) : text.contains("\"agents\"");
    WrongAnswer.unless(!error && right, tool, text);
  }

  /**
   * From the model's answer to the call's result, by the times in the log: two commits, and between
   * them the decision, the call and what wakes the run.
   */
  private void durable(Client owner, String tool) {
    String agent =
        Installation.agent(
            owner,
            "Durable " + tool.replaceAll("\\W", " "),
            ModelMain.instructions(20, 1, "{}"),
            tool,
            "");
    StepTimes times = new StepTimes();
    for (int i = 0; i < 2 * runs; i++) {
      String thread = Installation.thread(owner, agent);
      Installation.say(owner, thread, "Go.");
      JsonNode run = Installation.succeeded(owner, thread, PATIENCE);
      if (i >= runs) {
        times.add(StepTimes.of(owner, run.get("id").textValue()));
      }
    }
    Samples calls = times.between("model_responded", List.of("tool_finished"));
    report.slow("durable step, " + tool + ":", calls);
    report.atMost("durable step, " + tool + ": p50 against the budget", calls.millis(0.5), "ms", 3);
  }
}
