package dev.mandate.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Figures of one run, with the machine they come from; as a table or as JSON. */
final class Report {
  /** A figure; within is null where there is no budget. */
  private record Figure(
      String name, double value, String unit, @Nullable String budget, @Nullable Boolean within) {}

  private final String benchmark;
  private final List<Figure> figures = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final Map<String, Object> machine = machine();

  Report(String benchmark) {
    this.benchmark = benchmark;
  }

  void figure(String name, double value, String unit) {
    figures.add(new Figure(name, value, unit, null, null));
  }

  void atMost(String name, double value, String unit, double budget) {
    figures.add(new Figure(name, value, unit, "at most " + number(budget), value <= budget));
  }

  void atLeast(String name, double value, String unit, double budget) {
    figures.add(new Figure(name, value, unit, "at least " + number(budget), value >= budget));
  }

  void latency(String name, Samples s) {
    figure(name + " p50", s.micros(0.5), "µs");
    figure(name + " p95", s.micros(0.95), "µs");
    figure(name + " p99", s.micros(0.99), "µs");
  }

  /** The same in milliseconds. */
  void slow(String name, Samples s) {
    figure(name + " p50", s.millis(0.5), "ms");
    figure(name + " p95", s.millis(0.95), "ms");
    figure(name + " p99", s.millis(0.99), "ms");
  }

  void note(String text) {
    notes.add(text);
  }

  /** The value of a figure. */
  double value(String name) {
    return figures.stream()
        .filter(f -> f.name.equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no figure " + name))
        .value;
  }

  boolean withinBudgets() {
    return figures.stream().noneMatch(f -> Boolean.FALSE.equals(f.within));
  }

  void print(PrintStream out, boolean json) {
    machine.put("load_after", load());
    if (json) {
      var all = new LinkedHashMap<String, Object>();
      all.put("benchmark", benchmark);
      all.put("machine", machine);
      all.put("figures", figures);
      all.put("notes", notes);
      all.put("within_budgets", withinBudgets());
      try {
        out.println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(all));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("figures cannot be written as JSON", e);
      }
      return;
    }
    int width = figures.stream().mapToInt(f -> f.name.length()).max().orElse(0);
    for (Figure f : figures) {
      String verdict =
          f.within == null ? "" : "   (" + f.budget + ": " + (f.within ? "met" : "MISSED") + ")";
      out.println(
          f.name
              + " ".repeat(width - f.name.length())
              + String.format(Locale.ROOT, "%14s ", number(f.value))
              + f.unit
              + verdict);
    }
    notes.forEach(out::println);
    var words = new ArrayList<String>();
    machine.forEach((k, v) -> words.add(k + " " + v));
    out.println(String.join(", ", words));
  }

  private static String number(double v) {
    return String.format(Locale.ROOT, v < 10 ? "%.2f" : v < 1_000 ? "%.1f" : "%,.0f", v);
  }

  private static Map<String, Object> machine() {
    var m = new LinkedHashMap<String, Object>();
    m.put("cores", Runtime.getRuntime().availableProcessors());
    m.put("memory_mb", memory());
    m.put(
        "os",
        String.join(
            " ",
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            System.getProperty("os.arch")));
    m.put("java", System.getProperty("java.vm.version"));
    m.put("load_before", load());
    return m;
  }

  private static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  private static long memory() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemTotal:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
        }
      }
    } catch (IOException e) {
      // Not Linux: the heap's bound says something as well.
    }
    return Runtime.getRuntime().maxMemory() >> 20;
  }
}
