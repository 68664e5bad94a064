package dev.mandate.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Real Java processes of a test, of its own class path. They end with this JVM, frozen ones too.
 */
public final class Processes {
  private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

  private Processes() {}

  /** The class path of this JVM. */
  public static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /** The command that starts a program, to which its arguments are added. */
  public static List<String> java(Class<?> main, String... options) {
    return java(main, classPath(), List.of(options));
  }

  /** The same on another class path. */
  public static List<String> java(Class<?> main, String classPath, List<String> options) {
    List<String> command = new ArrayList<>();
    if (Files.isExecutable(SETPRIV)) {
      // A frozen process cannot see that whoever started it is gone.
      command.addAll(List.of(SETPRIV.toString(), "--pdeathsig", "KILL", "--"));
    }
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC"));
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, main.getName()));
    return command;
  }

  /**
   * Sends a signal.
   *
   * @param signal e.g. {@code -STOP}
   */
  public static void signal(String signal, Process process) {
    try {
      Process kill =
          new ProcessBuilder("/bin/sh", "-c", "kill " + signal + " " + process.pid())
              .inheritIO()
              .start();
      if (kill.waitFor() != 0) {
        throw new IllegalStateException("kill " + signal + " " + process.pid() + " failed");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Waits for the end of a process that was told to end. */
  public static void await(Process process) {
    try {
      if (!process.waitFor(2, TimeUnit.MINUTES)) {
        throw new IllegalStateException("process " + process.pid() + " does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
