package dev.mandate.bench;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * {@code ./mandate up} to its first answer, with the launcher where there is one, on an empty data
 * folder and on one that was used; then what the idle server takes.
 */
final class StartupBench {
  private final int times;
  private final Duration idle;
  private final Duration settle;

  /**
   * @param times how often each start is measured
   * @param settle how long the server is left alone before it is looked at
   */
  StartupBench(int times, Duration idle, Duration settle) {
    this.times = times;
    this.idle = idle;
    this.settle = settle;
  }

  Report run() {
    Report report = new Report("startup");
    try (Folder home = Folder.create()) {
      // The first start of all finds nothing in the page cache.
      start(home, "warm").close();
      double[] empty = new double[times];
      double[] warm = new double[times];
      for (int i = 0; i < times; i++) {
        empty[i] = startAndStop(home, "empty-" + i);
        warm[i] = startAndStop(home, "warm");
      }
      report.atMost("empty data folder, to first answer: median", median(empty), "s", 6);
      report.figure("empty data folder, to first answer: slowest", max(empty), "s");
      report.atMost("used data folder, to first answer: median", median(warm), "s", 3);
      report.figure("used data folder, to first answer: slowest", max(warm), "s");
      try (ServerProcess server = start(home, "warm")) {
        Installation.pause(settle);
        idle(report, server.tree());
      }
    }
    report.note("each " + times + " times, by " + command().getLast());
    return report;
  }

  /** What a server takes that nobody asks anything. */
  void idle(Report report, ProcessTree tree) {
    double before = tree.cpuSeconds();
    Installation.pause(idle);
    double cores = (tree.cpuSeconds() - before) / (idle.toMillis() / 1e3);
    report.atMost("idle, PostgreSQL included: PSS", tree.pssKb() / 1024, "MB", 400);
    report.figure("idle, the Java process alone: PSS", tree.rootPssKb() / 1024, "MB");
    report.atMost("idle, PostgreSQL included: processor", cores * 100, "% of a core", 2);
  }

  private static double startAndStop(Folder home, String name) {
    try (ServerProcess server = start(home, name)) {
      return server.secondsToAnswer();
    }
  }

  private static ServerProcess start(Folder home, String name) {
    return ServerProcess.start(command(), home, name, Map.of());
  }

  private static List<String> command() {
    String launcher = System.getProperty("mandate.bench.launcher", "");
    return launcher.isEmpty() ? ChildProcess.server() : List.of(launcher);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    java.util.Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static double max(double[] values) {
    return java.util.Arrays.stream(values).max().orElseThrow();
  }
}
