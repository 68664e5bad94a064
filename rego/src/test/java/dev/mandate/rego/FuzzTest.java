package dev.mandate.rego;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.rego.syntax.Formatter;
import dev.mandate.rego.syntax.RegoVersion;
import dev.mandate.rego.syntax.SyntaxException;
import dev.mandate.rego.value.Value;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Random modules and inputs: whatever they are, the engine answers or fails with its own exception,
 * in time. A short run from a fixed seed is part of every build; {@code mandate test --fuzz} makes
 * it a million cases from another seed, {@code -Dmandate.fuzz.seed=S -Dmandate.fuzz.cases=1}
 * repeats one.
 */
class FuzzTest {
  private static final long CASES = Long.getLong("mandate.fuzz.cases", 2_000);
  private static final long SEED =
      Long.getLong("mandate.fuzz.seed", CASES == 2_000 ? 1 : System.nanoTime());
  private static final Duration CPU = Duration.ofSeconds(2);

  /** A case under way, with the processor time at which it began. */
  private record Under(long seed, FuzzCases.Case theCase, long cpu) {}

  private final AtomicReference<@Nullable Under> current = new AtomicReference<>();
  private final AtomicReference<@Nullable String> failure = new AtomicReference<>();
  private final Map<String, Integer> outcomes = new TreeMap<>();

  @Test
  @DisplayName("whatever it is given, the engine answers or fails as it fails, in time")
  void cases() throws Exception {
    var cases = new FuzzCases();
    var cpu = ManagementFactory.getThreadMXBean();
    // A small stack: nobody who embeds the engine promises it a large one.
    var worker =
        new Thread(
            null,
            () -> {
              for (long seed = SEED; seed < SEED + CASES && failure.get() == null; seed++) {
                FuzzCases.Case c = cases.of(seed);
                var under = new Under(seed, c, cpu.getCurrentThreadCpuTime());
                current.set(under);
                String trouble = trouble(c);
                long used = cpu.getCurrentThreadCpuTime() - under.cpu;
                if (trouble == null && used > CPU.toNanos()) {
                  trouble = used / 1_000_000 + " ms of processor time";
                }
                if (trouble != null) {
                  failure.set(report(under, trouble));
                }
              }
            },
            "fuzz",
            512 << 10);
    worker.setUncaughtExceptionHandler((t, e) -> failure.set("making a case failed: " + e));
    worker.start();
    long printed = System.nanoTime();
    while (worker.isAlive()) {
      worker.join(1_000);
      Under under = current.get();
      long now = cpu.getThreadCpuTime(worker.threadId());
      if (under != null && now - under.cpu > 5 * CPU.toNanos()) {
        var stack = new StringBuilder("it does not end:");
        for (StackTraceElement e : worker.getStackTrace()) {
          stack.append("\n  ").append(e);
        }
        throw new AssertionError(report(under, stack.toString()));
      }
      if (under != null && System.nanoTime() - printed > 60_000_000_000L) {
        printed = System.nanoTime();
        System.out.println("fuzz: " + (under.seed - SEED) + " cases");
      }
    }
    System.out.println("fuzz: " + CASES + " cases from seed " + SEED + ": " + outcomes);
    assertThat(failure.get()).isNull();
  }

  /** What is wrong with what the engine did; null when nothing is. */
  private @Nullable String trouble(FuzzCases.Case c) {
    String outcome;
    try {
      Policy p = Rego.compile("f.rego", c.source());
      String formatted = Formatter.format("f.rego", c.source(), RegoVersion.V1);
      if (!Formatter.format("f.rego", formatted, RegoVersion.V1).equals(formatted)) {
        return "formatting twice is not formatting once:\n" + formatted;
      }
      Query.Options options = Query.Options.DEFAULT.withLimits(c.limits());
      Value before = p.prepare("data").evaluate(c.input(), options).value();
      outcome = "answered";
      if (!c.source().contains("rand.")
          && !c.source().contains("uuid.")
          && !c.source().contains("now_ns")) {
        Rego.compile("f.rego", formatted);
      }
      if (before != null && before.toString().isEmpty()) {
        return "a value without a text";
      }
    } catch (RegoException e) {
      if (e.code().equals(EvalException.INTERNAL)) {
        return "internal error: " + e.getMessage();
      }
      outcome = e.code();
    } catch (SyntaxException e) {
      return "the formatter refuses what the compiler takes: " + e.getMessage();
    } catch (Throwable e) {
      var stack = new StringBuilder(String.valueOf(e));
      StackTraceElement[] trace = e.getStackTrace();
      for (int k = 0; k < Math.min(15, trace.length); k++) {
        stack.append("\n  ").append(trace[k]);
      }
      return stack.toString();
    }
    outcomes.merge(c.kind().replaceFirst(" .*", "") + " " + outcome, 1, Integer::sum);
    return null;
  }

  private static String report(Under u, String trouble) {
    String input = u.theCase.input() == null ? "none" : u.theCase.input().toString();
    return "seed %d (%s): %s%nmodule:%n%s%ninput: %s%nlimits: %s"
        .formatted(
            u.seed,
            u.theCase.kind(),
            trouble,
            cut(u.theCase.source()),
            cut(input),
            u.theCase.limits());
  }

  private static String cut(String s) {
    return s.length() <= 2_000 ? s : s.substring(0, 2_000) + "… (" + s.length() + " characters)";
  }
}
