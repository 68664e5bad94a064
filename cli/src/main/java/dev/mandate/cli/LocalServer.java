package dev.mandate.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A server of its own in a temporary folder, for a demonstration: nothing of the user's is touched,
 * and everything is gone afterwards.
 */
final class LocalServer implements AutoCloseable {
  private static final Duration START = Duration.ofMinutes(2);

  /** A database or a model of the user's must not get into the demonstration. */
  private static final List<String> NOT_INHERITED =
      List.of(
          "DATABASE_URL",
          "ANTHROPIC_API_KEY",
          "OPENAI_API_KEY",
          "OPENAI_BASE_URL",
          "GEMINI_API_KEY",
          "OLLAMA_HOST",
          "LLM_PROVIDER",
          "LLM_API_KEY",
          "LLM_BASE_URL");

  private final List<String> launcher;
  private final Path folder;
  private final int port;
  private @Nullable Process process;

  /**
   * @param launcher the command that takes {@code up}
   */
  LocalServer(List<String> launcher) {
    this.launcher = launcher;
    this.port = freePort();
    try {
      folder = Files.createTempDirectory("mandate-demo-");
      // As root, PostgreSQL runs as another user and has to get through.
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException unwritable) {
      throw CliFailure.failed("cannot make a temporary folder: " + unwritable.getMessage());
    }
  }

  Path folder() {
    return folder;
  }

  /** Starts it and waits until it answers. */
  void start() {
    Path ready = folder.resolve("ready");
    try {
      Files.deleteIfExists(ready);
      List<String> command = new java.util.ArrayList<>(launcher);
      command.addAll(
          List.of(
              "up", "--data", folder.resolve("data").toString(), "--port", Integer.toString(port)));
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(folder.resolve("server.log").toFile()));
      Map<String, String> environment = builder.environment();
      NOT_INHERITED.forEach(environment::remove);
      environment
          .keySet()
          .removeIf(name -> name.startsWith("MANDATE_") && !name.equals("MANDATE_JAVA_OPTS"));
      environment.put("XDG_CONFIG_HOME", folder.resolve("config").toString());
      environment.put("MANDATE_READY_FILE", ready.toString());
      Process started = builder.start();
      process = started;
      long end = System.nanoTime() + START.toNanos();
      while (!Files.exists(ready) || Files.size(ready) == 0) {
        if (started.waitFor(50, TimeUnit.MILLISECONDS)) {
          throw CliFailure.failed(
              "the server ended with exit code "
                  + started.exitValue()
                  + ":\n"
                  + tail(folder.resolve("server.log")));
        }
        if (System.nanoTime() > end) {
          throw CliFailure.unreachable(
              "the server does not answer after " + START.toSeconds() + " s");
        }
      }
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw CliFailure.answered(Exit.CANCELLED, "canceled", "", "cancelled");
    }
  }

  /** SIGKILL: it gets no chance to clean up. Returns its process id. */
  long kill() {
    Process running = java.util.Objects.requireNonNull(process);
    running.destroyForcibly();
    running.onExit().join();
    return running.pid();
  }

  Profiles.Profile profile() {
    return Profiles.load(folder.resolve("config/mandate/profiles.json")).choose("", "", "", "");
  }

  /** Stops the server, and deletes the folder unless it is to be kept. */
  void stop(boolean keep) {
    Process running = process;
    if (running != null && running.isAlive()) {
      running.destroy();
      try {
        if (!running.waitFor(20, TimeUnit.SECONDS)) {
          running.destroyForcibly();
          running.onExit().join();
        }
      } catch (InterruptedException interrupted) {
        running.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
    if (!keep) {
      delete(folder);
    }
  }

  @Override
  public void close() {
    stop(false);
  }

  private static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try {
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path one, @Nullable IOException failed)
                throws IOException {
              Files.deleteIfExists(one);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException left) {
      throw CliFailure.failed("cannot delete " + folder + ": " + left.getMessage());
    }
  }

  private static String tail(Path log) throws IOException {
    List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException none) {
      throw new UncheckedIOException(none);
    }
  }
}
