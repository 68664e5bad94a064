package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.linecorp.armeria.common.HttpStatus;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Addresses, query parameters, bodies, and what the server itself refuses. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RestTest {
  private RpcServer server;

  @BeforeAll
  void start() {
    server =
        new RpcServer(http ->
            http.service("exact:/", (ctx, req) -> Answers.html(HttpStatus.OK, "<p>Mandate</p>")))
            .start();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  @Test
  void queryParametersAreReadInBothSpellingsNestedAndRepeated() throws Exception {
    String body =
        server
            .get(
                "/api/v1/notes?pageSize=5&page_token=a%20b+c&tags=x&tags=y&filter.author=ann"
                    + "&filter.since=2026-01-31T12:00:00Z&filter.not.author=bob&color=RED&archived=true")
            .body();
    assertThat(body)
        .contains(
            "\"request\":{\"pageSize\":5,\"pageToken\":\"a b c\",\"tags\":[\"x\",\"y\"],"
                + "\"filter\":{\"author\":\"ann\",\"since\":\"2026-01-31T12:00:00Z\","
                + "\"not\":{\"author\":\"bob\"}},\"color\":\"RED\",\"archived\":true}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          bogus=1                         | bogus: unknown query parameter
          filter.bogus=1                  | filter.bogus: unknown query parameter
          filter.since.seconds=1          | filter.since.seconds: unknown query parameter
          filter=1                        | filter: is not a single value: name one of its fields
          page_size=x                     | page_size: expected a whole number
          page_size=1&pageSize=2          | pageSize: is given twice
          color=BLUE                      | color: unknown value 'BLUE', expected one of COLOR_UNSPECIFIED, RED, GREEN
          archived=yes                    | archived: expected true or false
          """)
  void aWrongQueryParameterIsNamed(String query, String message) throws Exception {
    HttpResponse<String> answer = server.get("/api/v1/notes?" + query);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("\"message\":\"" + message + "\"");
  }

  @Test
  void pathVariablesAreDecodedAndMoreThanOneAddressMayLeadToAMethod() throws Exception {
    assertThat(server.get("/api/v1/shelves/a%2Fb%20c+d:e/notes/echo").body())
        .contains("\"id\":\"echo\"")
        .contains("\"shelf\":\"a/b c+d:e\"");
    assertThat(server.get("/api/v1/notes/echo?shelf=s").body()).contains("\"shelf\":\"s\"");
    assertThat(server.get("/api/v1/notes/echo?id=other").body()).contains("unknown query");
    assertThat(server.get("/api/v1/notes/%C3").body()).contains("MALFORMED_ADDRESS");
  }

  private HttpResponse<String> send(String verb, String path, String json) throws Exception {
    return server.send(
        server
            .request(path)
            .setHeader("content-type", "application/json")
            .method(verb, BodyPublishers.ofString(json)));
  }

  @Test
  void aBodyMayBeTheRequestOrOneFieldOfIt() throws Exception {
    assertThat(send("PUT", "/api/v1/notes/n9?dryRun=true", "{\"title\":\"t\"}").body())
        .contains("\"id\":\"n9\"")
        .contains("\"title\":\"t\"")
        .contains("\"text\":\"dry\"");
    assertThat(send("PUT", "/api/v1/notes/n9", "{\"bogus\":1}").body())
        .contains("note.bogus: unknown field");
    assertThat(send("POST", "/api/v1/notes/a:b:archive", "{\"reason\":\"old\"}").body())
        .contains("\"id\":\"a:b\"")
        .contains("\"text\":\"old\"");
    assertThat(send("POST", "/api/v1/notes/n1:archive", "").statusCode()).isEqualTo(200);
    assertThat(send("POST", "/api/v1/notes/n1:archive", "{\"id\":\"n1\"}").statusCode())
        .isEqualTo(200);
    assertThat(send("POST", "/api/v1/notes/n1:archive", "{\"id\":\"n2\"}").body())
        .contains("id: differs from the address");
    assertThat(send("POST", "/api/v1/notes/n1:archive?reason=x", "{}").body())
        .contains("reason: unknown query parameter");
    assertThat(send("DELETE", "/api/v1/notes/n1", "{}").body()).isEqualTo("{}");
    assertThat(send("DELETE", "/api/v1/notes/n1", "{\"a\":1}").body()).contains("UNEXPECTED_BODY");
  }

  @Test
  void unknownAddressesAndWrongVerbsAnswerInTheSameShape() throws Exception {
    for (String path :
        List.of(
            "/api/v1/nothing",
            "/api/v1/notes/",
            "/api/v1/notes/a:nope",
            "/nothing",
            "/api",
            "/api/")) {
      HttpResponse<String> answer =
          path.endsWith("nope") ? send("POST", path, "{}") : server.get(path);
      assertThat(answer.statusCode()).as(path).isIn(404, 405);
      assertThat(answer.body()).contains("\"code\":").contains("\"trace_id\":\"");
      assertThat(answer.headers().firstValue("x-trace-id")).isPresent();
    }
    assertThat(server.get("/nothing").statusCode()).isEqualTo(404);
    HttpResponse<String> verb = send("PATCH", "/api/v1/notes/n1", "{}");
    assertThat(verb.statusCode()).isEqualTo(405);
    assertThat(verb.headers().firstValue("allow")).hasValue("DELETE, GET, PUT");
    HttpResponse<String> options = send("OPTIONS", "/api/v1/notes", "");
    assertThat(options.statusCode()).isEqualTo(204);
    assertThat(options.headers().firstValue("allow")).hasValue("GET, HEAD, POST, OPTIONS");
    assertThat(send("POST", "/mandate.notes.v1.NoteService/Nothing", "{}").statusCode())
        .isEqualTo(404);
  }

  @Test
  void aBodyOfAnotherKindOrTooLargeOrBrokenIsRefused() throws Exception {
    HttpResponse<String> form =
        server.send(
            server
                .request("/api/v1/notes")
                .header("content-type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString("a=b")));
    assertThat(form.statusCode()).isEqualTo(415);
    assertThat(form.body()).contains("cannot read 'application/x-www-form-urlencoded'");
    // Not announced, and too large by its last bytes: whoever is refused while it still sends may
    // find the connection gone instead of the answer.
    String tooLarge = "{\"text\":\"" + "x".repeat(4 << 20) + "\"}";
    HttpResponse<String> large =
        server.streams.send(
            server
                .request("/api/v1/notes")
                .header("content-type", "application/json")
                .POST(BodyPublishers.fromPublisher(BodyPublishers.ofString(tooLarge)))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(large.statusCode()).isEqualTo(413);
    assertThat(large.body()).contains("resource_exhausted").contains("4194304 bytes");
    HttpResponse<String> broken = server.post("/api/v1/notes", "{\n  \"title\": }");
    assertThat(broken.statusCode()).isEqualTo(400);
    assertThat(broken.body()).contains("malformed JSON at line 2, column");
    HttpResponse<String> bomb =
        server.send(
            server
                .request("/api/v1/notes")
                .header("content-type", "application/json")
                .header("content-encoding", "gzip")
                .POST(BodyPublishers.ofByteArray(Gzip.compress(new byte[50 << 20]))));
    assertThat(bomb.statusCode()).isEqualTo(413);
  }

  @Test
  void headersThatAreTooLargeAreRefusedAndTheServerLivesOn() throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.http.port())) {
      socket
          .getOutputStream()
          .write(
              ("GET /api/v1/notes HTTP/1.1\r\nhost: x\r\na: " + "x".repeat(100_000) + "\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      for (int c; (c = in.read()) >= 0 && c != '\n'; ) {
        head.write(c);
      }
      assertThat(head.toString(StandardCharsets.US_ASCII)).startsWith("HTTP/1.1 4");
    }
    assertThat(server.get("/api/v1/notes").statusCode()).isEqualTo(200);
  }

  @Test
  void aPageCanNeitherBeFramedNorRunForeignScripts() throws Exception {
    HttpResponse<String> page = server.get("/");
    assertThat(page.body()).isEqualTo("<p>Mandate</p>");
    assertThat(page.headers().firstValue("content-security-policy").orElseThrow())
        .contains("default-src 'self'")
        .contains("frame-ancestors 'none'");
    assertThat(page.headers().firstValue("access-control-allow-origin")).isEmpty();
  }

  @Test
  void aThousandCallsAtOnceAreAllAnswered() throws Exception {
    List<CompletableFuture<HttpResponse<String>>> all = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      all.add(
          server.client.sendAsync(
              server.request("/api/v1/notes/echo?shelf=s" + i).build(),
              HttpResponse.BodyHandlers.ofString()));
    }
    for (int i = 0; i < 1000; i++) {
      assertThat(all.get(i).get().body()).contains("\"shelf\":\"s" + i + "\"");
    }
  }

  @Test
  void theOpenApiDocumentAndTheMetricsAreThere() throws Exception {
    String openApi = server.get("/openapi.json").body();
    assertThat(openApi)
        .contains("\"openapi\" : \"3.1.0\"")
        .contains("\"/api/v1/notes/{id}:archive\"")
        .contains("\"summary\" : \"Adds a note\"")
        .contains("\"text/event-stream\"")
        .contains("\"x-mandate-human-only\" : true")
        .contains("\"name\" : \"filter.author\"")
        .contains("\"$ref\" : \"#/components/schemas/notes.Note\"");
    assertThat(server.get("/api/v1/notes/echo").statusCode()).isEqualTo(200);
    assertThat(server.get("/metrics").body())
        .contains(
            "mandate_rpc_seconds{code=\"ok\",method=\"mandate.notes.v1.NoteService/GetNote\","
                + "protocol=\"rest\",quantile=\"0.99\"}")
        .contains("mandate_rpc_streams");
  }
}
