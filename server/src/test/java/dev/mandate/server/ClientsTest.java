package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import dev.mandate.kernel.rpc.JsonCodec;
import dev.mandate.server.Operations.Operation;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every operation of the contract by clients that others wrote, over every protocol: the answer
 * that REST gives, or the same code, message and details when it is refused.
 */
class ClientsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path PROTOSET =
      Path.of("..", "api", "target", "classes", "mandate.protoset").toAbsolutePath().normalize();

  /** As many characters of instructions as {@code clients.mjs} sends, which are compressed. */
  private static final int LARGE = 20_000;

  /** What two calls need not agree about: it changes by itself, or by asking. */
  private static final Set<String> VOLATILE =
      Set.of(
          "mandate.identity.v1.Token.last_used_at",
          "mandate.files.v1.FileLink.url",
          "mandate.files.v1.FileLink.expires_at",
          "mandate.audit.v1.ListAuditCheckpointsResponse.checkpoints",
          "mandate.audit.v1.ExportAuditResponse.lines",
          "mandate.audit.v1.ExportAuditResponse.next_page_token");

  private static final List<Call> CALLS = new ArrayList<>();

  private static TestServer server;
  private static TestServer.Client owner;
  private static ManagedChannel channel;
  private static HttpClient http;

  /** How many events the thread has that is watched. */
  private static int events;

  /** Who calls, and what about. */
  private enum Case {
    /** Without a credential. */
    NOBODY,
    /** An owner: nothing is given but ids of what does not exist. */
    NOTHING,
    /** An owner: what exists is read. */
    SOMETHING
  }

  /**
   * A call.
   *
   * @param token empty for nobody's
   * @param expected how it ends over REST
   */
  private record Call(
      Operation operation, Case about, String token, ObjectNode request, Result expected) {
    boolean streams() {
      return operation.descriptor().isServerStreaming();
    }

    /** Of a stream that is not refused, whose end nobody waits for. */
    boolean endless() {
      return streams() && expected.refusal() == null;
    }

    @Override
    public String toString() {
      return operation + " " + about + " " + request;
    }
  }

  /**
   * How a call ended.
   *
   * @param answers one, or those of a stream that have a cursor; empty if it was refused
   */
  private record Result(List<Message> answers, @Nullable Refusal refusal) {}

  private record Refusal(String code, String message, Map<String, String> details) {}

  @BeforeAll
  static void start() throws Exception {
    server = TestServer.start();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
    http = HttpClient.newHttpClient();
    // An API token: one of the operations ends the session that it is called with.
    owner =
        server.client(
            server
                .owner()
                .post("/api/v1/tokens", "{\"name\": \"clients\", \"scopes\": [\"*\"]}")
                .ok()
                .get("secret")
                .textValue());
    Map<String, ObjectNode> something = something();
    for (Operation operation : Operations.all()) {
      CALLS.add(call(operation, Case.NOBODY, "", operation.anyRequest()));
      // Who calls makes no difference to what is public, and the eleventh bad token has to wait.
      if (!operation.rule().getPublic()) {
        CALLS.add(call(operation, Case.NOTHING, owner.token(), aboutNothing(operation)));
        if (operation.readsOnly()) {
          ObjectNode request = something.get(operation.name());
          Call reads =
              call(
                  operation,
                  Case.SOMETHING,
                  owner.token(),
                  request == null ? aboutSomething(operation) : request);
          assertThat(reads.expected().refusal()).as(reads.toString()).isNull();
          CALLS.add(reads);
        }
      }
    }
  }

  @AfterAll
  static void stop() {
    channel.shutdownNow();
    http.close();
    server.close();
  }

  /**
   * Makes one of everything that is read, and says how to read what only an address does not find,
   * or what does not stay as it is.
   */
  private static Map<String, ObjectNode> something() {
    String thread =
        owner.say(
            "Operator", "Which agents do we have? Then add one named Scribe that writes minutes.");
    JsonNode run = owner.approveUntilOver(thread);
    assertThat(run.get("status").textValue()).isEqualTo("SUCCEEDED");
    events = owner.steps(run.get("id").textValue()).size();
    owner
        .post(
            "/api/v1/files",
            "{\"name\": \"a.txt\", \"contentType\": \"text/plain\", \"size\": 1, \"sha256\": \"%s\"}"
                .formatted("0".repeat(64)))
        .ok();
    ObjectNode draft = Rules.draft("quiet", "");
    owner.post("/api/v1/policies", draft.toString()).ok();

    Map<String, ObjectNode> requests = new HashMap<>();
    // Calls are recorded: what was there before does not change by that.
    requests.put("AuditService.ListAuditEntries", older("/api/v1/audit"));
    requests.put("DecisionService.ListDecisions", older("/api/v1/decisions"));
    requests.put("JobService.ListJobs", object().put("state", "dead"));
    draft.remove("name");
    requests.put("PolicyService.TestPolicy", object().set("draft", draft));
    requests.put("PolicyService.SimulatePolicy", object().put("limit", 1).set("draft", draft));
    return requests;
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** Asks for what a list that is newest first has after the newest, once there is some. */
  private static ObjectNode older(String address) {
    String token =
        await()
            .atMost(Duration.ofSeconds(60))
            .until(
                () -> owner.get(address + "?pageSize=1").ok().path("nextPageToken").asText(),
                next -> !next.isEmpty());
    return object().put("pageSize", 5).put("pageToken", token);
  }

  /** A request in which each id is one of nothing, and so is where a list goes on. */
  private static ObjectNode aboutNothing(Operation operation) {
    ObjectNode request = operation.anyRequest();
    for (FieldDescriptor field : operation.descriptor().getInputType().getFields()) {
      String unknown = UUID.randomUUID().toString();
      if (field.getName().endsWith("_ids")) {
        request.putArray(field.getJsonName()).add(unknown);
      } else if (field.getName().endsWith("_id") && !request.has(field.getJsonName())) {
        request.put(field.getJsonName(), unknown);
      } else if (field.getName().equals("page_token")) {
        request.put(field.getJsonName(), "nowhere");
      }
    }
    return request;
  }

  /** A request about the first of the list that is at the beginning of the operation's address. */
  private static ObjectNode aboutSomething(Operation operation) {
    ObjectNode request = object();
    for (FieldDescriptor field : operation.pathFields()) {
      String list = operation.template().substring(0, operation.template().indexOf("/{"));
      JsonNode first =
          owner
              .get(list)
              .ok()
              .valueStream()
              .filter(JsonNode::isArray)
              .findFirst()
              .orElseThrow()
              .path(0);
      String name = field.getJsonName();
      request.set(name, first.has(name) ? first.get(name) : first.path("id"));
    }
    return request;
  }

  private static Call call(Operation operation, Case about, String token, ObjectNode request)
      throws Exception {
    Result expected =
        operation.descriptor().isServerStreaming()
            ? watched(operation, token, request)
            : answered(operation, operation.call(server.client(token), request));
    return new Call(operation, about, token, request, expected);
  }

  private static Call named(String operation, Case about) {
    return CALLS.stream()
        .filter(call -> call.about() == about && call.operation().name().equals(operation))
        .findFirst()
        .orElseThrow();
  }

  private static Result answered(Operation operation, TestServer.Answer answer) {
    JsonNode body = Objects.requireNonNull(answer.body());
    return answer.status() == 200 ? answer(operation, List.of(body)) : restRefusal(body);
  }

  /** Server-Sent Events. */
  private static Result watched(Operation operation, String token, ObjectNode request)
      throws Exception {
    HttpRequest.Builder get =
        HttpRequest.newBuilder(URI.create(server.url() + operation.address(request)));
    if (!token.isEmpty()) {
      get.header("authorization", "Bearer " + token);
    }
    HttpResponse<Stream<String>> response =
        http.send(get.build(), HttpResponse.BodyHandlers.ofLines());
    try (Stream<String> lines = response.body()) {
      return response.statusCode() == 200
          ? answer(operation, kept(lines).limit(events).toList())
          : restRefusal(JSON.readTree(lines.collect(Collectors.joining())));
    }
  }

  /** Of the lines of a stream, the events that have a cursor: live text, which has none, passes. */
  private static Stream<JsonNode> kept(Stream<String> lines) {
    return lines
        .filter(line -> line.startsWith("data:"))
        .map(line -> parsed(line.substring(5)))
        .filter(event -> !event.path("cursor").asText().isEmpty());
  }

  private static JsonNode parsed(String json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(json, e);
    }
  }

  private static Result answer(Operation operation, Iterable<JsonNode> answers) {
    Message type = DynamicMessage.getDefaultInstance(operation.descriptor().getOutputType());
    List<Message> messages = new ArrayList<>();
    answers.forEach(answer -> messages.add(steady(JsonCodec.read(answer.toString(), type))));
    return new Result(messages, null);
  }

  private static Message steady(Message message) {
    Message.Builder steady = message.toBuilder();
    message
        .getAllFields()
        .forEach((field, value) -> {
          if (VOLATILE.contains(field.getFullName())) {
            steady.clearField(field);
          } else if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
              && !field.isMapField()) {
            if (value instanceof List<?> list) {
              steady.clearField(field);
              list.forEach(each -> steady.addRepeatedField(field, steady((Message) each)));
            } else {
              steady.setField(field, steady((Message) value));
            }
          }
        });
    return steady.build();
  }

  /** A refusal in REST's shape. */
  private static Result restRefusal(JsonNode body) {
    Map<String, String> details = new HashMap<>();
    body.get("details").properties().forEach(e -> details.put(e.getKey(), e.getValue().asText()));
    return refusal(body.get("code").asText(), body.get("message").asText(), details);
  }

  /** A refusal in Connect's shape. */
  private static Result connectRefusal(JsonNode error) throws IOException {
    ErrorInfo info = null;
    for (JsonNode detail : error.path("details")) {
      if (detail.get("type").textValue().equals("google.rpc.ErrorInfo")) {
        byte[] value = Base64.getDecoder().decode(detail.get("value").textValue());
        info = ErrorInfo.parseFrom(value);
      }
    }
    return refusal(error.get("code").textValue(), error.get("message").textValue(), info);
  }

  private static Result refusal(String code, String message, @Nullable ErrorInfo info) {
    Map<String, String> details = new HashMap<>();
    if (info != null) {
      details.putAll(info.getMetadataMap());
      details.put("reason", info.getReason());
    }
    return refusal(code, message, details);
  }

  private static Result refusal(String code, String message, Map<String, String> details) {
    return new Result(List.of(), new Refusal(code, message, details));
  }

  @Test
  void everyOperationIsRefusedAndWhatReadsIsReadAsWell() {
    assertThat(CALLS.stream().map(Call::operation).distinct()).isEqualTo(Operations.all());
    assertThat(CALLS)
        .filteredOn(call -> call.about() == Case.NOBODY)
        .allSatisfy(call -> assertThat(call.expected().refusal()).isNotNull());
    assertThat(CALLS)
        .filteredOn(call -> call.about() == Case.NOTHING && !call.operation().readsOnly())
        .filteredOn(call -> call.expected().refusal() == null)
        .extracting(call -> call.operation().name())
        // Nothing is changed, nothing is erased.
        .containsExactlyInAnyOrder("MeService.UpdateMe", "DecisionService.EraseDecisions");
    assertThat(named("RunService.WatchThread", Case.SOMETHING).expected().answers())
        .hasSize(events)
        .hasSizeGreaterThan(8);
  }

  @Test
  void connectNodeOverConnectGrpcAndGrpcWeb() throws Exception {
    Path folder = ForeignClients.installed();
    ArrayNode asked = JSON.createArrayNode();
    for (Call call : CALLS) {
      asked
          .addObject()
          .put("method", call.operation().rpcPath().substring(1))
          .put("token", call.token())
          .put("take", events)
          .set("request", call.request());
    }
    Path calls = folder.resolve("calls.json");
    Files.writeString(calls, asked.toString());
    ForeignClients.Output output =
        ForeignClients.run(
            folder,
            List.of(
                "node",
                "clients.mjs",
                server.url(),
                owner.token(),
                PROTOSET.toString(),
                calls.toString()));
    Files.delete(calls);
    assertThat(output.code()).as(output.err()).isZero();

    SoftAssertions all = new SoftAssertions();
    Map<String, Integer> made = new HashMap<>();
    for (String line : output.out().lines().toList()) {
      JsonNode done = JSON.readTree(line);
      String client = done.get("client").textValue();
      if (done.has("call")) {
        Call call = CALLS.get(done.get("call").intValue());
        check(all, client, call, node(call, done));
        made.merge(client, 1, Integer::sum);
      } else {
        all.assertThat(done.path("answers").asInt())
            .as("%s: large %s", client, done)
            .isEqualTo(LARGE);
      }
    }
    all.assertAll();
    assertThat(made).hasSize(6);
    assertThat(made.values()).containsOnly(CALLS.size());
  }

  private static Result node(Call call, JsonNode done) throws IOException {
    return done.has("error")
        ? connectRefusal(done.get("error"))
        : answer(call.operation(), done.get("answers"));
  }

  private static void check(SoftAssertions all, String client, Call call, Result result) {
    all.assertThat(result).as("%s: %s", client, call).isEqualTo(call.expected());
  }

  @Test
  void grpcJava() {
    SoftAssertions all = new SoftAssertions();
    for (Call call : CALLS) {
      check(all, "grpc-java", call, grpc(call));
    }
    all.assertAll();
  }

  private static Result grpc(Call call) {
    var contract = call.operation().descriptor();
    Message request = DynamicMessage.getDefaultInstance(contract.getInputType());
    Message response = DynamicMessage.getDefaultInstance(contract.getOutputType());
    MethodDescriptor<Message, Message> method =
        MethodDescriptor.<Message, Message>newBuilder()
            .setType(
                call.streams()
                    ? MethodDescriptor.MethodType.SERVER_STREAMING
                    : MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(call.operation().rpcPath().substring(1))
            .setRequestMarshaller(ProtoUtils.marshaller(request))
            .setResponseMarshaller(ProtoUtils.marshaller(response))
            .build();
    Metadata headers = new Metadata();
    if (!call.token().isEmpty()) {
      headers.put(
          Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
          "Bearer " + call.token());
    }
    io.grpc.Channel as =
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
    CallOptions options = CallOptions.DEFAULT.withCompression("gzip");
    Message message = JsonCodec.read(call.request().toString(), request);
    try {
      if (!call.streams()) {
        Message answer = ClientCalls.blockingUnaryCall(as, method, options, message);
        return new Result(List.of(steady(answer)), null);
      }
      FieldDescriptor cursor = contract.getOutputType().findFieldByName("cursor");
      Iterator<Message> stream =
          ClientCalls.blockingServerStreamingCall(as, method, options, message);
      List<Message> answers = new ArrayList<>();
      while (answers.size() < events) {
        Message next = stream.next();
        if (!next.getField(cursor).equals("")) {
          answers.add(steady(next));
        }
      }
      return new Result(answers, null);
    } catch (StatusRuntimeException e) {
      return refusal(
          e.getStatus().getCode().name().toLowerCase(Locale.ROOT),
          String.valueOf(e.getStatus().getDescription()),
          info(e));
    }
  }

  private static @Nullable ErrorInfo info(StatusRuntimeException e) {
    try {
      com.google.rpc.Status status = StatusProto.fromThrowable(e);
      return status == null || status.getDetailsCount() == 0
          ? null
          : status.getDetails(0).unpack(ErrorInfo.class);
    } catch (InvalidProtocolBufferException broken) {
      throw new AssertionError(broken);
    }
  }

  /** A process for each call: one of each kind. */
  @Test
  void bufCurlOverConnectGrpcAndGrpcWeb() throws Exception {
    Path buf = ForeignClients.buf();
    SoftAssertions all = new SoftAssertions();
    for (String protocol : List.of("connect", "grpc", "grpcweb")) {
      for (Call call :
          List.of(
              named("AgentService.ListAgents", Case.SOMETHING),
              named("AgentService.ListAgents", Case.NOBODY),
              named("AgentService.GetAgent", Case.NOTHING),
              named("AgentService.CreateAgent", Case.NOTHING),
              named("RunService.WatchThread", Case.SOMETHING),
              named("RunService.WatchThread", Case.NOTHING))) {
        check(all, "buf " + protocol, call, buf(buf, protocol, call));
      }
    }
    all.assertAll();
  }

  /**
   * Over gRPC with the schema that the server tells of itself; Connect has no reflection without a
   * stream of requests.
   */
  private static Result buf(Path buf, String protocol, Call call) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                buf.toString(),
                "curl",
                "--protocol",
                protocol,
                "--http2-prior-knowledge",
                protocol.equals("connect")
                    ? "--schema=" + PROTOSET + "#format=binpb"
                    : "--reflect-protocol=grpc-v1"));
    if (!call.token().isEmpty()) {
      command.addAll(List.of("-H", "authorization: Bearer " + call.token()));
    }
    command.addAll(
        List.of("-d", call.request().toString(), server.url() + call.operation().rpcPath()));
    Path folder = Path.of("target");
    if (call.endless()) {
      return answer(call.operation(), ForeignClients.read(folder, command, ClientsTest::printed));
    }
    ForeignClients.Output output = ForeignClients.run(folder, command);
    if (output.code() == 0) {
      return answer(call.operation(), List.of(JSON.readTree(output.out())));
    }
    assertThat(output.err()).startsWith("{");
    return connectRefusal(JSON.readTree(output.err()));
  }

  private static List<JsonNode> printed(InputStream out) throws IOException {
    List<JsonNode> answers = new ArrayList<>();
    try (MappingIterator<JsonNode> printed = JSON.readerFor(JsonNode.class).readValues(out)) {
      while (answers.size() < events) {
        JsonNode next = printed.nextValue();
        if (next.has("cursor")) {
          answers.add(next);
        }
      }
    }
    return answers;
  }

  /** All calls by one process: each by REST, by Connect and, if it reads, by Connect's GET. */
  @Test
  void plainCurlOverRestAndConnect() throws Exception {
    requireCurl();
    record Sent(String client, Call call) {}
    List<Sent> sent = new ArrayList<>();
    List<String> sections = new ArrayList<>();
    for (Call call : CALLS) {
      Operation operation = call.operation();
      String json = call.request().toString();
      if (!call.endless()) {
        sent.add(new Sent("curl rest", call));
        sections.add(
            section(
                call,
                operation.verb(),
                operation.address(call.request()),
                operation.body(call.request())));
      }
      // A stream of Connect has envelopes, which curl does not know.
      if (!call.streams()) {
        sent.add(new Sent("curl connect", call));
        sections.add(section(call, "POST", operation.rpcPath(), json));
        if (operation.verb().equals("GET")) {
          sent.add(new Sent("curl connect GET", call));
          String message = URLEncoder.encode(json, StandardCharsets.UTF_8);
          String query = "?connect=v1&encoding=json&message=" + message;
          sections.add(section(call, "GET", operation.rpcPath() + query, null));
        }
      }
    }
    Path config = Files.createTempFile(Path.of("target"), "curl", ".config");
    Files.writeString(config, String.join("next\n", sections));
    ForeignClients.Output output =
        ForeignClients.run(
            Path.of("target"), List.of("curl", "--config", config.toAbsolutePath().toString()));
    Files.delete(config);
    assertThat(output.code()).as(output.err()).isZero();

    List<String> lines = output.out().lines().toList();
    assertThat(lines).hasSameSizeAs(sent);
    SoftAssertions all = new SoftAssertions();
    for (int i = 0; i < lines.size(); i++) {
      Sent one = sent.get(i);
      int tab = lines.get(i).lastIndexOf('\t');
      JsonNode body = JSON.readTree(lines.get(i).substring(0, tab));
      Result result;
      if (lines.get(i).substring(tab + 1).equals("200")) {
        result = answer(one.call().operation(), List.of(body));
      } else {
        result = one.client().equals("curl rest") ? restRefusal(body) : connectRefusal(body);
      }
      check(all, one.client(), one.call(), result);
    }
    all.assertAll();
  }

  private static void requireCurl() {
    Assumptions.assumeTrue(ForeignClients.exists("curl"), "curl is not on the PATH");
  }

  /** One call in curl's configuration: it prints the body, a tab and the status. */
  private static String section(Call call, String verb, String address, @Nullable String body) {
    StringBuilder section = new StringBuilder("silent\nshow-error\ncompressed\ngloboff\n");
    option(section, "url", server.url() + address);
    option(section, "request", verb);
    section.append("write-out = \"\\t%{http_code}\\n\"\n");
    if (!call.token().isEmpty()) {
      option(section, "header", "authorization: Bearer " + call.token());
    }
    if (body != null) {
      option(section, "header", "content-type: application/json");
      option(section, "data-raw", body);
    }
    return section.toString();
  }

  private static void option(StringBuilder section, String name, String value) {
    section
        .append(name)
        .append(" = \"")
        .append(value.replace("\\", "\\\\").replace("\"", "\\\""))
        .append("\"\n");
  }

  @Test
  void plainCurlComesBackToAStream() throws Exception {
    requireCurl();
    Call watch = named("RunService.WatchThread", Case.SOMETHING);
    List<JsonNode> seen = new ArrayList<>();
    while (seen.size() < events) {
      int most = Math.min(3, events - seen.size());
      List<String> command =
          new ArrayList<>(
              List.of(
                  "curl",
                  "--silent",
                  "--show-error",
                  "--no-buffer",
                  "--header",
                  "authorization: Bearer " + watch.token(),
                  server.url() + watch.operation().address(watch.request())));
      if (!seen.isEmpty()) {
        String last = seen.getLast().get("cursor").textValue();
        command.addAll(List.of("--header", "last-event-id: " + last));
      }
      seen.addAll(
          ForeignClients.read(
              Path.of("target"),
              command,
              out ->
                  kept(new BufferedReader(new InputStreamReader(out, StandardCharsets.UTF_8))
                          .lines())
                      .limit(most)
                      .toList()));
    }
    assertThat(answer(watch.operation(), seen)).isEqualTo(watch.expected());
  }
}
