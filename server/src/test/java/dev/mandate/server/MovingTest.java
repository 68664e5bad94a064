package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.crypto.Tokens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An installation moves to another machine: nothing goes with it but a backup and its key. */
class MovingTest {
  private static final byte[] TEXT = "What was agreed.\n".getBytes(StandardCharsets.UTF_8);

  private static final HttpClient HTTP = HttpClient.newHttpClient();

  @TempDir static Path folder;

  @BeforeAll
  static void passable() throws IOException {
    // PostgreSQL's own user passes through.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
  }

  @Test
  void anInstallationIsTheSameInAnotherFolder() throws Exception {
    Path file = folder.resolve("all.backup");
    List<String> before;
    try (ServerProcess old = up("old")) {
      String token = old.signIn();
      old.post("/api/v1/agents", token, "{\"name\": \"Marlowe\"}").ok();
      upload(old, token);
      before = quietBackup(file);
      old.stop();
    }
    assertThat(before.get(0)).contains("Marlowe", "minutes.txt", TestServer.EMAIL);
    assertThat(before.get(1)).contains("agents.create");

    Path key = folder.resolve("old/secrets/backup-key");
    assertThat(run("restore", file.toString(), "--key-file", key.toString(), "--data", data("new")))
        .contains("rows are restored");
    assertThat(exports("new", "after")).isEqualTo(before);
    assertThat(run("ops", "verify-audit", "--data", data("new")))
        .contains("intact")
        .doesNotContain("BROKEN");

    try (ServerProcess other = up("new")) {
      String token = other.signIn();
      assertThat(other.get("/api/v1/agents?name=Marlowe", token).ok().get("agents")).hasSize(1);
      String id = other.get("/api/v1/files", token).ok().get("files").get(0).get("id").textValue();
      String url =
          other.get("/api/v1/files/" + id, token).ok().get("download").get("url").textValue();
      assertThat(send(HttpRequest.newBuilder(address(other, url))).body()).isEqualTo(TEXT);
      other.stop();
    }
  }

  private static ServerProcess up(String name) throws IOException {
    ServerProcess process = ServerProcess.alone(folder, name);
    await().atMost(Duration.ofMinutes(3)).until(process::ready);
    return process;
  }

  private static void upload(ServerProcess server, String token) {
    JsonNode made =
        server
            .post(
                "/api/v1/files",
                token,
                """
                {"name": "minutes.txt", "contentType": "text/plain", "size": %d, "sha256": "%s"}
                """
                    .formatted(TEXT.length, HexFormat.of().formatHex(Tokens.sha256(TEXT))))
            .ok();
    JsonNode link = made.get("upload");
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address(server, link.get("url").textValue()))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(TEXT));
    link.get("headers")
        .properties()
        .forEach(header -> request.header(header.getKey(), header.getValue().textValue()));
    assertThat(send(request).statusCode()).isBetween(200, 204);
    server
        .post("/api/v1/files/" + made.get("file").get("id").textValue() + ":complete", token, "{}")
        .ok();
  }

  private static URI address(ServerProcess server, String url) {
    return URI.create(server.url() + "/").resolve(url);
  }

  private static HttpResponse<byte[]> send(HttpRequest.Builder request) {
    try {
      return HTTP.send(
          request.timeout(Duration.ofSeconds(60)).build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** A backup during which nothing changed, and what there was. */
  private static List<String> quietBackup(Path file) throws IOException {
    for (int round = 1; ; round++) {
      List<String> before = exports("old", "before-" + round);
      run("backup", file.toString(), "--data", data("old"));
      if (exports("old", "since-" + round).equals(before)) {
        return before;
      }
      // The sealer signed the chain meanwhile, which it does once.
      Files.delete(file);
    }
  }

  /** All that the organization has, and its record. */
  private static List<String> exports(String data, String name) throws IOException {
    Path all = folder.resolve(name + ".jsonl");
    Path record = folder.resolve(name + "-record.jsonl");
    run("ops", "export-org", all.toString(), "--data", data(data));
    run("ops", "export-audit", record.toString(), "--data", data(data));
    return List.of(Files.readString(all), Files.readString(record));
  }

  private static String data(String name) {
    return folder.resolve(name).toString();
  }

  private static String run(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    int code = Main.run(List.of(arguments), Map.of(), stream, stream);
    assertThat(code).as("%s", out).isZero();
    return out.toString(StandardCharsets.UTF_8);
  }
}
