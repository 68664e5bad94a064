package dev.mandate.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code mandate up} as an operator starts it beside others: one process, one data folder. */
final class ServerProcess implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final String name;
  private final Path folder;
  private final Process process;

  private ServerProcess(String name, Path folder, Process process) {
    this.name = name;
    this.folder = folder;
    this.process = process;
  }

  /** Starts it, and does not wait. */
  static ServerProcess start(
      TestDatabase database, Path home, String name, String roles, Map<String, String> settings)
      throws IOException {
    Map<String, String> all = new HashMap<>(settings);
    all.put("DATABASE_URL", database.url());
    all.put("MANDATE_MASTER_KEY", TestDatabase.MASTER_KEY);
    return start(home, name, roles, all);
  }

  /** The same with the bundled database, and a master key of its own. */
  static ServerProcess alone(Path home, String name) throws IOException {
    return start(home, name, "api,worker", Map.of());
  }

  private static ServerProcess start(
      Path home, String name, String roles, Map<String, String> settings) throws IOException {
    Path folder = home.resolve(name);
    List<String> command = Processes.java(Main.class, "-Xmx192m");
    command.addAll(
        List.of("up", "--roles", roles, "--data", folder.toString(), "--port", "0", "--empty"));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(variable -> variable.startsWith("MANDATE_"));
    environment.remove("DATABASE_URL");
    environment.put("HOME", home.toString());
    environment.put("MANDATE_ADMIN_EMAIL", TestServer.EMAIL);
    environment.put("MANDATE_ADMIN_PASSWORD", TestServer.PASSWORD);
    environment.put("MANDATE_EGRESS_ALLOW", "127.0.0.1");
    environment.put("MANDATE_READY_FILE", home.resolve(name + ".ready").toString());
    environment.putAll(settings);
    Process process =
        builder
            .redirectErrorStream(true)
            .redirectOutput(home.resolve(name + ".out").toFile())
            .start();
    return new ServerProcess(name, folder, process);
  }

  Process process() {
    return process;
  }

  /** Whether it answers. Fails if it has ended by itself. */
  boolean ready() throws IOException {
    if (!process.isAlive()) {
      throw new AssertionError(
          name + " ended: " + Files.readString(folder.resolveSibling(name + ".out")));
    }
    return Files.exists(folder.resolveSibling(name + ".ready"));
  }

  String url() {
    try (Stream<String> lines = Files.lines(folder.resolve("mandate.lock"))) {
      return lines
          .filter(line -> line.startsWith("address="))
          .map(line -> line.substring("address=".length()))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  JsonNode health() {
    return call("GET", "/health", "", null).ok();
  }

  TestServer.Answer get(String path, String token) {
    return call("GET", path, token, null);
  }

  TestServer.Answer post(String path, String token, String json) {
    return call("POST", path, token, json);
  }

  TestServer.Answer call(String method, String path, String token, @Nullable String json) {
    HttpRequest.Builder request = request(path, token).timeout(Duration.ofSeconds(60));
    request.method(
        method,
        json == null
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(json));
    if (json != null) {
      request.header("content-type", "application/json");
    }
    try {
      HttpResponse<String> response =
          HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
      boolean isJson = response.body().startsWith("{");
      return new TestServer.Answer(
          response.statusCode(), isJson ? JSON.readTree(response.body()) : null, response);
    } catch (IOException e) {
      throw new AssertionError(method + " " + path, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** The lines of a stream of Server-Sent Events; ends when the server ends it. Close it. */
  Stream<String> watch(String path, String token) throws IOException, InterruptedException {
    HttpResponse<Stream<String>> response =
        HTTP.send(
            request(path, token).header("accept", "text/event-stream").build(),
            HttpResponse.BodyHandlers.ofLines());
    if (response.statusCode() != 200) {
      throw new AssertionError(path + " answered " + response.statusCode());
    }
    return response.body();
  }

  String signIn() {
    return post(
            "/api/v1/sessions",
            "",
            "{\"email\": \"%s\", \"password\": \"%s\"}"
                .formatted(TestServer.EMAIL, TestServer.PASSWORD))
        .ok()
        .get("accessToken")
        .textValue();
  }

  private HttpRequest.Builder request(String path, String token) {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url() + path));
    return token.isEmpty() ? request : request.header("authorization", "Bearer " + token);
  }

  /** Has it stop, with its database. */
  void stop() {
    process.destroy();
    Processes.await(process);
  }

  void kill() {
    process.destroyForcibly();
    Processes.await(process);
  }

  @Override
  public void close() {
    kill();
  }

  @Override
  public String toString() {
    return name;
  }
}
