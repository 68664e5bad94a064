package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import dev.mandate.api.agents.v1.AgentsProto;
import dev.mandate.api.agents.v1.ListAgentsResponse;
import dev.mandate.api.runs.v1.RunsProto;
import dev.mandate.kernel.rpc.JsonCodec;
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
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The same operations by clients that others wrote, over every protocol: the same answers, and the
 * same code, message and details when they are refused.
 */
class ClientsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path PROTOSET =
      Path.of("..", "api", "target", "classes", "mandate.protoset").toAbsolutePath().normalize();
  private static final String NOBODY = "01a1f90e-0000-7000-8000-000000000000";
  private static final String AGENTS = "mandate.agents.v1.AgentService";
  private static final String RUNS = "mandate.runs.v1.RunService";

  /** As many characters of instructions as {@code clients.mjs} sends, which are compressed. */
  private static final String LARGE = "20000";

  /** What is expected of each operation: the answer REST gives. */
  private static final Map<String, Result> EXPECTED = new LinkedHashMap<>();

  private static TestServer server;
  private static TestServer.Client owner;
  private static ManagedChannel channel;
  private static String thread;
  private static int events;

  /**
   * How a call ended.
   *
   * @param answer as text that can be compared; null if it was refused
   */
  private record Result(@Nullable String answer, @Nullable Refusal refusal) {}

  private record Refusal(String code, String message, String reason, Map<String, String> details) {}

  @BeforeAll
  static void start() throws IOException {
    server = TestServer.start();
    owner = server.owner();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
    thread = owner.say("Operator", "Which agents do we have?");
    owner.approveUntilOver(thread);

    List<String> cursors = new ArrayList<>();
    events = owner.steps(owner.run(thread).get("id").textValue()).size();
    for (int i = 1; i <= events; i++) {
      cursors.add(Integer.toString(i));
    }
    EXPECTED.put("missing", rest(owner.get("/api/v1/agents/" + NOBODY)));
    EXPECTED.put("no id", rest(owner.get("/api/v1/agents/x")));
    EXPECTED.put("no name", rest(owner.post("/api/v1/agents", "{\"instructions\": \"none\"}")));
    EXPECTED.put("nobody", rest(server.client("nobody").get("/api/v1/agents")));
    EXPECTED.put("large", new Result(LARGE, null));
    EXPECTED.put("watch", new Result(String.join(",", cursors), null));
    EXPECTED.put("watch nothing", rest(owner.get("/api/v1/threads/" + NOBODY + "/events")));
  }

  @AfterAll
  static void stop() {
    channel.shutdownNow();
    server.close();
  }

  private static Result rest(TestServer.Answer answer) {
    JsonNode body = Objects.requireNonNull(answer.body());
    assertThat(answer.status()).isGreaterThanOrEqualTo(400);
    Map<String, String> details = new LinkedHashMap<>();
    body.get("details").properties().forEach(e -> details.put(e.getKey(), e.getValue().asText()));
    String reason = Objects.requireNonNull(details.remove("reason"));
    return new Result(
        null,
        new Refusal(body.get("code").asText(), body.get("message").asText(), reason, details));
  }

  /** The agents as REST lists them now: others may have been made meanwhile. */
  private static Result agents() {
    return new Result(agents(owner.get("/api/v1/agents").ok().toString()), null);
  }

  /** The fields that no call changes, whatever the order of keys and the zeros left out. */
  private static String agents(String json) {
    ListAgentsResponse list =
        (ListAgentsResponse) JsonCodec.read(json, ListAgentsResponse.getDefaultInstance());
    return JsonCodec.text(list);
  }

  private static void check(String client, String operation, Result result) {
    Result expected = operation.equals("list") ? agents() : EXPECTED.get(operation);
    assertThat(result).as(client + ": " + operation).isEqualTo(expected);
  }

  @Test
  void connectNodeOverConnectGrpcAndGrpcWeb() throws Exception {
    Path folder = ForeignClients.installed();
    ForeignClients.Output output =
        ForeignClients.run(
            folder,
            List.of(
                "node",
                "clients.mjs",
                server.url(),
                owner.token(),
                PROTOSET.toString(),
                thread,
                Integer.toString(events)));
    assertThat(output.code()).as(output.err()).isZero();
    List<String> lines = output.out().lines().toList();
    assertThat(lines).hasSize(6 * 8);
    for (String line : lines) {
      JsonNode call = JSON.readTree(line);
      String operation = call.get("operation").textValue();
      if (operation.equals("list")) {
        // Agents were made since: the list is compared where nothing is made in between.
        assertThat(agents(call.get("answer").toString())).contains("Operator");
      } else {
        check(call.get("client").textValue(), operation, node(call));
      }
    }
  }

  private static Result node(JsonNode call) throws IOException {
    if (call.has("error")) {
      return refusal(call.get("error"));
    }
    JsonNode answer = call.path("answer");
    if (answer instanceof ArrayNode array) {
      List<String> texts = new ArrayList<>();
      array.forEach(text -> texts.add(text.asText()));
      return new Result(String.join(",", texts), null);
    }
    return new Result(answer.asText(), null);
  }

  /** A refusal in Connect's shape. */
  private static Result refusal(JsonNode error) throws IOException {
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
    ErrorInfo known = Objects.requireNonNull(info, code + " " + message);
    return new Result(null, new Refusal(code, message, known.getReason(), known.getMetadataMap()));
  }

  @Test
  void bufCurlOverConnectGrpcAndGrpcWeb() throws Exception {
    Path buf = ForeignClients.buf();
    for (String protocol : List.of("connect", "grpc", "grpcweb")) {
      check(protocol, "list", buf(buf, protocol, AGENTS + "/ListAgents", "{}", owner.token()));
      check(
          protocol, "missing", buf(buf, protocol, AGENTS + "/GetAgent", id(NOBODY), owner.token()));
      check(protocol, "nobody", buf(buf, protocol, AGENTS + "/ListAgents", "{}", "nobody"));
      check(
          protocol,
          "watch nothing",
          buf(
              buf,
              protocol,
              RUNS + "/WatchThread",
              "{\"threadId\":\"" + NOBODY + "\"}",
              owner.token()));
    }
  }

  private static String id(String id) {
    return "{\"id\":\"" + id + "\"}";
  }

  /**
   * Over gRPC with the schema that the server tells of itself; Connect has no reflection without a
   * stream of requests.
   */
  private static Result buf(Path buf, String protocol, String method, String json, String token)
      throws IOException {
    ForeignClients.Output output =
        ForeignClients.run(
            Path.of("target"),
            List.of(
                buf.toString(),
                "curl",
                "--protocol",
                protocol,
                "--http2-prior-knowledge",
                protocol.equals("connect")
                    ? "--schema=" + PROTOSET + "#format=binpb"
                    : "--reflect-protocol=grpc-v1",
                "-H",
                "authorization: Bearer " + token,
                "-d",
                json,
                server.url() + "/" + method));
    if (output.code() == 0) {
      return new Result(agents(output.out()), null);
    }
    assertThat(output.err()).startsWith("{");
    return refusal(JSON.readTree(output.err()));
  }

  @Test
  void plainCurlOverRestAndConnect() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeTrue(
        ForeignClients.exists("curl"), "curl is not on the PATH");
    String connect = server.url() + "/" + AGENTS;
    List<String> json = List.of("-H", "content-type: application/json", "-d");
    check("curl rest", "list", curl(List.of(server.url() + "/api/v1/agents")));
    check("curl connect", "list", curl(json, "{}", connect + "/ListAgents"));
    check("curl connect", "missing", curl(json, id(NOBODY), connect + "/GetAgent"));
    check("curl connect", "no id", curl(json, id("x"), connect + "/GetAgent"));
    String get = "?connect=v1&encoding=json&message=";
    check(
        "curl connect GET",
        "missing",
        curl(
            List.of(
                connect
                    + "/GetAgent"
                    + get
                    + URLEncoder.encode(id(NOBODY), StandardCharsets.UTF_8))));
    check("curl connect GET", "list", curl(List.of(connect + "/ListAgents" + get + "%7B%7D")));
  }

  private static Result curl(List<String> before, String body, String url) throws IOException {
    List<String> arguments = new ArrayList<>(before);
    arguments.add(body);
    arguments.add(url);
    return curl(arguments);
  }

  private static Result curl(List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of("curl", "-sS", "--compressed", "-H", "authorization: Bearer " + owner.token()));
    command.addAll(arguments);
    ForeignClients.Output output = ForeignClients.run(Path.of("target"), command);
    assertThat(output.code()).as(output.err()).isZero();
    JsonNode body = JSON.readTree(output.out());
    return body.has("code") ? refusal(body) : new Result(agents(output.out()), null);
  }

  @Test
  void grpcJava() {
    check("grpc-java", "list", grpc(AGENTS, "ListAgents", "{}", owner.token()));
    check("grpc-java", "missing", grpc(AGENTS, "GetAgent", id(NOBODY), owner.token()));
    check("grpc-java", "no id", grpc(AGENTS, "GetAgent", id("x"), owner.token()));
    check(
        "grpc-java",
        "no name",
        grpc(AGENTS, "CreateAgent", "{\"instructions\":\"none\"}", owner.token()));
    check("grpc-java", "nobody", grpc(AGENTS, "ListAgents", "{}", "nobody"));
    check(
        "grpc-java",
        "watch nothing",
        grpc(RUNS, "WatchThread", "{\"threadId\":\"" + NOBODY + "\"}", owner.token()));
  }

  private static Result grpc(String service, String name, String json, String token) {
    com.google.protobuf.Descriptors.MethodDescriptor contract =
        (service.equals(AGENTS) ? AgentsProto.getDescriptor() : RunsProto.getDescriptor())
            .findServiceByName(service.substring(service.lastIndexOf('.') + 1))
            .findMethodByName(name);
    Message request = DynamicMessage.getDefaultInstance(contract.getInputType());
    Message response = DynamicMessage.getDefaultInstance(contract.getOutputType());
    MethodDescriptor<Message, Message> method =
        MethodDescriptor.<Message, Message>newBuilder()
            .setType(
                contract.isServerStreaming()
                    ? MethodDescriptor.MethodType.SERVER_STREAMING
                    : MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(service + "/" + name)
            .setRequestMarshaller(ProtoUtils.marshaller(request))
            .setResponseMarshaller(ProtoUtils.marshaller(response))
            .build();
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    io.grpc.Channel signedIn =
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
    CallOptions options = CallOptions.DEFAULT.withCompression("gzip");
    Callable<Message> call =
        () -> {
          Message message = JsonCodec.read(json, request);
          if (!contract.isServerStreaming()) {
            return ClientCalls.blockingUnaryCall(signedIn, method, options, message);
          }
          Iterator<Message> stream =
              ClientCalls.blockingServerStreamingCall(signedIn, method, options, message);
          return stream.next();
        };
    try {
      return new Result(agents(JsonCodec.text(call.call())), null);
    } catch (StatusRuntimeException e) {
      return refusal(
          e.getStatus().getCode().name().toLowerCase(Locale.ROOT),
          String.valueOf(e.getStatus().getDescription()),
          info(e));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static @Nullable ErrorInfo info(StatusRuntimeException e) {
    try {
      return Objects.requireNonNull(StatusProto.fromThrowable(e))
          .getDetails(0)
          .unpack(ErrorInfo.class);
    } catch (InvalidProtocolBufferException broken) {
      throw new AssertionError(broken);
    }
  }
}
