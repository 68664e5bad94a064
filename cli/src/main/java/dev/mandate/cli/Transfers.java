package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Sends and fetches files' contents, at addresses that the server signs: its own or a bucket's.
 * Contents pass in pieces, whatever their size.
 */
final class Transfers {
  private static final Duration LONGEST = Duration.ofMinutes(30);

  private static final Map<String, String> TYPES =
      Map.ofEntries(
          Map.entry("csv", "text/csv"),
          Map.entry("gif", "image/gif"),
          Map.entry("jpeg", "image/jpeg"),
          Map.entry("jpg", "image/jpeg"),
          Map.entry("json", "application/json"),
          Map.entry("jsonl", "application/x-ndjson"),
          Map.entry("md", "text/markdown"),
          Map.entry("pdf", "application/pdf"),
          Map.entry("png", "image/png"),
          Map.entry("tsv", "text/tab-separated-values"),
          Map.entry("webp", "image/webp"),
          Map.entry("xml", "application/xml"),
          Map.entry("yaml", "application/yaml"),
          Map.entry("yml", "application/yaml"),
          Map.entry("zip", "application/zip"),
          Map.entry(
              "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
          Map.entry("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
          Map.entry(
              "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"));

  private final Context context;
  private final Api api;

  Transfers(Context context) {
    this.context = context;
    this.api = context.api();
  }

  /**
   * Makes a file of the server's from one here.
   *
   * @param type empty to guess it from the name; unknown ones are text
   */
  JsonNode upload(Path path, String type) {
    try {
      long size = Files.size(path);
      ObjectNode announcement =
          Json.object()
              .put("name", String.valueOf(path.getFileName()))
              .put("contentType", type.isEmpty() ? guess(path) : type)
              .put("size", Long.toString(size))
              .put("sha256", sha256(path));
      JsonNode made = api.post("/api/v1/files", announcement);
      send(made.path("upload"), path, size);
      String id = Json.text(made.path("file"), "id");
      return api.post("/api/v1/files/" + id + ":complete", Json.object());
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot send " + path + ": " + why(unreadable));
    }
  }

  private void send(JsonNode link, Path path, long size) throws IOException {
    HttpRequest.Builder request = request(link);
    String name = String.valueOf(path.getFileName());
    request.PUT(
        HttpRequest.BodyPublishers.fromPublisher(
            HttpRequest.BodyPublishers.ofInputStream(() -> open(path, progress(name, size))),
            size));
    HttpResponse<String> response = exchange(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) {
      throw refused(response.statusCode(), response.body());
    }
  }

  /** Fetches a file and puts it there, if it is what the server says it is. */
  void download(JsonNode found, Path target) {
    JsonNode file = found.path("file");
    JsonNode link = found.path("download");
    if (Json.text(link, "url").isEmpty()) {
      throw CliFailure.failed("the file is still pending: there is nothing to fetch");
    }
    try {
      HttpResponse<InputStream> response =
          exchange(request(link).GET().build(), HttpResponse.BodyHandlers.ofInputStream());
      Path part = Files.createTempFile(parent(target), ".mandate-", ".part");
      try (InputStream body = response.body()) {
        if (response.statusCode() != 200) {
          throw refused(
              response.statusCode(), new String(body.readNBytes(4096), StandardCharsets.UTF_8));
        }
        LongConsumer progress = progress(Json.text(file, "name"), Json.number(file, "size"));
        try (OutputStream out = Files.newOutputStream(part)) {
          new Counted(body, progress).transferTo(out);
        }
        if (!sha256(part).equals(Json.text(file, "sha256"))) {
          throw CliFailure.failed("what came is not the file: its SHA-256 differs");
        }
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw CliFailure.failed("cannot fetch to " + target + ": " + why(e));
    }
  }

  private static Path parent(Path target) {
    Path parent = target.toAbsolutePath().getParent();
    return parent == null ? target : parent;
  }

  private HttpRequest.Builder request(JsonNode link) {
    // Only the address speaks: a bucket must not get the token.
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(api.url() + "/").resolve(Json.text(link, "url")))
            .timeout(LONGEST);
    link.path("headers")
        .properties()
        .forEach(header -> request.header(header.getKey(), header.getValue().asText()));
    return request;
  }

  private <T> HttpResponse<T> exchange(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws IOException {
    // Not closed: that would wait for a body that is still to be read.
    HttpClient http = api.client(request.uri()).connectTimeout(Duration.ofSeconds(10)).build();
    try {
      return http.send(request, handler);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw CliFailure.answered(Exit.CANCELLED, "canceled", "", "cancelled");
    }
  }

  private static CliFailure refused(int status, String body) {
    String said = "status " + status;
    try {
      String message = Json.text(Json.parse(body), "message");
      said = message.isEmpty() ? said : message;
    } catch (com.fasterxml.jackson.core.JsonProcessingException notOurs) {
      // A bucket's own words are XML; its status says enough.
      return CliFailure.failed("the storage answered " + said);
    }
    return CliFailure.failed(said);
  }

  /** Tells a person at a terminal how far it is. */
  private LongConsumer progress(String name, long size) {
    if (context.json || !context.env().stdoutTerminal()) {
      return done -> {};
    }
    int[] last = {-1};
    return done -> {
      int percent = (int) (done * 100 / Math.max(1, size));
      if (percent != last[0]) {
        last[0] = percent;
        String end = percent >= 100 ? "\r\u001B[K" : "";
        context.screen().piece("\r" + Format.printable(name) + "  " + percent + " %" + end);
      }
    };
  }

  private static InputStream open(Path path, LongConsumer progress) {
    try {
      return new Counted(Files.newInputStream(path), progress);
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot read " + path + ": " + why(unreadable));
    }
  }

  private static String guess(Path path) {
    String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
    return TYPES.getOrDefault(name.substring(name.lastIndexOf('.') + 1), "text/plain");
  }

  private static String sha256(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[64 * 1024];
      for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
        digest.update(buffer, 0, length);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static String why(IOException e) {
    return e instanceof java.nio.file.NoSuchFileException
        ? "there is no such file"
        : e.getClass().getSimpleName() + " " + e.getMessage();
  }

  /** Counts what is read. */
  private static final class Counted extends FilterInputStream {
    private final LongConsumer progress;
    private long count;

    Counted(InputStream in, LongConsumer progress) {
      super(in);
      this.progress = progress;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int read = super.read(into, offset, length);
      if (read > 0) {
        count += read;
        progress.accept(count);
      }
      return read;
    }
  }
}
