package dev.mandate.bench;

import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Exit codes: 0 within the budgets, 1 a wrong answer or a budget missed, 2 used wrongly. */
public final class Main {
  private static final String USAGE =
      """
      Usage: mandate bench NAME [--json] [--seconds N] [--minutes N] [--profile FILE]

        policy    decisions of 25 and 200 rules, compiling, beside OPA's WebAssembly route and Cedar
        startup   `mandate up` to its first answer, and what the idle server takes
        tools     governed calls of tools that read, beside the same calls without governance
        wakeup    from a decision or message to whoever waits, in one process and across two
        steps     durable steps a second, one run alone and many, beside PostgreSQL's commits
        streams   memory and latency of 1,000, 5,000 and 10,000 open streams
        soak      half of the peak load for long: does anything grow, is anything left

        --seconds N      how long each figure is measured (5), after as long a warm-up
        --minutes N      how long soak goes on at half load (30)
        --profile FILE   a flight recording of the server
        --json           figures and machine as JSON\
      """;

  private Main() {}

  /** Entry point. */
  public static void main(String[] args) {
    System.exit(run(List.of(args), new PrintStream(System.out, true, StandardCharsets.UTF_8)));
  }

  /** Runs a benchmark and returns the exit code. */
  static int run(List<String> args, PrintStream out) {
    if (args.isEmpty() || args.contains("--help") || args.contains("-h")) {
      out.println(USAGE);
      return args.isEmpty() ? 2 : 0;
    }
    boolean json = false;
    double seconds = 5;
    double minutes = 30;
    for (int i = 1; i < args.size(); i++) {
      String arg = args.get(i);
      if (arg.equals("--json")) {
        json = true;
      } else if (arg.equals("--profile") && i + 1 < args.size()) {
        System.setProperty("mandate.bench.profile", args.get(++i));
      } else if (arg.equals("--seconds") && i + 1 < args.size()) {
        seconds = number(args.get(++i), 3_600);
        if (seconds == 0) {
          return refuse(out, "--seconds: a number above 0 and up to 3600, not " + args.get(i));
        }
      } else if (arg.equals("--minutes") && i + 1 < args.size()) {
        minutes = number(args.get(++i), 10_000);
        if (minutes == 0) {
          return refuse(out, "--minutes: a number above 0 and up to 10000, not " + args.get(i));
        }
      } else {
        return refuse(out, arg + ": unknown option");
      }
    }
    Duration time = Duration.ofNanos((long) (seconds * 1e9));
    Duration soaking = Duration.ofSeconds((long) (minutes * 60));
    try {
      Report report = measure(args.get(0), time, soaking);
      if (report == null) {
        return refuse(out, args.get(0) + ": no such benchmark");
      }
      report.print(out, json);
      return report.withinBudgets() ? 0 : 1;
    } catch (WrongAnswer e) {
      out.println("wrong answer: " + e.getMessage());
      return 1;
    } catch (UncheckedIOException e) {
      out.println("no answer: " + e.getMessage() + ": " + e.getCause());
      return 1;
    }
  }

  /** Null for a name that is none. */
  private static @Nullable Report measure(String name, Duration time, Duration soaking) {
    return switch (name) {
      case "policy" -> new PolicyBench(time).run();
      case "startup" -> new StartupBench(5, Duration.ofSeconds(20), Duration.ofSeconds(20)).run();
      case "tools" -> new ToolsBench(time, 10).run();
      case "wakeup" -> new WakeupBench(300).run();
      case "steps" -> new StepsBench(time, 20, 300).run();
      case "streams" -> {
        StreamsBench.requireFiles(10_000);
        yield new StreamsBench(List.of(1_000, 5_000, 10_000), Duration.ofSeconds(20), 100).run();
      }
      case "soak" -> new SoakBench(soaking, Duration.ofSeconds(10), Duration.ofSeconds(10)).run();
      default -> null;
    };
  }

  /** 0 for what is none, or not above 0 and up to the most. */
  private static double number(String text, double most) {
    try {
      double number = Double.parseDouble(text);
      return number > 0 && number <= most ? number : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static int refuse(PrintStream out, String why) {
    out.println("bench: " + why);
    out.println(USAGE);
    return 2;
  }
}
