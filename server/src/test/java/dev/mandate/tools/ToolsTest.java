package dev.mandate.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Message;
import dev.mandate.api.tools.v1.CallToolRequest;
import dev.mandate.approvals.Approvals;
import dev.mandate.approvals.ApprovalsApi;
import dev.mandate.governance.Admitted;
import dev.mandate.governance.Effect;
import dev.mandate.governance.Facts;
import dev.mandate.governance.Gate;
import dev.mandate.governance.Outcome;
import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.IdempotencyKeys;
import dev.mandate.kernel.egress.Destinations;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressSettings;
import dev.mandate.kernel.rpc.Authentication;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.CallAudit;
import dev.mandate.kernel.rpc.CallPolicy;
import dev.mandate.kernel.rpc.CallPorts;
import dev.mandate.kernel.rpc.Method;
import dev.mandate.policies.PolicyCheck;
import dev.mandate.policies.Verdict;
import dev.mandate.secrets.Secrets;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspensions;
import dev.mandate.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ToolsTest {
  private static final Page.Request ALL = Page.Request.of(200, "");

  @TempDir Path folder;
  private Counter counter;
  private TestDatabase database;
  private EgressClient egress;
  private Binder binder;
  private Tools tools;
  private final OrgId org = new OrgId(Ids.next());
  private final Mandate owner = mandate(org, List.of(Principal.user(Ids.next())));

  @BeforeEach
  void start() {
    counter = new Counter(folder);
    database = TestDatabase.create();
    egress =
        new EgressClient(
            new EgressSettings(
                Destinations.parse("test", "127.0.0.1"), null, null, Destinations.none(), null));
    Authorizer everybody = (mandate, action) -> {};
    Gate gate =
        new Gate(database.db(), everybody, PolicyCheck.NONE, List.of(), InstantSource.system());
    binder = new Binder();
    tools =
        new Tools(
            Tools.Options.of(org -> true),
            database.db(),
            everybody,
            new Secrets(database.cipher()),
            egress,
            database.wakeups(),
            gate,
            new Suspensions(database.db(), database.wakeups(), InstantSource.system()),
            binder::table,
            InstantSource.system());
    Approvals approvals =
        new Approvals(
            database.db(),
            everybody,
            database.jobs(),
            (tx, user) -> "owner",
            (tx, approval) -> {},
            InstantSource.system());
    new ToolsApi(
            tools,
            new Suspending(
                database.db(),
                everybody,
                new Suspensions(database.db(), database.wakeups(), InstantSource.system()),
                tx -> {}))
        .bind(binder);
    new ToolSourcesApi(tools).bind(binder);
    new ApprovalsApi(approvals).bind(binder);
    binder.build(
        new CallPorts(
            new Authentication((credential, origin) -> {
              throw Failure.unauthenticated("nobody signs in here");
            }),
            everybody,
            CallPolicy.NONE,
            new IdempotencyKeys(database.db()),
            CallAudit.into(database.db()),
            new SimpleMeterRegistry()));
    tools.start();
  }

  @AfterEach
  void stop() {
    tools.close();
    egress.close();
    database.close();
    counter.close();
  }

  private static Mandate mandate(OrgId org, List<Principal> chain) {
    return new Mandate(
        org,
        chain,
        List.of(),
        null,
        Instant.now().plusSeconds(3600),
        new Mandate.Origin("test", "", ""));
  }

  private Mandate agent() {
    return mandate(org, List.of(Principal.agent(Ids.next()), owner.chain().getFirst()));
  }

  private static Failure failure(ThrowingCallable work) {
    Failure failure = catchThrowableOfType(Failure.class, work);
    assertThat(failure).isNotNull();
    return failure;
  }

  /** As the gate admits it where nobody objects. */
  private Admitted admitted(ResolvedTool tool, String arguments) {
    return new Admitted(
        Tools.CALL,
        tools.resource(tool, arguments),
        Facts.direct(),
        "",
        List.of(),
        new Verdict.Stamp(0, 0, List.of(), "", 0));
  }

  private ToolSources.Source importCounter() {
    McpServer.Stdio stdio =
        new McpServer.Stdio(counter.command(), Map.of("API_KEY", "sk-very-secret"));
    return tools.sources().add(owner, "counter", stdio);
  }

  private void set(String tool, Effect effect) {
    Catalog.Entry entry = tools.catalog().get(owner, tool);
    tools.catalog().update(owner, tool, entry.tool().version(), effect, null, null, null);
  }

  private static Invocation invocation(String key) {
    return new Invocation(key, 1, new CancelSignal());
  }

  private long count(String sql) throws Exception {
    try (Connection admin = database.admin();
        Statement statement = admin.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getLong(1);
    }
  }

  @Test
  void an_imported_server_s_tools_can_be_called_and_the_call_is_audited() throws Exception {
    ToolSources.Source source = importCounter();
    assertThat(source.toolCount()).isEqualTo(8);
    assertThat(source.row().added()).contains("increment", "fail");
    assertThat(source.row().location()).endsWith("java");

    CallResult result = tools.call(owner, "counter/increment", "{\"by\": 2}");
    assertThat(result.result().text()).isEqualTo("2");
    assertThat(result.result().isError()).isFalse();
    assertThat(counter.effects()).hasSize(1);
    assertThat(
            count(
                "select count(*) from audit_entries where action = 'tools.call'"
                    + " and resource = 'tool:counter/increment' and outcome = 'allowed'"
                    + " and details::text not like '%by%'"))
        .isEqualTo(1);
  }

  @Test
  void what_a_source_claims_counts_only_once_an_administrator_says_so() {
    importCounter();
    Catalog.Entry read = tools.catalog().get(owner, "counter/read");
    assertThat(read.proposed()).isEqualTo(Effect.READ_ONLY);
    assertThat(read.tool().effect()).isEqualTo(Effect.WRITE);
    assertThat(failure(() -> tools.call(agent(), "counter/read", "{}")))
        .returns("APPROVAL_REQUIRED", Failure::reason);

    set("counter/read", Effect.READ_ONLY);
    assertThat(tools.find(owner, "counter/read").orElseThrow().effect())
        .isEqualTo(Effect.READ_ONLY);
    assertThat(tools.call(agent(), "counter/read", "").result().text()).contains("\"value\":0");
    assertThat(
            failure(() ->
                tools
                    .catalog()
                    .update(
                        owner,
                        "counter/read",
                        read.tool().version(),
                        Effect.WRITE,
                        null,
                        null,
                        null)))
        .returns("STALE_VERSION", Failure::reason);

    ToolSourceId id = read.tool().sourceId();
    assertThat(tools.sources().refresh(owner, id).row().changed()).isEmpty();
    assertThat(tools.find(owner, "counter/read").orElseThrow().effect())
        .isEqualTo(Effect.READ_ONLY);
  }

  @Test
  void the_call_carries_its_key_and_an_idempotent_tool_has_one_effect_for_it() throws Exception {
    importCounter();
    ResolvedTool once = tools.find(owner, "counter/increment_once").orElseThrow();
    for (int attempt = 1; attempt <= 3; attempt++) {
      ToolResult result =
          tools.execute(owner, once, "{}", admitted(once, "{}"), invocation("the-key"));
      assertThat(result.text()).isEqualTo("1");
    }
    assertThat(counter.effects()).singleElement().asString().contains("the-key");
  }

  @Test
  void a_server_that_dies_in_the_middle_leaves_the_outcome_unknown() throws Exception {
    importCounter();
    ResolvedTool increment = tools.find(owner, "counter/increment").orElseThrow();
    ToolResult lost =
        tools.execute(
            owner,
            increment,
            "{\"then_die\": true}",
            admitted(increment, "{\"then_die\": true}"),
            invocation("k1"));
    assertThat(lost.outcome()).isEqualTo(Outcome.UNKNOWN);
    assertThat(lost.isError()).isTrue();
    assertThat(counter.effects()).hasSize(1);
    assertThat(
            tools
                .execute(owner, increment, "{}", admitted(increment, "{}"), invocation("k2"))
                .text())
        .isEqualTo("2");
  }

  @Test
  void a_tool_s_own_timeout_holds() {
    importCounter();
    Catalog.Entry slow = tools.catalog().get(owner, "counter/slow");
    tools.call(owner, "counter/read", "");
    tools.catalog().update(owner, "counter/slow", slow.tool().version(), null, 1, null, null);
    ToolResult result = tools.call(owner, "counter/slow", "{\"ms\": 60000}").result();
    assertThat(result.outcome()).isEqualTo(Outcome.TIMEOUT);
    assertThat(result.durationMillis()).isBetween(900L, 20_000L);
  }

  @Test
  void arguments_are_checked_before_anything_happens() throws Exception {
    importCounter();
    assertThat(failure(() -> tools.call(owner, "counter/increment", "{\"by\": \"two\"}")))
        .hasMessage("arguments_json: arguments.by: string found, integer expected");
    assertThat(failure(() -> tools.call(owner, "counter/increment", "{\"by\":1,\"by\":2}")))
        .hasMessageContaining("Duplicate field 'by'");
    assertThat(counter.effects()).isEmpty();
  }

  @Test
  void a_disabled_tool_is_not_there() {
    importCounter();
    Catalog.Entry entry = tools.catalog().get(owner, "counter/increment");
    ResolvedTool before = entry.tool();
    tools.catalog().update(owner, "counter/increment", before.version(), null, null, false, null);
    assertThat(tools.find(owner, "counter/increment")).isEmpty();
    assertThat(tools.resolve(owner, List.of("counter/*"))).hasSize(7);
    assertThat(failure(() -> tools.call(owner, "counter/increment", "{}")))
        .returns(Failure.Code.NOT_FOUND, Failure::code);
    assertThat(tools.execute(owner, before, "{}", admitted(before, "{}"), invocation("k")).text())
        .contains("removed or disabled");
  }

  @Test
  void bounds_hide_tools() {
    importCounter();
    Mandate narrow =
        owner.narrow(
            Bound.tools(
                Map.of(
                    "counter/read",
                    ApprovalMode.BY_EFFECT,
                    "self/tools_*",
                    ApprovalMode.BY_EFFECT)));
    assertThat(tools.resolve(narrow, List.of("*")))
        .extracting(ResolvedTool::name)
        .containsExactly("counter/read", "self/tools_get", "self/tools_list");
    assertThat(failure(() -> tools.call(narrow, "counter/increment", "{}")))
        .returns(Failure.Code.NOT_FOUND, Failure::code);
  }

  @Test
  void a_server_that_cannot_be_reached_leaves_nothing_behind() throws Exception {
    McpServer missing = new McpServer.Stdio(List.of("/no/such/program"), Map.of());
    assertThat(failure(() -> tools.sources().add(owner, "ghost", missing)))
        .returns("SOURCE_UNREACHABLE", Failure::reason);
    assertThat(tools.sources().list(owner, ALL).items()).hasSize(1);
    assertThat(count("select count(*) from secrets")).isZero();
  }

  @Test
  void names_and_servers_are_checked() {
    McpServer server = counter.stdio();
    for (String name : List.of("", "Counter", "-a", "self", "agent", "a/b", "x".repeat(33))) {
      assertThat(failure(() -> tools.sources().add(owner, name, server)))
          .returns("name", failure -> failure.details().get("field"));
    }
    importCounter();
    assertThat(failure(() -> tools.sources().add(owner, "counter", server)))
        .returns("SOURCE_NAME_TAKEN", Failure::reason);
    McpServer password = new McpServer.Http(URI.create("http://u:p@127.0.0.1/mcp"), Map.of());
    assertThat(failure(() -> tools.sources().add(owner, "x", password)))
        .hasMessageContaining("must not hold a password");
    McpServer bad =
        new McpServer.Http(URI.create("http://127.0.0.1/mcp"), Map.of("A", "b\r\nc: d"));
    assertThat(failure(() -> tools.sources().add(owner, "x", bad))).hasMessageNotContaining("c: d");
  }

  @Test
  void private_addresses_are_refused_unless_allowed() {
    McpServer metadata = new McpServer.Http(URI.create("http://169.254.169.254/mcp"), Map.of());
    assertThat(failure(() -> tools.sources().add(owner, "x", metadata)))
        .returns("EGRESS_BLOCKED", Failure::reason)
        .returns("http.url", failure -> failure.details().get("field"));
    McpServer nowhere = new McpServer.Http(URI.create("http://127.0.0.1:70000/mcp"), Map.of());
    assertThat(failure(() -> tools.sources().add(owner, "x", nowhere)))
        .hasMessageContaining("there is no port 70000")
        .returns("http.url", failure -> failure.details().get("field"));
  }

  @Test
  void an_http_server_is_a_source_like_any_other() throws Exception {
    Counter.Http http = counter.http(0, Map.of("EFFECT_COUNTER_TOKEN", "tok-123"));
    McpServer server = new McpServer.Http(http.url(), Map.of("Authorization", "Bearer tok-123"));
    ToolSources.Source source = tools.sources().add(owner, "web-counter", server);
    assertThat(source.row().kind()).isEqualTo("mcp-http");
    ResolvedTool tool = tools.find(owner, "web-counter/increment").orElseThrow();
    assertThat(tool.modelName()).isEqualTo("web-counter_increment");
    assertThat(tools.execute(owner, tool, "{}", admitted(tool, "{}"), invocation("k")).text())
        .isEqualTo("1");

    http.process().destroyForcibly().waitFor();
    ToolResult gone = tools.execute(owner, tool, "{}", admitted(tool, "{}"), invocation("k"));
    assertThat(gone.outcome()).isEqualTo(Outcome.ERROR);
    assertThat(gone.text()).contains("was not called");
    assertThat(tools.sources().get(owner, source.row().id()).row().reachable()).isFalse();
  }

  @Test
  void secrets_are_not_in_the_database_in_the_clear() throws Exception {
    importCounter();
    assertThat(
            count(
                "select count(*) from tool_sources"
                    + " where tool_sources::text like '%very-secret%'"))
        .isZero();
    assertThat(
            count(
                "select count(*) from secrets"
                    + " where position('very-secret'::bytea in sealed) > 0"))
        .isZero();
    assertThat(
            count(
                "select count(*) from audit_entries"
                    + " where audit_entries::text like '%very-secret%'"))
        .isZero();
  }

  @Test
  void another_organization_s_ids_are_like_ids_that_do_not_exist() {
    ToolSources.Source source = importCounter();
    Catalog.Entry tool = tools.catalog().get(owner, "counter/read");
    Mandate stranger = mandate(new OrgId(Ids.next()), List.of(Principal.user(Ids.next())));
    ToolSourceId id = source.row().id();
    ToolSourceId missing = new ToolSourceId(Ids.next());
    String toolId = tool.tool().id().toString();
    String missingTool = Ids.next().toString();
    ToolSources sources = tools.sources();
    ToolCatalog catalog = tools.catalog();
    assertSame(() -> sources.get(stranger, id), () -> sources.get(stranger, missing));
    assertSame(() -> sources.refresh(stranger, id), () -> sources.refresh(stranger, missing));
    assertSame(() -> sources.delete(stranger, id), () -> sources.delete(stranger, missing));
    assertSame(() -> catalog.get(stranger, toolId), () -> catalog.get(stranger, missingTool));
    assertSame(
        () -> catalog.update(stranger, toolId, 1, null, 5, null, null),
        () -> catalog.update(stranger, missingTool, 1, null, 5, null, null));
    assertSame(
        () -> tools.call(stranger, toolId, "{}"), () -> tools.call(stranger, missingTool, "{}"));
    assertSame(
        () -> tools.call(stranger, "counter/read", "{}"),
        () -> tools.call(stranger, "nothing/read", "{}"));
    assertThat(catalog.list(stranger, null, ALL).items())
        .allMatch(entry -> entry.tool().name().startsWith("self/"));
    assertThat(sources.list(stranger, ALL).items()).hasSize(1);
  }

  private static void assertSame(ThrowingCallable foreign, ThrowingCallable missing) {
    Failure one = failure(foreign);
    Failure other = failure(missing);
    assertThat(one.code()).isEqualTo(Failure.Code.NOT_FOUND);
    assertThat(one.getMessage()).isEqualTo(other.getMessage());
    assertThat(one.details()).isEqualTo(other.details());
  }

  @Test
  void a_deleted_source_is_gone_with_its_tools_secrets_and_program() throws Exception {
    ToolSources.Source source = importCounter();
    set("counter/read", Effect.READ_ONLY);
    tools.sources().delete(owner, source.row().id());
    assertThat(tools.find(owner, "counter/read")).isEmpty();
    assertThat(
            count(
                "select (select count(*) from tools)"
                    + " + (select count(*) from tool_settings)"
                    + " + (select count(*) from secrets)"))
        .isZero();
    assertThat(failure(() -> tools.sources().delete(owner, SelfTools.SOURCE)))
        .returns("SOURCE_BUILT_IN", Failure::reason);
  }

  @Test
  void lists_come_in_pages() {
    importCounter();
    Page<Catalog.Entry> first = tools.catalog().list(owner, null, Page.Request.of(3, ""));
    assertThat(first.items()).hasSize(3);
    Page<Catalog.Entry> rest =
        tools.catalog().list(owner, null, Page.Request.of(200, first.nextToken()));
    assertThat(rest.nextToken()).isEmpty();
    assertThat(rest.items()).doesNotContainAnyElementsOf(first.items());
    Page<ToolSources.Source> sources = tools.sources().list(owner, Page.Request.of(1, ""));
    assertThat(sources.items().getFirst().row().name()).isEqualTo("self");
    assertThat(tools.sources().list(owner, Page.Request.of(1, sources.nextToken())).items())
        .extracting(source -> source.row().name())
        .containsExactly("counter");
  }

  @Test
  void our_own_api_is_offered_but_for_what_is_for_people() {
    assertThat(tools.resolve(owner, List.of("self/*")))
        .extracting(ResolvedTool::modelName)
        .containsExactly(
            "approvals_get",
            "approvals_list",
            "tool_sources_get",
            "tool_sources_list",
            "tools_get",
            "tools_list");
    ResolvedTool list = tools.find(owner, "self/tools_list").orElseThrow();
    assertThat(list.effect()).isEqualTo(Effect.READ_ONLY);
    assertThat(list.inputSchemaJson()).contains("pageSize");
    assertThat(tools.problemWith(list, "{\"nope\": 1}"))
        .hasValueSatisfying(problem -> assertThat(problem).contains("nope"));

    CallResult result = tools.call(agent(), "self/tools_list", "{\"pageSize\": 1}");
    assertThat(result.result().isError()).isFalse();
    assertThat(result.result().text()).contains("self/approvals_get");

    ToolResult wrong = tools.call(agent(), "self/tools_get", "{\"id\": \"counter/none\"}").result();
    assertThat(wrong.isError()).isTrue();
    assertThat(wrong.outcome()).isEqualTo(Outcome.ERROR);
    assertThat(wrong.text()).isEqualTo("not_found (NOT_FOUND): tool not found");
  }

  @Test
  void a_call_repeated_with_its_idempotency_key_has_one_effect() throws Exception {
    importCounter();
    Method call =
        Objects.requireNonNull(binder.table().find("mandate.tools.v1.ToolService.CallTool"));
    CallToolRequest request = CallToolRequest.newBuilder().setId("counter/increment").build();
    Message first = binder.table().dispatch(owner, call, request, "once");
    Message second = binder.table().dispatch(owner, call, request, "once");
    assertThat(second.toByteString()).isEqualTo(first.toByteString());
    assertThat(counter.effects()).hasSize(1);
  }
}
