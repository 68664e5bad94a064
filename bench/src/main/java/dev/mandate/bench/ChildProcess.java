package dev.mandate.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A process of a benchmark. It ends when it is closed, and with this JVM however this ends. Start
 * it on a thread that lives until then: the kernel ties the signal to the thread.
 */
final class ChildProcess implements AutoCloseable {
  private static final Path SETPRIV = Path.of("/usr/bin/setpriv");
  private static final int STOP_SECONDS = 45;

  private final Process process;
  private final Path log;

  private ChildProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts a command, and does not wait.
   *
   * @param environment all that it sees besides PATH and JAVA_HOME
   * @param log where its output goes
   */
  static ChildProcess start(List<String> command, Map<String, String> environment, Path log) {
    List<String> words = new ArrayList<>();
    if (Files.isExecutable(SETPRIV)) {
      words.addAll(List.of(SETPRIV.toString(), "--pdeathsig", "TERM", "--"));
    }
    words.addAll(command);
    ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().keySet().removeIf(name -> !List.of("PATH", "JAVA_HOME").contains(name));
    builder.environment().putAll(environment);
    try {
      return new ChildProcess(builder.start(), log);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + command.getFirst(), e);
    }
  }

  /** The command that starts what {@code ./mandate up} starts, to which its arguments are added. */
  static List<String> server() {
    String told = System.getProperty("mandate.bench.server", "");
    return told.isEmpty()
        ? java("dev.mandate.server.Main", "-Xmx512m")
        : new ArrayList<>(told.lines().toList());
  }

  /** The command that starts a program of the server's jars. */
  static List<String> ofServer(String main, String... options) {
    List<String> command = server();
    int at = command.indexOf("-cp");
    String classPath = command.get(at + 1);
    List<String> words = new ArrayList<>(List.of(command.getFirst()));
    words.addAll(List.of(options));
    words.addAll(List.of("-cp", classPath, main));
    return words;
  }

  /** The command that starts a program of this class path. */
  static List<String> java(String main, String... options) {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    // The server logs through Logback and nothing else.
    classPath =
        String.join(
            ":",
            Arrays.stream(classPath.split(":")).filter(p -> !p.contains("slf4j-nop")).toList());
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:+UseSerialGC"));
    words.addAll(List.of(options));
    words.addAll(List.of("-cp", classPath, main));
    return words;
  }

  long pid() {
    return process.pid();
  }

  ProcessHandle handle() {
    return process.toHandle();
  }

  /** Its output so far. */
  String output() {
    try {
      return Files.exists(log) ? Files.readString(log) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fails if it has ended by itself. */
  void requireAlive() {
    WrongAnswer.unless(process.isAlive(), "process " + process.pid() + " ended", output());
  }

  @Override
  public void close() {
    process.destroy();
    boolean interrupted = false;
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
