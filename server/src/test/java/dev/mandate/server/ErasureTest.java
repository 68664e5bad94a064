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
    String decisions = "select count(*) from decisions where user_id = '" + joined.userId() + "'";
    await().atMost(Duration.ofSeconds(30)).until(() -> !text(decisions).equals("0"));
    assertThat(places("tulip")).contains("messages", "payloads", "run_steps", "approvals", "files");

    String output = run("ops", "erase-user", joined.email());

    assertThat(output)
        .containsPattern("erased: 4 messages, [1-9][0-9]* steps of 3 runs, 1 approvals, 2 files")
        .containsPattern("erased: [1-9][0-9]* decisions")
        .contains("kept: what agents and others said on 1 threads", "The account is erased");
    assertThat(places("tulip")).isEmpty();
    assertThat(places("marlowe")).isEmpty();
    String theirs = " where requester = '" + joined.userId() + "'";
    assertThat(text("select string_agg(status, ' ') from approvals" + theirs))
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
    String steps = "select string_agg(kind, ' ' order by seq) from run_steps";
    assertThat(text(steps + " where run_id = '" + run.get("id").textValue() + "'"))
        .contains("tool_requested tool_started tool_finished")
        .endsWith("finished");
    assertThat(run("ops", "verify-audit")).contains("intact").doesNotContain("BROKEN");
  }

  @Test
  void whatAPersonDecidedAboutOthersStandsWithoutTheWords() throws Exception {
    Rules.activate(
        owner,
        "four_eyes",
        """
        require_approval contains {"decider": "other", "reason": "four eyes"} if {
        	input.resource.type == "tool"
        	input.resource.name == "self/tools_list"
        }
        """);
    Counters.add(owner, "silent", folder.resolve("effects.jsonl"));
    Counters.set(owner, "silent/hang", "timeoutSeconds", "4");
    ScriptedReply asks = ScriptedReply.call("call_1", "tools_list", "{\"pageSize\": 1}");
    ScriptedReply asksAgain = ScriptedReply.call("call_2", "tools_list", "{\"pageSize\": 2}");
    script.says("Refused", asks);
    script.says("Again", asks);
    script.says("Rewritten", asks);
    script.says("Asking", asks, asksAgain);
    script.says("Stopped", asks);
    script.says("Settled", ScriptedReply.call("call_1", "silent_hang", "{}"));
    script.says("Held", ScriptedReply.text("Well").with(new ScriptedReply.StallAfter(20)));
    Newcomers.Newcomer joined = Newcomers.join(server, owner, "hopper@example.org", "OWNER");
    TestServer.Client person = joined.client();
    String program =
        person
            .post("/api/v1/tokens", "{\"name\": \"t\", \"scopes\": [\"*\"]}")
            .ok()
            .get("secret")
            .textValue();

    String refused = asked("Refused", "self/tools_list", joined);
    decide(person, refused, "deny", "{\"comment\": \"no, says orchid-no\"}");
    String original = RunWaits.over(owner, refused).get("id").textValue();
    JsonNode replay =
        owner.post("/api/v1/runs/" + original + ":replay", "{\"instructions\": \"Again\"}").ok();
    JsonNode repeated = RunWaits.runOver(owner, replay.get("id").textValue());
    assertThat(text(prompt(repeated))).contains("orchid-no");
    String rewritten = asked("Rewritten", "self/tools_list", joined);
    decide(
        person,
        rewritten,
        "approve",
        "{\"argumentsJson\": \"{\\\"pageToken\\\": \\\"orchid-written\\\"}\","
            + " \"comment\": \"orchid-comment\"}");
    RunWaits.over(owner, rewritten);
    String settled = asked("Settled", "silent/hang", joined);
    decide(owner, settled, "approve", "{}");
    String doubtful = RunWaits.until(owner, settled, "IN_DOUBT").get("id").textValue();
    person
        .post(
            "/api/v1/runs/" + doubtful + ":settle",
            "{\"callId\": \"call_1\", \"settlement\": \"HAPPENED\", \"result\": \"orchid-told\"}")
        .ok();
    RunWaits.over(owner, settled);
    String stopped = asked("Stopped", "self/tools_list", joined);
    server
        .client(program)
        .post(
            "/api/v1/runs/" + owner.run(stopped).get("id").textValue() + ":cancel",
            "{\"reason\": \"orchid-stop\"}")
        .ok();
    RunWaits.over(owner, stopped);
    String asking = asked("Asking", "self/tools_list", joined);
    decide(person, asking, "deny", "{\"comment\": \"orchid-not-this\"}");
    RunWaits.until(owner, asking, "AWAITING_APPROVAL");
    String held = agent("Held", "self/agents_list");
    String waiting = thread(owner, held, "", "");
    say(owner, waiting, "Go.");
    await().atMost(Duration.ofSeconds(60)).until(() -> !script.heard("Held").isEmpty());
    server
        .client(program)
        .post("/api/v1/agents/" + held + ":suspend", "{\"reason\": \"orchid-why\"}")
        .ok();
    RunWaits.until(owner, waiting, "PAUSED");
    String record = "/api/v1/audit?action=agents.suspend";
    assertThat(owner.get(record).ok().toString()).contains("orchid-why");
    assertThat(places("orchid"))
        .contains("payloads", "run_steps", "approvals", "runs", "suspensions", "audit_entries");
    String after =
        """
        select count(*) from decisions d join run_steps s on s.run_id = d.run_id
         where s.kind = 'approval_edited' and d.at >= s.created_at
        """;
    await().atMost(Duration.ofSeconds(30)).until(() -> !text(after).equals("0"));

    // What a run goes on with stays until it is over.
    assertThat(run(Main.FAILED, "ops", "erase-user", joined.email()))
        .contains("1 runs in the person's name, or with what the person decided in them");
    decide(owner, asking, "deny", "{\"comment\": \"mine\"}");
    RunWaits.over(owner, asking);
    run("ops", "erase-user", joined.email());

    assertThat(places("orchid")).isEmpty();
    assertThat(places("hopper")).isEmpty();
    assertThat(text(after)).isEqualTo("0");
    // Who did it, and what came of it, is all there; and so are the words of others.
    assertThat(text(prompt(owner.run(refused))))
        .contains("Refused: the approval was denied: [erased]");
    assertThat(text(prompt(owner.run(rewritten))))
        .contains("[A person changed the arguments of this call, and approved it with these: [");
    assertThat(text(prompt(owner.run(asking))))
        .contains("Refused: the approval was denied: [erased]")
        .contains("Refused: the approval was denied: mine");
    for (String thread : List.of(refused, rewritten, settled, asking)) {
      assertThat(owner.steps(owner.run(thread).get("id").textValue()).toString())
          .contains("user:" + joined.userId());
    }
    assertThat(owner.run(stopped).get("reason").textValue()).isEqualTo("[erased]");
    JsonNode suspension = owner.get("/api/v1/agents/" + held).ok().get("suspension");
    assertThat(suspension.get("by").textValue()).startsWith("token:");
    assertThat(owner.get(record).ok().get("entries")).isNotEmpty();
    Path archive = folder.resolve("archive.jsonl");
    run("ops", "export-org", archive.toString());
    assertThat(java.nio.file.Files.readString(archive)).contains("mine").doesNotContain("orchid");
    assertThat(run("ops", "verify-audit")).contains("intact").doesNotContain("BROKEN");
    script.says("Held", ScriptedReply.text("Here I am."));
    owner.post("/api/v1/agents/" + held + ":resume", "{}").ok();
    assertThat(RunWaits.over(owner, waiting).get("status").textValue()).isEqualTo("SUCCEEDED");
    say(owner, refused, "Go on.");
    assertThat(RunWaits.over(owner, refused).get("status").textValue()).isEqualTo("SUCCEEDED");
  }

  /** A thread of the owner's, seen by somebody else too, with a run that asks for an approval. */
  private static String asked(String agent, String tool, Newcomers.Newcomer other) {
    String thread = thread(owner, agent(agent, tool), "", other.userId());
    say(owner, thread, "Go.");
    RunWaits.until(owner, thread, "AWAITING_APPROVAL");
    return thread;
  }

  private static void decide(
      TestServer.Client decider, String thread, String decision, String body) {
    String run = owner.run(thread).get("id").textValue();
    for (JsonNode approval :
        decider.get("/api/v1/approvals?status=PENDING").ok().get("approvals")) {
      if (approval.get("runId").textValue().equals(run)) {
        String id = approval.get("id").textValue();
        decider.post("/api/v1/approvals/" + id + ":" + decision, body).ok();
      }
    }
  }

  /** The payloads of what a run's model was told. */
  private static String prompt(JsonNode run) {
    return """
    select string_agg(p.body, ' ')
      from run_steps s
        cross join lateral jsonb_array_elements_text(s.payload -> 'added') as added
        join payloads p on p.org_id = s.org_id and encode(p.hash, 'hex') = added
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
                "select relname from pg_class where relnamespace = '"
                    + TestDatabase.SCHEMA
                    + "'::regnamespace and relkind in ('r', 'p') and not relispartition")) {
      while (rows.next()) {
        tables.add(rows.getString(1));
      }
    }
    List<String> found = new ArrayList<>();
    for (String table : tables) {
      String all = text("select string_agg(t::text, ' ') from " + table + " t");
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
    return run(Main.OK, words);
  }

  private static String run(int expected, String... words) {
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
    assertThat(code).as("%s", out.toString(StandardCharsets.UTF_8)).isEqualTo(expected);
    return out.toString(StandardCharsets.UTF_8);
  }
}
