package dev.mandate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client against a whole server: its own process, its own PostgreSQL, the scripted model. */
@Timeout(120)
class ServerTest {
  @SuppressWarnings("NullAway.Init") // set before the tests
  private static LocalServer server;

  @SuppressWarnings("NullAway.Init") // set before the tests
  private static Map<String, String> variables;

  @BeforeAll
  static void start() {
    server =
        new LocalServer(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.mandate.server.Main"));
    server.start();
    variables = Map.of("XDG_CONFIG_HOME", server.folder().resolve("config").toString());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void anApprovedWriteOfAnAgentHappensAndIsOnRecord() throws Exception {
    Invocation chat =
        call(
            "chat",
            "--yes",
            "Which agents do we have? Then add one named Lektor that corrects texts.");

    assertThat(chat.err()).isEmpty();
    assertThat(chat.exit()).isEqualTo(Exit.OK);
    assertThat(chat.out())
        .contains("→ self/agents_list")
        .contains("✓ self/agents_list")
        .contains("→ self/agents_create")
        .contains("Lektor")
        .contains("✓ self/agents_create")
        .contains("succeeded")
        .contains("(simulated)");
    assertThat(json("agent", "show", "Lektor").path("name").asText()).isEqualTo("Lektor");
    assertThat(json("approval", "list", "--all").toString()).contains("answered by --yes");

    Invocation run = call("run", "show", "last");
    assertThat(run.out())
        .contains("approval requested")
        .contains("approval decided")
        .contains("tool finished")
        .contains("self/agents_create");
  }

  @Test
  void theServersPoliciesBecomeThoseOfAFolder(@TempDir Path folder) throws Exception {
    String deny = "package mandate.policies.%s%n%ndeny contains \"no\" if input.action == \"%s\"%n";
    Path one = folder.resolve("one.rego");
    Path two = folder.resolve("two.rego");
    Files.writeString(one, deny.formatted("one", "models.delete"));
    Files.writeString(two, deny.formatted("two", "models.update"));
    String apply = folder.toString();

    assertThat(call("policy", "apply", apply, "--dry-run", "--json").out())
        .contains("would be added");
    assertThat(json("policy", "list")).isEmpty();
    assertThat(call("policy", "apply", apply).out()).contains("one   added", "two   added");
    Path git = Files.createDirectories(folder.resolve(".git/refs/heads"));
    Files.writeString(folder.resolve(".git/HEAD"), "ref: refs/heads/main\n");
    Files.writeString(one, deny.formatted("one", "jobs.retry"));
    Invocation changed = call("policy", "apply", apply, "--activate");
    assertThat(changed.out())
        .contains("version 2, put in force")
        .contains("the same, put in force");
    assertThat(json("policy", "versions", "one").path(0).path("note").asText()).isEmpty();
    Files.writeString(git.resolve("main"), "0123abc\n");
    Files.writeString(one, deny.formatted("one", "jobs.list"));
    Files.delete(two);
    assertThat(call("policy", "apply", apply, "--prune").out())
        .contains("version 3")
        .contains("deleted");
    JsonNode newest = json("policy", "versions", "one").path(0);
    assertThat(newest.path("note").asText()).isEqualTo("commit 0123abc on refs/heads/main");
    JsonNode left = json("policy", "list");
    assertThat(left).hasSize(1);
    // What is in force changes by --activate alone.
    assertThat(left.path(0).path("activeVersion").asInt()).isEqualTo(2);
    Files.delete(one);
    Invocation empty = call("policy", "apply", apply, "--prune");
    assertThat(empty.exit()).isEqualTo(Exit.FAILED);
    assertThat(empty.err()).contains("there is no NAME.rego in");
    assertThat(call("policy", "delete", "one").exit()).isEqualTo(Exit.OK);
  }

  @Test
  void withoutAnybodyToAskTheRunWaitsAndGoesOnOnceItIsApproved() throws Exception {
    Invocation chat = call("chat", "Which agents do we have? Then add one named Notar.");

    assertThat(chat.exit()).isEqualTo(Exit.APPROVAL_NEEDED);
    JsonNode approval = json("approval", "list").path(0);
    String id = Json.text(approval, "id");
    String run = Json.text(approval, "runId");
    assertThat(chat.out())
        .contains("./mandate approval approve " + id)
        .contains("./mandate run watch " + run);

    assertThat(call("approval", "approve", id).exit()).isEqualTo(Exit.OK);
    Invocation watch = call("run", "watch", run);
    assertThat(watch.exit()).isEqualTo(Exit.OK);
    assertThat(watch.out()).contains("✓ self/agents_create").contains("succeeded");
    assertThat(call("agent", "show", "Notar").exit()).isEqualTo(Exit.OK);
  }

  @Test
  void programsReadEventsAsLinesOfJson() throws Exception {
    Invocation chat = call("chat", "--json", "Hello");

    assertThat(chat.err()).isEmpty();
    assertThat(chat.exit()).isEqualTo(Exit.OK);
    assertThat(chat.out().lines())
        .allSatisfy(line -> assertThat(Json.parse(line).isObject()).isTrue());
    JsonNode last = Json.parse(chat.out().lines().toList().getLast());
    assertThat(last.path("run").path("status").asText()).isEqualTo("SUCCEEDED");
  }

  @Test
  void continuesTheLastThreadAndReadsTheMessageFromStandardInput() throws Exception {
    assertThat(call("chat", "Hello").exit()).isEqualTo(Exit.OK);
    JsonNode before = json("thread", "list").path(0);
    Invocation second = Invocation.of(variables, "Hello again\n", "chat", "-c");
    assertThat(second.exit()).isEqualTo(Exit.OK);

    JsonNode thread = json("thread", "show", Json.text(before, "id"));
    assertThat(thread.path("messages").findValuesAsText("text")).contains("Hello", "Hello again");
  }

  @Test
  void aWrongTokenIsDeniedWithItsOwnExitCode() {
    Invocation denied =
        Invocation.of(
            Map.of("MANDATE_URL", server.profile().url(), "MANDATE_TOKEN", "mdt_wrong"),
            "",
            "agent",
            "list");
    assertThat(denied.exit()).isEqualTo(Exit.DENIED);
    assertThat(denied.err()).contains("mandate login");
  }

  private static JsonNode json(String... args) throws Exception {
    String[] all = java.util.Arrays.copyOf(args, args.length + 1);
    all[args.length] = "--json";
    Invocation invocation = call(all);
    assertThat(invocation.err()).isEmpty();
    return Json.parse(invocation.out());
  }

  private static Invocation call(String... args) {
    return Invocation.of(variables, "", args);
  }
}
