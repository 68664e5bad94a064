package dev.mandate.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What open streams of Server-Sent Events cost: memory of the server's process at several numbers
 * of them, after a collection, and its processor time while nothing happens; and how soon a message
 * is with all of them.
 */
final class StreamsBench {
  private static final double BUDGET_KB = 20;

  /** Of the bench and of the server: connections, and what else they have open. */
  private static final int OTHER_FILES = 1_000;

  private final int[] sizes;
  private final Duration idle;
  private final int messages;
  private final Report report = new Report("streams");

  /**
   * @param sizes numbers of streams, growing
   * @param idle how long nothing happens before a measurement
   * @param messages how many are posted for one reader while all are open
   */
  StreamsBench(List<Integer> sizes, Duration idle, int messages) {
    this.sizes = sizes.stream().mapToInt(Integer::intValue).toArray();
    this.idle = idle;
    this.messages = messages;
  }

  Report run() {
    try (Installation installation = Installation.create()) {
      measure(installation.server("server", Map.of()));
    }
    return report;
  }

  /** On a server that is there already. */
  Report measure(ServerProcess server) {
    int most = sizes[sizes.length - 1];
    String token = server.signIn();
    double[] heap = new double[sizes.length];
    double[] pss = new double[sizes.length];
    try (Client owner = Client.of(server.url(), token)) {
      String thread = Installation.thread(owner);
      byte[] open = owner.request("GET", "/api/v1/threads/" + thread + "/events?after=now", null);
      try (StreamHerd herd = new StreamHerd(server.port(), open)) {
        // What the first streams bring with them is no price of the next: classes, buffers.
        herd.growTo(Math.max(1, sizes[0] / 2));
        for (int i = 0; i < sizes.length; i++) {
          herd.growTo(sizes[i]);
          String text = "To all " + sizes[i] + ".";
          herd.want(text);
          long posted = System.nanoTime();
          Installation.say(owner, thread, text);
          long[] heard = herd.all();
          Samples delivery =
              Samples.of(Arrays.stream(heard).map(nanos -> nanos - posted).toArray());
          report.slow("a message to all " + sizes[i] + " streams of a thread:", delivery);
          ProcessTree tree = server.tree();
          double cpu = tree.cpuSeconds();
          herd.idle(idle);
          report.figure(
              sizes[i] + " open streams, nothing happens: processor",
              (tree.cpuSeconds() - cpu) / (idle.toMillis() / 1e3) * 100,
              "% of a core");
          collect(server);
          heap[i] = server.metrics().sum("jvm_memory_used_bytes", "area=\"heap\"") / 1024;
          pss[i] = tree.rootPssKb();
          report.figure(sizes[i] + " open streams, heap after a collection", heap[i] / 1024, "MB");
          report.figure(sizes[i] + " open streams, PSS of the server", pss[i] / 1024, "MB");
          double streams = server.metrics().sum("mandate_rpc_streams", "");
          WrongAnswer.unless(streams == sizes[i], "the server's count of streams", streams);
        }
        report.slow("a message to one reader beside " + most + " streams:", alone(owner, herd));
      }
    }
    if (sizes.length > 1) {
      report.atMost("heap of each further stream", slope(heap), "KB", BUDGET_KB);
      report.atMost("PSS of each further stream", slope(pss), "KB", BUDGET_KB);
    }
    report.note("one thread, followed by all; memory is of the Java process without PostgreSQL");
    return report;
  }

  /**
   * Fails early where the system does not allow so many files, of which the server gives three
   * quarters to connections.
   */
  static void requireFiles(int streams) {
    String limit = output("/bin/sh", "-c", "ulimit -n");
    int needed = streams * 4 / 3 + OTHER_FILES;
    if (!limit.equals("unlimited") && Integer.parseInt(limit) < needed) {
      throw new WrongAnswer(
          "the limit of open files is "
              + limit
              + ", which is too low: raise it with ulimit -n "
              + needed);
    }
  }

  private Samples alone(Client owner, StreamHerd herd) {
    String thread = Installation.thread(owner);
    long[] nanos = new long[messages];
    try (Client reader = owner.another()) {
      Client.Events events = reader.events("/api/v1/threads/" + thread + "/events?after=now");
      for (int i = 0; i < messages; i++) {
        String text = "To one " + i + ".";
        long posted = System.nanoTime();
        Installation.say(owner, thread, text);
        while (!events.next().at("/message/text").asText().equals(text)) {
          // An event before it.
        }
        nanos[i] = System.nanoTime() - posted;
        herd.idle(Duration.ofMillis(5));
      }
    }
    return Samples.of(nanos);
  }

  /** By least squares over all sizes. */
  private double slope(double[] values) {
    double meanX = Arrays.stream(sizes).average().orElseThrow();
    double meanY = Arrays.stream(values).average().orElseThrow();
    double above = 0;
    double below = 0;
    for (int i = 0; i < sizes.length; i++) {
      above += (sizes[i] - meanX) * (values[i] - meanY);
      below += (sizes[i] - meanX) * (sizes[i] - meanX);
    }
    return above / below;
  }

  /** A full collection of the server's garbage, after which its heap is what it needs. */
  static void collect(ServerProcess server) {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    output(jcmd, Long.toString(server.tree().root().pid()), "GC.run");
  }

  private static String output(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output =
          new String(
                  process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
              .strip();
      WrongAnswer.unless(process.waitFor() == 0, String.join(" ", command), output);
      return output;
    } catch (IOException e) {
      throw new WrongAnswer(command[0] + ": " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WrongAnswer("interrupted");
    }
  }
}
