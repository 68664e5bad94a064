package dev.mandate.kernel.db;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one server process: starts it, starts it again should it die, interrupts it when we are
 * told to stop or end. Holds a platform thread for as long as the server runs, because the kernel
 * ties the signal at a parent's death to the thread that started the child.
 */
final class PostgresKeeper implements AutoCloseable {
  /** The port was taken between our look and PostgreSQL's. */
  static final class PortTaken extends Exception {
    private static final long serialVersionUID = 1L;

    PortTaken(String message) {
      super(message);
    }
  }

  private static final Logger log = LoggerFactory.getLogger(PostgresKeeper.class);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(30);
  private static final int MOST_RESTARTS = 5;

  /** After so long a life an end is not one of a row. */
  private static final Duration WELL = Duration.ofMinutes(1);

  /**
   * Runs its arguments in the background in a process group of their own, so that a terminal's
   * Ctrl-C does not reach them before us, and interrupts them when standard input ends.
   */
  private static final String PIPE_GUARD =
      """
      set -m
      exec 3<&0
      "$@" </dev/null 3<&- &
      server=$!
      ( cat <&3 >/dev/null; kill -INT "$server" ) &
      guard=$!
      exec 3<&-
      wait "$server"
      status=$?
      kill -TERM -"$guard" 2>/dev/null
      exit "$status"
      """;

  private final Path data;
  private final Path startLog;
  private final boolean setpriv;
  private volatile boolean stopping;
  private volatile @Nullable Process process;
  private @Nullable Thread thread;

  PostgresKeeper(Path data, Path startLog, boolean setpriv) {
    this.data = data;
    this.startLog = startLog;
    this.setpriv = setpriv;
  }

  /** What to put before a command so that it runs as the server's user. */
  List<String> asUnprivileged() throws IOException {
    if (!Accounts.isRoot()) {
      return List.of();
    }
    if (!setpriv) {
      throw new IOException(
          "PostgreSQL refuses to run as root, and 'setpriv' (package util-linux) is not there to"
              + " change the user: install it, run as another user, or give DATABASE_URL");
    }
    return List.of(
        "setpriv",
        "--reuid=nobody",
        "--regid=" + Accounts.nobodyGroup(),
        "--clear-groups",
        "--inh-caps=-all",
        "--no-new-privs");
  }

  ProcessBuilder builder(List<String> command, Path folder) {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    String path = System.getenv("PATH");
    builder.environment().clear();
    builder.environment().put("PATH", path == null ? "/usr/bin:/bin" : path);
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("TZ", "UTC");
    return builder;
  }

  /** Starts the server and waits until it takes connections. */
  void start(List<String> command, Duration limit)
      throws IOException, InterruptedException, PortTaken {
    stopping = false;
    List<String> full = guarded(command);
    CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    Thread keeper =
        Thread.ofPlatform()
            .name("postgres-keeper")
            .daemon()
            .unstarted(() -> keep(full, limit, ready));
    thread = keeper;
    keeper.start();
    try {
      ready.get();
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof IOException problem) {
        throw new IOException(problem.getMessage(), problem);
      }
      if (cause instanceof PortTaken taken) {
        throw new PortTaken(String.valueOf(taken.getMessage()));
      }
      throw new IllegalStateException(cause);
    }
  }

  long pid() {
    Long pid = runningPid();
    if (pid == null) {
      throw new IllegalStateException("PostgreSQL is not running");
    }
    return pid;
  }

  /** Stops a server that still runs on this data: of a process that was killed a moment ago. */
  void stopLeftover() throws IOException, InterruptedException {
    Long pid = runningPid();
    if (pid == null) {
      Files.deleteIfExists(pidFile());
      return;
    }
    log.info("stopping PostgreSQL {} that an earlier process left", pid);
    stop(pid);
  }

  @Override
  public void close() {
    stopping = true;
    Process running = process;
    if (running == null) {
      return;
    }
    try {
      Long pid = runningPid();
      if (pid != null) {
        stop(pid);
      }
      running.getOutputStream().close();
      if (!EmbeddedPostgres.ended(running.toHandle(), STOP_LIMIT)) {
        running.destroyForcibly();
      }
      Thread keeper = thread;
      if (keeper != null) {
        keeper.join(STOP_LIMIT);
      }
    } catch (IOException e) {
      log.error("PostgreSQL did not stop", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private List<String> guarded(List<String> command) throws IOException {
    List<String> full = new ArrayList<>();
    if (!setpriv) {
      full.addAll(asUnprivileged());
      full.addAll(List.of("/bin/sh", "-c", PIPE_GUARD, "sh"));
    } else {
      // A session of its own: a terminal's Ctrl-C must reach us, not the database first.
      if (Accounts.program("setsid") != null) {
        full.add("setsid");
      }
      List<String> user = asUnprivileged();
      full.addAll(user.isEmpty() ? List.of("setpriv") : user);
      full.addAll(List.of("--pdeathsig", "INT", "--"));
    }
    full.addAll(command);
    return full;
  }

  private void keep(List<String> command, Duration limit, CompletableFuture<@Nullable Void> ready) {
    int restarts = 0;
    while (true) {
      try {
        Process started = launch(command);
        process = started;
        awaitReady(started, limit);
        ready.complete(null);
        long since = System.nanoTime();
        int status = started.waitFor();
        if (stopping) {
          return;
        }
        if (System.nanoTime() - since > WELL.toNanos()) {
          restarts = 0;
        }
        log.error("PostgreSQL ended by itself with status {}: {}", status, said());
      } catch (IOException | PortTaken e) {
        if (ready.completeExceptionally(e)) {
          return;
        }
        log.error("PostgreSQL does not start again", e);
      } catch (InterruptedException e) {
        ready.completeExceptionally(e);
        return;
      }
      if (++restarts > MOST_RESTARTS) {
        log.error("PostgreSQL ended {} times: giving up; restart Mandate", restarts);
        return;
      }
      // Children of the one that ended may still hold its memory for a moment.
      LockSupport.parkNanos(Duration.ofMillis(100L << restarts).toNanos());
      if (stopping) {
        return;
      }
    }
  }

  private Process launch(List<String> command) throws IOException {
    Path parent = data.getParent();
    return builder(command, parent == null ? data : parent)
        .redirectErrorStream(true)
        .redirectOutput(startLog.toFile())
        .redirectInput(setpriv ? ProcessBuilder.Redirect.from(new File("/dev/null")) : PIPE)
        .start();
  }

  private static final ProcessBuilder.Redirect PIPE = ProcessBuilder.Redirect.PIPE;

  /** The pid file's eighth line turns "ready" when the server takes connections. */
  private void awaitReady(Process started, Duration limit)
      throws IOException, InterruptedException, PortTaken {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      if ("ready".equals(EmbeddedPostgres.line(pidFile(), 8)) && runningPid() != null) {
        return;
      }
      if (!started.isAlive()) {
        String said = said();
        if (said.contains("could not create any TCP/IP sockets")
            || said.contains("Address already in use")) {
          throw new PortTaken(said);
        }
        throw new IOException("it ended with status " + started.exitValue() + ":\n" + said);
      }
      if (System.nanoTime() - deadline >= 0) {
        started.destroyForcibly();
        throw new IOException("it was not ready after " + limit.toSeconds() + " s:\n" + said());
      }
      Thread.sleep(5);
    }
  }

  private String said() throws IOException {
    String text = Files.readString(startLog, StandardCharsets.UTF_8);
    return text.length() > 4000 ? text.substring(text.length() - 4000) : text;
  }

  private Path pidFile() {
    return data.resolve("postmaster.pid");
  }

  /** The live server of this data folder, if there is one. */
  private @Nullable Long runningPid() {
    try {
      String first = EmbeddedPostgres.line(pidFile(), 1);
      if (first == null || first.isEmpty()) {
        return null;
      }
      long pid = Long.parseLong(first);
      ProcessHandle handle = ProcessHandle.of(pid).orElse(null);
      if (handle == null || !handle.isAlive()) {
        return null;
      }
      // The number may have gone to a stranger since; the server's working folder is its data.
      Path folder = Path.of("/proc/" + pid + "/cwd");
      if (Files.exists(folder)) {
        return Files.isSameFile(folder, data) ? pid : null;
      }
      return handle.info().command().orElse("").endsWith("/postgres") ? pid : null;
    } catch (IOException | NumberFormatException unreadable) {
      return null;
    }
  }

  /** A fast shutdown: clients are cut off, everything committed is kept. */
  private void stop(long pid) throws IOException, InterruptedException {
    signal("INT", pid);
    if (!gone(pid)) {
      log.warn("PostgreSQL {} does not stop: shutting it down at once", pid);
      signal("QUIT", pid);
      if (!gone(pid)) {
        throw new IOException("PostgreSQL " + pid + " does not stop");
      }
    }
  }

  /**
   * Waits until it has ended. Asks for more than the process table: in a container whose first
   * process does not reap, an ended orphan stays there as a zombie.
   */
  private boolean gone(long pid) throws InterruptedException {
    long deadline = System.nanoTime() + STOP_LIMIT.toNanos();
    while (System.nanoTime() - deadline < 0) {
      Long running = runningPid();
      if (running == null || running != pid) {
        return true;
      }
      Thread.sleep(10);
    }
    return false;
  }

  private static void signal(String name, long pid) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(pid))
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }
}
