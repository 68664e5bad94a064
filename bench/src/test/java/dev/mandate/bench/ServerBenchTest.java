package dev.mandate.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * That the benchmarks of the server come to an end and to figures, at the smallest sizes and on one
 * server; never how fast anything is.
 */
class ServerBenchTest {
  private static final Duration MOMENT = Duration.ofMillis(200);

  private static Installation installation;
  private static ServerProcess server;

  @BeforeAll
  static void start() {
    installation = Installation.create();
    server = installation.server("server", Map.of());
  }

  @AfterAll
  static void stop() {
    installation.close();
  }

  private static void positive(Report report, String... names) {
    for (String name : names) {
      assertThat(report.value(name)).as(name).isPositive();
    }
  }

  @Test
  void startup() {
    Report report = new Report("startup");
    new StartupBench(1, MOMENT, Duration.ZERO).idle(report, server.tree());
    assertThat(server.secondsToAnswer()).isPositive();
    positive(report, "idle, PostgreSQL included: PSS", "idle, the Java process alone: PSS");
  }

  @Test
  void tools() {
    Report report = new ToolsBench(MOMENT, 1).measure(server, McpServer.start(installation));
    positive(
        report,
        "the MCP server itself: p50",
        "tool of Mandate, REST: p50 against the budget",
        "tool of Mandate, gRPC: p50 against the budget",
        "MCP tool, REST: p50 against the budget",
        "MCP tool, gRPC: p50 against the budget",
        "durable step, self/agents_list: p50 against the budget",
        "durable step, counter/read: p50 against the budget");
  }

  @Test
  void wakeup() {
    Report report = new WakeupBench(4).measure("one process", server, server, 5);
    positive(
        report,
        "message to its event, one process, from the request: p50",
        "approval to the next step's event, one process, from the request: p50");
  }

  @Test
  void steps() {
    Report report = new StepsBench(MOMENT, 1, 4).measure(server);
    positive(
        report,
        "PostgreSQL, one row a commit, 1 connection",
        "one run alone, committed one by one",
        "4 runs at once",
        "processor time of a step, server and PostgreSQL");
  }

  @Test
  void streams() {
    Report report = new StreamsBench(List.of(20, 40), MOMENT, 3).measure(server);
    positive(
        report,
        "a message to all 40 streams of a thread: p50",
        "40 open streams, heap after a collection",
        "a message to one reader beside 40 streams: p50");
  }

  @Test
  void soak() {
    Report report =
        new SoakBench(Duration.ofSeconds(2), MOMENT, Duration.ofSeconds(1)).measure(server);
    positive(report, "half load", "heap, in the last sixth", "threads, in the last sixth");
    assertThat(report.value("left: streams")).isZero();
    assertThat(report.value("left: leases")).isZero();
  }

  @Test
  void anyOtherAnswerEndsABenchmark() {
    try (Client nobody = Client.of(server.url(), "")) {
      assertThatThrownBy(() -> nobody.get("/api/v1/agents"))
          .isInstanceOf(WrongAnswer.class)
          .hasMessageContaining("401");
    }
  }
}
