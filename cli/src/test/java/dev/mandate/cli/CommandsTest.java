package dev.mandate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Commands against the contract: what they send must be in it, what it answers they must show. */
class CommandsTest {
  private static final String ID = ContractServer.ID;

  @SuppressWarnings("NullAway.Init") // set before the tests
  private static ContractServer server;

  @BeforeAll
  static void start() throws IOException {
    server = new ContractServer();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  static List<List<String>> commands() {
    List<List<String>> commands = new ArrayList<>();
    for (String line :
        """
        agent list
        agent show some-name
        agent show %1$s
        agent create Scribe --description D --instructions I --model m --tool self/*=always --max-model-calls 3
        agent update some-name --name Other --description D --tool self/agents_list
        agent update some-name --no-tools
        agent delete some-name
        agent versions some-name
        agent suspend some-name --reason enough
        agent resume some-name
        thread list
        thread show last
        message list last
        message post last hello
        message post last hello --attach pom.xml
        file list
        file show some-name
        file upload pom.xml --type application/xml
        file delete last
        run list --thread last --status in-doubt
        run show %1$s
        run cancel last --reason enough
        run replay last --from 3 --model m --instructions I --live
        thread branch last %1$s --text Other
        run settle last call-1 --happened --result 7
        run settle last call-1 --retry
        approval list
        approval list --all
        approval show last
        approval approve %1$s --comment fine
        approval approve %1$s --arguments {"n":1}
        approval deny 0192 --comment no
        tool list
        tool list --source some-name
        tool show some-name
        tool call self/agents_list {}
        tool update some-name --effect read-only --timeout 30 --disable
        tool import web https://example.com/mcp --header X-Key=1
        tool import local --env A=b -- some-program --flag value
        tool refresh some-name
        tool suspend some-name
        tool resume some-name
        source list
        source show some-name
        source delete some-name
        model list
        model add m --provider openai --key-env SOME_KEY
        model add m --provider ollama --no-vision
        model use m
        model delete m
        policy list
        policy list --installation
        policy show some-name 3
        policy versions some-name
        policy create some-name module --note why --activate
        policy create some-name @pom.xml --tests @pom.xml
        policy activate some-name 2
        policy deactivate some-name
        policy delete some-name
        policy simulate some-name --limit 10 --days 3
        policy decisions --outcome deny --action tools.*
        policy decisions %1$s
        policy starter list
        policy starter show business_hours
        policy starter add business_hours shell_allow_list --activate
        policy erase-decisions some-email
        tool update some-name --label confidential
        token list
        token create ci --scope agents.* --scope threads.list --days 7 --agent some-name
        token revoke some-name
        token suspend some-name
        token resume some-name
        member list
        member update some-email --role viewer
        member remove some-email
        member suspend some-email
        member resume some-email
        invitation list
        invitation create b@example.com --role owner
        invitation delete some-email
        invitation accept inv-token --name B
        org list
        org show
        org show some-name
        org create Another
        org suspend
        org resume some-name
        audit --action agents.* --outcome denied --resource agent:1
        audit checkpoints
        job list --state dead
        job retry last
        me
        open --print
        """
            .formatted(ID)
            .strip()
            .split("\n", -1)) {
      commands.add(List.of(line.split(" ", -1)));
    }
    return commands;
  }

  @ParameterizedTest
  @MethodSource("commands")
  void speaksTheContractAndShowsTheAnswer(List<String> command) {
    server.complaints().clear();
    Invocation plain = call(command.toArray(String[]::new));

    assertThat(server.complaints()).isEmpty();
    assertThat(plain.err().replace("This is the only time the secret is shown:\n", "")).isEmpty();
    assertThat(plain.exit()).isEqualTo(Exit.OK);
    assertThat(plain.out()).isNotBlank();

    List<String> withJson = new ArrayList<>(command);
    withJson.add(1, "--json");
    Invocation json = call(withJson.toArray(String[]::new));
    assertThat(json.exit()).isEqualTo(Exit.OK);
    assertThat(json.out().strip()).matches("(?s)[{\\[].*[}\\]]").doesNotContain("\n");
  }

  @Test
  void sayWithTheirExitCodeThatAToolOrModelFailed() {
    // Every flag of the sample answers is false: `ok` too.
    assertThat(call("model", "test", "m").exit()).isEqualTo(Exit.FAILED);
  }

  @Test
  void signInAndKeepAToken(@TempDir Path folder) {
    Map<String, String> variables = Map.of("XDG_CONFIG_HOME", folder.toString());
    server.complaints().clear();
    Invocation login =
        Invocation.of(variables, "a@example.com\nsecret password\n", "login", server.url() + "/");

    assertThat(server.complaints()).isEmpty();
    assertThat(login.err()).isEmpty();
    assertThat(login.out()).contains("127.0.0.1").doesNotContain("some-secret");
    assertThat(Profiles.load(folder.resolve("mandate/profiles.json")).choose("", "", "", ""))
        .isEqualTo(new Profiles.Profile(server.url(), "some-secret", ""));
    assertThat(server.called())
        .contains(
            "SessionService.CreateSession",
            "TokenService.CreateToken",
            "SessionService.DeleteCurrentSession");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "agent",
        "agent list --nonsense",
        "nonsense",
        "run settle last",
        "agent update some-name",
        "tool update x --enable --disable",
        "token create ci",
        "run settle last c --retry --happened"
      })
  void wrongUsageHasItsOwnExitCode(String command) {
    Invocation invocation = call(command.isEmpty() ? new String[0] : command.split(" ", -1));
    assertThat(invocation.exit()).isEqualTo(Exit.USAGE);
    assertThat(invocation.err()).isNotBlank();
    assertThat(invocation.out()).isEmpty();
  }

  @Test
  void withoutAServerKnownTheySayWhatToDo() {
    Invocation invocation = Invocation.of(Map.of(), "", "agent", "list");
    assertThat(invocation.exit()).isEqualTo(Exit.DENIED);
    assertThat(invocation.err()).contains("mandate up").contains("mandate login");
  }

  @Test
  void anUnreachableServerHasItsOwnExitCode() {
    Invocation invocation =
        Invocation.of(Map.of("MANDATE_URL", "http://127.0.0.1:1"), "", "agent", "list");
    assertThat(invocation.exit()).isEqualTo(Exit.UNREACHABLE);
    assertThat(invocation.err()).contains("http://127.0.0.1:1").hasLineCount(1);
  }

  @Test
  void aNameThatFitsNothingIsNamed() {
    Invocation invocation = call("tool", "show", "nope/nothing");
    assertThat(invocation.exit()).isEqualTo(Exit.FAILED);
    assertThat(invocation.err()).contains("'nope/nothing'").contains("mandate tool list");
  }

  @Test
  void everyCommandExplainsItself() {
    CommandLine root =
        Main.commandLine(
            new Context(
                new Env(Map.of(), false, false, 100),
                new Screen(System.out, System.err, new Env(Map.of(), false, false, 100)),
                System.in),
            "");
    assertThat(root.getSubcommands().keySet()).containsExactlyElementsOf(Main.COMMANDS.keySet());
    assertExplained(root);
  }

  private static void assertExplained(CommandLine line) {
    assertThat(line.getCommandSpec().usageMessage().description())
        .as(line.getCommandSpec().qualifiedName())
        .isNotEmpty();
    assertThat(line.getUsageMessage()).contains("--help").contains("--json");
    line.getSubcommands().values().forEach(CommandsTest::assertExplained);
  }

  private static Invocation call(String... args) {
    Map<String, String> variables = new HashMap<>();
    variables.put("MANDATE_URL", server.url());
    variables.put("MANDATE_TOKEN", "mdt_test");
    variables.put("SOME_KEY", "sk-test");
    return Invocation.of(variables, "some secret\n", args);
  }
}
