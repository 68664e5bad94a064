package dev.mandate.bench;

import java.util.HashMap;
import java.util.Map;

/** One reading of {@code /metrics}. */
record Metrics(Map<String, Double> values) {
  static Metrics of(String text) {
    Map<String, Double> values = new HashMap<>();
    text.lines()
        .filter(line -> !line.startsWith("#") && !line.isBlank())
        .forEach(line -> {
          int space = line.lastIndexOf(' ');
          values.put(line.substring(0, space), Double.valueOf(line.substring(space + 1)));
        });
    return new Metrics(values);
  }

  /** The sum of a metric over all its labels that contain a text. */
  double sum(String name, String labels) {
    return values.entrySet().stream()
        .filter(e -> e.getKey().equals(name) || e.getKey().startsWith(name + "{"))
        .filter(e -> e.getKey().contains(labels))
        .mapToDouble(Map.Entry::getValue)
        .sum();
  }
}
