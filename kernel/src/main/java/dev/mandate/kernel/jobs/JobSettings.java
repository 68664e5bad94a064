package dev.mandate.kernel.jobs;

import java.time.Duration;

/**
 * @param concurrency most jobs at a time in this process
 * @param lease how long a job stays with a process that gives no sign of life
 * @param poll how often to look without having been woken
 * @param firstPause before the second attempt; doubled before each further one, up to 5 minutes
 * @param grace how long an end waits for jobs to end by themselves, and once more after it has
 *     interrupted them
 */
public record JobSettings(
    int concurrency, Duration lease, Duration poll, Duration firstPause, Duration grace) {
  public static final JobSettings DEFAULTS =
      new JobSettings(
          16,
          Duration.ofSeconds(30),
          Duration.ofSeconds(5),
          Duration.ofSeconds(1),
          Duration.ofSeconds(10));
}
