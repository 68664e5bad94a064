package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.UnknownFieldSet;
import com.google.rpc.ErrorInfo;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpRequestWriter;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.RequestHeadersBuilder;
import dev.mandate.kernel.rpc.notes.CreateNoteRequest;
import dev.mandate.kernel.rpc.notes.GetNoteRequest;
import dev.mandate.kernel.rpc.notes.SignInRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * What nobody should send, by every protocol and on bare sockets: each is refused with the right
 * code, nothing of ours and no secret is shown, and afterwards the server is as it was.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
class HostileInputTest {
  private static final String NOTES = "/mandate.notes.v1.NoteService/";
  private static final String REST = "/api/v1/notes";
  private static final Duration BODY_TIME = Duration.ofSeconds(2);

  private RpcServer server;

  @BeforeAll
  void start() {
    server = new RpcServer(Edge.NONE, BODY_TIME).start();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  /** Whatever was sent, others are served. */
  @AfterEach
  void theServerIsUnharmed() throws Exception {
    assertThat(server.get("/api/v1/notes/echo").statusCode()).isEqualTo(200);
    await().untilAsserted(() -> assertThat(server.http.openStreams()).isZero());
  }

  /**
   * A refusal.
   *
   * @param code in Connect's spelling, in every protocol
   * @param text everything that the caller was shown
   */
  private record Refusal(String code, String text) {}

  private Refusal json(String path, byte[] body) throws Exception {
    HttpResponse<String> answer =
        server.send(
            server
                .request(path)
                .setHeader("content-type", "application/json")
                .POST(BodyPublishers.ofByteArray(body)));
    return refusal(answer.body());
  }

  private static Refusal refusal(String body) {
    assertThat(body).startsWith("{\"code\":\"");
    return new Refusal(body.substring(9, body.indexOf('"', 9)), body);
  }

  private Refusal connectProto(byte[] body) throws Exception {
    HttpResponse<String> answer =
        server.send(
            server
                .request(NOTES + "CreateNote")
                .setHeader("content-type", "application/proto")
                .POST(BodyPublishers.ofByteArray(body)));
    return refusal(answer.body());
  }

  /** What a gRPC client sends, and one in a browser. */
  private static final List<String> GRPC =
      List.of("application/grpc", "application/grpc-web+proto");

  /**
   * Sends bytes by gRPC or gRPC-Web.
   *
   * @param headers names and values, besides those that every call has; win over those
   */
  private AggregatedHttpResponse grpcSend(
      String type, String method, byte[] framed, String... headers) {
    RequestHeadersBuilder all =
        RequestHeaders.builder(HttpMethod.POST, method)
            .set("content-type", type)
            .set("te", "trailers")
            .set("authorization", "Bearer ann");
    for (int i = 0; i < headers.length; i += 2) {
      all.set(headers[i], headers[i + 1]);
    }
    return WebClient.of("h2c://127.0.0.1:" + server.http.port())
        .execute(HttpRequest.of(all.build(), HttpData.wrap(framed)))
        .aggregate()
        .join();
  }

  /** A refusal, with the reason that every protocol has. */
  private static Refusal grpc(AggregatedHttpResponse answer) throws IOException {
    String status =
        answer.trailers().get("grpc-status", answer.headers().get("grpc-status", "none"));
    assertThat(status).as(answer.toString()).matches("[0-9]+");
    String code =
        io.grpc.Status.fromCodeValue(Integer.parseInt(status))
            .getCode()
            .name()
            .toLowerCase(Locale.ROOT);
    String message =
        answer.trailers().get("grpc-message", answer.headers().get("grpc-message", ""));
    String details =
        answer
            .trailers()
            .get("grpc-status-details-bin", answer.headers().get("grpc-status-details-bin", ""));
    com.google.rpc.Status read =
        com.google.rpc.Status.parseFrom(Base64.getDecoder().decode(details));
    String reason = read.getDetails(0).unpack(ErrorInfo.class).getReason();
    return new Refusal(code, message + " " + reason);
  }

  /** By gRPC and by gRPC-Web. */
  private List<Refusal> grpc(String method, byte[] message) throws IOException {
    List<Refusal> all = new ArrayList<>();
    for (String type : GRPC) {
      all.add(grpc(grpcSend(type, method, framed(message.length, message))));
    }
    return all;
  }

  private static byte[] framed(int length, byte[] message) {
    return ByteBuffer.allocate(5 + message.length)
        .put((byte) 0)
        .putInt(length)
        .put(message)
        .array();
  }

  private static void clean(Refusal refusal) {
    assertThat(refusal.text())
        .doesNotContain("Exception")
        .doesNotContain("dev.mandate")
        .doesNotContain("com.google")
        .doesNotContain("com.linecorp")
        .doesNotContain("\tat ");
    assertThat(refusal.text().length()).isLessThan(1000);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void jsonThatIsNone() throws Exception {
    List<Map.Entry<byte[], String>> all = new ArrayList<>();
    all.add(Map.entry(ascii("{"), "malformed JSON at line 1"));
    all.add(Map.entry(ascii("{\"title\": \"a"), "malformed JSON at line 1"));
    all.add(Map.entry(ascii("{\"title\": \"a\"} trailing"), "malformed JSON"));
    all.add(Map.entry(ascii("{\"title\": \"a\"}{}"), "more than one JSON value"));
    all.add(Map.entry(ascii("[]"), "expected an object, got an array"));
    all.add(Map.entry(ascii("null"), "expected an object, got null"));
    all.add(Map.entry(ascii("{'title': 1}"), "malformed JSON"));
    all.add(Map.entry(ascii("{\"title\": NaN}"), "malformed JSON"));
    all.add(Map.entry(ascii("{\"title\": \"\u00ff\"}"), "UTF-8"));
    all.add(Map.entry(ascii("{\"bogus\": 1}"), "bogus: unknown field"));
    all.add(Map.entry(ascii("{\"title\": 1}"), "title: expected a string, got a number"));
    all.add(Map.entry(ascii("{\"tags\": \"a\"}"), "tags: expected an array, got a string"));
    all.add(Map.entry(ascii("{\"title\": \"a\", \"title\": \"b\"}"), "title: is given twice"));
    all.add(Map.entry(ascii("{\"title\": \"a\\u0000b\"}"), "title: holds a NUL character"));
    String half = "title: holds half of a surrogate pair";
    all.add(Map.entry(ascii("{\"title\": \"\\ud800\"}"), half));
    all.add(Map.entry(ascii("{\"title\": \"\\udc00\"}"), half));
    all.add(Map.entry(ascii("{\"title\": \"\\udc00\\ud800\"}"), half));
    all.add(Map.entry(ascii("{\"color\": \"PINK\"}"), "color: unknown value 'PINK'"));
    all.add(Map.entry(ascii("{\"color\": 1e400}"), "color: expected one of the names of Color"));
    all.add(
        Map.entry(
            ascii("{\"title\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}"),
            "title: expected a string, got an array"));
    for (Map.Entry<byte[], String> each : all) {
      for (String path : List.of(REST, NOTES + "CreateNote")) {
        Refusal refusal = json(path, each.getKey());
        assertThat(refusal.code()).as(each.getValue()).isEqualTo("invalid_argument");
        assertThat(refusal.text()).contains(each.getValue());
        clean(refusal);
      }
    }
  }

  @Test
  void messagesNestedTenThousandLevelsDeep() throws Exception {
    String json = "{\"filter\":" + "{\"not\":".repeat(10_000) + "{}" + "}".repeat(10_001);
    Refusal refusal = json(NOTES + "ListNotes", ascii(json));
    assertThat(refusal.code()).isEqualTo("invalid_argument");
    assertThat(refusal.text()).contains("nested deeper than 64 levels");
    byte[] deep = {};
    for (int i = 0; i < 10_000; i++) {
      deep = nested(deep);
    }
    HttpResponse<String> proto =
        server.send(
            server
                .request(NOTES + "ListNotes")
                .setHeader("content-type", "application/proto")
                .POST(BodyPublishers.ofByteArray(nestedAs(4, deep))));
    clean(refusal(proto.body()));
    assertThat(refusal(proto.body()).code()).isEqualTo("invalid_argument");
    for (Refusal grpc : grpc(NOTES + "ListNotes", nestedAs(4, deep))) {
      assertThat(grpc.code()).isEqualTo("invalid_argument");
      clean(grpc);
    }
  }

  /** A filter's field {@code not}, number 3. */
  private static byte[] nested(byte[] inner) throws IOException {
    return nestedAs(3, inner);
  }

  private static byte[] nestedAs(int field, byte[] inner) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream(inner.length + 8);
    com.google.protobuf.CodedOutputStream coded =
        com.google.protobuf.CodedOutputStream.newInstance(out);
    coded.writeByteArray(field, inner);
    coded.flush();
    return out.toByteArray();
  }

  @Test
  void protobufThatIsNone() throws Exception {
    byte[] good = CreateNoteRequest.newBuilder().setTitle("a long title").build().toByteArray();
    List<byte[]> all = new ArrayList<>();
    all.add(java.util.Arrays.copyOf(good, good.length - 3));
    all.add(new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff});
    all.add(new byte[] {0x0a, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 0x07});
    all.add(new byte[] {0x0a, 0x02, (byte) 0xc3, 0x28});
    for (byte[] body : all) {
      List<Refusal> refusals = grpc(NOTES + "CreateNote", body);
      refusals.add(connectProto(body));
      for (Refusal refusal : refusals) {
        assertThat(refusal.code()).isEqualTo("invalid_argument");
        assertThat(refusal.text()).contains("the message is not valid protobuf");
        clean(refusal);
      }
    }
    CreateNoteRequest.Builder note = CreateNoteRequest.newBuilder();
    UnknownFieldSet.Field something = UnknownFieldSet.Field.newBuilder().addVarint(7).build();
    Map<CreateNoteRequest, String> wrong =
        Map.of(
            note.clone().setTitle("a\0b").build(),
            "title: holds a NUL character",
            note.clone().setColorValue(99).build(),
            "color: unknown value 99",
            note.clone()
                .setUnknownFields(UnknownFieldSet.newBuilder().addField(99, something).build())
                .build(),
            "99: unknown field",
            note.clone()
                .setUnknownFields(UnknownFieldSet.newBuilder().addField(3, something).build())
                .build(),
            "tags: is encoded as another type");
    for (Map.Entry<CreateNoteRequest, String> each : wrong.entrySet()) {
      byte[] body = each.getKey().toByteArray();
      List<Refusal> refusals = grpc(NOTES + "CreateNote", body);
      refusals.add(connectProto(body));
      for (Refusal refusal : refusals) {
        assertThat(refusal.code()).isEqualTo("invalid_argument");
        assertThat(refusal.text()).contains(each.getValue());
        clean(refusal);
      }
    }
  }

  @Test
  void envelopesThatLie() throws Exception {
    byte[] good = CreateNoteRequest.newBuilder().setTitle("t").build().toByteArray();
    List<byte[]> short_ = List.of(new byte[0], new byte[] {0, 0}, framed(1_000_000, good));
    for (byte[] body : short_) {
      for (String type : GRPC) {
        for (String method : List.of("CreateNote", "WatchNotes")) {
          AggregatedHttpResponse answer = grpcSend(type, NOTES + method, body);
          Refusal refusal = grpc(answer);
          assertThat(refusal.code()).as(answer.toString()).isEqualTo("invalid_argument");
          assertThat(refusal.text()).endsWith(" MALFORMED_BODY");
          clean(refusal);
        }
      }
    }
    // The message is what its length says, here one without a title; nothing behind it is read.
    for (String type : GRPC) {
      Refusal behind = grpc(grpcSend(type, NOTES + "CreateNote", framed(0, good)));
      assertThat(behind.text()).isEqualTo("title: is required INVALID_FIELD");
    }
    List<byte[]> all = new ArrayList<>(short_);
    all.add(framed(0, good));
    for (byte[] body : all) {
      HttpResponse<String> stream =
          server.send(
              server
                  .request(NOTES + "WatchNotes")
                  .setHeader("content-type", "application/connect+proto")
                  .POST(BodyPublishers.ofByteArray(body)));
      assertThat(stream.body()).contains("\"error\":{\"code\":\"invalid_argument\"");
    }
    for (String type : GRPC) {
      for (String method : List.of("CreateNote", "WatchNotes")) {
        Refusal huge = grpc(grpcSend(type, NOTES + method, framed(Integer.MAX_VALUE, good)));
        assertThat(huge.code()).isEqualTo("resource_exhausted");
        assertThat(huge.text()).isEqualTo("the body is larger than 4194304 bytes BODY_TOO_LARGE");
        clean(huge);
      }
    }
  }

  @Test
  void addressesAndIdsThatAreNone() throws Exception {
    Map<String, Integer> all = new LinkedHashMap<>();
    all.put("GET /api/v1/notes/%", 400);
    all.put("GET /api/v1/notes/%zz", 400);
    all.put("GET /api/v1/notes/%c3%28", 400);
    all.put("GET /api/v1/notes/%00", 400);
    all.put("GET /api/v1/notes/../../etc/passwd", 400);
    all.put("GET /api/v1/notes/..%2f..%2fetc%2fpasswd", 400);
    all.put("GET /api/v1/notes?page_size=%zz", 400);
    all.put("GET /" + "a".repeat(70_000), 414);
    all.put("FROB /api/v1/notes", 405);
    all.put("TRACE /api/v1/notes", 405);
    Map<String, Integer> answered = new LinkedHashMap<>();
    for (String each : all.keySet()) {
      String answer = raw(each + " HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ann\r\n\r\n");
      answered.put(each, status(answer));
      assertThat(answer).contains("trace_id").doesNotContain("Exception").doesNotContain("root:");
    }
    assertThat(answered).isEqualTo(all);
  }

  private static int status(String answer) {
    assertThat(answer).startsWith("HTTP/1.1 ");
    return Integer.parseInt(answer.substring(9, 12));
  }

  /** Sends bytes as they are, and reads until the first answer is whole or the server hangs up. */
  private String raw(String text) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.http.port())) {
      socket.setSoTimeout(30_000);
      OutputStream out = socket.getOutputStream();
      try {
        out.write(ascii(text));
        out.flush();
      } catch (SocketException e) {
        // Refused before all of it was sent: what was answered is there all the same.
      }
      return answer(socket.getInputStream());
    }
  }

  private static String answer(InputStream in) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try {
      for (int c; (c = in.read()) >= 0; ) {
        all.write(c);
        String text = all.toString(StandardCharsets.ISO_8859_1);
        int head = text.indexOf("\r\n\r\n");
        if (head > 0) {
          java.util.regex.Matcher length =
              java.util.regex.Pattern.compile("content-length: ([0-9]+)").matcher(text);
          if (length.find() && all.size() >= head + 4 + Integer.parseInt(length.group(1))) {
            break;
          }
        }
      }
    } catch (SocketException e) {
      // Reset: it has hung up.
    } catch (SocketTimeoutException e) {
      throw new AssertionError("no whole answer: " + all, e);
    }
    return all.toString(StandardCharsets.ISO_8859_1);
  }

  @Test
  void requestsThatTwoServersWouldReadDifferently() throws IOException {
    String head =
        """
        POST /api/v1/notes HTTP/1.1\r
        host: x\r
        authorization: Bearer ann\r
        content-type: application/json\r
        """;
    String smuggled = "GET /api/v1/notes/smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    int before = server.notes.created.get();
    for (String attack :
        List.of(
            head + "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
            head + "content-length: 2\r\ncontent-length: 40\r\n\r\n{}" + smuggled,
            head + "content-length: +2\r\n\r\n{}",
            head + "content-length: -1\r\n\r\n{}",
            head + "content-length : 2\r\n\r\n{}",
            head + "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
            head + "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            "GET /api/v1/notes HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
            "GET /api/v1/notes HTTP/9.9\r\nhost: x\r\n\r\n",
            "NOT A REQUEST\r\n\r\n")) {
      String answer = raw(attack);
      assertThat(answer).as(attack).doesNotContain("smuggled").doesNotContain("Exception");
      if (!answer.isEmpty()) {
        assertThat(status(answer)).as(attack + answer).isBetween(400, 505);
      }
    }
    assertThat(server.notes.created.get()).isEqualTo(before);
  }

  @Test
  void messagesOfMaskAndQueryNestedDeep() throws Exception {
    String deep = "filter" + ".not".repeat(2_000);
    HttpResponse<String> mask = server.get(REST + "?fields=request." + deep);
    assertThat(mask.statusCode()).isEqualTo(400);
    assertThat(mask.body()).contains("fields: is nested deeper than 64 levels");
    HttpResponse<String> query = server.get(REST + "?" + deep + ".author=x");
    assertThat(query.statusCode()).isEqualTo(400);
    assertThat(query.body()).contains("is nested deeper than 64 levels");
  }

  @Test
  void floodsOfHeaders() throws IOException {
    StringBuilder flood = new StringBuilder("GET /api/v1/notes HTTP/1.1\r\nhost: x\r\n");
    for (int i = 0; i < 20_000; i++) {
      flood.append("x-").append(i).append(": y\r\n");
    }
    String answer = raw(flood + "\r\n");
    assertThat(answer.isEmpty() || status(answer) == 431 || status(answer) == 400).isTrue();
  }

  @Test
  void aHundredMegabytesAreRefusedWithoutBeingTaken() throws Exception {
    long size = 100L << 20;
    for (String path : List.of(REST, NOTES + "CreateNote")) {
      String head =
          "POST %s HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ann\r\n".formatted(path)
              + "content-type: application/json\r\n";
      // Announced: nothing of it has to be sent.
      String answer = raw(head + "content-length: " + size + "\r\n\r\n{");
      assertThat(status(answer)).isEqualTo(413);
      assertThat(answer).contains("resource_exhausted").contains("4194304 bytes");
      // Not announced: it is refused as soon as the limit is passed.
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.http.port())) {
        socket.setSoTimeout(30_000);
        OutputStream out = socket.getOutputStream();
        out.write(ascii(head + "transfer-encoding: chunked\r\n\r\n"));
        byte[] chunk = ascii("10000\r\n" + " ".repeat(0x10000) + "\r\n");
        for (long sent = 0; sent < 8L << 20; sent += chunk.length) {
          try {
            out.write(chunk);
          } catch (SocketException e) {
            break; // Hung up on.
          }
        }
        out.flush();
        assertThat(status(answer(socket.getInputStream()))).isEqualTo(413);
      }
    }
  }

  @Test
  void bodiesThatNeverCome() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 50; i++) {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.http.port());
        socket.setSoTimeout(60_000);
        socket
            .getOutputStream()
            .write(
                ascii(
                    "POST /api/v1/notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ann\r\n"
                        + "content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"));
        slow.add(socket);
      }
      // Others do not wait for them.
      assertThat(server.get("/api/v1/notes/echo").statusCode()).isEqualTo(200);
      for (Socket socket : slow) {
        String answer = answer(socket.getInputStream());
        assertThat(status(answer)).isEqualTo(408);
        assertThat(answer).contains("BODY_TOO_SLOW");
      }
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
  }

  @Test
  void compressionThatHidesSomething() throws Exception {
    byte[] bomb = Gzip.compress(new byte[50 << 20]);
    for (String path : List.of(REST, NOTES + "CreateNote")) {
      HttpResponse<String> answer =
          server.send(
              server
                  .request(path)
                  .setHeader("content-type", "application/json")
                  .setHeader("content-encoding", "gzip")
                  .POST(BodyPublishers.ofByteArray(bomb)));
      assertThat(answer.statusCode()).isEqualTo(413);
      HttpResponse<String> unknown =
          server.send(
              server
                  .request(path)
                  .setHeader("content-type", "application/json")
                  .setHeader("content-encoding", "zstd")
                  .POST(BodyPublishers.ofByteArray(bomb)));
      assertThat(unknown.body()).contains("cannot decompress 'zstd'");
    }
    for (String type : GRPC) {
      for (String method : List.of("CreateNote", "WatchNotes")) {
        Refusal refusal =
            grpc(grpcSend(type, NOTES + method, compressed(bomb), "grpc-encoding", "gzip"));
        assertThat(refusal.code()).isEqualTo("resource_exhausted");
        assertThat(refusal.text()).endsWith(" BODY_TOO_LARGE");
        clean(refusal);
      }
      Refusal broken =
          grpc(
              grpcSend(
                  type,
                  NOTES + "CreateNote",
                  compressed(ascii("no gzip")),
                  "grpc-encoding",
                  "gzip"));
      assertThat(broken.code()).isEqualTo("invalid_argument");
      assertThat(broken.text()).endsWith(" MALFORMED_BODY");
      clean(broken);
    }
  }

  private static byte[] compressed(byte[] gzip) {
    return ByteBuffer.allocate(5 + gzip.length).put((byte) 1).putInt(gzip.length).put(gzip).array();
  }

  @Test
  void whatNobodySignedInForIsSmallByEveryProtocol() throws Exception {
    // Too large by its last bytes: all of it is sent before it is refused.
    SignInRequest large = SignInRequest.newBuilder().setName("x".repeat(64 * 1024)).build();
    byte[] plain = large.toByteArray();
    byte[] packed = Gzip.compress(plain);
    String signIn = "/mandate.notes.v1.DoorService/SignIn";
    for (String type : GRPC) {
      for (AggregatedHttpResponse answer :
          List.of(
              grpcSend(type, signIn, framed(plain.length, plain)),
              grpcSend(type, signIn, compressed(packed), "grpc-encoding", "gzip"))) {
        Refusal refusal = grpc(answer);
        assertThat(refusal.code()).isEqualTo("resource_exhausted");
        assertThat(refusal.text()).isEqualTo("the body is larger than 65536 bytes BODY_TOO_LARGE");
      }
    }
    for (String encoding : List.of("identity", "gzip")) {
      HttpResponse<String> connect =
          server.streams.send(
              server
                  .request(signIn)
                  .setHeader("content-type", "application/proto")
                  .setHeader("content-encoding", encoding)
                  .POST(BodyPublishers.ofByteArray(encoding.equals("gzip") ? packed : plain))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(connect.statusCode()).isEqualTo(413);
      assertThat(connect.body()).contains("the body is larger than 65536 bytes");
    }
  }

  /**
   * What strangers send by gRPC is dropped as it comes: they are asked about before it is there.
   */
  @Test
  void strangersAreRefusedByGrpcWhateverTheySend() throws Exception {
    byte[] large = new byte[1 << 20];
    for (String type : GRPC) {
      for (String method : List.of("CreateNote", "WatchNotes")) {
        for (String authorization : List.of("none", "Bearer hunter2-forged")) {
          for (byte[] body : List.of(new byte[0], framed(large.length, large))) {
            AggregatedHttpResponse answer =
                grpcSend(type, NOTES + method, body, "authorization", authorization);
            Refusal refusal = grpc(answer);
            assertThat(refusal.code()).as(method + authorization).isEqualTo("unauthenticated");
            assertThat(refusal.text()).endsWith(" UNAUTHENTICATED").doesNotContain("hunter2");
            clean(refusal);
          }
        }
        int before = server.authenticated.get();
        HttpRequestWriter request =
            HttpRequest.streaming(
                RequestHeaders.builder(HttpMethod.POST, NOTES + method)
                    .set("content-type", type)
                    .set("te", "trailers")
                    .set("authorization", "Bearer forged")
                    .build());
        CompletableFuture<AggregatedHttpResponse> answer =
            WebClient.of("h2c://127.0.0.1:" + server.http.port()).execute(request).aggregate();
        request.write(HttpData.wrap(framed(large.length, new byte[1000])));
        await().untilAsserted(() -> assertThat(server.authenticated.get()).isEqualTo(before + 1));
        request.close();
        assertThat(grpc(answer.get(30, TimeUnit.SECONDS)).code()).isEqualTo("unauthenticated");
        assertThat(server.authenticated.get()).isEqualTo(before + 1);
      }
    }
  }

  @Test
  void credentialsThatAreNone() throws Exception {
    for (String authorization :
        List.of(
            "Bearer",
            "Bearer ",
            "Bearer hunter2-forged",
            "Bearer " + "x".repeat(20_000),
            "Basic aHVudGVyMjpodW50ZXIy",
            "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.",
            "bearer ann ann")) {
      HttpResponse<String> rest =
          server.send(server.request(REST).setHeader("authorization", authorization));
      assertThat(rest.statusCode()).as(authorization).isEqualTo(401);
      assertThat(rest.body())
          .doesNotContain("hunter2")
          .doesNotContain("eyJ")
          .doesNotContain("Exception");
      HttpResponse<String> connect =
          server.send(
              server
                  .request(NOTES + "CreateNote")
                  .setHeader("authorization", authorization)
                  .setHeader("content-type", "application/json")
                  .POST(BodyPublishers.ofString("{}")));
      assertThat(connect.statusCode()).isEqualTo(401);
    }
  }

  @Test
  void timesThatAreNone() throws Exception {
    for (String[] header :
        List.of(
            new String[] {"x-request-timeout", "-1s"},
            new String[] {"x-request-timeout", "99999999999999s"},
            new String[] {"idempotency-key", "a b"})) {
      HttpResponse<String> answer = server.send(server.request(REST).header(header[0], header[1]));
      assertThat(answer.statusCode()).as(String.join(" ", header)).isEqualTo(400);
      assertThat(answer.body().toLowerCase(Locale.ROOT)).contains(header[0]);
    }
    HttpResponse<String> connect =
        server.send(
            server
                .request(NOTES + "CreateNote")
                .setHeader("content-type", "application/json")
                .setHeader("connect-timeout-ms", "1e9")
                .POST(BodyPublishers.ofString("{}")));
    assertThat(connect.body()).contains("Connect-Timeout-Ms: must be");
    byte[] empty = framed(0, new byte[0]);
    for (String type : GRPC) {
      for (String method : List.of("CreateNote", "WatchNotes")) {
        for (String timeout : List.of("soon", "-1S", "123456789m", "5")) {
          Refusal refusal = grpc(grpcSend(type, NOTES + method, empty, "grpc-timeout", timeout));
          assertThat(refusal.code()).as(timeout).isEqualTo("invalid_argument");
          assertThat(refusal.text()).contains("grpc-timeout: must be");
        }
      }
    }
  }

  /** The server keeps the time, also for a client that does not. */
  @Test
  void aCallByGrpcEndsWhenItsTimeIsUp() throws Exception {
    byte[] slow = GetNoteRequest.newBuilder().setId("slow").build().toByteArray();
    for (String type : GRPC) {
      Refusal unary =
          grpc(
              grpcSend(type, NOTES + "GetNote", framed(slow.length, slow), "grpc-timeout", "100m"));
      assertThat(unary.code()).isEqualTo("deadline_exceeded");
      assertThat(unary.text()).endsWith(" DEADLINE_EXCEEDED");
      // Its time may have been up before it came to the handler.
      await()
          .untilAsserted(
              () -> assertThat(server.notes.interrupted).hasValue(server.notes.entered.get()));
      AggregatedHttpResponse stream =
          grpcSend(type, NOTES + "WatchNotes", framed(0, new byte[0]), "grpc-timeout", "100000u");
      assertThat(grpc(stream).code()).isEqualTo("deadline_exceeded");
    }
  }

  @Test
  void moreConnectionsThanThereMayBe() throws Exception {
    int most = 5;
    try (RpcServer small = new RpcServer(Edge.NONE, BODY_TIME, most).start()) {
      List<Socket> open = new ArrayList<>();
      try {
        assertThat(small.get("/api/v1/notes/echo").statusCode()).isEqualTo(200);
        for (int i = 1; i < most; i++) {
          open.add(new Socket(InetAddress.getLoopbackAddress(), small.http.port()));
        }
        try (Socket over = new Socket(InetAddress.getLoopbackAddress(), small.http.port())) {
          over.setSoTimeout(10_000);
          assertThatThrownBy(() -> over.getInputStream().read())
              .isInstanceOf(SocketException.class)
              .hasMessageContaining("reset");
        }
        // Whoever is there already, over the connection that was made first, is served.
        assertThat(small.get("/api/v1/notes/echo").statusCode()).isEqualTo(200);
      } finally {
        for (Socket socket : open) {
          socket.close();
        }
      }
      await()
          .ignoreExceptions()
          .untilAsserted(() -> {
            try (HttpClient another = HttpClient.newHttpClient()) {
              assertThat(
                      another
                          .send(
                              small.request("/api/v1/notes/echo").build(),
                              HttpResponse.BodyHandlers.discarding())
                          .statusCode())
                  .isEqualTo(200);
            }
          });
    }
  }
}
