package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import dev.mandate.kernel.rpc.notes.CreateNoteRequest;
import dev.mandate.kernel.rpc.notes.GetNoteRequest;
import dev.mandate.kernel.rpc.notes.Note;
import dev.mandate.kernel.rpc.notes.NoteEvent;
import dev.mandate.kernel.rpc.notes.WatchNotesRequest;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** One operation, every protocol: the same answers and the same refusals. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProtocolsTest {
  private static final String SERVICE = "mandate.notes.v1.NoteService";

  private RpcServer server;
  private ManagedChannel channel;

  @BeforeAll
  void start() {
    server = new RpcServer().start();
    channel =
        ManagedChannelBuilder.forAddress("127.0.0.1", server.http.port()).usePlaintext().build();
  }

  @AfterAll
  void stop() throws Exception {
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    server.close();
  }

  private io.grpc.Channel as(String token) {
    return as(channel, token);
  }

  private static io.grpc.Channel as(ManagedChannel channel, String token) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static <Q extends Message, R extends Message> MethodDescriptor<Q, R> method(
      String name, Q request, R response, MethodDescriptor.MethodType type) {
    return MethodDescriptor.<Q, R>newBuilder()
        .setType(type)
        .setFullMethodName(SERVICE + "/" + name)
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }

  private Note grpcCreate(String token, CreateNoteRequest request) {
    return grpcCreate(as(token), request);
  }

  private static Note grpcCreate(io.grpc.Channel as, CreateNoteRequest request) {
    return ClientCalls.blockingUnaryCall(
        as,
        method(
            "CreateNote",
            CreateNoteRequest.getDefaultInstance(),
            Note.getDefaultInstance(),
            MethodDescriptor.MethodType.UNARY),
        CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS),
        request);
  }

  private HttpResponse<byte[]> connect(String method, Message request) throws Exception {
    return server.sendForBytes(
        server
            .request("/" + SERVICE + "/" + method)
            .setHeader("content-type", "application/proto")
            .POST(BodyPublishers.ofByteArray(request.toByteArray())));
  }

  @Test
  void oneOperationAnswersTheSameByEveryProtocol() throws Exception {
    CreateNoteRequest request =
        CreateNoteRequest.newBuilder().setTitle("plan").addTags("a").build();
    String json = "{\"title\":\"plan\",\"tags\":[\"a\"]}";

    HttpResponse<String> rest = server.post("/api/v1/notes", json);
    HttpResponse<String> connectJson = server.post("/" + SERVICE + "/CreateNote", json);
    HttpResponse<byte[]> connectProto = connect("CreateNote", request);
    Note grpc = grpcCreate("ann", request);

    assertThat(rest.statusCode()).isEqualTo(200);
    assertThat(rest.headers().firstValue("content-type"))
        .hasValue("application/json; charset=utf-8");
    assertThat(rest.headers().firstValue("x-trace-id").orElseThrow()).hasSize(32);
    assertThat(connectJson.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(connectProto.headers().firstValue("content-type")).hasValue("application/proto");
    for (Note note :
        List.of(
            note(rest.body()),
            note(connectJson.body()),
            Note.parseFrom(connectProto.body()),
            grpc)) {
      assertThat(note.getTitle()).isEqualTo("plan");
      assertThat(note.getTagsList()).containsExactly("a");
      assertThat(note.getVersion()).isEqualTo(1L << 60);
      assertThat(Scalars.text(note.getCreatedAt())).isEqualTo("2023-11-14T22:13:20.005Z");
    }
    assertThat(rest.body())
        .contains("\"version\":\"1152921504606846976\"")
        .contains("\"createdAt\":\"2023-11-14T22:13:20.005Z\"")
        .contains("\"text\":\"\"")
        .contains("\"color\":\"COLOR_UNSPECIFIED\"")
        .doesNotContain("shelf");
  }

  private static String utf8(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static Note note(String json) {
    return (Note) JsonCodec.read(json, Note.getDefaultInstance());
  }

  @Test
  void oneRefusalIsTheSameByEveryProtocol() throws Exception {
    CreateNoteRequest request = CreateNoteRequest.newBuilder().setTitle("taken").build();

    HttpResponse<String> rest = server.post("/api/v1/notes", "{\"title\":\"taken\"}");
    assertThat(rest.statusCode()).isEqualTo(409);
    assertThat(rest.body())
        .startsWith(
            "{\"code\":\"already_exists\",\"message\":\"there is a note 'taken'\","
                + "\"details\":{\"reason\":\"TITLE_TAKEN\",\"title\":\"taken\"},\"trace_id\":\"");

    HttpResponse<String> connect =
        server.post("/" + SERVICE + "/CreateNote", "{\"title\":\"taken\"}");
    assertThat(connect.statusCode()).isEqualTo(409);
    assertThat(connect.body()).startsWith("{\"code\":\"already_exists\",\"message\":\"there is");
    assertThat(connectInfo(connect.body()).getReason()).isEqualTo("TITLE_TAKEN");

    assertThatThrownBy(() -> grpcCreate("ann", request))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.ALREADY_EXISTS);
              assertThat(e.getStatus().getDescription()).isEqualTo("there is a note 'taken'");
              assertThat(grpcInfo(e).getReason()).isEqualTo("TITLE_TAKEN");
              assertThat(grpcInfo(e).getMetadataMap()).containsEntry("title", "taken");
            });
  }

  private static ErrorInfo connectInfo(String body) throws InvalidProtocolBufferException {
    int start = body.indexOf("\"value\":\"") + 9;
    return ErrorInfo.parseFrom(
        Base64.getDecoder().decode(body.substring(start, body.indexOf('"', start))));
  }

  private static ErrorInfo grpcInfo(StatusRuntimeException e) {
    try {
      return StatusProto.fromThrowable(e).getDetails(0).unpack(ErrorInfo.class);
    } catch (InvalidProtocolBufferException broken) {
      throw new AssertionError(broken);
    }
  }

  @Test
  void anIdempotencyKeyIsTheSameInEveryProtocolAndEachPrincipalsOwn() throws Exception {
    int before = server.notes.created.get();
    String json = "{\"title\":\"once\",\"tags\":[\"a\"]}";
    CreateNoteRequest once = CreateNoteRequest.newBuilder().setTitle("once").addTags("a").build();

    Note first = note(keyed("ann", "/api/v1/notes", json).body());
    assertThat(keyedNotes("ann", json, once)).containsOnly(first);
    assertThat(server.notes.created.get()).isEqualTo(before + 1);

    String other = "{\"title\":\"other\"}";
    HttpResponse<String> rest = keyed("ann", "/api/v1/notes", other);
    assertThat(rest.statusCode()).isEqualTo(422);
    assertThat(rest.body()).contains("\"reason\":\"IDEMPOTENCY_KEY_REUSED\"");
    HttpResponse<String> connect = keyed("ann", "/" + SERVICE + "/CreateNote", other);
    assertThat(connect.statusCode()).isEqualTo(400);
    assertThat(connectInfo(connect.body()).getReason()).isEqualTo("IDEMPOTENCY_KEY_REUSED");
    assertThatThrownBy(() ->
            grpcCreate(asKeyed("ann"), CreateNoteRequest.newBuilder().setTitle("other").build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
              assertThat(grpcInfo(e).getReason()).isEqualTo("IDEMPOTENCY_KEY_REUSED");
            });
    assertThat(server.notes.created.get()).isEqualTo(before + 1);

    List<Note> anothers = keyedNotes("bot", json, once);
    assertThat(anothers).containsOnly(anothers.getFirst()).doesNotContain(first);
    assertThat(server.notes.created.get()).isEqualTo(before + 2);
  }

  /** What a call with the key is answered by Connect in JSON, gRPC and REST. */
  private List<Note> keyedNotes(String token, String json, CreateNoteRequest request)
      throws Exception {
    return List.of(
        note(keyed(token, "/" + SERVICE + "/CreateNote", json).body()),
        grpcCreate(asKeyed(token), request),
        note(keyed(token, "/api/v1/notes", json).body()));
  }

  private HttpResponse<String> keyed(String token, String path, String json) throws Exception {
    return server.send(
        server
            .request(path)
            .setHeader("authorization", "Bearer " + token)
            .header("content-type", "application/json")
            .header("idempotency-key", "everywhere")
            .POST(BodyPublishers.ofString(json)));
  }

  private io.grpc.Channel asKeyed(String token) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("idempotency-key", Metadata.ASCII_STRING_MARSHALLER), "everywhere");
    return ClientInterceptors.intercept(
        as(token), MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  @Test
  void aDefectTellsTheCallerNothingButTheTrace() throws Exception {
    String trace = "0af7651916cd43dd8448eb211c80319c";
    HttpResponse<String> rest =
        server.send(
            server
                .request("/api/v1/notes")
                .header("content-type", "application/json")
                .header("traceparent", "00-" + trace + "-b7ad6b7169203331-01")
                .POST(BodyPublishers.ofString("{\"title\":\"broken\"}")));
    assertThat(rest.statusCode()).isEqualTo(500);
    assertThat(rest.body()).contains("\"trace_id\":\"" + trace + "\"").doesNotContain("secret");
    assertThat(rest.headers().firstValue("x-trace-id")).hasValue(trace);
    assertThatThrownBy(
            () -> grpcCreate("ann", CreateNoteRequest.newBuilder().setTitle("broken").build()))
        .hasMessageStartingWith("INTERNAL: internal error");
  }

  @Test
  void whoShowsNothingOrSomethingUnknownIsUnauthenticatedEverywhere() throws Exception {
    HttpResponse<String> rest = server.send(HttpRequest.newBuilder(server.uri("/api/v1/notes/n1")));
    assertThat(rest.statusCode()).isEqualTo(401);
    assertThat(rest.headers().firstValue("www-authenticate")).isPresent();
    assertThat(rest.body()).contains("\"code\":\"unauthenticated\"");
    assertThat(
            server
                .send(server.request("/api/v1/notes/n1").setHeader("authorization", "Bearer x"))
                .statusCode())
        .isEqualTo(401);
    assertThatThrownBy(() -> grpcCreate("x", CreateNoteRequest.getDefaultInstance()))
        .hasMessageStartingWith("UNAUTHENTICATED");
    for (io.grpc.Channel stranger : List.of(channel, as("x"))) {
      assertThatThrownBy(() -> grpcWatch(stranger, WatchNotesRequest.getDefaultInstance()).next())
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> {
                assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
                assertThat(grpcInfo(e).getReason()).isEqualTo("UNAUTHENTICATED");
              });
    }
  }

  @Test
  void connectAnswersGetForMethodsWithoutSideEffects() throws Exception {
    String message =
        Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(
                GetNoteRequest.newBuilder().setId("echo").setShelf("s").build().toByteArray());
    HttpResponse<byte[]> got =
        server.sendForBytes(
            server.request(
                "/" + SERVICE + "/GetNote?connect=v1&encoding=proto&base64=1&message=" + message));
    assertThat(got.statusCode()).isEqualTo(200);
    assertThat(Note.parseFrom(got.body()).getShelf()).isEqualTo("s");
    HttpResponse<String> json =
        server.get(
            "/"
                + SERVICE
                + "/GetNote?connect=v1&encoding=json&message=%7B%22id%22%3A%22echo%22%7D");
    assertThat(json.body()).contains("\"id\":\"echo\"");
    assertThat(
            server
                .get("/" + SERVICE + "/CreateNote?connect=v1&encoding=json&message=%7B%7D")
                .statusCode())
        .isEqualTo(405);
  }

  @Test
  void connectStreamsInEnvelopesAndEndsWithTheError() throws Exception {
    server.notes.happen(5);
    List<byte[]> good = connectStream(WatchNotesRequest.newBuilder().setCount(3).build());
    assertThat(good).hasSize(4);
    assertThat(NoteEvent.parseFrom(good.get(1)).getCursor()).isEqualTo("2");
    assertThat(utf8(good.get(3))).isEqualTo("{}");

    List<byte[]> failed = connectStream(WatchNotesRequest.newBuilder().setFailAt(2).build());
    assertThat(failed).hasSize(3);
    assertThat(utf8(failed.get(2)))
        .startsWith(
            "{\"error\":{\"code\":\"failed_precondition\",\"message\":\"the notes are gone\"");
    List<byte[]> refused =
        connectStream(WatchNotesRequest.newBuilder().setAfter("nowhere").build());
    assertThat(utf8(refused.get(0))).contains("invalid_argument").contains("is no cursor");
  }

  private List<byte[]> connectStream(WatchNotesRequest request) throws Exception {
    byte[] message = request.toByteArray();
    byte[] body =
        ByteBuffer.allocate(5 + message.length)
            .put((byte) 0)
            .putInt(message.length)
            .put(message)
            .array();
    HttpResponse<byte[]> answer =
        server.sendForBytes(
            server
                .request("/" + SERVICE + "/WatchNotes")
                .setHeader("content-type", "application/connect+proto")
                .POST(BodyPublishers.ofByteArray(body)));
    assertThat(answer.statusCode()).isEqualTo(200);
    List<byte[]> messages = new ArrayList<>();
    ByteBuffer buffer = ByteBuffer.wrap(answer.body());
    while (buffer.hasRemaining()) {
      buffer.get();
      byte[] one = new byte[buffer.getInt()];
      buffer.get(one);
      messages.add(one);
    }
    return messages;
  }

  @Test
  void grpcStreamsAndEndsWithTheError() {
    server.notes.happen(200);
    Iterator<NoteEvent> events = grpcWatch(WatchNotesRequest.newBuilder().setCount(150).build());
    int count = 0;
    while (events.hasNext()) {
      assertThat(events.next().getCursor()).isEqualTo(Integer.toString(++count));
    }
    assertThat(count).isEqualTo(150);
    Iterator<NoteEvent> failing = grpcWatch(WatchNotesRequest.newBuilder().setFailAt(1).build());
    failing.next();
    assertThatThrownBy(failing::hasNext)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(grpcInfo(e).getReason()).isEqualTo("NOTES_GONE"));
  }

  @Test
  void grpcStreamsALargeHistory() {
    RpcServer other = new RpcServer().start();
    ManagedChannel to =
        ManagedChannelBuilder.forAddress("127.0.0.1", other.http.port()).usePlaintext().build();
    try {
      for (int i = 1; i <= 100; i++) {
        other.notes.events.add(
            NoteEvent.newBuilder()
                .setCursor(Integer.toString(i))
                .setCreated(Note.newBuilder().setText("x".repeat(200_000)))
                .build());
      }
      Iterator<NoteEvent> events =
          grpcWatch(as(to, "ann"), WatchNotesRequest.newBuilder().setCount(100).build());
      for (int i = 1; i <= 100; i++) {
        assertThat(events.next().getCursor()).isEqualTo(Integer.toString(i));
      }
      assertThat(events.hasNext()).isFalse();
    } finally {
      to.shutdownNow();
      other.close();
    }
  }

  @Test
  void aGrpcReaderThatCancelsFreesItsStream() {
    server.notes.happen(1);
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      context.run(() -> grpcWatch(WatchNotesRequest.getDefaultInstance()).next());
      // Those of other tests may still be ending.
      await().untilAsserted(() -> assertThat(server.notes.watching.get()).isEqualTo(1));
    }
    await()
        .untilAsserted(() -> {
          assertThat(server.notes.watching.get()).isZero();
          assertThat(server.http.openStreams()).isZero();
        });
  }

  private Iterator<NoteEvent> grpcWatch(WatchNotesRequest request) {
    return grpcWatch(as("ann"), request);
  }

  private static Iterator<NoteEvent> grpcWatch(io.grpc.Channel channel, WatchNotesRequest request) {
    return ClientCalls.blockingServerStreamingCall(
        channel,
        method(
            "WatchNotes",
            WatchNotesRequest.getDefaultInstance(),
            NoteEvent.getDefaultInstance(),
            MethodDescriptor.MethodType.SERVER_STREAMING),
        CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS),
        request);
  }

  @Test
  void grpcWebAnswersMessageAndTrailersInOneBody() throws Exception {
    byte[] message = CreateNoteRequest.newBuilder().setTitle("web").build().toByteArray();
    HttpResponse<byte[]> answer =
        server.sendForBytes(
            server
                .request("/" + SERVICE + "/CreateNote")
                .setHeader("content-type", "application/grpc-web+proto")
                .POST(
                    BodyPublishers.ofByteArray(
                        ByteBuffer.allocate(5 + message.length)
                            .put((byte) 0)
                            .putInt(message.length)
                            .put(message)
                            .array())));
    assertThat(answer.statusCode()).isEqualTo(200);
    ByteBuffer body = ByteBuffer.wrap(answer.body());
    body.get();
    byte[] note = new byte[body.getInt()];
    body.get(note);
    assertThat(Note.parseFrom(note).getTitle()).isEqualTo("web");
    assertThat(utf8(answer.body())).contains("grpc-status");
  }

  @Test
  void grpcWebTextIsTheSameInBase64() throws Exception {
    byte[] message = CreateNoteRequest.newBuilder().setTitle("web text").build().toByteArray();
    byte[] framed =
        ByteBuffer.allocate(5 + message.length)
            .put((byte) 0)
            .putInt(message.length)
            .put(message)
            .array();
    HttpResponse<String> answer =
        server.send(
            server
                .request("/" + SERVICE + "/CreateNote")
                .setHeader("content-type", "application/grpc-web-text+proto")
                .POST(BodyPublishers.ofByteArray(Base64.getEncoder().encode(framed))));
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("content-type").orElseThrow())
        .startsWith("application/grpc-web-text");
    // Each part may be padded by itself.
    ByteBuffer body = ByteBuffer.allocate(answer.body().length());
    java.util.regex.Pattern.compile("[A-Za-z0-9+/]+={0,2}")
        .matcher(answer.body())
        .results()
        .forEach(part -> body.put(Base64.getDecoder().decode(part.group())));
    body.flip();
    body.get();
    byte[] note = new byte[body.getInt()];
    body.get(note);
    assertThat(Note.parseFrom(note).getTitle()).isEqualTo("web text");
    byte[] trailers = new byte[body.remaining()];
    body.get(trailers);
    assertThat(utf8(trailers)).contains("grpc-status:").contains("0");
  }

  @Test
  void nulInAStringIsRefusedByEveryProtocol() throws Exception {
    CreateNoteRequest request = CreateNoteRequest.newBuilder().setTitle("a\0b").build();
    assertThat(server.post("/api/v1/notes", "{\"title\":\"a\\u0000b\"}").body())
        .contains("title: holds a NUL character");
    assertThat(utf8(connect("CreateNote", request).body()))
        .contains("title: holds a NUL character");
    assertThatThrownBy(() -> grpcCreate("ann", request))
        .hasMessage("INVALID_ARGUMENT: title: holds a NUL character");
  }

  @Test
  void aCallThatTakesTooLongIsInterrupted() throws Exception {
    HttpResponse<String> rest = server.get("/api/v1/notes/slow");
    assertThat(rest.statusCode()).isEqualTo(504);
    assertThat(rest.body()).contains("deadline_exceeded");
    HttpResponse<String> connect =
        server.send(
            server
                .request("/" + SERVICE + "/GetNote")
                .header("content-type", "application/json")
                .header("connect-timeout-ms", "100")
                .POST(BodyPublishers.ofString("{\"id\":\"slow\"}")));
    assertThat(connect.body()).contains("deadline_exceeded");
    // Its time may have been up before it came to the handler.
    await()
        .untilAsserted(
            () -> assertThat(server.notes.interrupted).hasValue(server.notes.entered.get()));
  }

  @Test
  void bodiesMayBeCompressedAndAnswersAreWhenItIsWorthIt() throws Exception {
    // Nothing, compressed by a client that does not look, is nothing.
    HttpResponse<String> nothing =
        server.send(server.request("/api/v1/notes/echo").header("content-encoding", "gzip"));
    assertThat(nothing.statusCode()).isEqualTo(200);
    byte[] json =
        ("{\"title\":\"zip\",\"text\":\"" + "x".repeat(5000) + "\"}")
            .getBytes(StandardCharsets.UTF_8);
    HttpResponse<byte[]> answer =
        server.sendForBytes(
            server
                .request("/" + SERVICE + "/CreateNote")
                .header("content-type", "application/json")
                .header("content-encoding", "gzip")
                .header("accept-encoding", "gzip")
                .POST(BodyPublishers.ofByteArray(Gzip.compress(json))));
    assertThat(answer.headers().firstValue("content-encoding")).hasValue("gzip");
    assertThat(utf8(Gzip.plain(answer.body(), "gzip", 1 << 20))).contains("xxxx");
  }
}
