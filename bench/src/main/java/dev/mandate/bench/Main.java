package dev.mandate.bench;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/** Exit codes: 0 within the budgets, 1 a wrong answer or a budget missed, 2 used wrongly. */
public final class Main {
  private static final String USAGE =
      """
      Usage: mandate bench NAME [--json] [--seconds N]

        policy   decisions of 25 and 200 rules, compiling, beside OPA's WebAssembly route and Cedar

        --seconds N   how long each figure is measured (5), after as long a warm-up
        --json        figures and machine as JSON\
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
    for (int i = 1; i < args.size(); i++) {
      String arg = args.get(i);
      if (arg.equals("--json")) {
        json = true;
      } else if (arg.equals("--seconds") && i + 1 < args.size()) {
        try {
          seconds = Double.parseDouble(args.get(++i));
        } catch (NumberFormatException e) {
          seconds = 0;
        }
        if (!(seconds > 0 && seconds <= 3_600)) {
          return refuse(out, "--seconds: a number above 0 and up to 3600, not " + args.get(i));
        }
      } else {
        return refuse(out, arg + ": unknown option");
      }
    }
    Duration time = Duration.ofNanos((long) (seconds * 1e9));
    try {
      Report report =
          switch (args.get(0)) {
            case "policy" -> new PolicyBench(time).run();
            default -> null;
          };
      if (report == null) {
        return refuse(out, args.get(0) + ": no such benchmark");
      }
      report.print(out, json);
      return report.withinBudgets() ? 0 : 1;
    } catch (WrongAnswer e) {
      out.println("wrong answer: " + e.getMessage());
      return 1;
    }
  }

  private static int refuse(PrintStream out, String why) {
    out.println("bench: " + why);
    out.println(USAGE);
    return 2;
  }
}
