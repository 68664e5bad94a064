package dev.mandate.runs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.kernel.db.Endpoint;
import dev.mandate.server.Processes;
import dev.mandate.server.demo.EffectCounter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;

/**
 * The processes of a kill test: workers, and the tool server that counts effects. All of them end
 * with this JVM, frozen ones too. Used by one thread.
 */
final class WorkerProcesses implements AutoCloseable {
  private final Endpoint endpoint;
  private final Path folder;
  private final HttpClient http = HttpClient.newHttpClient();
  private final List<Process> all = new ArrayList<>();
  private final List<Worker> workers = new ArrayList<>();
  private String classPath = Processes.classPath();
  private List<String> options = List.of("-Xmx192m");

  WorkerProcesses(Endpoint endpoint, Path folder) {
    this.endpoint = endpoint;
    this.folder = folder;
  }

  /** A worker's process. */
  record Worker(int number, Process process, Path ready, Path log) {
    boolean works() {
      return process.isAlive() && Files.exists(ready);
    }

    @Override
    public String toString() {
      return "worker " + number + " (process " + process.pid() + ")";
    }
  }

  /**
   * Starts the tool server.
   *
   * @param ledger where it writes its effects
   * @return where it answers
   */
  String startCounter(Path ledger) throws IOException {
    List<String> command = Processes.java(EffectCounter.class, "-Xmx128m");
    command.addAll(List.of("--file", ledger.toString(), "--http", "0"));
    Process process =
        start(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT));
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    return out.readLine();
  }

  /**
   * Makes the start of every later worker cheaper: one worker starts and stops, and leaves a cache
   * of its loaded classes behind. Costs some 20 s, and saves 2 s of processor time per worker.
   */
  void rehearse() throws IOException {
    Path cache = folder.resolve("worker.aot");
    classPath = Jars.of(classPath, folder);
    options = List.of("-Xmx192m", "-XX:AOTCacheOutput=" + cache);
    startWorker();
    Worker first = workers.getFirst();
    Awaitility.await("the first worker works").atMost(Duration.ofMinutes(1)).until(first::works);
    first.process().getOutputStream().close();
    Awaitility.await("the cache is written")
        .atMost(Duration.ofMinutes(2))
        .until(() -> !first.process().isAlive());
    workers.remove(first);
    assertThat(cache).isRegularFile();
    options = List.of("-Xmx192m", "-XX:AOTCache=" + cache);
  }

  void startWorker() throws IOException {
    int number = all.size();
    Path ready = folder.resolve("worker-" + number + ".url");
    Path log = folder.resolve("worker-" + number + ".log");
    List<String> command = Processes.java(KillWorker.class, classPath, options);
    command.addAll(KillWorker.arguments(endpoint, ready));
    Process process =
        start(new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()));
    workers.add(new Worker(number, process, ready, log));
  }

  private Process start(ProcessBuilder builder) throws IOException {
    Process process = builder.start();
    all.add(process);
    return process;
  }

  /** Those that have started and live, oldest first. */
  List<Worker> working() {
    return workers.stream().filter(Worker::works).toList();
  }

  /** The last words of workers that ended without being told to. */
  List<String> ended() throws IOException {
    List<String> words = new ArrayList<>();
    for (Worker worker : workers) {
      if (!worker.process().isAlive()) {
        List<String> lines = Files.readAllLines(worker.log());
        int from = Math.max(0, lines.size() - 30);
        words.add(worker + ": " + String.join("\n", lines.subList(from, lines.size())));
      }
    }
    return words;
  }

  /** SIGKILL, and not a moment to prepare for it. */
  void kill(Worker worker) {
    worker.process().destroyForcibly();
    Processes.await(worker.process());
    workers.remove(worker);
  }

  /** Tells it to stop, as a deployment does, and waits until it has. */
  void stop(Worker worker) throws IOException {
    worker.process().getOutputStream().close();
    Processes.await(worker.process());
    workers.remove(worker);
  }

  void freeze(Worker worker) {
    Processes.signal("-STOP", worker.process());
  }

  void thaw(Worker worker) {
    Processes.signal("-CONT", worker.process());
  }

  /** Whether it answers requests. */
  boolean answers(Worker worker) {
    try {
      URI health = URI.create(Files.readString(worker.ready()) + "/health");
      HttpRequest request = HttpRequest.newBuilder(health).timeout(Duration.ofSeconds(5)).build();
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Lines of all workers' logs, dead ones' too, that contain a text, each with what follows. */
  List<String> logged(String text) throws IOException {
    List<String> lines = new ArrayList<>();
    for (int number = 0; number < all.size(); number++) {
      Path log = folder.resolve("worker-" + number + ".log");
      if (Files.exists(log)) {
        List<String> written = Files.readAllLines(log);
        for (int i = 0; i < written.size(); i++) {
          if (written.get(i).contains(text)) {
            List<String> part = written.subList(i, Math.min(i + 12, written.size()));
            lines.add("worker " + number + ": " + String.join("\n  ", part));
          }
        }
      }
    }
    return lines;
  }

  /** Tells every worker to stop. */
  void stopAll() throws IOException {
    for (Worker worker : List.copyOf(workers)) {
      stop(worker);
    }
  }

  /** Ids of processes that live although everything was ended. */
  List<Long> left() {
    return all.stream().filter(Process::isAlive).map(Process::pid).toList();
  }

  /** Ends whatever is left, the tool server too. */
  void endAll() {
    all.forEach(Process::destroyForcibly);
    all.forEach(Processes::await);
  }

  @Override
  public void close() {
    endAll();
    http.close();
  }
}
