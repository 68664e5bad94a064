package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Steps a second, by the logs of real runs that call a tool that reads: one run alone, whose steps
 * are committed one by one, and many at once, whose commits PostgreSQL groups. In the same run
 * PostgreSQL's own rate of transactions with one small row.
 */
final class StepsBench {
  private static final String TOOL = "self/agents_list";
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  /** As many as a server has connections for requests and runs. */
  private static final int CONNECTIONS = 20;

  private final Duration time;
  private final int alone;
  private final int together;
  private final Report report = new Report("steps");

  /**
   * @param time how long PostgreSQL's own rates are measured
   * @param alone how many runs go one after the other
   * @param together how many runs are started at once
   */
  StepsBench(Duration time, int alone, int together) {
    this.time = time;
    this.alone = alone;
    this.together = together;
  }

  Report run() {
    try (Installation installation = Installation.create()) {
      measure(installation.server("server", Map.of()));
    }
    return report;
  }

  /** On a server that is there already. */
  Report measure(ServerProcess server) {
    double commits = commits(server.postgres(), 1);
    double grouped = commits(server.postgres(), CONNECTIONS);
    report.figure("PostgreSQL, one row a commit, 1 connection", commits, "/s");
    report.figure("PostgreSQL, one row a commit, " + CONNECTIONS + " connections", grouped, "/s");
    try (Client owner = Client.of(server.url(), server.signIn())) {
      String many = agent(owner, "Together", ModelMain.instructions(10, 2, "{}"));
      String single = agent(owner, "Alone", ModelMain.instructions(20, 1, "{}"));
      // Until the compiler has little left to do: it takes half of the processor before.
      runs(owner, many, 2 * together, together);
      double cpu = server.tree().cpuSeconds();
      StepTimes all = runs(owner, many, together, together);
      double perSecond = all.perSecond();
      report.atLeast(together + " runs at once", perSecond, "steps/s", 5_000);
      report.figure(together + " runs / PostgreSQL's commits", perSecond / grouped, "times");
      report.figure(
          "processor time of a step, server and PostgreSQL",
          (server.tree().cpuSeconds() - cpu) / all.count() * 1e6,
          "µs");

      runs(owner, single, alone, 1);
      StepTimes one = runs(owner, single, alone, 1);
      double oneByOne = one.perSecondWithin();
      report.atLeast("one run alone, committed one by one", oneByOne, "steps/s", 2_000);
      report.figure("one run alone / PostgreSQL's commits", oneByOne / commits, "times");
      report.slow(
          "one run alone, model request to its answer:",
          one.between("model_requested", List.of("model_responded")));
      report.slow(
          "one run alone, model's answer to the call's result:",
          one.between("model_responded", List.of("tool_finished")));
      report.slow(
          "one run alone, the call's result to the next request:",
          one.between("tool_finished", List.of("model_requested")));
      report.note(all.count() + " steps were counted, of runs with 10 turns of 2 calls");
    }
    return report;
  }

  private static String agent(Client owner, String name, String instructions) {
    return Installation.agent(owner, name, instructions, TOOL, "");
  }

  /** Makes runs, so many at once, and reads their logs once all are over. */
  private static StepTimes runs(Client owner, String agent, int count, int atOnce) {
    StepTimes times = new StepTimes();
    for (int from = 0; from < count; from += atOnce) {
      List<String> threads = new ArrayList<>();
      for (int i = from; i < Math.min(count, from + atOnce); i++) {
        threads.add(Installation.thread(owner, agent));
      }
      threads.forEach(thread -> Installation.say(owner, thread, "Go."));
      for (String thread : threads) {
        JsonNode run = Installation.succeeded(owner, thread, PATIENCE);
        times.add(StepTimes.of(owner, run.get("id").textValue()));
      }
    }
    return times;
  }

  /** Transactions a second that insert one small row, over so many connections. */
  private double commits(Postgres postgres, int connections) {
    try (Connection admin = postgres.connect()) {
      try (var sql = admin.createStatement()) {
        sql.execute("create table if not exists bench_commits (id uuid, payload text)");
      }
      inserts(postgres, connections);
      double rate = inserts(postgres, connections);
      try (var sql = admin.createStatement()) {
        sql.execute("drop table bench_commits");
      }
      return rate;
    } catch (SQLException e) {
      throw new WrongAnswer("PostgreSQL: " + e.getMessage());
    }
  }

  private double inserts(Postgres postgres, int connections) {
    List<Future<Long>> counts = new ArrayList<>();
    long began = System.nanoTime();
    try (ExecutorService threads = Executors.newFixedThreadPool(connections)) {
      for (int i = 0; i < connections; i++) {
        counts.add(threads.submit(() -> insert(postgres)));
      }
      long sum = 0;
      for (Future<Long> count : counts) {
        sum += count.get();
      }
      return sum / ((System.nanoTime() - began) / 1e9);
    } catch (ExecutionException e) {
      throw new WrongAnswer("PostgreSQL: " + e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WrongAnswer("interrupted");
    }
  }

  private long insert(Postgres postgres) throws SQLException {
    long count = 0;
    try (Connection connection = postgres.connect();
        PreparedStatement insert =
            connection.prepareStatement(
                "insert into bench_commits values (gen_random_uuid(), repeat('x', 200))")) {
      long until = System.nanoTime() + time.toNanos();
      while (System.nanoTime() < until) {
        insert.executeUpdate();
        count++;
      }
    }
    return count;
  }
}
