package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.RequestHeaders;
import dev.mandate.kernel.rpc.notes.CreateNoteRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
    assertThat(server.http.openStreams()).isZero();
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

  private AggregatedHttpResponse grpcSend(String token, byte[] framed) {
    return WebClient.of("h2c://127.0.0.1:" + server.http.port())
        .execute(
            HttpRequest.of(
                RequestHeaders.builder(HttpMethod.POST, NOTES + "CreateNote")
                    .set("content-type", "application/grpc")
                    .set("te", "trailers")
                    .set("authorization", "Bearer " + token)
                    .build(),
                HttpData.wrap(framed)))
        .aggregate()
        .join();
  }

  private static Refusal grpc(AggregatedHttpResponse answer) {
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
    return new Refusal(code, message);
  }

  private Refusal grpc(byte[] message) {
    return grpc(grpcSend("ann", framed(message.length, message)));
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
    all.add(Map.entry(ascii("{\"title\": \"\\ud800\"}"), "title: "));
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
      for (Refusal refusal : List.of(connectProto(body), grpc(body))) {
        assertThat(refusal.code()).isEqualTo("invalid_argument");
        assertThat(refusal.text()).contains("the message is not valid protobuf");
        clean(refusal);
      }
    }
    byte[] nul = CreateNoteRequest.newBuilder().setTitle("a\0b").build().toByteArray();
    for (Refusal refusal : List.of(connectProto(nul), grpc(nul))) {
      assertThat(refusal.code()).isEqualTo("invalid_argument");
      assertThat(refusal.text()).contains("title: holds a NUL character");
    }
  }

  @Test
  void envelopesThatLie() throws Exception {
    byte[] good = CreateNoteRequest.newBuilder().setTitle("t").build().toByteArray();
    for (byte[] body :
        List.of(new byte[0], new byte[] {0, 0}, framed(1_000_000, good), framed(0, good))) {
      AggregatedHttpResponse answer = grpcSend("ann", body);
      Refusal refusal = grpc(answer);
      assertThat(refusal.code()).as(answer.toString()).isNotEqualTo("ok");
      clean(refusal);
      HttpResponse<String> stream =
          server.send(
              server
                  .request(NOTES + "WatchNotes")
                  .setHeader("content-type", "application/connect+proto")
                  .POST(BodyPublishers.ofByteArray(body)));
      assertThat(stream.body()).contains("\"error\":{\"code\":\"invalid_argument\"");
    }
    AggregatedHttpResponse huge = grpcSend("ann", framed(Integer.MAX_VALUE, good));
    assertThat(grpc(huge).code()).isEqualTo("resource_exhausted");
    clean(grpc(huge));
  }

  @Test
  void addressesAndIdsThatAreNone() throws Exception {
    Map<String, Integer> all = new LinkedHashMap<>();
    all.put("GET /api/v1/notes/%", 400);
    all.put("GET /api/v1/notes/%zz", 400);
    all.put("GET /api/v1/notes/%c3%28", 400);
    all.put("GET /api/v1/notes/%00", 400);
    all.put("GET /api/v1/notes/../../etc/passwd", 404);
    all.put("GET /api/v1/notes/..%2f..%2fetc%2fpasswd", 404);
    all.put("GET /api/v1/notes?page_size=%zz", 400);
    all.put("GET /" + "a".repeat(70_000), 414);
    all.put("FROB /api/v1/notes", 405);
    all.put("TRACE /api/v1/notes", 405);
    for (Map.Entry<String, Integer> each : all.entrySet()) {
      String answer =
          raw(each.getKey() + " HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ann\r\n\r\n");
      assertThat(status(answer))
          .as(dev.mandate.kernel.Failure.excerpt(each.getKey()) + answer)
          .isBetween(400, 499);
      assertThat(answer).contains("trace_id").doesNotContain("Exception").doesNotContain("root:");
    }
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
    byte[] framed =
        ByteBuffer.allocate(5 + bomb.length).put((byte) 1).putInt(bomb.length).put(bomb).array();
    AggregatedHttpResponse grpc =
        WebClient.of("h2c://127.0.0.1:" + server.http.port())
            .execute(
                HttpRequest.of(
                    RequestHeaders.builder(HttpMethod.POST, NOTES + "CreateNote")
                        .set("content-type", "application/grpc")
                        .set("grpc-encoding", "gzip")
                        .set("authorization", "Bearer ann")
                        .build(),
                    HttpData.wrap(framed)))
            .aggregate()
            .join();
    assertThat(grpc(grpc).code()).isEqualTo("resource_exhausted");
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
    Refusal grpc = grpc(grpcSend("hunter2-forged", framed(0, new byte[0])));
    assertThat(grpc.code()).isEqualTo("unauthenticated");
    assertThat(grpc.text()).doesNotContain("hunter2");
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
  }
}
