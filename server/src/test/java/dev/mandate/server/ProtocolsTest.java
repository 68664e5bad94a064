package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.api.agents.v1.GetAgentRequest;
import dev.mandate.api.agents.v1.ListAgentsRequest;
import dev.mandate.api.agents.v1.ListAgentsResponse;
import dev.mandate.api.runs.v1.ThreadEvent;
import dev.mandate.api.runs.v1.WatchThreadRequest;
import dev.mandate.server.Operations.Operation;
import dev.mandate.testing.TestDatabase;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * One operation, every protocol, one answer; and streams that lose nothing when they are dropped.
 */
@Timeout(300)
class ProtocolsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NOBODY = "01a1f90e-0000-7000-8000-000000000000";

  private static final MethodDescriptor<ListAgentsRequest, ListAgentsResponse> LIST_AGENTS =
      MethodDescriptor.<ListAgentsRequest, ListAgentsResponse>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("mandate.agents.v1.AgentService/ListAgents")
          .setRequestMarshaller(ProtoUtils.marshaller(ListAgentsRequest.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(ListAgentsResponse.getDefaultInstance()))
          .build();

  private static final MethodDescriptor<GetAgentRequest, dev.mandate.api.agents.v1.Agent>
      GET_AGENT =
          MethodDescriptor.<GetAgentRequest, dev.mandate.api.agents.v1.Agent>newBuilder()
              .setType(MethodDescriptor.MethodType.UNARY)
              .setFullMethodName("mandate.agents.v1.AgentService/GetAgent")
              .setRequestMarshaller(ProtoUtils.marshaller(GetAgentRequest.getDefaultInstance()))
              .setResponseMarshaller(
                  ProtoUtils.marshaller(dev.mandate.api.agents.v1.Agent.getDefaultInstance()))
              .build();

  private static final MethodDescriptor<WatchThreadRequest, ThreadEvent> WATCH =
      MethodDescriptor.<WatchThreadRequest, ThreadEvent>newBuilder()
          .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
          .setFullMethodName("mandate.runs.v1.RunService/WatchThread")
          .setRequestMarshaller(ProtoUtils.marshaller(WatchThreadRequest.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(ThreadEvent.getDefaultInstance()))
          .build();

  private static TestServer server;
  private static TestServer.Client owner;
  private static ManagedChannel channel;
  private static HttpClient http;

  @BeforeAll
  static void start() {
    server = TestServer.start();
    owner = server.owner();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
    http = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    channel.shutdownNow();
    http.close();
    server.close();
  }

  @Test
  void agentsAreTheSameOverRestConnectAndGrpc() throws Exception {
    List<String> rest = owner.get("/api/v1/agents").ok().get("agents").findValuesAsText("id");
    JsonNode connect = connect("/mandate.agents.v1.AgentService/ListAgents", "{}", 200);
    ListAgentsResponse grpc =
        ClientCalls.blockingUnaryCall(
            signedIn(), LIST_AGENTS, CallOptions.DEFAULT, ListAgentsRequest.getDefaultInstance());

    assertThat(rest).isNotEmpty();
    assertThat(connect.get("agents").findValuesAsText("id")).isEqualTo(rest);
    assertThat(grpc.getAgentsList().stream().map(agent -> agent.getId())).isEqualTo(rest);
  }

  @Test
  void anErrorHasTheSameCodeAndMessageInEveryProtocol() throws Exception {
    JsonNode rest = Objects.requireNonNull(owner.get("/api/v1/agents/" + NOBODY).body());
    JsonNode connect =
        connect("/mandate.agents.v1.AgentService/GetAgent", "{\"id\": \"" + NOBODY + "\"}", 404);

    assertThat(rest.get("code").textValue()).isEqualTo("not_found");
    assertThat(rest.get("trace_id").textValue()).hasSize(32);
    assertThat(connect.get("code").textValue()).isEqualTo("not_found");
    assertThat(connect.get("message")).isEqualTo(rest.get("message"));
    assertThatThrownBy(() ->
            ClientCalls.blockingUnaryCall(
                signedIn(),
                GET_AGENT,
                CallOptions.DEFAULT,
                GetAgentRequest.newBuilder().setId(NOBODY).build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
              assertThat(e.getStatus().getDescription()).isEqualTo(rest.get("message").textValue());
            });
  }

  @Test
  void anIdThatIsNoneIsRefusedByNameInEveryProtocol() throws Exception {
    List<Operation> operations =
        Operations.all().stream()
            .filter(operation -> operation.verb().equals("GET"))
            .filter(operation -> !operation.descriptor().isServerStreaming())
            .filter(operation ->
                operation.pathFields().stream().anyMatch(field -> field.getName().equals("id")))
            .toList();
    assertThat(operations).hasSizeGreaterThan(5);
    for (Operation operation : operations) {
      // Java's own reader takes the first for a UUID.
      for (String none : List.of("1-1-1-1-1", "null", "' or true --")) {
        ObjectNode request = operation.anyRequest().put("id", none);
        TestServer.Answer rest = operation.call(owner, request);
        assertThat(rest.status()).as(operation + " " + none).isEqualTo(400);
        JsonNode refusal = Objects.requireNonNull(rest.body());
        assertThat(refusal.path("message").textValue()).startsWith("id: not a UUID");
        assertThat(connect(operation.rpcPath(), request.toString(), 400).get("message"))
            .isEqualTo(refusal.get("message"));
      }
      assertThat(Rpc.grpc(server, operation, owner.token()))
          .isEqualTo(new Rpc.Refusal(3, "INVALID_ARGUMENT", "INVALID_FIELD"));
    }
  }

  @Test
  void aDroppedStreamGoesOnWhereItWasWithoutGapOrRepetition() throws Exception {
    String thread = owner.say("Operator", "Which agents do we have?");
    JsonNode run = owner.approveUntilOver(thread);
    assertThat(run.get("status").textValue()).isEqualTo("SUCCEEDED");

    List<String> whole = sse(thread, null, Integer.MAX_VALUE);
    assertThat(whole).hasSizeGreaterThan(8).doesNotHaveDuplicates();

    // Dropped after every few events, and taken up again with Last-Event-ID.
    List<String> pieces = new ArrayList<>();
    while (pieces.size() < whole.size()) {
      String last = pieces.isEmpty() ? null : pieces.getLast();
      pieces.addAll(sse(thread, last, Math.min(3, whole.size() - pieces.size())));
    }
    assertThat(pieces).isEqualTo(whole);
  }

  @Test
  void theStreamIsTheSameOverGrpc() throws Exception {
    String thread = owner.say("Operator", "Which agents do we have?");
    owner.approveUntilOver(thread);
    List<String> overSse = sse(thread, null, Integer.MAX_VALUE);

    Iterator<ThreadEvent> stream =
        ClientCalls.blockingServerStreamingCall(
            signedIn(),
            WATCH,
            CallOptions.DEFAULT,
            WatchThreadRequest.newBuilder().setThreadId(thread).build());
    List<String> overGrpc = new ArrayList<>();
    while (overGrpc.size() < overSse.size()) {
      String cursor = stream.next().getCursor();
      if (!cursor.isEmpty()) {
        overGrpc.add(cursor);
      }
    }
    assertThat(overGrpc).isEqualTo(overSse);
  }

  @Test
  void whoWatchesSeesTheTextAsItIsProduced() throws Exception {
    seesTheWholeText(server, owner);
  }

  /** The end of a run deletes its live text, which a busy watcher may not have read by then. */
  @Test
  void whoWatchesSeesTheWholeTextThoughTheRestOfItIsLost() throws Exception {
    try (TestDatabase database = TestDatabase.create()) {
      try (Connection connection = database.admin();
          Statement statement = connection.createStatement()) {
        statement.execute(
            """
            create function lose() returns trigger language plpgsql as 'begin return null; end';
            create trigger lose before insert on live_chunks
              for each row when (new."offset" > 300) execute function lose()
            """);
      }
      try (TestServer alone = TestServer.on(database, Map.of())) {
        seesTheWholeText(alone, alone.owner());
      }
    }
  }

  private static void seesTheWholeText(TestServer server, TestServer.Client owner)
      throws IOException {
    String thread = owner.say("Operator", "Please give me a long stream");
    StringBuilder live = new StringBuilder();
    String answer = "";
    try (BufferedReader events = open(server, owner, thread, null)) {
      String line;
      while (answer.isEmpty() && (line = events.readLine()) != null) {
        if (!line.startsWith("data:")) {
          continue;
        }
        JsonNode event = JSON.readTree(line.substring(5));
        if (event.has("text")) {
          assertThat(event.get("text").path("offset").asLong()).isEqualTo(live.length());
          live.append(event.get("text").get("text").textValue());
        } else if (event.path("message").path("author").asText().startsWith("agent:")) {
          answer = event.get("message").get("text").textValue();
        }
      }
    }
    assertThat(answer).hasSizeGreaterThan(1_000);
    assertThat(live.toString().strip()).isEqualTo(answer.strip());
  }

  /**
   * The cursors of a thread's stream from {@code after} to {@code most} events or its present end.
   */
  private static List<String> sse(String thread, @Nullable String after, int most)
      throws IOException {
    List<String> cursors = new ArrayList<>();
    long head = head(thread);
    try (BufferedReader events = open(server, owner, thread, after)) {
      String line;
      while (cursors.size() < most && (line = events.readLine()) != null) {
        if (line.startsWith("id:")) {
          cursors.add(line.substring(3).strip());
          if (Long.parseLong(cursors.getLast()) >= head) {
            return cursors;
          }
        }
      }
    }
    return cursors;
  }

  private static long head(String thread) {
    String run = owner.run(thread).get("id").textValue();
    // Every step is an event, and so are the messages; the run's last change comes after all.
    return owner.steps(run).size();
  }

  private static BufferedReader open(
      TestServer server, TestServer.Client owner, String thread, @Nullable String after) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server.url() + "/api/v1/threads/" + thread + "/events"))
            .header("accept", "text/event-stream")
            .header("authorization", "Bearer " + owner.token());
    if (after != null) {
      request.header("last-event-id", after);
    }
    try {
      HttpResponse<java.io.InputStream> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      assertThat(response.statusCode()).isEqualTo(200);
      return new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static JsonNode connect(String path, String json, int status) throws Exception {
    HttpResponse<String> response =
        http.send(
            HttpRequest.newBuilder(URI.create(server.url() + path))
                .header("content-type", "application/json")
                .header("connect-protocol-version", "1")
                .header("authorization", "Bearer " + owner.token())
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(response.statusCode()).isEqualTo(status);
    return JSON.readTree(response.body());
  }

  private static io.grpc.Channel signedIn() {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
        "Bearer " + owner.token());
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }
}
