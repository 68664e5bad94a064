package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two processes on one database, and one of them is told to stop: it takes nothing new, sends its
 * readers to the other one, and gives its runs away.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class DrainTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int RUNS = 8;

  private final List<Process> processes = new ArrayList<>();
  private final HttpClient http = HttpClient.newHttpClient();

  private record Node(Process process, URI url, Path log) {}

  @AfterEach
  void end() throws InterruptedException {
    for (Process process : processes) {
      process.destroyForcibly().waitFor();
    }
    // A stream that was not read to its end would keep it open.
    http.shutdownNow();
  }

  /** The program itself, as an operator starts it. */
  private Node up(TestDatabase database, Path folder) throws IOException {
    Files.createDirectories(folder);
    Path ready = folder.resolve("ready");
    Path log = folder.resolve("out.log");
    List<String> command = Processes.java(Main.class, "-Xmx256m");
    command.addAll(List.of("up", "--data", folder.resolve("data").toString(), "--port", "0"));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder
        .environment()
        .putAll(
            Map.of(
                "MANDATE_DATABASE_URL",
                database.url(),
                "MANDATE_MASTER_KEY",
                TestDatabase.MASTER_KEY,
                "MANDATE_ADMIN_EMAIL",
                TestServer.EMAIL,
                "MANDATE_ADMIN_PASSWORD",
                TestServer.PASSWORD,
                // Neither can take them all.
                "MANDATE_RUNS_CAPACITY",
                Integer.toString(RUNS - 1),
                "MANDATE_READY_FILE",
                ready.toString(),
                "XDG_CONFIG_HOME",
                folder.resolve("config").toString()));
    Process process = builder.start();
    processes.add(process);
    await().atMost(Duration.ofMinutes(2)).until(() -> Files.exists(ready) || !process.isAlive());
    assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
    String summary = Files.readString(ready);
    java.util.regex.Matcher url =
        java.util.regex.Pattern.compile("(http://127\\.0\\.0\\.1:\\d+)").matcher(summary);
    assertThat(url.find()).as(summary).isTrue();
    return new Node(process, URI.create(url.group(1)), log);
  }

  private HttpResponse<String> call(
      Node node, String method, String path, String token, @Nullable String json) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(node.url().resolve(path))
            .timeout(Duration.ofSeconds(60))
            .header("content-type", "application/json")
            .method(
                method,
                json == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(json));
    if (!token.isEmpty()) {
      request.header("authorization", "Bearer " + token);
    }
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private JsonNode ok(Node node, String method, String path, String token, @Nullable String json)
      throws IOException {
    HttpResponse<String> answer = call(node, method, path, token, json);
    assertThat(answer.statusCode()).as(path + answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  /** A thread on which an agent begins to write a long text. */
  private String begin(Node node, String token) throws IOException {
    String agent =
        ok(node, "GET", "/api/v1/agents?name=Operator", token, null)
            .get("agents")
            .get(0)
            .get("id")
            .textValue();
    String thread =
        ok(node, "POST", "/api/v1/threads", token, "{\"agentIds\":[\"" + agent + "\"]}")
            .get("id")
            .textValue();
    ok(
        node,
        "POST",
        "/api/v1/threads/" + thread + "/messages",
        token,
        "{\"text\":\"Please give me a long stream\"}");
    return thread;
  }

  private BufferedReader watch(Node node, String token, String thread, @Nullable String after)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(node.url().resolve("/api/v1/threads/" + thread + "/events"))
            .header("authorization", "Bearer " + token);
    if (after != null) {
      request.header("last-event-id", after);
    }
    HttpResponse<InputStream> answer =
        http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    assertThat(answer.statusCode()).isEqualTo(200);
    return new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
  }

  private static int owners(TestDatabase database) throws SQLException {
    try (Connection connection = database.admin();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select count(distinct lease_owner) from mandate.runs where lease_owner is not"
                    + " null")) {
      assertThat(rows.next()).isTrue();
      return rows.getInt(1);
    }
  }

  @Test
  void aProcessThatIsToldToStopSendsItsReadersAndItsRunsToTheOther(@TempDir Path folder)
      throws Exception {
    try (TestDatabase database = TestDatabase.create()) {
      Node one = up(database, folder.resolve("one"));
      Node two = up(database, folder.resolve("two"));
      String token =
          ok(
                  one,
                  "POST",
                  "/api/v1/sessions",
                  "",
                  "{\"email\":\"%s\",\"password\":\"%s\"}"
                      .formatted(TestServer.EMAIL, TestServer.PASSWORD))
              .get("accessToken")
              .textValue();
      List<String> threads = new ArrayList<>();
      for (int i = 0; i < RUNS; i++) {
        threads.add(begin(i % 2 == 0 ? one : two, token));
      }
      TreeSet<Long> cursors = new TreeSet<>();
      BufferedReader events = watch(one, token, threads.getFirst(), null);
      // A request that runs: the process waits for it before it ends.
      try (Socket slow = new Socket(InetAddress.getLoopbackAddress(), one.url().getPort())) {
        slow.getOutputStream()
            .write(
                "POST /api/v1/agents HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"
                    .getBytes(StandardCharsets.US_ASCII));
        slow.getOutputStream().flush();
        while (cursors.isEmpty()) {
          note(Objects.requireNonNull(events.readLine()), cursors);
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> owners(database) == 2);
        one.process().destroy();

        List<String> last = new ArrayList<>();
        for (String line; (line = events.readLine()) != null; ) {
          note(line, cursors);
          last.add(line);
        }
        assertThat(last).contains("retry: 500");
        HttpResponse<String> health = call(one, "GET", "/health", "", null);
        assertThat(health.statusCode()).isEqualTo(503);
        assertThat(health.body()).contains("\"status\":\"draining\"");
        HttpResponse<String> refused = call(one, "GET", "/api/v1/agents", token, null);
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(refused.headers().firstValue("retry-after")).hasValue("1");
        assertThat(refused.body()).contains("\"reason\":\"DRAINING\"");
      }
      assertThat(one.process().waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(owners(database)).as("leases of a process that has ended").isLessThan(2);

      long before = cursors.last();
      events = watch(two, token, threads.getFirst(), Long.toString(before));
      boolean over = false;
      while (!over) {
        String line = Objects.requireNonNull(events.readLine(), "the stream ended");
        note(line, cursors);
        over = line.startsWith("data:") && line.contains("\"status\":\"SUCCEEDED\"");
      }
      assertThat(cursors.first()).isEqualTo(1);
      assertThat(cursors).hasSize((int) (cursors.last() - cursors.first() + 1));
      for (String thread : threads) {
        await()
            .atMost(Duration.ofMinutes(1))
            .untilAsserted(() ->
                assertThat(
                        ok(two, "GET", "/api/v1/runs?threadId=" + thread, token, null)
                            .get("runs")
                            .get(0)
                            .get("status")
                            .textValue())
                    .isEqualTo("SUCCEEDED"));
      }
    }
  }

  /** Each cursor comes once: what was seen before the stop does not come again after it. */
  private static void note(String line, Set<Long> cursors) {
    if (line.startsWith("id:")) {
      assertThat(cursors.add(Long.parseLong(line.substring(3).strip()))).as(line).isTrue();
    }
  }
}
