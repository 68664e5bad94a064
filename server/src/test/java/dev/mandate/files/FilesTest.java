package dev.mandate.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.crypto.Tokens;
import dev.mandate.runs.RunSettings;
import dev.mandate.server.Newcomers;
import dev.mandate.server.TestServer;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files over the real server, with both storages, fed what nobody should send. */
class FilesTest {
  private static final byte[] TEXT = "Minutes of the meeting.\n".getBytes(StandardCharsets.UTF_8);
  private static final byte[] PNG = HexFormat.of().parseHex("89504e470d0a1a0a0000000d49484452");

  private static final Path folder = folder();
  private static final S3Server bucket = new S3Server();
  private static final TestServer local = server(null);
  private static final TestServer s3 = server(bucket.settings());
  private static final HttpClient http = HttpClient.newHttpClient();

  private static Path folder() {
    try {
      return Files.createTempDirectory("files-test");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static TestServer server(FileSettings.@Nullable S3 where) {
    FileSettings usual = TestServer.files(folder);
    return TestServer.on(
        TestDatabase.create(),
        Map.of(),
        RunSettings.DEFAULTS,
        new FileSettings(
            folder,
            true,
            where,
            usual.maxSize(),
            usual.quota(),
            usual.types(),
            usual.pending(),
            usual.link(),
            usual.grace()));
  }

  static Stream<TestServer> both() {
    return Stream.of(local, s3);
  }

  @AfterAll
  static void close() throws IOException {
    http.close();
    local.close();
    s3.close();
    bucket.close();
    for (Path each : everything()) {
      Files.delete(each);
    }
  }

  /** The deepest first. What goes while we look is not there. */
  private static List<Path> everything() {
    while (true) {
      try (Stream<Path> all = Files.walk(folder)) {
        return all.sorted((a, b) -> b.compareTo(a)).toList();
      } catch (UncheckedIOException e) {
        if (!(e.getCause() instanceof NoSuchFileException)) {
          throw e;
        }
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  private static String announcement(String name, String type, byte[] content) {
    return """
    {"name": "%s", "contentType": "%s", "size": %d, "sha256": "%s"}
    """
        .formatted(name, type, content.length, HexFormat.of().formatHex(Tokens.sha256(content)));
  }

  private static JsonNode announce(TestServer server, String name, String type, byte[] content) {
    return server.owner().post("/api/v1/files", announcement(name, type, content)).ok();
  }

  private static HttpResponse<byte[]> put(TestServer server, JsonNode link, byte[] content) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address(server, link.get("url").textValue()))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(content));
    link.get("headers")
        .properties()
        .forEach(header -> request.header(header.getKey(), header.getValue().textValue()));
    return send(request);
  }

  private static URI address(TestServer server, String url) {
    return URI.create(server.url() + "/").resolve(url);
  }

  private static HttpResponse<byte[]> fetch(TestServer server, String url, String... headers) {
    HttpRequest.Builder request = HttpRequest.newBuilder(address(server, url));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return send(request);
  }

  private static HttpResponse<byte[]> send(HttpRequest.Builder request) {
    try {
      return http.send(
          request.timeout(Duration.ofSeconds(60)).build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static String id(JsonNode made) {
    return made.get("file").get("id").textValue();
  }

  /** A complete file's id. */
  private static String uploaded(TestServer server, String name, String type, byte[] content) {
    JsonNode made = announce(server, name, type, content);
    assertThat(put(server, made.get("upload"), content).statusCode()).isBetween(200, 204);
    server.owner().post("/api/v1/files/" + id(made) + ":complete", "{}").ok();
    return id(made);
  }

  private static String downloadUrl(TestServer server, String id) {
    JsonNode found = server.owner().get("/api/v1/files/" + id).ok();
    assertThat(found.get("file").get("state").textValue()).isEqualTo("COMPLETE");
    return found.get("download").get("url").textValue();
  }

  private static String reason(HttpResponse<byte[]> response) {
    String body = new String(response.body(), StandardCharsets.UTF_8);
    return body.replaceAll("(?s).*\"reason\":\"([A-Z_]+)\".*", "$1");
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("both")
  void whatIsSentIsFetchedAgain(TestServer server) {
    String id = uploaded(server, "Müller & Söhne.txt", "text/plain; charset=utf-8", TEXT);

    HttpResponse<byte[]> fetched = fetch(server, downloadUrl(server, id));

    assertThat(fetched.statusCode()).isEqualTo(200);
    assertThat(fetched.body()).isEqualTo(TEXT);
    assertThat(fetched.headers().firstValue("content-disposition"))
        .hasValue(
            "attachment; filename=\"M_ller _ S_hne.txt\";"
                + " filename*=UTF-8''M%C3%BCller%20%26%20S%C3%B6hne.txt");
    JsonNode listed = server.owner().get("/api/v1/files?pageSize=200").ok().get("files");
    assertThat(listed).anyMatch(file -> file.get("id").textValue().equals(id));
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("both")
  void whatIsNotWhatItSaysItIsIsRefused(TestServer server) {
    byte[] page = "<!doctype html><script>alert(1)</script>".getBytes(StandardCharsets.UTF_8);
    JsonNode made = announce(server, "picture.png", "image/png", page);
    boolean taken = put(server, made.get("upload"), page).statusCode() / 100 == 2;

    TestServer.Answer answer = server.owner().post("/api/v1/files/" + id(made) + ":complete", "{}");

    assertThat(answer.status()).isEqualTo(400);
    // A bucket takes anything; our own port looks at it as it comes.
    assertThat(answer.reason()).isEqualTo(taken ? "CONTENT_REFUSED" : "NOTHING_SENT");
    assertThat(server.owner().get("/api/v1/files/" + id(made)).ok().get("file").get("state"))
        .hasToString("\"PENDING\"");
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("both")
  void anotherContentThanTheOneAnnouncedIsRefused(TestServer server) {
    JsonNode made = announce(server, "a.txt", "text/plain", TEXT);
    byte[] other = TEXT.clone();
    other[0] = 'm';
    put(server, made.get("upload"), other);

    TestServer.Answer answer = server.owner().post("/api/v1/files/" + id(made) + ":complete", "{}");

    assertThat(answer.status()).isEqualTo(400);
    // And then the right one is taken.
    assertThat(put(server, made.get("upload"), TEXT).statusCode()).isBetween(200, 204);
    server.owner().post("/api/v1/files/" + id(made) + ":complete", "{}").ok();
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("both")
  void moreOrLessThanAnnouncedIsRefused(TestServer server) {
    JsonNode made = announce(server, "b.txt", "text/plain", TEXT);
    for (byte[] wrong : List.of(new byte[0], new byte[] {65}, new byte[600_000])) {
      assertThat(put(server, made.get("upload"), wrong).statusCode()).isIn(400, 403);
    }

    assertThat(server.owner().post("/api/v1/files/" + id(made) + ":complete", "{}").reason())
        .isEqualTo("NOTHING_SENT");
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("both")
  void aSecondContentChangesNothing(TestServer server) {
    JsonNode made = announce(server, "c.txt", "text/plain", TEXT);
    put(server, made.get("upload"), TEXT);
    server.owner().post("/api/v1/files/" + id(made) + ":complete", "{}").ok();
    byte[] other = TEXT.clone();
    other[0] = 'X';
    put(server, made.get("upload"), other);

    server.owner().post("/api/v1/files/" + id(made) + ":complete", "{}").ok();
    assertThat(fetch(server, downloadUrl(server, id(made))).body()).isEqualTo(TEXT);
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("both")
  void anAlteredAddressIsWorthNothing(TestServer server) {
    String good = downloadUrl(server, uploaded(server, "d.txt", "text/plain", TEXT));
    int end = good.length() - 10;
    char c = good.charAt(end) == 'a' ? 'b' : 'a';

    for (String bad :
        List.of(
            good.substring(0, end) + c + good.substring(end + 1),
            good.substring(0, good.indexOf('?')),
            good.replaceFirst("Expires=300", "Expires=604800").replaceFirst("token=", "token=A"))) {
      assertThat(fetch(server, bad).statusCode()).as(bad).isEqualTo(403);
    }
    // Good for fetching is not good for sending.
    HttpRequest.Builder put =
        HttpRequest.newBuilder(address(server, good))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(TEXT));
    assertThat(send(put).statusCode()).isEqualTo(403);
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("both")
  void aDeletedFileIsGoneAndItsContentWithTheLastFileThatHasIt(TestServer server) {
    byte[] content = ("kept twice " + server.port()).getBytes(StandardCharsets.UTF_8);
    String sha256 = HexFormat.of().formatHex(Tokens.sha256(content));
    String one = uploaded(server, "one.txt", "text/plain", content);
    String two = uploaded(server, "two.txt", "text/plain", content);
    String address = downloadUrl(server, one);

    server.owner().call("DELETE", "/api/v1/files/" + one, null).ok();
    assertThat(server.owner().get("/api/v1/files/" + one).status()).isEqualTo(404);
    if (server == local) {
      assertThat(fetch(server, address).statusCode()).isEqualTo(404);
    }
    assertThat(fetch(server, downloadUrl(server, two)).body()).isEqualTo(content);
    assertThat(isKept(server, sha256)).isTrue();
    server.owner().call("DELETE", "/api/v1/files/" + two, null).ok();

    await().atMost(Duration.ofSeconds(60)).until(() -> !isKept(server, sha256));
  }

  private static boolean isKept(TestServer server, String sha256) {
    return server == s3
        ? bucket.objects().keySet().stream().anyMatch(key -> key.endsWith(sha256))
        : everything().stream().anyMatch(path -> path.endsWith(sha256));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "../../etc/passwd", "a/b", "..", "a\\\\b", "a\\nb", "x\\u202ey"})
  void aNameIsNoPathAndHidesNothing(String name) {
    TestServer.Answer answer =
        local.owner().post("/api/v1/files", announcement(name, "text/plain", TEXT));

    assertThat(answer.status()).as("%s", answer.body()).isEqualTo(400);
    assertThat(String.valueOf(answer.body())).contains("name");
  }

  @Test
  void whatIsNotAcceptedIsNamed() {
    for (Map.Entry<String, String> each :
        Map.of(
                "\"contentType\": \"application/x-msdownload\"", "content_type",
                "\"contentType\": \"nonsense\"", "content_type",
                "\"size\": 0", "size",
                "\"size\": -5", "size",
                "\"size\": 1048577", "size",
                "\"sha256\": \"abc\"", "sha256")
            .entrySet()) {
      String field = each.getKey().substring(0, each.getKey().indexOf(':'));
      String announcement =
          announcement("e.txt", "text/plain", TEXT)
              .replaceFirst(field + ": (\"[^\"]*\"|\\d+)", each.getKey());
      TestServer.Answer answer = local.owner().post("/api/v1/files", announcement);

      assertThat(answer.status()).as(announcement).isEqualTo(400);
      assertThat(java.util.Objects.requireNonNull(answer.body()).get("message").textValue())
          .startsWith(each.getValue() + ":");
    }
  }

  @Test
  void anOrganizationHasAQuota() {
    TestServer.Client other = local.newOrganization("Hoarders");
    byte[] large = new byte[1 << 20];
    java.util.Arrays.fill(large, (byte) 'a');
    for (int i = 0; i < 4; i++) {
      other.post("/api/v1/files", announcement("f" + i, "text/plain", large)).ok();
    }

    TestServer.Answer answer = other.post("/api/v1/files", announcement("g", "text/plain", large));

    assertThat(answer.status()).isEqualTo(429);
    assertThat(answer.reason()).isEqualTo("FILE_QUOTA");
    String first = other.get("/api/v1/files").ok().get("files").get(0).get("id").textValue();
    other.call("DELETE", "/api/v1/files/" + first, null).ok();
    other.post("/api/v1/files", announcement("g", "text/plain", large)).ok();
  }

  @Test
  void aColleagueSeesNothingOfItUntilAMessageCarriesIt() {
    String id = uploaded(local, "mine.txt", "text/plain", TEXT);
    TestServer.Client colleague =
        Newcomers.join(local, local.owner(), "colleague@example.org", "MEMBER").client();

    assertThat(colleague.get("/api/v1/files/" + id).status()).isEqualTo(404);
    assertThat(colleague.call("DELETE", "/api/v1/files/" + id, null).status()).isEqualTo(404);
    assertThat(colleague.get("/api/v1/files").ok().get("files")).isEmpty();
  }

  @Test
  void partsAreSentAndNothingThatABrowserWouldRun() {
    byte[] page = "<script>alert(1)</script>".getBytes(StandardCharsets.UTF_8);
    String url = downloadUrl(local, uploaded(local, "page.html", "text/html", page));

    HttpResponse<byte[]> whole = fetch(local, url);
    assertThat(whole.body()).isEqualTo(page);
    assertThat(whole.headers().firstValue("content-type")).hasValue("application/octet-stream");
    assertThat(whole.headers().firstValue("x-content-type-options")).hasValue("nosniff");
    assertThat(whole.headers().firstValue("content-security-policy").orElse(""))
        .contains("sandbox");
    HttpResponse<byte[]> part = fetch(local, url, "range", "bytes=1-6");
    assertThat(part.statusCode()).isEqualTo(206);
    assertThat(part.body()).isEqualTo("script".getBytes(StandardCharsets.UTF_8));
    assertThat(part.headers().firstValue("content-range")).hasValue("bytes 1-6/" + page.length);
    assertThat(fetch(local, url, "range", "bytes=-9").body())
        .isEqualTo("</script>".getBytes(StandardCharsets.UTF_8));
    assertThat(fetch(local, url, "range", "bytes=17-").body().length).isEqualTo(page.length - 17);
    assertThat(fetch(local, url, "range", "bytes=1000-").statusCode()).isEqualTo(416);
    assertThat(fetch(local, url, "range", "bytes=0-1,3-4").statusCode()).isEqualTo(200);
    String tag = whole.headers().firstValue("etag").orElse("");
    assertThat(fetch(local, url, "if-none-match", tag).statusCode()).isEqualTo(304);
  }

  @Test
  void aMembersLossOfRightsEndsItsAddresses() {
    Newcomers.Newcomer leaver =
        Newcomers.join(local, local.owner(), "leaver@example.org", "MEMBER");
    JsonNode made =
        leaver.client().post("/api/v1/files", announcement("x", "text/plain", TEXT)).ok();
    local.owner().call("DELETE", "/api/v1/members/" + leaver.userId(), null).ok();

    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> {
          HttpResponse<byte[]> answer = put(local, made.get("upload"), TEXT);
          assertThat(answer.statusCode()).isEqualTo(403);
          assertThat(reason(answer)).isEqualTo("NOT_A_MEMBER");
        });
  }

  @Test
  void anUploadThatBreaksOffLeavesNothing() throws IOException {
    byte[] content = new byte[900_000];
    java.util.Arrays.fill(content, (byte) 'b');
    JsonNode made = announce(local, "cut.txt", "text/plain", content);
    String url = made.get("upload").get("url").textValue();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), local.port())) {
      OutputStream out = socket.getOutputStream();
      out.write(
          ("PUT " + url + " HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      out.write(content, 0, 300_000);
      out.flush();
      await().atMost(Duration.ofSeconds(60)).until(() -> parts(id(made)) == 1);
    }

    await().atMost(Duration.ofSeconds(60)).until(() -> parts(id(made)) == 0);
    assertThat(put(local, made.get("upload"), content).statusCode()).isEqualTo(204);
    local.owner().post("/api/v1/files/" + id(made) + ":complete", "{}").ok();
  }

  private static long parts(String id) {
    return everything().stream()
        .filter(path -> String.valueOf(path.getFileName()).startsWith(id))
        .count();
  }

  @Test
  void aContentWithoutALengthIsCountedAsItComes() {
    byte[] content = new byte[1 << 20];
    JsonNode made = announce(local, "chunked.txt", "text/plain", TEXT);
    HttpRequest.Builder endless =
        HttpRequest.newBuilder(address(local, made.get("upload").get("url").textValue()))
            .PUT(
                HttpRequest.BodyPublishers.ofInputStream(
                    () -> new java.io.ByteArrayInputStream(content)));

    assertThat(reason(send(endless))).isEqualTo("CONTENT_REFUSED");
    assertThat(parts(id(made))).isZero();
  }

  @Test
  void aPictureIsAPicture() {
    assertThat(fetch(local, downloadUrl(local, uploaded(local, "p.png", "image/png", PNG))).body())
        .isEqualTo(PNG);
  }

  @Test
  void whatIsAnnouncedAndNeverSentIsGivenUp() {
    FileSettings usual = TestServer.files(folder);
    FileSettings hasty =
        new FileSettings(
            folder,
            true,
            null,
            usual.maxSize(),
            usual.quota(),
            usual.types(),
            Duration.ofSeconds(2),
            usual.link(),
            usual.grace());
    try (TestServer server =
        TestServer.on(TestDatabase.create(), Map.of(), RunSettings.DEFAULTS, hasty)) {
      JsonNode made = announce(server, "late.txt", "text/plain", TEXT);
      put(server, made.get("upload"), TEXT);

      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> server.owner().get("/api/v1/files/" + id(made)).status() == 404);
      await().atMost(Duration.ofSeconds(60)).until(() -> parts(id(made)) == 0);
      assertThat(put(server, made.get("upload"), TEXT).statusCode()).isIn(403, 404);
    }
  }
}
