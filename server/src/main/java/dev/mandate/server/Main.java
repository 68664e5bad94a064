package dev.mandate.server;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.telemetry.Logging;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The commands of the server's machine: {@code up}, {@code down}, {@code status} and so on. */
public final class Main {
  static final int OK = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;

  /** As the client's: the server cannot be reached. */
  static final int UNREACHABLE = 5;

  private Main() {}

  public static void main(String[] arguments) {
    Logging.silence();
    int code = run(List.of(arguments), System.getenv(), System.out, System.err);
    System.out.flush();
    if (code != OK) {
      System.exit(code);
    }
  }

  static int run(
      List<String> arguments, Map<String, String> environment, PrintStream out, PrintStream err) {
    try {
      return run(arguments, environment, out);
    } catch (Failure | IllegalStateException | IllegalArgumentException | UncheckedIOException e) {
      // What is wrong with the machine or the configuration: the reason, not our stack.
      err.println("mandate: " + reason(e));
      if (Boolean.getBoolean("mandate.debug")) {
        e.printStackTrace(err);
      }
      boolean usage = e instanceof Failure failure && failure.reason().equals("INVALID_FIELD");
      return usage ? USAGE : FAILED;
    }
  }

  private static int run(List<String> arguments, Map<String, String> environment, PrintStream out) {
    if (arguments.isEmpty()) {
      throw Failure.invalid("command", "say which: " + Help.COMMANDS);
    }
    String command = arguments.getFirst();
    List<String> words = new ArrayList<>();
    List<String> flags = new ArrayList<>();
    split(arguments.subList(1, arguments.size()), words, flags);
    if (flags.contains("--help") || flags.contains("-h")) {
      out.println(Help.of(command.equals("ops") && !words.isEmpty() ? words.getFirst() : command));
      return OK;
    }
    Path file = file(environment);
    switch (command) {
      case "ops" -> {
        return new OpsCommands(out, environment, file).run(words, flags);
      }
      case "backup" -> {
        return new BackupCommands(out, environment, file).backup(words, flags);
      }
      case "restore" -> {
        return new BackupCommands(out, environment, file).restore(words, flags);
      }
      default -> {}
    }
    boolean follow = flags.removeAll(List.of("-f", "--follow"));
    boolean json = command.equals("status") && OwnFlags.given(flags, "--json");
    Map<String, String> given = Config.flags(flags);
    Config config = Config.load(given, environment, file);
    return switch (command) {
      case "up" -> new Up(config, given, environment, out).run();
      case "down" -> new Down(config, out).run();
      case "status" -> new Status(config, json, out).run();
      case "logs" -> new Logs(config, out).run(follow);
      case "password" -> new AccountCommands(config, out).password(words);
      case "link" -> new AccountCommands(config, out).link();
      case "reinstate" -> new AccountCommands(config, out).reinstate(words);
      default ->
          throw Failure.invalid(
              "command", "unknown: '" + Failure.excerpt(command) + "' (see mandate --help)");
    };
  }

  private static @Nullable Path file(Map<String, String> environment) {
    String file = environment.getOrDefault("MANDATE_CONFIG", "");
    return file.isEmpty() ? null : Path.of(file);
  }

  /** Words stand before the first flag: {@code password someone@example.org --data …}. */
  private static void split(List<String> arguments, List<String> words, List<String> flags) {
    for (String argument : arguments) {
      (flags.isEmpty() && !argument.startsWith("-") ? words : flags).add(argument);
    }
  }

  private static String reason(RuntimeException e) {
    if (e instanceof Failure failure) {
      Throwable cause = failure.getCause();
      return failure.publicMessage()
          + (cause == null || cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")");
    }
    return String.valueOf(e.getMessage());
  }
}
