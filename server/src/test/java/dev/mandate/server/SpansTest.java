package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.RequestHeaders;
import dev.mandate.kernel.config.Secret;
import dev.mandate.kernel.config.Telemetry;
import dev.mandate.server.Collector.Seen;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import dev.mandate.testing.TestDatabase;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What a collector is told of the work of a real server, and what it is not. */
class SpansTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final String CALLER = "b7ad6b7169203331";
  private static final AtomicInteger traces = new AtomicInteger();

  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final Collector collector = Collector.start();
  private static final TestServer server =
      TestServer.on(
          TestDatabase.create(), Script.environment(provider), telemetry(collector.url()));
  private static final TestServer.Client owner = server.owner();

  @AfterAll
  static void close() {
    server.close();
    collector.close();
    provider.close();
  }

  private static Telemetry telemetry(String url) {
    return new Telemetry(
        url,
        "",
        new Secret("x-collector-key=for%20you"),
        "http/protobuf",
        "otlp",
        false,
        "house",
        "deployment.environment.name=test",
        "parentbased_always_on",
        "");
  }

  private static String newTrace() {
    return "%032x".formatted(0xabc0000 + traces.incrementAndGet());
  }

  /** Says something to an agent within a trace; the thread. */
  private static String say(String agent, String text, String traceparent)
      throws IOException, InterruptedException {
    String thread =
        owner
            .post("/api/v1/threads", "{\"agentIds\": [\"" + owner.agent(agent) + "\"]}")
            .ok()
            .get("id")
            .textValue();
    HttpResponse<String> answer =
        HTTP.send(
            java.net.http.HttpRequest.newBuilder(
                    URI.create(server.url() + "/api/v1/threads/" + thread + "/messages"))
                .header("authorization", "Bearer " + owner.token())
                .header("content-type", "application/json")
                .header("traceparent", traceparent)
                .POST(
                    java.net.http.HttpRequest.BodyPublishers.ofString(
                        JSON.createObjectNode().put("text", text).toString()))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-trace-id")).hasValue(traceparent.substring(3, 35));
    return thread;
  }

  @Test
  void aChatWithAToolCallIsATreeWithinTheCallersSpan() throws Exception {
    Rules.agent(owner, "Lister", "self/agents_list");
    script.says(
        "Lister",
        ScriptedReply.call("call_one", "agents_list", "{\"name\": \"argument-of-the-tool\"}"),
        ScriptedReply.text("answer-of-the-model"));
    String trace = newTrace();
    String thread = say("Lister", "question-of-a-person", "00-" + trace + "-" + CALLER + "-01");
    JsonNode run = RunWaits.over(owner, thread);

    Seen call = collector.span(trace, "POST /api/v1/threads/{thread_id}/messages");
    assertThat(call.parent()).isEqualTo(CALLER);
    assertThat(call.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
    assertThat(call.attributes())
        .containsEntry("http.request.method", "POST")
        .containsEntry("http.response.status_code", "200")
        .containsEntry("mandate.action", "messages.create")
        .containsKeys("mandate.organization.id", "user.id");
    assertThat(Collector.map(call.resource().getAttributesList()))
        .containsEntry("service.name", "house")
        .containsEntry("deployment.environment.name", "test");

    Seen turn = collector.span(trace, "invoke_agent Lister");
    assertThat(turn.parent()).isEqualTo(call.id());
    assertThat(turn.attributes())
        .containsEntry("gen_ai.operation.name", "invoke_agent")
        .containsEntry("gen_ai.conversation.id", thread)
        .containsEntry("mandate.run.id", run.get("id").textValue())
        .containsEntry("user.id", call.attributes().get("user.id"));
    assertThat(turn.events())
        .extracting(
            event -> event.get("mandate.resource") + " " + event.get("mandate.gate.decision"))
        .containsExactly(
            "model:" + run.get("model").textValue() + " admitted",
            "tool:self/agents_list admitted",
            "model:" + run.get("model").textValue() + " admitted");

    List<Seen> chats =
        collector.some(s -> s.trace().equals(trace) && s.name().startsWith("chat "), 2);
    for (Seen chat : chats) {
      assertThat(chat.parent()).isEqualTo(turn.id());
      assertThat(chat.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_CLIENT);
      assertThat(chat.attributes())
          .containsEntry("gen_ai.operation.name", "chat")
          .containsEntry("gen_ai.provider.name", "openai")
          .containsEntry("server.address", "127.0.0.1")
          .containsKeys(
              "gen_ai.request.model",
              "gen_ai.response.model",
              "gen_ai.usage.input_tokens",
              "gen_ai.usage.output_tokens");
      assertThat(provider.requests())
          .anySatisfy(request ->
              assertThat(request.headers()).containsEntry("traceparent", chat.traceparent()));
    }
    assertThat(chats)
        .extracting(chat -> chat.attributes().get("gen_ai.response.finish_reasons"))
        .containsExactly("[tool_call]", "[stop]");

    Seen tool = collector.span(trace, "execute_tool self/agents_list");
    assertThat(tool.parent()).isEqualTo(turn.id());
    assertThat(tool.failed()).isFalse();
    assertThat(tool.attributes())
        .containsEntry("gen_ai.tool.name", "self/agents_list")
        .containsEntry("gen_ai.tool.call.id", "call_one");

    assertThat(collector.headers().getFirst())
        .containsEntry("path", "/v1/traces")
        .containsEntry("x-collector-key", "for you");
    assertThat(collector.text())
        .contains("self/agents_list")
        .doesNotContain(
            "question-of-a-person",
            "argument-of-the-tool",
            "answer-of-the-model",
            "test-key-for-the-fake",
            TestServer.EMAIL,
            TestServer.PASSWORD,
            owner.token());
  }

  @Test
  void anAgentThatAnotherOneAsksWorksInTheSameTrace() throws Exception {
    Rules.agent(owner, "Head", "agent/Hand");
    Rules.agent(owner, "Hand");
    script.says(
        "Head",
        ScriptedReply.call("call_hand", "agent_Hand", "{\"request\": \"Do it.\"}"),
        ScriptedReply.text("Asked."));
    String trace = newTrace();
    String thread = say("Head", "Do something.", "00-" + trace + "-" + CALLER + "-01");
    RunWaits.over(owner, thread);

    Seen hand = collector.span(trace, "invoke_agent Hand");
    // Once before it waited for the other, and once after.
    List<Seen> head =
        collector.some(s -> s.trace().equals(trace) && s.name().equals("invoke_agent Head"), 2);
    assertThat(hand.parent()).isEqualTo(head.getFirst().id());
  }

  @Test
  void whatTheGateRefusesAndWhatFailsIsSeen() throws Exception {
    Rules.agent(owner, "Unlucky");
    script.says("Unlucky", said -> ScriptedReply.status(400, "invalid_request_error", "no-such"));
    String trace = newTrace();
    RunWaits.over(owner, say("Unlucky", "Hello.", "00-" + trace + "-" + CALLER + "-01"));
    Seen turn = collector.span(trace, "invoke_agent Unlucky");
    assertThat(turn.failed()).isTrue();
    Seen chat = collector.one(s -> s.trace().equals(trace) && s.name().startsWith("chat "));
    assertThat(chat.failed()).isTrue();
    assertThat(chat.attributes()).containsEntry("error.type", "invalid_request");
    assertThat(collector.text()).doesNotContain("no-such");
  }

  @Test
  void aCallWithoutATraceBeginsTheOneThatItsAnswerNames() throws Exception {
    TestServer.Answer found = owner.get("/api/v1/agents");
    Seen read = collector.span(trace(found), "GET /api/v1/agents");
    assertThat(read.parent()).isEmpty();

    TestServer.Answer missing = owner.get("/api/v1/agents/01900000-0000-7000-8000-000000000000");
    Seen refused = collector.span(trace(missing), "GET /api/v1/agents/{id}");
    assertThat(refused.failed()).isFalse();
    assertThat(refused.attributes())
        .containsEntry("http.response.status_code", "404")
        .containsEntry("mandate.failure.reason", "NOT_FOUND");

    TestServer.Answer stranger = server.client("").get("/api/v1/agents");
    assertThat(collector.span(trace(stranger), "GET /api/v1/agents").attributes())
        .containsEntry("http.response.status_code", "401")
        .doesNotContainKey("user.id");
  }

  private static String trace(TestServer.Answer answer) {
    return answer.response().headers().firstValue("x-trace-id").orElseThrow();
  }

  @Test
  void connectAndGrpcTakeTheCallersTraceToo() {
    String connect = newTrace();
    send("application/json", connect, HttpData.ofUtf8("{}"));
    String grpc = newTrace();
    send("application/grpc", grpc, HttpData.wrap(new byte[5]));

    String name = "mandate.agents.v1.AgentService/ListAgents";
    Seen first = collector.span(connect, name);
    assertThat(first.parent()).isEqualTo(CALLER);
    assertThat(first.attributes())
        .containsEntry("rpc.system.name", "connectrpc")
        .containsEntry("rpc.method", name)
        .containsEntry("rpc.response.status_code", "ok");
    Seen second = collector.span(grpc, name);
    assertThat(second.parent()).isEqualTo(CALLER);
    assertThat(second.attributes())
        .containsEntry("rpc.system.name", "grpc")
        .containsEntry("rpc.response.status_code", "OK");
  }

  private static void send(String type, String trace, HttpData body) {
    RequestHeaders headers =
        RequestHeaders.builder(HttpMethod.POST, "/mandate.agents.v1.AgentService/ListAgents")
            .add("content-type", type)
            .add("te", "trailers")
            .add("authorization", "Bearer " + owner.token())
            .add("traceparent", "00-" + trace + "-" + CALLER + "-01")
            .build();
    var answer =
        WebClient.of("h2c" + server.url().substring(4))
            .execute(HttpRequest.of(headers, body))
            .aggregate()
            .join();
    assertThat(answer.status().code()).isEqualTo(200);
    assertThat(answer.headers().get("x-trace-id")).isEqualTo(trace);
  }

  @Test
  void aTraceThatItsCallerDoesNotWantIsPassedOnAndNotSent() throws Exception {
    Rules.agent(owner, "Quiet");
    String trace = newTrace();
    RunWaits.over(owner, say("Quiet", "Hello.", "00-" + trace + "-" + CALLER + "-00"));
    assertThat(provider.requests())
        .anySatisfy(request ->
            assertThat(request.headers().getOrDefault("traceparent", ""))
                .startsWith("00-" + trace)
                .endsWith("-00"));
    // What began later has arrived.
    collector.span(trace(owner.get("/api/v1/me")), "GET /api/v1/me");
    assertThat(collector.trace(trace)).isEmpty();
  }

  @Test
  void aToolServerLearnsWhichCallItIsAPartOf() throws Exception {
    try (TracedTools tools = TracedTools.start()) {
      owner
          .post(
              "/api/v1/tool-sources:import",
              "{\"name\": \"far\", \"http\": {\"url\": \"" + tools.url() + "\"}}")
          .ok();
      TestServer.Answer answer = Rules.call(owner, "far/look", "{}");
      answer.ok();
      Seen tool = collector.span(trace(answer), "execute_tool far/look");
      assertThat(tools.header()).isEqualTo(tool.traceparent());
      assertThat(tools.meta()).isEqualTo(tool.traceparent());
      Seen call = collector.span(trace(answer), "POST /api/v1/tools/{id}:call");
      assertThat(tool.parent()).isEqualTo(call.id());
      assertThat(call.events())
          .extracting(event -> event.get("mandate.gate.decision"))
          .containsExactly("admitted");
    }
  }

  @Test
  void jobsAreSeen() {
    // What is left of a file that was taken back is collected by a job.
    String file =
        owner
            .post(
                "/api/v1/files",
                """
                {"name": "a.txt", "contentType": "text/plain", "size": "1", "sha256": "%s"}
                """
                    .formatted("0".repeat(64)))
            .ok()
            .at("/file/id")
            .textValue();
    owner.call("DELETE", "/api/v1/files/" + file, null).ok();
    Seen job = collector.one(span -> span.name().equals("job files.collect"));
    assertThat(job.attributes()).containsKeys("mandate.organization.id", "mandate.job.id");
    assertThat(String.valueOf(job.attributes().get("mandate.job.id")).replace("-", ""))
        .isEqualTo(job.trace());
  }

  @Test
  void aDeadOrSilentCollectorChangesNothingForCallers() throws Exception {
    try (Collector silent = Collector.silent()) {
      for (String url : List.of("http://127.0.0.1:1", silent.url())) {
        TestServer bothered = TestServer.on(TestDatabase.create(), Map.of(), Telemetry.to(url));
        for (int i = 0; i < 50; i++) {
          bothered.owner().get("/api/v1/me").ok();
        }
        if (url.endsWith(":1")) {
          await().atMost(Duration.ofSeconds(60)).until(() -> metric(bothered, "failed") > 0);
        }
        long begun = System.nanoTime();
        bothered.close();
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(15));
      }
    }
  }

  private static double metric(TestServer at, String outcome)
      throws IOException, InterruptedException {
    String page =
        HTTP.send(
                java.net.http.HttpRequest.newBuilder(URI.create(at.url() + "/metrics")).build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
    return page.lines()
        .filter(line -> line.startsWith("mandate_spans_total{outcome=\"" + outcome + "\"}"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }
}
