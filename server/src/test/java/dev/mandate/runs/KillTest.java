package dev.mandate.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.mandate.server.TestServer;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Workers are killed, or frozen until others have taken their runs over, or told to stop, while
 * runs call a tool whose effects somebody else counts. {@code -Dmandate.kill.count} says how often,
 * {@code -Dmandate.kill.seed} repeats a choice of victims and moments.
 */
class KillTest {
  private static final int WORKERS = 3;
  private static final int AT_WORK = 10;

  /** From how many kills on it pays to make starts cheaper first. */
  private static final int LONG = 50;

  /** Steps between two kills, at most. */
  private static final int STEPS = 40;

  /** How ten kills are done, and a stop that is none. */
  private static final List<Way> WAYS =
      List.of(
          Way.KILL,
          Way.KILL,
          Way.KILL,
          Way.KILL,
          Way.KILL,
          Way.KILL,
          Way.FREEZE,
          Way.FREEZE,
          Way.FREEZE,
          Way.FREEZE,
          Way.STOP);

  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final int count = Integer.getInteger("mandate.kill.count", 10);
  private final long seed = Long.getLong("mandate.kill.seed", System.nanoTime());
  private int killed;
  private int frozen;
  private int frozenInside;
  private int stopped;

  @TempDir Path folder;

  @Test
  void killedAndFrozenWorkersLoseNothingAndDoNothingTwice() throws Exception {
    System.out.println("kill test: " + count + " kills, -Dmandate.kill.seed=" + seed);
    long began = System.nanoTime();
    Path ledger = folder.resolve("effects.jsonl");
    TestDatabase database = TestDatabase.create();
    try (TestServer server = TestServer.on(database, Map.of(), withoutWork());
        WorkerProcesses processes = new WorkerProcesses(database.endpoint(), folder);
        KillLog log = new KillLog(database)) {
      Random random = new Random(seed);
      CountingRuns runs = new CountingRuns(server, log, ledger, random);
      Scene scene = new Scene(processes, log, runs, random);
      if (count >= LONG) {
        processes.rehearse();
      }
      for (int i = 0; i < WORKERS; i++) {
        processes.startWorker();
      }
      runs.prepare(processes.startCounter(ledger));

      while (killed + frozen < count) {
        List<Way> ways = new ArrayList<>(WAYS);
        Collections.shuffle(ways, random);
        for (Way way : ways) {
          strike(scene, way);
        }
      }
      until(
          "every run is over",
          scene,
          () -> {
            runs.tend(0);
            return log.unfinished() == 0 || log.paused() > 0;
          });

      EffectBooks books = new EffectBooks(log);
      List<String> problems = books.check(ledger, runs.expected());
      List<String> errors = processes.logged(" ERROR ");
      System.out.printf(
          "kill test: %d killed, %d frozen until taken over (%d inside a transaction), %d told to"
              + " stop; %d runs, %d steps, %d calls, %d effects, %d attempts repeated; in doubt: %d"
              + " had happened, %d had not and were retried; %d errors logged; %.1f s%n",
          killed,
          frozen,
          frozenInside,
          stopped,
          runs.expected().size(),
          log.steps(),
          books.calls(),
          books.effects(),
          books.repeated(),
          runs.happened(),
          runs.retried(),
          errors.size(),
          (System.nanoTime() - began) / 1e9);
      errors.stream().limit(10).forEach(System.out::println);
      assertThat(problems).as("seed %d", seed).isEmpty();
      assertThat(errors).as("errors that the workers logged, seed %d", seed).isEmpty();

      processes.stopAll();
      processes.endAll();
      assertThat(processes.left()).as("processes left behind").isEmpty();
    }
  }

  private enum Way {
    KILL,
    FREEZE,
    STOP
  }

  private record Scene(WorkerProcesses processes, KillLog log, CountingRuns runs, Random random) {}

  /** Stops one worker, at a random moment of the work. */
  private void strike(Scene scene, Way way) throws IOException, SQLException {
    WorkerProcesses processes = scene.processes();
    until("a worker works", scene, () -> !processes.working().isEmpty());
    long moment = scene.log().steps() + 1 + scene.random().nextInt(STEPS);
    until(
        "the work goes on",
        scene,
        () -> {
          scene.runs().tend(AT_WORK);
          return scene.log().steps() >= moment;
        });
    List<WorkerProcesses.Worker> working = processes.working();
    WorkerProcesses.Worker victim = working.get(scene.random().nextInt(working.size()));
    switch (way) {
      case KILL -> {
        processes.kill(victim);
        processes.startWorker();
        killed++;
      }
      case FREEZE -> {
        freeze(scene, victim);
        frozen++;
      }
      case STOP -> {
        processes.stop(victim);
        processes.startWorker();
        stopped++;
      }
    }
  }

  /** Nothing is settled meanwhile: what a frozen process was about to do may still happen. */
  private void freeze(Scene scene, WorkerProcesses.Worker victim) throws SQLException {
    KillLog log = scene.log();
    Duration lease = KillWorker.settings().lease();
    Duration free = lease.plus(KillWorker.settings().grace());
    scene.processes().freeze(victim);
    KillLog.Leases then = log.leases();
    until(
        "its runs are taken over",
        scene,
        () -> log.passed(then, free) && log.unrenewed(then, lease, false) == 0);
    // Frozen in the middle of a transaction, it keeps that one run for itself.
    frozenInside += log.unrenewed(then, lease, true) == 0 ? 0 : 1;
    scene.processes().thaw(victim);
    until("it answers again", scene, () -> scene.processes().answers(victim));
  }

  private void until(String what, Scene scene, Callable<Boolean> condition) throws SQLException {
    try {
      await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(25))
          .pollDelay(Duration.ZERO)
          .pollInSameThread()
          .until(() -> {
            assertThat(scene.processes().ended()).as("workers that ended by themselves").isEmpty();
            return condition.call();
          });
    } catch (ConditionTimeoutException e) {
      List<KillLog.Row> open =
          scene.log().rows().stream().filter(row -> !row.status().equals("SUCCEEDED")).toList();
      throw new AssertionError("seed " + seed + ": " + open, e);
    }
  }

  /** The server that people talk to is never killed, and leaves the runs to the others. */
  private static RunSettings withoutWork() {
    RunSettings all = KillWorker.settings();
    return new RunSettings(
        all.modelCalls(),
        all.modelFailures(),
        all.toolCalls(),
        all.lease(),
        all.grace(),
        all.maxFruitlessClaims(),
        all.approvalExpiry(),
        0);
  }
}
