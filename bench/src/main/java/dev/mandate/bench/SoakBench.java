package dev.mandate.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Finds out how much of a mixed load the server takes, then gives it half of that for long and
 * looks whether anything grows, and afterwards whether anything is left.
 */
final class SoakBench {
  /** A round of the search that brings less than this has found the peak. */
  private static final double BETTER = 1.1;

  private static final int MOST_CALLERS = 64;

  /** A full collection disturbs: not before every reading. */
  private static final int READINGS_A_COLLECTION = 6;

  private static final Duration TIDY = Duration.ofSeconds(40);

  private final Duration time;
  private final Duration round;
  private final Duration every;
  private final Report report = new Report("soak");
  private final Map<String, List<Double>> readings = new LinkedHashMap<>();

  /**
   * @param time how long at half of the peak
   * @param round how long each round of the search for the peak takes
   * @param every from one reading to the next
   */
  SoakBench(Duration time, Duration round, Duration every) {
    this.time = time;
    this.round = round;
    this.every = every;
  }

  Report run() {
    try (Installation installation = Installation.create()) {
      measure(installation.server("server", Map.of()));
    }
    return report;
  }

  /** On a server that is there already. */
  Report measure(ServerProcess server) {
    try (Client owner = Client.of(server.url(), server.token())) {
      String agent =
          Installation.agent(
              owner, "Soak", ModelMain.instructions(2, 1, "{}"), "self/agents_list", "");
      String quiet = Installation.thread(owner);
      IntFunction<Load.Caller> caller = i -> new MixedCaller(owner.another(), agent, quiet);
      double children = server.metrics().sum("mandate_child_processes", "");
      double peak = 0;
      int callers = 1;
      double found = rate(callers, caller);
      while (found > peak * BETTER && callers < MOST_CALLERS) {
        peak = found;
        callers *= 2;
        found = rate(callers, caller);
      }
      peak = Math.max(peak, found);
      report.figure("peak, with up to " + callers + " callers", peak, "operations/s");
      halfLoad(server, caller, callers, peak / 2);
      growth();
      leftBehind(server, children);
    }
    report.note(
        "of ten operations five call a tool, three read lists, one opens a stream anew, one is a"
            + " chat with two tool calls");
    report.note(
        "growth is of the median of the last sixth over that of the second; heap is measured after"
            + " full collections");
    return report;
  }

  private double rate(int callers, IntFunction<Load.Caller> caller) {
    try (Load load = Load.start(callers, 0, caller)) {
      load.during(round);
      double rate = load.done() / (round.toMillis() / 1e3);
      progress(callers + " callers: " + Math.round(rate) + " operations/s");
      return rate;
    }
  }

  private void halfLoad(
      ServerProcess server, IntFunction<Load.Caller> caller, int callers, double rate) {
    long began = System.nanoTime();
    double cpu = server.tree().cpuSeconds();
    try (Load load = Load.start(callers, rate, caller)) {
      int count = (int) (time.toMillis() / every.toMillis());
      for (int i = 0; i < count; i++) {
        load.during(every);
        read(server, i);
        progress(
            "%d of %d: %.0f MB heap, %.0f MB PSS"
                .formatted(i + 1, count, last("heap"), last("PSS of the server")));
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      report.atLeast(
          "half load, done of what was asked", load.done() / (rate * seconds) * 100, "%", 95);
      report.figure("half load", load.done() / seconds, "operations/s");
      report.figure("half load, processor", (server.tree().cpuSeconds() - cpu) / seconds, "cores");
    }
  }

  private void read(ServerProcess server, int number) {
    if (number % READINGS_A_COLLECTION == 0 || time.compareTo(every.multipliedBy(60)) < 0) {
      StreamsBench.collect(server);
      put("heap", server.metrics().sum("jvm_memory_used_bytes", "area=\"heap\"") / 1048576);
    }
    ProcessTree tree = server.tree();
    Metrics metrics = server.metrics();
    put("PSS of the server", tree.rootPssKb() / 1024);
    put("PSS of PostgreSQL", (tree.pssKb() - tree.rootPssKb()) / 1024);
    put("threads", tree.threads());
    put("open files", tree.openFiles());
    put("database connections", metrics.sum("mandate_db_connections", ""));
    put("leases", metrics.sum("mandate_runs_here", ""));
    put("child processes", metrics.sum("mandate_child_processes", ""));
  }

  private void put(String name, double value) {
    readings.computeIfAbsent(name, any -> new ArrayList<>()).add(value);
  }

  private double last(String name) {
    return readings.getOrDefault(name, List.of(0.0)).getLast();
  }

  private void growth() {
    Map<String, Double> bounds =
        Map.of(
            "heap", 10.0,
            "PSS of the server", 10.0,
            // Its caches fill with what is written.
            "PSS of PostgreSQL", 25.0,
            "threads", 10.0,
            "open files", 10.0,
            "database connections", 10.0,
            "child processes", 0.0);
    readings.forEach((name, values) -> {
      int sixth = Math.max(1, values.size() / 6);
      int second = Math.min(sixth, values.size() - 1);
      double before = median(values.subList(second, Math.min(second + sixth, values.size())));
      double after = median(values.subList(values.size() - sixth, values.size()));
      String unit = name.startsWith("PSS") || name.equals("heap") ? "MB" : "";
      report.figure(name + ", in the second sixth", before, unit);
      report.figure(name + ", in the last sixth", after, unit);
      Double bound = bounds.get(name);
      if (bound != null) {
        double percent = before == 0 ? 0 : (after / before - 1) * 100;
        report.atMost(name + ", growth", percent, "%", bound);
      }
    });
  }

  /** What is there a moment after the last caller has gone. */
  private void leftBehind(ServerProcess server, double children) {
    long until = System.nanoTime() + TIDY.toNanos();
    Metrics now = server.metrics();
    while (left(now) > 0 && System.nanoTime() < until) {
      Installation.pause(Duration.ofMillis(500));
      now = server.metrics();
    }
    report.atMost("left: streams", now.sum("mandate_rpc_streams", ""), "", 0);
    report.atMost("left: leases", now.sum("mandate_runs_here", ""), "", 0);
    report.atMost(
        "left: busy database connections",
        now.sum("mandate_db_connections", "state=\"active\""),
        "",
        0);
    report.atMost(
        "left: further child processes", now.sum("mandate_child_processes", "") - children, "", 0);
  }

  private static double left(Metrics now) {
    return now.sum("mandate_rpc_streams", "")
        + now.sum("mandate_runs_here", "")
        + now.sum("mandate_db_connections", "state=\"active\"");
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }

  private static void progress(String line) {
    if (Boolean.getBoolean("mandate.bench.terminal")) {
      System.err.println(line);
    }
  }
}
