package dev.mandate.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The built server, as {@code ./mandate up} runs it, on a data folder and port of its own. */
final class ServerProcess implements AutoCloseable {
  static final String EMAIL = "owner@example.org";
  static final String PASSWORD = "correct horse battery";

  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final ChildProcess process;
  private final Path data;
  private final int port;
  private final double secondsToAnswer;

  private ServerProcess(ChildProcess process, Path data, int port, double secondsToAnswer) {
    this.process = process;
    this.data = data;
    this.port = port;
    this.secondsToAnswer = secondsToAnswer;
  }

  /** Starts one and waits for its first answer. */
  static ServerProcess start(Folder home, String name, Map<String, String> settings) {
    return start(ChildProcess.server(), home, name, settings);
  }

  /** The same with a command to which {@code up} and its flags are added. */
  static ServerProcess start(
      List<String> command, Folder home, String name, Map<String, String> settings) {
    List<String> words = new java.util.ArrayList<>(command);
    String recording = System.getProperty("mandate.bench.profile", "");
    if (!recording.isEmpty() && command.getFirst().endsWith("java")) {
      words.add(
          1,
          "-XX:StartFlightRecording=settings=profile,filename="
              + recording
              + ","
              + "dumponexit=true");
    }
    int port = freePort();
    Path data = home.resolve(name);
    words.addAll(List.of("up", "--data", data.toString(), "--port", Integer.toString(port)));
    Map<String, String> environment = new HashMap<>();
    // Profiles of the command line belong to whoever runs the benchmark.
    environment.put("HOME", home.path().toString());
    environment.put("XDG_CONFIG_HOME", home.resolve(name + ".config").toString());
    environment.put("MANDATE_ADMIN_EMAIL", EMAIL);
    environment.put("MANDATE_ADMIN_PASSWORD", PASSWORD);
    environment.put("MANDATE_EGRESS_ALLOW", "127.0.0.1");
    environment.putAll(settings);
    long began = System.nanoTime();
    ChildProcess process = ChildProcess.start(words, environment, home.resolve(name + ".out"));
    try {
      awaitHealth(process, port);
      double seconds = (System.nanoTime() - began) / 1e9;
      return new ServerProcess(process, data, port, seconds);
    } catch (RuntimeException e) {
      process.close();
      throw e;
    }
  }

  private static void awaitHealth(ChildProcess process, int port) {
    HttpRequest health =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health"))
            .timeout(Duration.ofSeconds(5))
            .build();
    long until = System.nanoTime() + PATIENCE.toNanos();
    try (HttpClient http = HttpClient.newHttpClient()) {
      while (true) {
        try {
          if (http.send(health, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
            return;
          }
        } catch (IOException e) {
          // Nobody listens yet.
          process.requireAlive();
        }
        WrongAnswer.unless(System.nanoTime() < until, "no answer in time", process.output());
        Thread.sleep(10);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WrongAnswer("interrupted while the server started");
    }
  }

  private static int freePort() {
    try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return probe.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String url() {
    return "http://127.0.0.1:" + port;
  }

  int port() {
    return port;
  }

  /** From the start of the process to the first answer. */
  double secondsToAnswer() {
    return secondsToAnswer;
  }

  /** It and its children. */
  ProcessTree tree() {
    return new ProcessTree(process.handle());
  }

  Metrics metrics() {
    try (Client client = Client.of(url(), "")) {
      return Metrics.of(client.exchange(client.request("GET", "/metrics", null)).text());
    }
  }

  /** A new session of the owner. */
  String signIn() {
    try (Client client = Client.of(url(), "")) {
      return client
          .post(
              "/api/v1/sessions",
              Client.JSON
                  .createObjectNode()
                  .put("email", EMAIL)
                  .put("password", PASSWORD)
                  .toString())
          .get("accessToken")
          .textValue();
    }
  }

  /** A new API token of the owner, good for longer than a session's quarter of an hour. */
  String token() {
    try (Client client = Client.of(url(), signIn())) {
      return client
          .post("/api/v1/tokens", "{\"name\": \"Benchmark\", \"scopes\": [\"*\"]}")
          .get("secret")
          .textValue();
    }
  }

  /** The bundled PostgreSQL, as its administrator: {@code postgresql://…}. */
  Postgres postgres() {
    try {
      String password = Files.readString(data.resolve("secrets/postgres-superuser")).strip();
      String at = Files.readString(data.resolve("postgres/port")).strip();
      return new Postgres("127.0.0.1:" + at, "mandate_super", password);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    process.close();
  }
}
