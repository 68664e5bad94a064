package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.linecorp.armeria.server.ServerConfig;
import io.netty.channel.ChannelOption;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What HTTP itself offers: tags, parts of an answer, verbs, media types, time limits. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HttpTest {
  private static final String NOTES = "/mandate.notes.v1.NoteService/";

  private RpcServer server;

  @BeforeAll
  void start() {
    server = new RpcServer().start();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  @Test
  void whoHasTheContentAlreadyIsNotSentItAgain() throws Exception {
    HttpResponse<String> first = server.get("/api/v1/notes/echo?shelf=a");
    String tag = header(first, "etag");
    assertThat(tag).startsWith("\"").endsWith("\"");
    assertThat(header(first, "cache-control")).isEqualTo("private, no-cache");
    for (String known : List.of(tag, "\"other\", " + tag, "W/" + tag, "*")) {
      HttpResponse<String> again =
          server.send(server.request("/api/v1/notes/echo?shelf=a").header("if-none-match", known));
      assertThat(again.statusCode()).as(known).isEqualTo(304);
      assertThat(again.body()).isEmpty();
      assertThat(header(again, "etag")).isEqualTo(tag);
    }
    HttpResponse<String> other =
        server.send(server.request("/api/v1/notes/echo?shelf=b").header("if-none-match", tag));
    assertThat(other.statusCode()).isEqualTo(200);
    assertThat(other.body()).contains("\"shelf\":\"b\"");
    // Compressed bytes are other bytes.
    HttpResponse<byte[]> small =
        server.sendForBytes(
            server
                .request("/api/v1/notes/echo?shelf=" + "c".repeat(3000))
                .header("accept-encoding", "gzip"));
    assertThat(header(small, "content-encoding")).isEqualTo("gzip");
    assertThat(header(small, "etag")).endsWith("-gzip\"");
    assertThat(small.headers().allValues("vary").toString()).contains("accept-encoding");
  }

  @Test
  void whatChangesSomethingOrIsRefusedIsNeverKept() throws Exception {
    HttpResponse<String> made = server.post("/api/v1/notes", "{\"title\":\"kept\"}");
    assertThat(header(made, "cache-control")).isEqualTo("no-store");
    assertThat(header(made, "etag")).isEmpty();
    assertThat(header(server.get("/api/v1/notes/gone"), "cache-control")).isEqualTo("no-store");
  }

  @Test
  void anAnswerIsCompressedOnlyForWhoTakesIt() throws Exception {
    String path = "/api/v1/notes/echo?shelf=" + "c".repeat(3000);
    for (String refused : List.of("br", "gzip;q=0", "identity, gzip;q=0.0")) {
      HttpResponse<String> answer =
          server.send(server.request(path).header("accept-encoding", refused));
      assertThat(header(answer, "content-encoding")).as(refused).isEmpty();
    }
    HttpResponse<byte[]> short_ =
        server.sendForBytes(
            server.request("/api/v1/notes/echo?shelf=c").header("accept-encoding", "gzip"));
    assertThat(header(short_, "content-encoding")).isEmpty();
  }

  @Test
  void aReaderMayAskForAPartOfTheAnswer() throws Exception {
    assertThat(server.get("/api/v1/notes/echo?shelf=a&fields=id,shelf").body())
        .isEqualTo("{\"id\":\"echo\",\"shelf\":\"a\"}");
    assertThat(server.get("/api/v1/notes?page_size=3&fields=request.pageSize").body())
        .isEqualTo("{\"request\":{\"pageSize\":3}}");
    assertThat(server.get("/api/v1/notes?page_size=3&fields=next_page_token&fields=notes").body())
        .isEqualTo("{\"notes\":[],\"nextPageToken\":\"\"}");
    assertThat(server.get("/api/v1/notes?fields=request.filter,request").body())
        .contains("\"pageToken\":\"\"");
  }

  @ParameterizedTest
  @CsvSource({"bogus,bogus", "notes.bogus,notes.bogus", "notes.id.more,notes.id.more", "'',''"})
  void aPartThatTheAnswerDoesNotHaveIsNamed(String fields, String named) throws Exception {
    HttpResponse<String> answer = server.get("/api/v1/notes?fields=" + fields);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("fields: the answer has no '" + named + "'");
  }

  @Test
  void everyAddressSaysWhichVerbsItTakes() throws Exception {
    HttpResponse<String> options =
        server.send(server.request("/api/v1/notes/n1").method("OPTIONS", BodyPublishers.noBody()));
    assertThat(options.statusCode()).isEqualTo(204);
    assertThat(header(options, "allow")).isEqualTo("DELETE, GET, HEAD, PUT, OPTIONS");
    HttpResponse<String> nowhere =
        server.send(server.request("/api/v1/nothing").method("OPTIONS", BodyPublishers.noBody()));
    assertThat(nowhere.statusCode()).isEqualTo(404);
    HttpResponse<String> head =
        server.send(
            server.request("/api/v1/notes/echo?shelf=a").method("HEAD", BodyPublishers.noBody()));
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.body()).isEmpty();
    assertThat(header(head, "etag"))
        .isEqualTo(header(server.get("/api/v1/notes/echo?shelf=a"), "etag"));
    HttpResponse<String> stream =
        server.send(server.request("/api/v1/notes/events").method("HEAD", BodyPublishers.noBody()));
    assertThat(stream.statusCode()).isEqualTo(405);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /api/v1/notes/echo   | application/json          | 200
          /api/v1/notes/echo   | text/html, */*;q=0.1      | 200
          /api/v1/notes/echo   | application/*             | 200
          /api/v1/notes/echo   | text/html                 | 406
          /api/v1/notes/echo   | application/json;q=0, */* | 406
          /api/v1/notes/events | application/json          | 406
          """)
  void whoTakesNoneOfOurTypesIsToldSo(String path, String accept, int status) throws Exception {
    HttpResponse<String> answer = server.send(server.request(path).header("accept", accept));
    assertThat(answer.statusCode()).isEqualTo(status);
    if (status == 406) {
      assertThat(answer.body()).contains("\"reason\":\"NOT_ACCEPTABLE\"").contains("trace_id");
    }
  }

  @Test
  void aCallerMayGrantLessTimeButNeverMore() throws Exception {
    HttpResponse<String> brief =
        server.send(server.request("/api/v1/notes/slow").header("x-request-timeout", "50ms"));
    assertThat(brief.statusCode()).isEqualTo(504);
    assertThat(brief.body()).contains("\"code\":\"deadline_exceeded\"");
    // The method's own limit is 800 ms.
    HttpResponse<String> patient =
        server.send(server.request("/api/v1/notes/slow").header("x-request-timeout", "10m"));
    assertThat(patient.statusCode()).isEqualTo(504);
    HttpResponse<String> wrong =
        server.send(server.request("/api/v1/notes/echo").header("x-request-timeout", "soon"));
    assertThat(wrong.statusCode()).isEqualTo(400);
    assertThat(wrong.body()).contains("X-Request-Timeout: must be");
  }

  @Test
  void aStreamEndsWhenTheTimeThatItWasGrantedIsUp() throws Exception {
    // Long enough for it to be open by then, or this is an ordinary refusal.
    HttpResponse<String> events =
        server.send(server.request("/api/v1/notes/events").header("x-request-timeout", "3s"));
    assertThat(events.body()).contains("event: error").contains("deadline_exceeded");
    byte[] envelope = {0, 0, 0, 0, 2, '{', '}'};
    HttpResponse<String> connect =
        server.send(
            server
                .request(NOTES + "WatchNotes")
                .setHeader("content-type", "application/connect+json")
                .setHeader("connect-timeout-ms", "300")
                .POST(BodyPublishers.ofByteArray(envelope)));
    assertThat(connect.body()).contains("\"code\":\"deadline_exceeded\"");
  }

  @Test
  void strangersLearnNothingAboutFields() throws Exception {
    for (String body : List.of("{\"bogus\":1}", "{", "{\"title\":{}}")) {
      for (String path : List.of("/api/v1/notes", NOTES + "CreateNote")) {
        HttpResponse<String> answer =
            server.send(
                HttpRequest.newBuilder(server.uri(path))
                    .header("content-type", "application/json")
                    .POST(BodyPublishers.ofString(body)));
        assertThat(answer.statusCode()).as(path + " " + body).isEqualTo(401);
        assertThat(answer.body()).doesNotContain("bogus").doesNotContain("title");
      }
    }
    server.forbidden.add("notes.create");
    try {
      assertThat(server.post("/api/v1/notes", "{\"bogus\":1}").statusCode()).isEqualTo(403);
    } finally {
      server.forbidden.clear();
    }
    assertThat(
            server.send(HttpRequest.newBuilder(server.uri("/api/v1/notes?bogus=1"))).statusCode())
        .isEqualTo(401);
  }

  @Test
  void whatNobodySignedInForIsSmall() throws Exception {
    // Too large by its last bytes: all of it is sent before it is refused.
    HttpResponse<String> answer =
        server.streams.send(
            server
                .request("/api/v1/door:signIn")
                .header("content-type", "application/json")
                .POST(BodyPublishers.ofString("{\"name\":\"" + "x".repeat(64 * 1024) + "\"}"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(413);
    assertThat(answer.body()).contains("the body is larger than 65536 bytes");
  }

  /** Whoever sends much is asked who it is before it is listened to, and asked once. */
  @Test
  void aForgedCredentialIsRefusedBeforeItsBodyIsThere() throws Exception {
    for (String path : List.of("/api/v1/notes", NOTES + "CreateNote")) {
      int before = server.authenticated.get();
      try (Socket socket =
          new Socket(InetAddress.getLoopbackAddress(), server.uri("/").getPort())) {
        socket.setSoTimeout(20_000);
        OutputStream out = socket.getOutputStream();
        out.write(
            """
            POST %s HTTP/1.1
            Host: localhost
            Authorization: Bearer forged
            Content-Type: application/json
            Content-Length: 1000000
            Connection: close

            """
                .formatted(path)
                .replace("\n", "\r\n")
                .getBytes(StandardCharsets.UTF_8));
        out.write(new byte[500_000]);
        out.flush();
        await().untilAsserted(() -> assertThat(server.authenticated.get()).isEqualTo(before + 1));
        out.write(new byte[500_000]);
        out.flush();
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(answer).startsWith("HTTP/1.1 401").contains("unknown, expired or revoked");
      }
      assertThat(server.authenticated.get()).isEqualTo(before + 1);
    }
  }

  @Test
  void whoIsKnownMaySendMegabytesAnnouncedOrNot() throws Exception {
    String json = "{\"title\":\"long\",\"text\":\"" + "x".repeat(2_000_000) + "\"}";
    for (String path : List.of("/api/v1/notes", NOTES + "CreateNote")) {
      assertThat(server.post(path, json).statusCode()).isEqualTo(200);
      HttpResponse<String> chunked =
          server.send(
              server
                  .request(path)
                  .setHeader("content-type", "application/json")
                  .POST(
                      BodyPublishers.fromPublisher(
                          BodyPublishers.ofString(json, StandardCharsets.UTF_8))));
      assertThat(chunked.statusCode()).isEqualTo(200);
    }
  }

  @Test
  void connectionsAreAskedWhetherTheirReaderIsThere() throws Exception {
    CompletableFuture<ServerConfig> config = new CompletableFuture<>();
    try (RpcServer other =
        new RpcServer(builder ->
            builder.service(
                "exact:/config",
                (ctx, req) -> {
                  config.complete(ctx.config().server().config());
                  return com.linecorp.armeria.common.HttpResponse.of(200);
                }))
            .start()) {
      assertThat(other.get("/config").statusCode()).isEqualTo(200);
    }
    assertThat(config.join().pingIntervalMillis()).isEqualTo(HttpServer.PING.toMillis());
    assertThat(config.join().childChannelOptions().get(ChannelOption.SO_KEEPALIVE)).isEqualTo(true);
  }

  @Test
  void anUnknownMethodIsRefusedInTheShapeOfItsProtocol() throws Exception {
    HttpRequest.Builder connect =
        server
            .request(NOTES + "Nothing")
            .setHeader("content-type", "application/proto")
            .POST(BodyPublishers.noBody());
    HttpResponse<String> answer = server.send(connect);
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains("\"code\":\"unimplemented\"").contains("\"details\":[");
    HttpResponse<String> grpc =
        server.send(
            server
                .request(NOTES + "Nothing")
                .setHeader("content-type", "application/grpc")
                .POST(BodyPublishers.noBody()));
    assertThat(grpc.statusCode()).isEqualTo(200);
    assertThat(header(grpc, "grpc-status")).isEqualTo("12");
    assertThat(header(grpc, "grpc-message")).isEqualTo("there is no such method");
    HttpResponse<String> json =
        server.send(
            server
                .request(NOTES + "GetNote")
                .setHeader("content-type", "application/grpc+json")
                .POST(BodyPublishers.noBody()));
    assertThat(header(json, "grpc-status")).isEqualTo("3");
    assertThat(server.get("/nothing").body()).contains("\"code\":\"not_found\"");
  }

  @Test
  void anOfferToChangeTheProtocolIsIgnored() throws Exception {
    String offer =
        """
        GET /openapi.json HTTP/1.1
        Host: localhost
        Connection: Upgrade, HTTP2-Settings, close
        Upgrade: h2c
        HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA

        """
            .replace("\n", "\r\n");
    for (int split : List.of(0, 2, 4, 20)) {
      try (Socket socket =
          new Socket(InetAddress.getLoopbackAddress(), server.uri("/").getPort())) {
        socket.setSoTimeout(10_000);
        OutputStream out = socket.getOutputStream();
        out.write(offer.substring(0, split).getBytes(StandardCharsets.UTF_8));
        out.flush();
        out.write(offer.substring(split).getBytes(StandardCharsets.UTF_8));
        out.flush();
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(answer).startsWith("HTTP/1.1 200").endsWith("}\n");
      }
    }
    // It offers the change with its first request, and lost bytes of what came behind a 101.
    for (int i = 0; i < 20; i++) {
      try (HttpClient client = HttpClient.newHttpClient()) {
        HttpResponse<String> answer =
            client.send(
                HttpRequest.newBuilder(server.uri("/openapi.json")).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
        assertThat(answer.body()).endsWith("}\n");
      }
    }
  }
}
