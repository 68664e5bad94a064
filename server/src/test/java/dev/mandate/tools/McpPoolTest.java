package dev.mandate.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.egress.Destinations;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressSettings;
import dev.mandate.tools.McpFailure.Kind;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.json.jackson2.JacksonMcpJsonMapper;
import io.modelcontextprotocol.spec.McpSchema;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class McpPoolTest {
  private static final McpJsonMapper MAPPER =
      new JacksonMcpJsonMapper(new com.fasterxml.jackson.databind.ObjectMapper());

  @TempDir Path folder;
  private Counter counter;
  private EgressClient egress;
  private McpPool pool;
  private final McpPool.Key key =
      new McpPool.Key(new OrgId(Ids.next()), new ToolSourceId(Ids.next()));

  @BeforeEach
  void start() {
    counter = new Counter(folder);
    EgressSettings settings =
        new EgressSettings(
            Destinations.parse("test", "127.0.0.1"), null, null, Destinations.none(), null);
    egress = new EgressClient(settings);
    pool = new McpPool(egress, MAPPER, Duration.ofMinutes(5));
    pool.start();
  }

  @AfterEach
  void stop() {
    pool.close();
    egress.close();
    counter.close();
  }

  private McpSchema.CallToolResult call(
      McpServer server, String tool, Map<String, Object> arguments) throws McpFailure {
    return call(server, tool, arguments, Duration.ofSeconds(20), new CancelSignal());
  }

  private McpSchema.CallToolResult call(
      McpServer server,
      String tool,
      Map<String, Object> arguments,
      Duration time,
      CancelSignal cancel)
      throws McpFailure {
    Map<String, Object> nodes = new LinkedHashMap<>(arguments);
    return pool.call(
        key,
        () -> server,
        offered -> null,
        new McpSchema.CallToolRequest(tool, nodes, Map.of(McpTools.KEY, "key-1")),
        System.nanoTime() + time.toNanos(),
        cancel);
  }

  private static String text(McpSchema.CallToolResult result) {
    return ResultText.of(result, MAPPER);
  }

  private McpFailure failure(McpServer server, String tool, Map<String, Object> arguments) {
    return catchThrowableOfType(McpFailure.class, () -> call(server, tool, arguments));
  }

  @Test
  void tools_are_discovered_over_all_pages() throws Exception {
    try (McpConnection connection = pool.connect(counter.stdio())) {
      List<String> names =
          connection.tools(100, Duration.ofSeconds(10)).stream().map(McpSchema.Tool::name).toList();
      assertThat(names)
          .containsExactly(
              "increment", "increment_once", "read", "slow", "hang", "big", "garbage", "fail");
    }
  }

  @Test
  void a_call_over_stdio_has_its_effect_once_and_carries_its_key() throws Exception {
    McpServer server = counter.stdio();
    assertThat(
            text(call(server, "increment", Map.of("by", JsonNodeFactory.instance.numberNode(3)))))
        .isEqualTo("3");
    assertThat(counter.effects()).singleElement().asString().contains("\"key\":\"key-1\"");
    assertThat(text(call(server, "increment_once", Map.of()))).isEqualTo("3");
    assertThat(text(call(server, "read", Map.of()))).contains("\"value\":3");
  }

  @Test
  void the_same_over_http_with_a_secret_header() throws Exception {
    Counter.Http http = counter.http(0, Map.of("EFFECT_COUNTER_TOKEN", "s3cret"));
    McpServer server = new McpServer.Http(http.url(), Map.of("Authorization", "Bearer s3cret"));
    assertThat(text(call(server, "increment", Map.of()))).isEqualTo("1");
    assertThat(text(call(server, "read", Map.of()))).contains("key-1");

    pool.drop(key);
    McpFailure refused = failure(new McpServer.Http(http.url(), Map.of()), "read", Map.of());
    assertThat(refused.kind()).isEqualTo(Kind.NOT_DONE);
    assertThat(refused.message()).contains("401");
  }

  @Test
  void an_http_server_that_restarted_is_asked_again_without_its_old_session() throws Exception {
    Counter.Http first = counter.http(0, Map.of());
    McpServer server = new McpServer.Http(first.url(), Map.of());
    call(server, "increment", Map.of());
    first.process().destroyForcibly().waitFor();

    assertThat(failure(server, "increment", Map.of()).kind()).isEqualTo(Kind.NOT_DONE);
    counter.http(first.url().getPort(), Map.of());
    assertThat(text(call(server, "increment", Map.of()))).isEqualTo("2");
  }

  @Test
  void a_server_that_dies_after_the_effect_leaves_the_outcome_unknown_and_is_started_again()
      throws Exception {
    McpServer server = counter.stdio();
    Instant start = Instant.now();
    McpFailure lost = failure(server, "increment", Map.of("then_die", true));
    assertThat(lost.kind()).isEqualTo(Kind.LOST);
    assertThat(lost.message()).contains("ended with status 137");
    assertThat(Duration.between(start, Instant.now())).isLessThan(Duration.ofSeconds(10));
    assertThat(counter.effects()).hasSize(1);

    assertThat(text(call(server, "read", Map.of()))).contains("\"value\":1");
  }

  @Test
  void an_http_server_that_dies_after_the_effect_leaves_the_outcome_unknown() throws Exception {
    McpServer server = new McpServer.Http(counter.http(0, Map.of()).url(), Map.of());
    assertThat(failure(server, "increment", Map.of("then_die", true)).kind()).isEqualTo(Kind.LOST);
    assertThat(counter.effects()).hasSize(1);
  }

  @Test
  void a_call_that_hangs_ends_by_its_timeout_and_the_server_goes_on() throws Exception {
    McpServer server = counter.stdio();
    call(server, "read", Map.of());
    McpFailure failure =
        catchThrowableOfType(
            McpFailure.class,
            () -> call(server, "hang", Map.of(), Duration.ofMillis(300), new CancelSignal()));
    assertThat(failure.kind()).isEqualTo(Kind.TIMEOUT);
    assertThat(text(call(server, "read", Map.of()))).contains("\"value\":0");
  }

  @Test
  void a_server_that_hangs_as_a_whole_is_ended_and_started_again() throws Exception {
    McpServer server = counter.stdio();
    call(server, "read", Map.of());
    Map<String, Object> whole = Map.of("whole", true);
    McpFailure failure =
        catchThrowableOfType(
            McpFailure.class,
            () -> call(server, "hang", whole, Duration.ofMillis(300), new CancelSignal()));
    assertThat(failure.kind()).isEqualTo(Kind.TIMEOUT);
    await()
        .atMost(Duration.ofSeconds(20))
        .ignoreExceptions()
        .untilAsserted(() ->
            assertThat(
                    text(call(server, "read", Map.of(), Duration.ofSeconds(1), new CancelSignal())))
                .contains("\"value\":0"));
  }

  @Test
  void a_cancelled_call_ends_at_once() throws Exception {
    McpServer server = counter.stdio();
    call(server, "read", Map.of());
    CountDownLatch leaving = new CountDownLatch(1);
    CancelSignal cancel =
        new CancelSignal(() -> {
          leaving.countDown();
          return false;
        });
    Thread.ofVirtual()
        .start(() -> {
          try {
            leaving.await();
            cancel.cancel();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    McpFailure failure =
        catchThrowableOfType(
            McpFailure.class,
            () -> call(server, "slow", Map.of("ms", 60000), Duration.ofMinutes(1), cancel));
    assertThat(failure.kind()).isEqualTo(Kind.CANCELLED);
  }

  @Test
  void a_call_whose_time_is_over_when_the_connection_is_open_never_leaves() throws Exception {
    CancelSignal over = new CancelSignal(() -> true);
    McpFailure failure =
        catchThrowableOfType(
            McpFailure.class,
            () -> call(counter.stdio(), "increment", Map.of(), Duration.ofMinutes(1), over));
    assertThat(failure.kind()).isEqualTo(Kind.NOT_DONE);
    assertThat(counter.effects()).isEmpty();
  }

  @Test
  void a_big_answer_is_cut_with_a_note() throws Exception {
    String text = text(call(counter.stdio(), "big", Map.of("bytes", 3_000_000)));
    assertThat(text.getBytes(java.nio.charset.StandardCharsets.UTF_8).length)
        .isLessThanOrEqualTo(ResultText.MAX);
    assertThat(text).endsWith("[cut: 3000000 bytes in all, the rest is left out]");
  }

  @Test
  void an_endless_answer_ends_the_connection() {
    McpFailure failure = failure(counter.stdio(), "big", Map.of("bytes", 40_000_000));
    assertThat(failure.kind()).isEqualTo(Kind.LOST);
    assertThat(failure.message()).contains("16 MiB");
  }

  @Test
  void garbage_between_messages_is_skipped_and_text_is_made_valid() throws Exception {
    assertThat(text(call(counter.stdio(), "garbage", Map.of()))).isEqualTo("before\uFFFD?after");
  }

  @Test
  void failures_that_the_server_reports_are_told() throws Exception {
    McpSchema.CallToolResult failed = call(counter.stdio(), "fail", Map.of());
    assertThat(failed.isError()).isTrue();
    assertThat(text(failed)).isEqualTo("it failed as it was asked to");

    McpFailure refused = failure(counter.stdio(), "fail", Map.of("protocol", true));
    assertThat(refused.kind()).isEqualTo(Kind.REFUSED);
    assertThat(refused.message()).contains("it failed as a protocol error");
  }

  @Test
  void a_program_that_is_not_there_and_one_that_ends_at_once_are_named() {
    McpFailure missing =
        failure(new McpServer.Stdio(List.of("/no/such/program"), Map.of()), "x", Map.of());
    assertThat(missing.kind()).isEqualTo(Kind.NOT_DONE);

    pool.drop(key);
    McpServer leaky =
        new McpServer.Stdio(
            List.of("sh", "-c", "echo \"bad token $TOKEN\" >&2; exit 3"),
            Map.of("TOKEN", "hunter22"));
    McpFailure ended = failure(leaky, "x", Map.of());
    assertThat(ended.kind()).isEqualTo(Kind.NOT_DONE);
    assertThat(ended.message()).contains("status 3: bad token …").doesNotContain("hunter22");
  }

  @Test
  void a_server_that_keeps_failing_is_tried_ever_later() {
    McpServer broken = new McpServer.Stdio(List.of("false"), Map.of());
    for (int i = 0; i < 4; i++) {
      assertThat(failure(broken, "x", Map.of()).kind()).isEqualTo(Kind.NOT_DONE);
    }
    assertThat(failure(broken, "x", Map.of()).message())
        .contains("keeps failing")
        .contains("next attempt");
  }

  @Test
  void a_program_gets_no_environment_but_its_own() throws Exception {
    McpServer server =
        new McpServer.Stdio(
            List.of("sh", "-c", "env | cut -d= -f1 | sort | tr '\\n' ' ' >&2; exit 1"),
            Map.of("GIVEN", "1"));
    String names = failure(server, "x", Map.of()).message();
    assertThat(names).contains("GIVEN", "PATH").doesNotContain("JAVA_HOME");
  }

  @Test
  void idle_connections_and_their_programs_end() throws Exception {
    pool.close();
    pool = new McpPool(egress, MAPPER, Duration.ofMillis(200));
    pool.start();
    call(counter.stdio(), "read", Map.of());
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> ProcessHandle.current().descendants().noneMatch(this::isCounter));
  }

  @Test
  void closing_the_pool_ends_its_programs() throws Exception {
    call(counter.stdio(), "read", Map.of());
    assertThat(ProcessHandle.current().descendants().anyMatch(this::isCounter)).isTrue();
    pool.close();
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> ProcessHandle.current().descendants().noneMatch(this::isCounter));
  }

  private boolean isCounter(ProcessHandle process) {
    return process.info().command().orElse("").endsWith("/java");
  }
}
