package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/** When the steps of runs were written, by their logs. Used by one thread. */
final class StepTimes {
  /** One step. */
  record At(String kind, Instant at) {}

  private final List<List<At>> runs = new ArrayList<>();

  /** A run's steps, in order. */
  static List<At> of(Client owner, String run) {
    List<At> steps = new ArrayList<>();
    String token = "";
    do {
      JsonNode page = owner.get("/api/v1/runs/" + run + "/steps?pageSize=200&pageToken=" + token);
      for (JsonNode step : page.get("steps")) {
        steps.add(
            new At(step.get("kind").textValue(), Instant.parse(step.get("createdAt").textValue())));
      }
      token = page.path("nextPageToken").asText();
    } while (!token.isEmpty());
    return steps;
  }

  void add(List<At> run) {
    runs.add(run);
  }

  int count() {
    return runs.stream().mapToInt(List::size).sum();
  }

  /** From each step of a kind to the next one of other kinds. */
  Samples between(String from, List<String> to) {
    List<Duration> found = new ArrayList<>();
    for (List<At> run : runs) {
      Instant since = null;
      for (At step : run) {
        if (step.kind().equals(from)) {
          since = step.at();
        } else if (since != null && to.contains(step.kind())) {
          found.add(Duration.between(since, step.at()));
          since = null;
        }
      }
    }
    return Samples.of(found.stream().mapToLong(Duration::toNanos).toArray());
  }

  /** Steps a second of runs that went one after the other, without what was between them. */
  double perSecondWithin() {
    long steps = runs.stream().mapToLong(run -> run.size() - 1).sum();
    long nanos =
        runs.stream()
            .mapToLong(run -> Duration.between(run.getFirst().at(), run.getLast().at()).toNanos())
            .sum();
    return steps / (nanos / 1e9);
  }

  /** Steps a second in the middle of the time: without the ends, where not all runs were there. */
  double perSecond() {
    long[] times =
        runs.stream()
            .flatMap(List::stream)
            .mapToLong(s -> ChronoUnit.NANOS.between(Instant.EPOCH, s.at()))
            .sorted()
            .toArray();
    int from = times.length / 10;
    int to = times.length - times.length / 10 - 1;
    return (to - from) / ((times[to] - times[from]) / 1e9);
  }
}
