package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.crypto.Tokens;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import dev.mandate.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
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
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several processes of one installation, each with a part of the work, on one PostgreSQL. */
class ProcessesTest {
  private static final Duration LONG = Duration.ofMinutes(2);

  /** Grows whenever another process becomes the one that chains the audit entries. */
  private static final String SEALERS =
      "select coalesce(max(epoch), 0) from leases where name = 'audit-sealer'";

  @TempDir private static Path home;
  @TempDir private static Path files;

  private static final List<ServerProcess> all = new ArrayList<>();
  private static final Script script = new Script();
  private static TestDatabase database;
  private static ScriptedProvider provider;
  private static ServerProcess one;
  private static ServerProcess two;
  private static ServerProcess worker;
  private static String owner;

  @BeforeAll
  static void start() throws IOException {
    database = TestDatabase.create();
    provider = ScriptedProvider.start(0, script);
    // All at once, on a database where nobody has signed up yet.
    one = start("one", "api");
    two = start("two", "api");
    worker = start("worker", "worker");
    all.forEach(ProcessesTest::untilReady);
    owner = one.signIn();
  }

  private static ServerProcess start(String name, String roles) throws IOException {
    Map<String, String> settings = new HashMap<>(Script.environment(provider));
    settings.put("MANDATE_RUNS_CAPACITY", "1");
    settings.put("MANDATE_FILES_FOLDER", files.toString());
    return start(name, roles, settings);
  }

  private static ServerProcess start(String name, String roles, Map<String, String> settings)
      throws IOException {
    ServerProcess process = ServerProcess.start(database, home, name, roles, settings);
    all.add(process);
    return process;
  }

  private static void untilReady(ServerProcess process) {
    await(process + " is ready").atMost(LONG).until(process::ready);
  }

  @AfterAll
  static void stop() {
    all.forEach(ServerProcess::close);
    provider.close();
    database.close();
  }

  @Test
  void eachDoesItsPart() {
    assertThat(one.health().get("roles").toString()).isEqualTo("[\"api\"]");
    assertThat(worker.health().get("roles").toString()).isEqualTo("[\"worker\"]");
    assertThat(worker.get("/metrics", "").status()).isEqualTo(200);
    for (String path : List.of("/", "/openapi.json", "/api/v1/me", "/api/v1/agents")) {
      assertThat(one.get(path, owner).status()).as(path).isEqualTo(200);
      assertThat(worker.get(path, owner).status()).as(path).isEqualTo(404);
    }
    String connect = "/mandate.agents.v1.AgentService/ListAgents";
    assertThat(one.post(connect, owner, "{}").status()).isEqualTo(200);
    assertThat(worker.post(connect, owner, "{}").status()).isEqualTo(404);
  }

  @Test
  void aFileSentThroughOneIsGivenOutByAnotherAndReadByAWorker() {
    String content = "{\"flowers\": \"tulips\"}";
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    JsonNode made =
        one.post(
                "/api/v1/files",
                owner,
                "{\"name\": \"f.json\", \"contentType\": \"application/json\", \"size\": %d, \"sha256\": \"%s\"}"
                    .formatted(bytes.length, HexFormat.of().formatHex(Tokens.sha256(bytes))))
            .ok();
    String put = made.at("/upload/url").textValue();
    assertThat(one.call("PUT", put, "", content).status()).isEqualTo(204);
    String id = made.at("/file/id").textValue();
    two.post("/api/v1/files/" + id + ":complete", owner, "{}").ok();

    String download = two.get("/api/v1/files/" + id, owner).ok().at("/download/url").textValue();
    assertThat(two.get(download, "").ok().get("flowers").textValue()).isEqualTo("tulips");
    String thread = thread("Reader");
    two.post(
            "/api/v1/threads/" + thread + "/messages",
            owner,
            "{\"text\": \"What is this?\", \"attachments\": [\"" + id + "\"]}")
        .ok();
    await()
        .atMost(LONG)
        .untilAsserted(
            () -> assertThat(run(one, thread).get("status").textValue()).isEqualTo("SUCCEEDED"));
    assertThat(provider.requests()).anyMatch(request -> request.body().contains("tulips"));
    assertThat(one.health().at("/features/files").textValue()).isEqualTo("configured");
  }

  /** Links and cookies are for people; who asks how this process is asks this process. */
  @Test
  void aPublicAddressIsForPeopleAndStatusAsksTheProcessItself() throws Exception {
    ServerProcess behind =
        start("behind", "api", Map.of("MANDATE_PUBLIC_URL", "https://mandate.example.com"));
    untilReady(behind);
    String link = "https://mandate.example.com/sign-in#";
    String ready = Files.readString(home.resolve("behind.ready"));
    assertThat(ready).contains(link);

    int begin = ready.indexOf(link) + link.length();
    String token = ready.substring(begin, ready.indexOf(' ', begin));
    HttpResponse<String> signedIn = behind.call("POST", "/sign-in", "", token).response();
    assertThat(signedIn.statusCode()).as(signedIn.body()).isEqualTo(200);
    assertThat(signedIn.headers().firstValue("set-cookie").orElseThrow()).contains("; Secure");

    assertThat(behind.url()).startsWith("http://127.0.0.1:");
    assertThat(status("behind")).contains(behind.url()).contains("runs:     0 at work");
    JsonNode state = Json.read(status("behind", "--json"));
    assertThat(state.get("state").textValue()).isEqualTo("running");
    assertThat(state.get("url").textValue()).isEqualTo(behind.url());
    assertThat(state.at("/health/active_runs").intValue()).isZero();
    behind.stop();
    assertThat(status("behind", Main.UNREACHABLE)).startsWith("Mandate is not running on ");
    assertThat(Json.read(status("behind", Main.UNREACHABLE, "--json")).get("state").textValue())
        .isEqualTo("stopped");
  }

  @Test
  void whoKeepsFilesForItselfAloneSaysSo() throws IOException {
    ServerProcess alone = start("alone", "api", Map.of());
    untilReady(alone);
    String where = "where no other process finds them: set files.folder or files.s3.bucket";
    assertThat(home.resolve("alone.ready")).content().contains(where);
    assertThat(home.resolve("alone/logs/mandate.log")).content().contains(where);
    assertThat(alone.health().at("/features/files").textValue()).isEqualTo("this process only");
    assertThat(status("alone")).contains("files:    found by this process only");
    assertThat(home.resolve("one.ready")).content().doesNotContain("no other process");
    assertThat(status("one")).doesNotContain("files:");
    alone.close();
  }

  @Test
  void whatIsStartedThroughOneIsWatchedLiveThroughAnother() throws Exception {
    String thread = thread("Watched");
    String events = "/api/v1/threads/" + thread + "/events";
    try (Stream<String> lines = two.watch(events, owner)) {
      CompletableFuture<Boolean> over =
          CompletableFuture.supplyAsync(
              () -> lines.anyMatch(line -> line.contains("\"status\":\"SUCCEEDED\"")));
      say(one, thread, "Hello.");
      assertThat(over.get(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
    assertThat(run(two, thread).get("status").textValue()).isEqualTo("SUCCEEDED");
  }

  @Test
  void aRevocationIsHonouredByEveryProcess() throws Exception {
    JsonNode made =
        one.post("/api/v1/tokens", owner, "{\"name\": \"short-lived\", \"scopes\": [\"*\"]}").ok();
    String token = made.get("secret").textValue();
    String thread = thread("Revoked");
    assertThat(two.get("/api/v1/agents", token).status()).isEqualTo(200);
    try (Stream<String> lines = two.watch("/api/v1/threads/" + thread + "/events", token)) {
      CompletableFuture<String> last =
          CompletableFuture.supplyAsync(() -> lines.reduce("", (before, line) -> before + line));
      one.call("DELETE", "/api/v1/tokens/" + made.at("/token/id").textValue(), owner, null);
      long revoked = System.nanoTime();
      await()
          .atMost(Duration.ofSeconds(20))
          .pollInterval(Duration.ofMillis(20))
          .until(() -> two.get("/api/v1/agents", token).status() == 401);
      System.out.printf(
          "processes: a revoked token was refused elsewhere after %.0f ms%n",
          (System.nanoTime() - revoked) / 1e6);
      // The open stream ends too, and says why.
      assertThat(last.get(20, TimeUnit.SECONDS)).contains("unauthenticated");
    }
  }

  @Test
  void aSuspensionBreaksOffWhatAnotherProcessIsAt() {
    String thread = thread("Halted");
    script.says("Halted", ScriptedReply.text("Well").with(new ScriptedReply.StallAfter(20)));
    say(one, thread, "Go.");
    await().atMost(LONG).until(() -> !script.heard("Halted").isEmpty());
    String agent = run(one, thread).get("agentId").textValue();

    two.post("/api/v1/agents/" + agent + ":suspend", owner, "{}").ok();

    long suspended = System.nanoTime();
    await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> run(one, thread).get("status").textValue().equals("PAUSED"));
    System.out.printf(
        "processes: a run of a suspended agent had stopped elsewhere after %.0f ms%n",
        (System.nanoTime() - suspended) / 1e6);
  }

  @Test
  void runsOfAKilledAndOfAFrozenProcessAreHandedOver() throws Exception {
    ServerProcess killed = worker;
    await("somebody leads")
        .atMost(LONG)
        .untilAsserted(() -> assertThat(number(SEALERS)).isPositive());
    ServerProcess frozen = start("frozen", "worker");
    untilReady(frozen);
    List<String> threads = new ArrayList<>();
    for (int i = 1; i <= 2; i++) {
      // Whoever asks the model for it waits for the rest of the answer; each has room for one run.
      long asked = asked();
      provider.enqueue(ScriptedReply.text("Half an").with(new ScriptedReply.StallAfter(20)));
      String thread = thread("Stalled " + i);
      say(one, thread, "Hello.");
      threads.add(thread);
      int both = i;
      await()
          .atMost(LONG)
          .untilAsserted(() -> assertThat(active(killed) + active(frozen)).isEqualTo(both));
      await().atMost(LONG).untilAsserted(() -> assertThat(asked()).isEqualTo(asked + 1));
    }
    killed.kill();
    Processes.signal("-STOP", frozen.process());

    // Both that are left answer requests, and leave the work alone.
    String thread = thread("Left alone");
    say(two, thread, "Hello.");
    assertThat(run(one, thread).get("status").textValue()).isEqualTo("QUEUED");

    long led = number(SEALERS);
    worker = start("next", "worker");
    untilReady(worker);
    threads.add(thread);
    await("another leads")
        .atMost(LONG)
        .untilAsserted(() -> assertThat(number(SEALERS)).isGreaterThan(led));
    for (String each : threads) {
      await()
          .atMost(LONG)
          .untilAsserted(() -> assertThat(run(two, each).toString()).contains("SUCCEEDED"));
    }
    assertThat(claims(thread)).as("claims of the run that nobody was there for").isEqualTo(1);

    Processes.signal("-CONT", frozen.process());
    await("the frozen one is back")
        .atMost(LONG)
        .untilAsserted(() -> assertThat(active(frozen)).isZero());
    for (String each : threads) {
      assertThat(answers(each)).as("answers in " + each).isEqualTo(1);
    }
    frozen.kill();
  }

  private static String status(String name, String... more) {
    return status(name, Main.OK, more);
  }

  private static String status(String name, int code, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("status", "--data", home.resolve(name).toString()));
    arguments.addAll(List.of(more));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    assertThat(Main.run(arguments, Map.of(), stream, stream)).isEqualTo(code);
    return out.toString(StandardCharsets.UTF_8);
  }

  /** How often the model was. */
  private static long asked() {
    return provider.requests().stream()
        .filter(request -> request.path().endsWith("/chat/completions"))
        .count();
  }

  private static int active(ServerProcess process) {
    return process.health().get("active_runs").intValue();
  }

  private static String thread(String name) {
    String agent =
        one.post(
                "/api/v1/agents",
                owner,
                "{\"name\": \"%1$s\", \"instructions\": \"%1$s\"}".formatted(name))
            .ok()
            .get("id")
            .textValue();
    return one.post("/api/v1/threads", owner, "{\"agentIds\": [\"" + agent + "\"]}")
        .ok()
        .get("id")
        .textValue();
  }

  private static void say(ServerProcess process, String thread, String text) {
    process
        .post("/api/v1/threads/" + thread + "/messages", owner, "{\"text\": \"" + text + "\"}")
        .ok();
  }

  private static JsonNode run(ServerProcess process, String thread) {
    return process.get("/api/v1/runs?threadId=" + thread, owner).ok().get("runs").get(0);
  }

  private static long claims(String thread) throws SQLException {
    return number("select max(lease_epoch) from runs where thread_id = '" + thread + "'");
  }

  private static long answers(String thread) throws SQLException {
    return number(
        """
        select count(*) from run_steps s join runs r on r.org_id = s.org_id and r.id = s.run_id
         where s.kind = 'message_posted' and r.thread_id = '%s'
        """
            .formatted(thread));
  }

  private static long number(String query) throws SQLException {
    try (Connection connection = database.admin();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      rows.next();
      return rows.getLong(1);
    }
  }
}
