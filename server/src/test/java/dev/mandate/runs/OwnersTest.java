package dev.mandate.runs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.governance.Effect;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A run under owners that die, freeze, are replaced and come to again, at any moment and in any
 * order, while people decide, suspend and cancel: whatever happens, each call has its effect once,
 * the log alone says so, and from every prefix of it others come to the same.
 */
class OwnersTest {
  private static final Plan.Limits LIMITS = new Plan.Limits(200, 50, 100);
  private static final Instant NOW = Instant.parse("2026-11-20T12:00:00Z");
  private static final int MAX_ATTEMPTS = 3;

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void noInterleavingOfOwnersLosesOrDoublesAnEffect(long seed) {
    World world = new World(new Random(seed), List.of());

    world.runToTheEnd();

    world.check();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("fewSeeds")
  void everyPrefixOfALogIsCarriedOnToTheSameEffects(long seed) {
    Random random = new Random(seed);
    World whole = new World(random, List.of());
    whole.runToTheEnd();

    for (int length = 0; length < whole.log.size(); length++) {
      World again = new World(random, whole.log.subList(0, length));
      again.runToTheEnd();
      again.check();
    }
  }

  static LongStream seeds() {
    return new Random().longs(2000);
  }

  /** The first ones let one departure land twice. */
  static LongStream fewSeeds() {
    return LongStream.concat(
        LongStream.of(-4670046722607813806L, -395320641049871918L), seeds().limit(200));
  }

  /** A call that somebody committed to make. */
  private static final class Departure {
    final String call;
    final int attempt;
    final String key;
    final long request;
    boolean left;
    boolean landed;

    Departure(String call, int attempt, String key, long request) {
      this.call = call;
      this.attempt = attempt;
      this.key = key;
      this.request = request;
    }
  }

  /** A process that was given the run once; perhaps another has it by now. */
  private static final class Owner {
    final World world;
    final long epoch;
    final Map<String, Departure> inFlight = new LinkedHashMap<>();
    RunState state = new RunState();

    Owner(World world, long epoch) {
      this.world = world;
      this.epoch = epoch;
    }

    void read() {
      for (int i = (int) state.lastSeq(); i < world.log.size(); i++) {
        state.apply(world.log.get(i));
      }
    }

    /** One round of planning, on what it has read, which may be old. */
    void act() {
      if (world.random.nextInt(4) > 0) {
        read();
      }
      List<Plan.Action> actions =
          Plan.next(
              state,
              Set.copyOf(inFlight.keySet()),
              LIMITS,
              NOW,
              world.suspended ? "an incident" : null);
      if (!actions.isEmpty() && actions.getFirst() instanceof Plan.Interrupt) {
        List.copyOf(inFlight.values()).forEach(this::stop);
        return;
      }
      List<Step> steps = new ArrayList<>();
      List<Departure> departures = new ArrayList<>();
      for (Plan.Action action : actions) {
        if (actions.size() == 1 || world.random.nextBoolean()) {
          perform(action, steps, departures);
        }
      }
      if (!steps.isEmpty() && world.append(this, state.lastSeq(), steps)) {
        read();
        departures.forEach(each -> inFlight.put(each.call, each));
      }
    }

    private void perform(Plan.Action action, List<Step> steps, List<Departure> departures) {
      switch (action) {
        case Plan.Start _ -> steps.add(new Step.RunStarted(1, 1, List.of()));
        case Plan.RequestModel _ -> {
          steps.add(requested());
          departures.add(new Departure(Plan.MODEL, 0, "", state.lastSeq() + steps.size()));
        }
        case Plan.Interrupted _ -> steps.add(interrupted());
        case Plan.Admit admit -> admit(admit.call(), steps, departures);
        case Plan.Doubt doubt -> steps.add(doubt(doubt.call()));
        case Plan.Finish _ -> steps.add(new Step.Finished());
        case Plan.Fail fail -> steps.add(new Step.Failed(fail.reason(), fail.message()));
        case Plan.Suspend suspend -> steps.add(new Step.Suspended(suspend.reason()));
        case Plan.Resume _ -> steps.add(new Step.Resumed(""));
        case Plan.Cancel cancel -> {
          for (RunState.CallState call : state.calls()) {
            if (call.phase == RunState.Phase.STARTED) {
              steps.add(doubt(call));
            }
          }
          steps.add(new Step.Cancelled(cancel.request().by(), ""));
        }
        case Plan.Interrupt _ -> throw new AssertionError("handled before");
      }
    }

    private void admit(RunState.CallState call, List<Step> steps, List<Departure> departures) {
      String id = call.call.id();
      Effect effect = effectOf(id);
      boolean left = call.phase == RunState.Phase.STARTED;
      if (left && (call.attempt >= MAX_ATTEMPTS || world.random.nextInt(8) == 0)) {
        // Too often, or it may not be made again: suspended, refused, changed.
        steps.add(
            effect == Effect.READ_ONLY
                ? new Step.ToolFinished(id, call.attempt, "error", "", "", false, 0)
                : doubt(call));
        return;
      }
      if (call.phase == RunState.Phase.NEW) {
        steps.add(new Step.ToolRequested(id, "s/t", "{}", "hash", effect.name()));
        switch (world.random.nextInt(8)) {
          case 0, 1 -> {
            steps.add(new Step.ApprovalRequested(id, "approval", "requester", "why"));
            return;
          }
          case 2 -> {
            steps.add(new Step.ToolDenied(id, "DENIED", "no"));
            return;
          }
          default -> {}
        }
      }
      String key = call.idempotencyKey == null ? "key-" + id : call.idempotencyKey;
      steps.add(new Step.ToolStarted(id, call.attempt + 1, key, effect.name(), List.of()));
      departures.add(new Departure(id, call.attempt + 1, key, 0));
    }

    /** A call of its own goes on: it leaves, has its effect, or its answer comes. */
    void move(Departure call) {
      if (!call.left) {
        // The last look at the lease: it is taken over only well after its end.
        if (epoch != world.epoch) {
          world.die(this);
          return;
        }
        call.left = true;
        world.left(call);
      } else if (!call.landed) {
        world.land(call);
      } else {
        answered(call);
      }
    }

    private void answered(Departure call) {
      Step answer =
          call.call.equals(Plan.MODEL)
              ? world.answer()
              : new Step.ToolFinished(call.call, call.attempt, "ok", "hash", "text", false, 1);
      result(call, answer);
    }

    /** Broken off by a cancel or a suspension. */
    private void stop(Departure call) {
      if (call.call.equals(Plan.MODEL)) {
        result(call, interrupted());
      } else if (!call.left || effectOf(call.call).repeatable()) {
        inFlight.remove(call.call, call);
        world.lost(call);
      } else {
        result(call, new Step.ToolInDoubt(call.call, call.attempt, "broken off"));
      }
    }

    private void result(Departure call, Step step) {
      read();
      Draft draft = Draft.result(step).answers(call.request);
      if (state.awaits(draft)) {
        if (!world.append(this, null, List.of(step))) {
          return;
        }
      }
      inFlight.remove(call.call, call);
      if (!call.landed) {
        world.lost(call);
      }
    }
  }

  private static final class World {
    final List<LoggedStep> log = new ArrayList<>();
    final Random random;
    private final List<Owner> owners = new ArrayList<>();

    /** Calls that left, and whose owner is gone: their effect may come yet. */
    private final List<Departure> adrift = new ArrayList<>();

    private final Map<String, Integer> effects = new HashMap<>();
    private final Map<String, Integer> departures = new HashMap<>();
    private final Map<String, Integer> retries = new HashMap<>();
    private final Set<String> keysSeen = new HashSet<>();

    /** Who holds the lease. */
    private long epoch;

    private final boolean mayCancel;
    private boolean suspended;
    private int turns;

    World(Random random, List<LoggedStep> before) {
      this.random = random;
      this.mayCancel = random.nextInt(4) == 0;
      before.forEach(step -> log.add(step));
      before.forEach(step -> remember(step.step()));
    }

    /** What is known of the world outside by a log that others wrote. */
    private void remember(Step step) {
      switch (step) {
        // Answers that nobody took are counted, too.
        case Step.ModelResponded answer ->
            turns =
                answer.calls().isEmpty()
                    ? turns
                    : Integer.parseInt(answer.calls().getFirst().id().replaceAll("\\D", ""));
        case Step.ToolStarted started -> {
          departures.merge(started.callId(), 1, Integer::sum);
          // Its effect came or comes, or it never left.
          Departure call =
              new Departure(started.callId(), started.attempt(), started.idempotencyKey(), 0);
          if (random.nextBoolean()) {
            adrift.add(call);
          }
        }
        case Step.ToolFinished finished -> {
          if (finished.outcome().equals("ok")) {
            happened(finished.callId());
          }
        }
        case Step.ToolSettled settled -> {
          if (settled.settlement().equals("happened")) {
            happened(settled.callId());
          } else {
            adrift.removeIf(call -> call.call.equals(settled.callId()));
            if (settled.settlement().equals("retry")) {
              retries.merge(settled.callId(), 1, Integer::sum);
            }
          }
        }
        default -> {}
      }
    }

    private void happened(String call) {
      adrift.removeIf(each -> each.call.equals(call));
      effects.put(call, 1);
      keysSeen.add("key-" + call);
    }

    void runToTheEnd() {
      for (int round = 0; round < 20_000; round++) {
        if (RunState.of(log).over()) {
          return;
        }
        event();
      }
      throw new AssertionError("the run never ended: " + log);
    }

    private void event() {
      if (owners.stream().noneMatch(owner -> owner.epoch == epoch) || random.nextInt(20) == 0) {
        // Whoever had it may be frozen, and goes on later without knowing.
        epoch++;
        owners.add(new Owner(this, epoch));
        return;
      }
      Owner owner = owners.get(random.nextInt(owners.size()));
      switch (random.nextInt(12)) {
        case 0 -> {
          if (random.nextBoolean()) {
            die(owner);
          }
        }
        case 1 -> {
          if (!adrift.isEmpty()) {
            Departure call = adrift.remove(random.nextInt(adrift.size()));
            if (random.nextBoolean()) {
              land(call);
            }
          }
        }
        case 2, 3 -> outside();
        case 4 -> suspended = random.nextInt(5) == 0;
        case 5, 6, 7 -> owner.act();
        default -> {
          List<Departure> flying = List.copyOf(owner.inFlight.values());
          if (flying.isEmpty()) {
            owner.act();
          } else {
            owner.move(flying.get(random.nextInt(flying.size())));
          }
        }
      }
    }

    void die(Owner owner) {
      if (owners.remove(owner)) {
        owner.inFlight.values().forEach(this::lost);
      }
    }

    /**
     * Nobody waits for its answer any more. An owner that stops several calls may die over the
     * first, and tells of the others twice.
     */
    void lost(Departure call) {
      if (call.left && !call.landed && !call.call.equals(Plan.MODEL) && !adrift.contains(call)) {
        adrift.add(call);
      }
    }

    void left(Departure call) {
      if (call.call.equals(Plan.MODEL)) {
        return;
      }
      assertThat(log)
          .as("what leaves stands in the log")
          .anyMatch(logged ->
              logged.step() instanceof Step.ToolStarted started
                  && started.callId().equals(call.call)
                  && started.attempt() == call.attempt
                  && started.idempotencyKey().equals(call.key));
      departures.merge(call.call, 1, Integer::sum);
    }

    void land(Departure call) {
      call.landed = true;
      if (call.call.equals(Plan.MODEL)) {
        return;
      }
      boolean first = keysSeen.add(call.key);
      // A tool that is called idempotent knows the key again.
      if (first || effectOf(call.call) != Effect.IDEMPOTENT) {
        effects.merge(call.call, 1, Integer::sum);
      }
    }

    Step answer() {
      if (random.nextInt(6) == 0) {
        return new Step.ModelFailed("overloaded", "busy", NOW.toEpochMilli(), 0, 0L);
      }
      turns++;
      return turns > 3 ? responded() : responded("t" + turns + "a", "t" + turns + "b");
    }

    /** People: they decide, look what became of a call before they say so, and cancel. */
    private void outside() {
      RunState state = RunState.of(log);
      if (mayCancel && state.cancel() == null && random.nextInt(40) == 0) {
        append(new Step.CancelRequested("user:x", "enough"));
        return;
      }
      for (RunState.CallState call : state.calls()) {
        String id = call.call.id();
        if (call.phase == RunState.Phase.AWAITING_APPROVAL) {
          append(
              switch (random.nextInt(4)) {
                case 0 ->
                    new Step.ApprovalDecided(
                        id, "approval", "denied", "hash", "requester", "u", "");
                default ->
                    new Step.ApprovalDecided(
                        id, "approval", "approved", "hash", "requester", "u", "");
              });
          return;
        }
        if (call.phase == RunState.Phase.IN_DOUBT) {
          adrift.removeIf(each -> each.call.equals(id));
          // Of a frozen process that has not let it out yet nobody can know.
          owners.forEach(
              owner -> owner.inFlight.values().removeIf(each -> each.call.equals(id) && each.left));
          if (effects.getOrDefault(id, 0) > 0) {
            append(new Step.ToolSettled(id, "happened", "hash", "text", "user:x"));
          } else if (random.nextInt(3) == 0) {
            append(new Step.ToolSettled(id, "did_not_happen", "hash", "text", "user:x"));
          } else {
            retries.merge(id, 1, Integer::sum);
            append(new Step.ToolSettled(id, "retry", "", "", "user:x"));
          }
          return;
        }
      }
    }

    /** Whoever decides from outside needs no lease. */
    private void append(Step step) {
      log.add(new LoggedStep(log.size() + 1L, step, NOW));
    }

    /** As RunStore does it: under the row's lock, all or nothing. */
    boolean append(Owner owner, @Nullable Long seen, List<Step> steps) {
      if (owner.epoch != epoch) {
        die(owner);
        return false;
      }
      if (RunState.of(log).over() || (seen != null && seen != log.size())) {
        owner.read();
        return false;
      }
      steps.forEach(this::append);
      return true;
    }

    void check() {
      Map<String, String> ends = new HashMap<>();
      for (LoggedStep logged : log) {
        switch (logged.step()) {
          case Step.ToolFinished step -> ends.put(step.callId(), step.outcome());
          case Step.ToolSettled step -> ends.put(step.callId(), step.settlement());
          case Step.ToolDenied step -> ends.put(step.callId(), "denied");
          default -> {}
        }
      }
      departures.forEach((call, times) -> {
        if (!effectOf(call).repeatable()) {
          assertThat(times)
              .as("%s left, of %s", call, log)
              .isLessThanOrEqualTo(1 + retries.getOrDefault(call, 0));
        }
      });
      ends.forEach((call, end) -> {
        if (effectOf(call) == Effect.READ_ONLY) {
          return;
        }
        int expected = end.equals("ok") || end.equals("happened") ? 1 : 0;
        if (!end.equals("retry")) {
          assertThat(effects.getOrDefault(call, 0))
              .as("effects of %s, %s, of %s", call, end, log)
              .isEqualTo(expected);
        }
      });
      assertThat(effects.entrySet())
          .as("effects of %s", log)
          .allMatch(each -> each.getValue() <= 1 || effectOf(each.getKey()) == Effect.READ_ONLY);
    }
  }

  private static Effect effectOf(String call) {
    List<Effect> all = List.of(Effect.values());
    return all.get(Math.floorMod(call.hashCode(), all.size()));
  }

  private static Step requested() {
    return new Step.ModelRequested(
        "m", "m", false, "s", List.of(new Step.PinnedTool("t", "s/t", 1)), "t", 0, List.of("h"));
  }

  private static Step interrupted() {
    return new Step.ModelFailed(Plan.INTERRUPTED, "", NOW.toEpochMilli(), 1, 0L);
  }

  private static Step doubt(RunState.CallState call) {
    return new Step.ToolInDoubt(call.call.id(), call.attempt, "unknown");
  }

  private static Step responded(String... calls) {
    List<Step.Call> list = new ArrayList<>();
    for (String call : calls) {
      list.add(new Step.Call(call, "t", "{}"));
    }
    return new Step.ModelResponded("hash", "text", list, "end", 1, 1, null, 5);
  }
}
