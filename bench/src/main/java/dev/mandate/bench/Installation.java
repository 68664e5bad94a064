package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a benchmark measures: the server with its PostgreSQL, and the provider of models that it
 * calls, each a process of its own, in a temporary folder. Closing it ends all of them, in the
 * opposite order.
 */
final class Installation implements AutoCloseable {
  private static final Set<String> FAILED =
      Set.of("FAILED", "CANCELLED", "PAUSED", "IN_DOUBT", "AWAITING_APPROVAL");

  private final Folder home = Folder.create();
  private final Deque<AutoCloseable> started = new ArrayDeque<>();
  private final Map<String, String> settings = new HashMap<>();

  private Installation() {
    started.push(home);
  }

  /** A folder and a provider of models; servers are started with {@link #server}. */
  static Installation create() {
    Installation made = new Installation();
    try {
      Path url = made.home.resolve("model.url");
      ChildProcess model =
          made.program(
              "model",
              ChildProcess.java(
                  "dev.mandate.bench.ModelMain", "-Xmx256m", "-XX:TieredStopAtLevel=4"),
              Map.of(),
              url.toString());
      made.settings.put("OPENAI_API_KEY", "scripted");
      made.settings.put("OPENAI_BASE_URL", await(model, url));
      return made;
    } catch (RuntimeException e) {
      made.close();
      throw e;
    }
  }

  /** Starts a program beside the server; its output goes to a file of the folder. */
  ChildProcess program(
      String name, List<String> command, Map<String, String> environment, String... arguments) {
    List<String> words = new ArrayList<>(command);
    words.addAll(List.of(arguments));
    ChildProcess process = ChildProcess.start(words, environment, home.resolve(name + ".out"));
    started.push(process);
    return process;
  }

  /** Starts a server. */
  ServerProcess server(String name, Map<String, String> more) {
    Map<String, String> all = new HashMap<>(settings);
    all.putAll(more);
    ServerProcess server = ServerProcess.start(home, name, all);
    started.push(server);
    return server;
  }

  Folder home() {
    return home;
  }

  /** Closes something with the rest. */
  <T extends AutoCloseable> T with(T closeable) {
    started.push(closeable);
    return closeable;
  }

  /** What a program says in a file once it is ready. */
  static String await(ChildProcess program, Path file) {
    try {
      long until = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (!Files.exists(file)) {
        program.requireAlive();
        WrongAnswer.unless(System.nanoTime() < until, "not ready in time", program.output());
        Thread.sleep(10);
      }
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WrongAnswer("interrupted");
    }
  }

  /**
   * Makes an agent with one tool, which its model calls as the instructions say.
   *
   * @param approval {@code ALWAYS}, or empty for by the tool's effect
   * @return its id
   */
  static String agent(
      Client owner, String name, String instructions, String tool, String approval) {
    ObjectNode agent = Client.JSON.createObjectNode();
    agent.put("name", name).put("instructions", instructions);
    ObjectNode grant = agent.putArray("tools").addObject().put("tool", tool);
    if (!approval.isEmpty()) {
      grant.put("approval", approval);
    }
    return owner.post("/api/v1/agents", agent.toString()).get("id").textValue();
  }

  /** Opens a thread with an agent, or with nobody. */
  static String thread(Client owner, String... agents) {
    ObjectNode thread = Client.JSON.createObjectNode();
    for (String agent : agents) {
      thread.withArray("agentIds").add(agent);
    }
    return owner.post("/api/v1/threads", thread.toString()).get("id").textValue();
  }

  static JsonNode say(Client owner, String thread, String text) {
    return owner.post(
        "/api/v1/threads/" + thread + "/messages",
        Client.JSON.createObjectNode().put("text", text).toString());
  }

  /** The thread's run once it has succeeded. Asks again and again: wait only for short ones. */
  static JsonNode succeeded(Client owner, String thread, Duration patience) {
    long until = System.nanoTime() + patience.toNanos();
    while (true) {
      JsonNode runs = owner.get("/api/v1/runs?threadId=" + thread).get("runs");
      if (!runs.isEmpty()) {
        JsonNode run = runs.get(0);
        String status = run.get("status").textValue();
        WrongAnswer.unless(!FAILED.contains(status), "a run", run);
        if (status.equals("SUCCEEDED")) {
          return run;
        }
      }
      WrongAnswer.unless(System.nanoTime() < until, "a run did not end", runs);
      pause(Duration.ofMillis(20));
    }
  }

  static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WrongAnswer("interrupted");
    }
  }

  @Override
  public void close() {
    RuntimeException failed = null;
    while (!started.isEmpty()) {
      try {
        started.pop().close();
      } catch (Exception e) {
        failed = new IllegalStateException("a process or folder is left", e);
      }
    }
    if (failed != null) {
      throw failed;
    }
  }
}
