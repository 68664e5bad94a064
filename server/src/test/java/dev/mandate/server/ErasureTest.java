package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.crypto.Tokens;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import dev.mandate.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A person's word is nowhere any more, and nobody else's is missing. */
class ErasureTest {
  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final TestServer.Client owner = server.owner();

  @TempDir static Path folder;

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  private static String agent(String name, String tool) {
    return owner
        .post(
            "/api/v1/agents",
            "{\"name\": \"%1$s\", \"instructions\": \"%1$s\", \"tools\": [{\"tool\": \"%2$s\"}]}"
                .formatted(name, tool))
        .ok()
        .get("id")
        .textValue();
  }

  private static String thread(TestServer.Client client, String agent, String title, String user) {
    String users = user.isEmpty() ? "" : "\"" + user + "\"";
    return client
        .post(
            "/api/v1/threads",
            "{\"agentIds\": [\"%s\"], \"title\": \"%s\", \"userIds\": [%s]}"
                .formatted(agent, title, users))
        .ok()
        .get("id")
        .textValue();
  }

  private static void say(TestServer.Client client, String thread, String text, String... files) {
    String attached = files.length == 0 ? "" : "\"" + String.join("\", \"", files) + "\"";
    client
        .post(
            "/api/v1/threads/" + thread + "/messages",
            "{\"text\": \"%s\", \"attachments\": [%s]}".formatted(text, attached))
        .ok();
  }

  private static String uploaded(TestServer.Client client, String name, String text)
      throws Exception {
    byte[] content = text.getBytes(StandardCharsets.UTF_8);
    JsonNode made =
        client
            .post(
                "/api/v1/files",
                "{\"name\": \"%s\", \"contentType\": \"text/plain\", \"size\": %d, \"sha256\": \"%s\"}"
                    .formatted(
                        name, content.length, HexFormat.of().formatHex(Tokens.sha256(content))))
            .ok();
    HttpRequest put =
        HttpRequest.newBuilder(URI.create(server.url() + made.get("upload").get("url").asText()))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(content))
            .build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      assertThat(http.send(put, HttpResponse.BodyHandlers.discarding()).statusCode())
          .isEqualTo(204);
    }
    String id = made.get("file").get("id").textValue();
    client.post("/api/v1/files/" + id + ":complete", "{}").ok();
    return id;
  }

  @Test
  void aPersonsWordIsNowhereAnyMoreAndNobodyElsesIsMissing() throws Exception {
    script.says(
        "Quoter",
        ScriptedReply.call("call_1", "agents_list", "{\"name\": \"tulip-argument\"}"),
        ScriptedReply.text("You said tulip-answer."));
    script.says(
        "Asker", ScriptedReply.call("call_2", "agents_create", "{\"name\": \"tulip-agent\"}"));
    String quoter = agent("Quoter", "self/agents_list");
    String asker = agent("Asker", "self/agents_create");
    String clerk = agent("Clerk", "self/agents_list");
    Newcomers.Newcomer joined = Newcomers.join(server, owner, "marlowe@example.org", "MEMBER");
    TestServer.Client person = joined.client();

    String alone = thread(person, quoter, "tulip-title", "");
    say(person, alone, "tulip-message", uploaded(person, "tulip-name.txt", "tulip-content"));
    JsonNode run = RunWaits.over(person, alone);
    assertThat(run.get("status").textValue()).isEqualTo("SUCCEEDED");
    String waits = thread(person, asker, "", "");
    say(person, waits, "Good morning.");
    RunWaits.until(person, waits, "AWAITING_APPROVAL");
    String shared = thread(owner, clerk, "Plans", joined.userId());
    say(person, shared, "tulip-shared", uploaded(person, "tulip-shown.txt", "tulip-shown"));
    RunWaits.over(person, shared);
    say(owner, shared, "And I say this.");
    JsonNode owners = RunWaits.over(owner, shared);
    String others = thread(owner, clerk, "", "");
    say(owner, others, "Good morning.");
    JsonNode greeted = RunWaits.over(owner, others);
    String decisions =
        "select count(*) from mandate.decisions where user_id = '" + joined.userId() + "'";
    await().atMost(Duration.ofSeconds(30)).until(() -> !text(decisions).equals("0"));
    assertThat(places("tulip")).contains("messages", "payloads", "run_steps", "approvals", "files");

    String output = run("ops", "erase-user", joined.email());

    assertThat(output)
        .containsPattern("erased: 4 messages, [1-9][0-9]* steps of 3 runs, 1 approvals, 2 files")
        .containsPattern("erased: [1-9][0-9]* decisions")
        .contains("kept: what agents and others said on 1 threads", "The account is erased");
    assertThat(places("tulip")).isEmpty();
    assertThat(places("marlowe")).isEmpty();
    assertThat(text("select string_agg(status, ' ') from mandate.approvals"))
        .isEqualTo("WITHDRAWN");

    // What others said, and what their runs were told by others, is all there.
    assertThat(
            owner
                .get("/api/v1/threads/" + shared + "/messages")
                .ok()
                .get("messages")
                .findValuesAsText("text"))
        .containsExactly("[erased]", "Done.", "And I say this.", "Done.");
    assertThat(text(prompt(owners))).contains("[erased]", "Done.", "And I say this.");
    assertThat(text(prompt(greeted))).contains("Good morning.");
    say(owner, shared, "Go on.");
    assertThat(RunWaits.over(owner, shared).get("status").textValue()).isEqualTo("SUCCEEDED");
    say(owner, others, "Go on.");
    assertThat(RunWaits.over(owner, others).get("status").textValue()).isEqualTo("SUCCEEDED");

    // The person's log says what was done, without a word.
    String steps = "select string_agg(kind, ' ' order by seq) from mandate.run_steps";
    assertThat(text(steps + " where run_id = '" + run.get("id").textValue() + "'"))
        .contains("tool_requested tool_started tool_finished")
        .endsWith("finished");
    assertThat(run("ops", "verify-audit")).contains("intact").doesNotContain("BROKEN");
  }

  /** The payloads of what a run's model was told. */
  private static String prompt(JsonNode run) {
    return """
    select string_agg(p.body, ' ')
      from mandate.run_steps s
        cross join lateral jsonb_array_elements_text(s.payload -> 'added') as added
        join mandate.payloads p on p.org_id = s.org_id and encode(p.hash, 'hex') = added
     where s.kind = 'model_requested' and s.run_id = '%s'
    """
        .formatted(run.get("id").textValue());
  }

  /** The tables where a word stands. */
  private static List<String> places(String word) throws SQLException {
    List<String> tables = new ArrayList<>();
    try (Connection admin = server.database().admin();
        Statement statement = admin.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select relname from pg_class where relnamespace = 'mandate'::regnamespace"
                    + " and relkind in ('r', 'p') and not relispartition")) {
      while (rows.next()) {
        tables.add(rows.getString(1));
      }
    }
    List<String> found = new ArrayList<>();
    for (String table : tables) {
      String all = text("select string_agg(t::text, ' ') from mandate." + table + " t");
      if (all.toLowerCase(Locale.ROOT).contains(word)) {
        found.add(table);
      }
    }
    return found;
  }

  private static String text(String sql) throws SQLException {
    try (Connection admin = server.database().admin();
        Statement statement = admin.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return String.valueOf(rows.getString(1));
    }
  }

  private static String run(String... words) {
    List<String> arguments = new ArrayList<>(List.of(words));
    arguments.addAll(List.of("--data", folder.resolve("data").toString()));
    Map<String, String> environment =
        new TreeMap<>(
            Map.of(
                "MANDATE_MASTER_KEY",
                TestDatabase.MASTER_KEY,
                "DATABASE_URL",
                server.database().url()));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    int code = Main.run(arguments, environment, stream, stream);
    assertThat(code).as("%s", out.toString(StandardCharsets.UTF_8)).isZero();
    return out.toString(StandardCharsets.UTF_8);
  }
}
