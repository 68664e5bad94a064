package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * The database goes away under a server at work, freezes, or takes no more changes; then it is
 * there again. What was going on goes on, and nothing is lost or done twice.
 */
class DatabaseOutageTest {
  private static final Duration LONG = Duration.ofSeconds(90);
  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  /** A run in the middle of its first model call, which waits for {@code goOn}. */
  private static String runOf(String agent, CountDownLatch goOn) throws Exception {
    owner
        .post(
            "/api/v1/agents",
            """
            {"name": "%s", "instructions": "%s",
             "tools": [{"tool": "self/agents_create", "approval": "NEVER"}]}\
            """
                .formatted(agent, agent))
        .ok();
    CountDownLatch asked = new CountDownLatch(1);
    script.says(
        agent,
        said -> {
          if (said > 0) {
            return ScriptedReply.text("Made.");
          }
          asked.countDown();
          try {
            assertThat(goOn.await(120, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          return ScriptedReply.call(
              "call_" + agent, "agents_create", "{\"name\": \"Made by " + agent + "\"}");
        });
    String thread = owner.say(agent, "Make one.");
    assertThat(asked.await(60, TimeUnit.SECONDS)).isTrue();
    return thread;
  }

  private static void finishesWithOneEffect(String agent, String thread) {
    await()
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(100))
        .ignoreExceptions()
        .untilAsserted(
            () -> assertThat(owner.run(thread).get("status").textValue()).isEqualTo("SUCCEEDED"));
    int made = 0;
    for (JsonNode each : owner.get("/api/v1/agents?pageSize=200").ok().get("agents")) {
      made += each.get("name").textValue().equals("Made by " + agent) ? 1 : 0;
    }
    assertThat(made).isEqualTo(1);
    String run = owner.run(thread).get("id").textValue();
    assertThat(RunWaits.steps(owner, run, "tool_finished")).hasSize(1);
  }

  private static void healthIs(int status) {
    await()
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(200))
        .untilAsserted(
            () -> assertThat(server.client("").get("/health").status()).isEqualTo(status));
  }

  @Test
  void aCrashOfTheDatabaseIsAnsweredAsSuchAndSurvived() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    String thread = runOf("Crash", goOn);
    settled();
    // A backend that is killed takes all others with it, as a crash does.
    signal("KILL", List.of(backends().getFirst()));
    goOn.countDown();
    for (int i = 0; i < 5; i++) {
      TestServer.Answer answer = owner.get("/api/v1/agents");
      assertThat(answer.status()).as("%s", answer.body()).isIn(200, 503);
    }
    healthIs(200);
    finishesWithOneEffect("Crash", thread);
  }

  @Test
  void aRunWhoseCallIsOutDuringAnOutageStillHearsOfItsCancel() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    String thread = runOf("Patient", goOn);
    String run = owner.run(thread).get("id").textValue();
    settled();
    signal("KILL", List.of(backends().getFirst()));
    healthIs(200);
    try {
      await()
          .atMost(LONG)
          .until(() -> owner.post("/api/v1/runs/" + run + ":cancel", "{}").status() == 200);
      await()
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptions()
          .untilAsserted(
              () -> assertThat(owner.run(thread).get("status").textValue()).isEqualTo("CANCELLED"));
    } finally {
      goOn.countDown();
    }
  }

  @Test
  void aFrozenDatabaseIsToldByHealthAndWorkGoesOnWhenItThaws() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    String thread = runOf("Freeze", goOn);
    healthIs(200);
    List<Long> all = everyProcess();
    signal("STOP", all);
    try {
      goOn.countDown();
      healthIs(503);
    } finally {
      signal("CONT", all);
    }
    healthIs(200);
    finishesWithOneEffect("Freeze", thread);
  }

  @Test
  void aFullDiskIsAnsweredAsSuchAndWorkGoesOnWhenThereIsSpace() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    String thread = runOf("Full", goOn);
    // Never used so far: its first use is to be noted while nothing can be.
    TestServer.Client program =
        server.client(
            owner
                .post("/api/v1/tokens", "{\"name\": \"program\", \"scopes\": [\"*\"]}")
                .ok()
                .get("secret")
                .textValue());
    healthIs(200);
    fill(true);
    try {
      TestServer.Answer refused = owner.post("/api/v1/agents", "{\"name\": \"No room\"}");
      assertThat(refused.status()).isEqualTo(503);
      assertThat(String.valueOf(refused.body())).contains("its disk is full");
      assertThat(owner.get("/api/v1/agents").status()).isEqualTo(200);
      TestServer.Answer read = program.get("/api/v1/agents");
      assertThat(read.status()).as("%s", read.body()).isEqualTo(200);
      goOn.countDown();
      healthIs(503);
      assertThat(String.valueOf(server.client("").get("/health").body()))
          .contains("\"writable\":false");
    } finally {
      fill(false);
    }
    healthIs(200);
    owner.post("/api/v1/agents", "{\"name\": \"Room again\"}").ok();
    finishesWithOneEffect("Full", thread);
  }

  /** Test databases do not wait for the disk: what was committed so far is written out. */
  private static void settled() throws SQLException {
    try (Connection admin = server.database().admin();
        Statement sql = admin.createStatement()) {
      sql.execute("checkpoint");
    }
  }

  /** Every change is refused as PostgreSQL refuses it on a full disk, or no longer. */
  private static void fill(boolean full) throws SQLException {
    try (Connection admin = server.database().admin();
        Statement sql = admin.createStatement()) {
      List<String> tables = new ArrayList<>();
      try (ResultSet rows =
          sql.executeQuery(
              "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid ="
                  + " c.relnamespace where n.nspname = 'mandate' and c.relkind in ('r', 'p') and"
                  + " not c.relispartition")) {
        while (rows.next()) {
          tables.add(rows.getString(1));
        }
      }
      assertThat(tables).hasSizeGreaterThan(20);
      if (full) {
        sql.execute(
            """
            create or replace function public.disk_full() returns trigger language plpgsql as $$
            begin
              raise exception 'could not extend file: No space left on device'
                using errcode = '53100';
            end $$\
            """);
      }
      for (String table : tables) {
        sql.execute(
            full
                ? "create trigger disk_full before insert or update on "
                    + table
                    + " for each statement execute function public.disk_full()"
                : "drop trigger if exists disk_full on " + table);
      }
    }
  }

  private static List<Long> backends() throws SQLException {
    try (Connection admin = server.database().admin();
        Statement sql = admin.createStatement();
        ResultSet rows =
            sql.executeQuery(
                "select pid from pg_stat_activity where datname = current_database()"
                    + " and application_name like 'mandate%'")) {
      List<Long> pids = new ArrayList<>();
      while (rows.next()) {
        pids.add(rows.getLong(1));
      }
      assertThat(pids).isNotEmpty();
      return pids;
    }
  }

  /** The server's first process and all it started. It belongs to this test's own machine. */
  private static List<Long> everyProcess() throws SQLException {
    ProcessHandle postmaster =
        ProcessHandle.of(backends().getFirst()).flatMap(ProcessHandle::parent).orElseThrow();
    List<Long> pids = new ArrayList<>(List.of(postmaster.pid()));
    postmaster.descendants().forEach(each -> pids.add(each.pid()));
    return pids;
  }

  private static void signal(String name, List<Long> pids)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("kill", "-" + name));
    pids.forEach(pid -> command.add(Long.toString(pid)));
    Process kill = new ProcessBuilder(command).inheritIO().start();
    // A process may have ended by itself meanwhile.
    assertThat(kill.waitFor(10, TimeUnit.SECONDS)).isTrue();
  }
}
