package dev.mandate.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressSettings;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class S3StorageTest extends FileStorageContract {
  private final S3Server server = new S3Server();
  private final EgressClient egress = new EgressClient(EgressSettings.defaults());
  private final HttpClient http = HttpClient.newHttpClient();
  private final S3Storage storage =
      new S3Storage(server.settings(), egress, InstantSource.system());

  @AfterEach
  void close() {
    http.close();
    egress.close();
    server.close();
  }

  @Override
  S3Storage storage() {
    return storage;
  }

  @Override
  void send(StoredFile file, byte[] content) throws IOException, InterruptedException {
    assertThat(put(file, content)).isEqualTo(200);
  }

  private int put(StoredFile file, byte[] content) throws IOException, InterruptedException {
    FileLink link = storage.upload(mandate, file, LIFE);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(link.url()))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(content));
    link.headers().forEach(request::header);
    return http.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
  }

  @Override
  Iterable<String> kept() {
    return List.copyOf(server.objects().keySet());
  }

  @Test
  void theBucketTakesNoMoreThanWasAnnounced() throws Exception {
    assertThat(put(announced(bytes("short")), bytes("much longer"))).isEqualTo(403);
    assertThat(server.objects()).isEmpty();
  }

  @Test
  void aDraftThatChangesAfterItWasReadIsNotKept() throws Exception {
    StoredFile file = announced(bytes("right"));
    send(file, bytes("right"));
    String tag;
    try (FileStorage.Draft draft = Objects.requireNonNull(storage.draft(org, file.id()))) {
      tag = draft.tag();
    }
    server.beforeCopy(() -> server.objects().replaceAll((key, value) -> bytes("wrong")));

    assertThat(storage.keep(org, file.id(), tag, file.sha256())).isFalse();
    assertThat(storage.read(org, file.sha256())).isNull();
  }

  @Test
  void aContentIsFetchedAsADownload() throws Exception {
    StoredFile file = announced(bytes("fetched"));
    send(file, bytes("fetched"));
    try (FileStorage.Draft draft = Objects.requireNonNull(storage.draft(org, file.id()))) {
      assertThat(storage.keep(org, file.id(), draft.tag(), file.sha256())).isTrue();
    }
    HttpRequest get =
        HttpRequest.newBuilder(URI.create(storage.download(mandate, file, LIFE).url())).build();

    HttpResponse<String> response = http.send(get, HttpResponse.BodyHandlers.ofString());

    assertThat(response.body()).isEqualTo("fetched");
    assertThat(response.headers().firstValue("content-disposition").orElse(""))
        .startsWith("attachment; filename=\"notes.txt\"");
    assertThat(response.headers().firstValue("content-type")).hasValue("text/plain; charset=utf-8");
  }

  @Test
  void anotherKeyIsRefusedAndItsAnswerNamed() {
    FileSettings.S3 right = server.settings();
    S3Storage stranger =
        new S3Storage(
            new FileSettings.S3(
                right.endpoint(),
                right.region(),
                right.bucket(),
                true,
                "",
                right.accessKey(),
                "another-secret",
                "",
                ""),
            egress,
            InstantSource.system());

    assertThatThrownBy(() -> stranger.read(org, "0".repeat(64)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("403 SignatureDoesNotMatch")
        .hasMessageNotContaining("another-secret");
    assertThat(server.refused()).hasSize(1);
  }

  @Test
  void theBucketStandsInTheHostNameWhereThatIsTheStyle() {
    S3Storage virtual =
        new S3Storage(
            new FileSettings.S3(
                "https://s3.example.com:9000", "r", "my.bucket", false, "p/", "a", "s", "", ""),
            egress,
            InstantSource.system());

    assertThat(virtual.uri("p/a b", Map.of()))
        .hasToString("https://my.bucket.s3.example.com:9000/p/a%20b");
    assertThat(storage.uri("k", Map.of("x", "1/2")).toString()).endsWith("/bucket/k?x=1%2F2");
  }
}
