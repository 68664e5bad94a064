package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.rpc.notes.Note;
import dev.mandate.kernel.rpc.notes.NoteEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Server-Sent Events: the REST face of streams. */
@Timeout(60)
class EventStreamTest {
  private RpcServer server;

  @BeforeEach
  void start() {
    server = new RpcServer().start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** One event as it came. */
  private record Event(@Nullable String id, @Nullable String name, String data) {}

  private static final class Reader implements AutoCloseable {
    private final BufferedReader lines;

    Reader(InputStream body) {
      this.lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    }

    Event next() throws IOException {
      return Objects.requireNonNull(nextOrNull(), "the stream ended");
    }

    /** The next event; null at the end. */
    @Nullable Event nextOrNull() throws IOException {
      String id = null;
      String name = null;
      String data = null;
      for (String line; (line = lines.readLine()) != null; ) {
        if (line.isEmpty() && data != null) {
          return new Event(id, name, data);
        } else if (line.startsWith("id: ")) {
          id = line.substring(4);
        } else if (line.startsWith("event: ")) {
          name = line.substring(7);
        } else if (line.startsWith("data: ")) {
          data = line.substring(6);
        }
      }
      return null;
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }

  private Reader watch(String query, @Nullable String lastEventId) throws Exception {
    HttpRequest.Builder request = server.request("/api/v1/notes/events" + query);
    if (lastEventId != null) {
      request.header("last-event-id", lastEventId);
    }
    HttpResponse<InputStream> answer = server.open(request);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("content-type")).hasValue("text/event-stream");
    return new Reader(answer.body());
  }

  @Test
  void eventsCarryTheirCursorAndTheirKind() throws Exception {
    server.notes.happen(1);
    try (Reader reader = watch("", null)) {
      Event event = reader.next();
      assertThat(event.id()).isEqualTo("1");
      assertThat(event.name()).isEqualTo("created");
      assertThat(event.data()).startsWith("{\"cursor\":\"1\",\"created\":{\"id\":\"n1\"");
      server.notes.happen(1);
      assertThat(reader.next().id()).isEqualTo("2");
    }
  }

  @Test
  void aReaderThatComesBackMissesNothingAndSeesNothingTwice() throws Exception {
    List<String> seen = new ArrayList<>();
    CompletableFuture<Void> writer =
        CompletableFuture.runAsync(() -> {
          for (int i = 0; i < 100; i++) {
            server.notes.happen(5);
          }
        });
    String last = null;
    for (int connection = 0; seen.size() < 500; connection++) {
      try (Reader reader = connection % 2 == 0 ? watch("", last) : watch("?after=" + last, null)) {
        for (int i = 0; i < 37 && seen.size() < 500; i++) {
          last = reader.next().id();
          seen.add(last);
        }
      }
    }
    writer.join();
    assertThat(seen).hasSize(500);
    for (int i = 0; i < 500; i++) {
      assertThat(seen.get(i)).isEqualTo(Integer.toString(i + 1));
    }
  }

  @Test
  void aStreamThatIsRefusedIsAnOrdinaryErrorAndOneThatFailsEndsWithAnErrorEvent() throws Exception {
    HttpResponse<String> refused = server.get("/api/v1/notes/events?after=nowhere");
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("after: is no cursor");
    assertThat(server.get("/api/v1/notes/events?bogus=1").body())
        .contains("bogus: unknown query parameter");
    server.notes.happen(3);
    try (Reader reader = watch("?fail_at=2", null)) {
      assertThat(reader.next().id()).isEqualTo("1");
      assertThat(reader.next().id()).isEqualTo("2");
      Event error = reader.next();
      assertThat(error.name()).isEqualTo("error");
      assertThat(error.data()).contains("\"reason\":\"NOTES_GONE\"").contains("trace_id");
      assertThat(reader.nextOrNull()).isNull();
    }
  }

  @Test
  void aReaderThatLeavesFreesEverything() throws Exception {
    List<Reader> readers = new ArrayList<>();
    server.notes.happen(1);
    for (int i = 0; i < 20; i++) {
      Reader reader = watch("", null);
      reader.next();
      readers.add(reader);
    }
    assertThat(server.notes.watching.get()).isEqualTo(20);
    assertThat(server.http.openStreams()).isEqualTo(20);
    for (Reader reader : readers) {
      reader.close();
    }
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> {
          assertThat(server.notes.watching.get()).isZero();
          assertThat(server.http.openStreams()).isZero();
        });
    assertThat(Deadline.TIMER.getQueue().size()).isLessThan(10);
  }

  @Test
  void aReaderThatDoesNotReadCostsNoMemoryAndGetsEverythingLater() throws Exception {
    server.notes.happen(20_000);
    try (Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4096);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.http.port()));
      OutputStream out = socket.getOutputStream();
      out.write(
          "GET /api/v1/notes/events?count=20000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ann\r\n\r\n"
              .getBytes(StandardCharsets.US_ASCII));
      out.flush();
      await().until(() -> server.notes.watching.get() == 1);
      await()
          .during(Duration.ofMillis(500))
          .atMost(Duration.ofSeconds(10))
          .until(() -> server.notes.read.get(), stable());
      assertThat(server.notes.read.get()).isLessThan(20_000);
      Reader reader = new Reader(socket.getInputStream());
      for (int i = 1; i <= 20_000; i++) {
        assertThat(reader.next().id()).isEqualTo(Integer.toString(i));
      }
    }
  }

  @Test
  void aHistoryLargerThanWhatMayBeQueuedReachesASlowReaderWhole() throws Exception {
    String text = "x".repeat(400_000);
    for (int i = 1; i <= 100; i++) {
      server.notes.events.add(
          NoteEvent.newBuilder()
              .setCursor(Integer.toString(i))
              .setCreated(Note.newBuilder().setText(text))
              .build());
    }
    try (Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4096);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.http.port()));
      socket
          .getOutputStream()
          .write(
              "GET /api/v1/notes/events?count=100 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ann\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      await()
          .during(Duration.ofMillis(500))
          .atMost(Duration.ofSeconds(20))
          .until(() -> server.notes.read.get(), stable());
      // It was slow for long enough.
      socket.setReceiveBufferSize(1 << 20);
      Reader reader = new Reader(socket.getInputStream());
      for (int i = 1; i <= 100; i++) {
        assertThat(reader.next().id()).isEqualTo(Integer.toString(i));
      }
    }
  }

  @Test
  void aMessageLargerThanWhatMayBeQueuedReachesItsReader() throws Exception {
    String text = "x".repeat(9_000_000);
    server.notes.events.add(
        NoteEvent.newBuilder().setCursor("1").setCreated(Note.newBuilder().setText(text)).build());
    server.notes.happen(1);
    try (Reader reader = watch("?count=2", null)) {
      assertThat(reader.next().data()).hasSizeGreaterThan(text.length());
      assertThat(reader.next().id()).isEqualTo("2");
    }
  }

  private static java.util.function.Predicate<Integer> stable() {
    int[] last = {-1};
    return now -> {
      boolean same = now == last[0];
      last[0] = now;
      return same && now > 0;
    };
  }

  @Test
  void aStreamEndsWhenItsRightsDo() throws Exception {
    server.notes.happen(1);
    try (Reader reader = watch("", null)) {
      reader.next();
      server.forbidden.add("notes.watch");
      server.wakeups.signal(List.of("auth/" + RpcServer.ORG));
      Event error = reader.next();
      assertThat(error.name()).isEqualTo("error");
      assertThat(error.data()).contains("permission_denied");
    }
    server.forbidden.clear();
    try (Reader reader = watch("", null)) {
      reader.next();
      server.revoked.add("ann");
      server.wakeups.signal(List.of("auth/" + RpcServer.ORG));
      assertThat(reader.next().data()).contains("unauthenticated");
    }
  }

  @Test
  void aStreamEndsWhenItsAuthorityExpires() throws Exception {
    server.notes.happen(1);
    try (Reader reader = watch("", null)) {
      reader.next();
      server.ahead = Duration.ofHours(2);
      assertThat(reader.next().data()).contains("the authority of this stream has expired");
    }
  }

  @Test
  void stoppingTheServerSendsReadersAwayAtOnce() throws Exception {
    server.notes.happen(1);
    RpcServer other = new RpcServer().start();
    other.notes.happen(1);
    HttpResponse<InputStream> answer = other.open(other.request("/api/v1/notes/events"));
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
    long start = System.nanoTime();
    CompletableFuture<Void> closing = CompletableFuture.runAsync(other.http::close);
    String rest = String.join("\n", lines.lines().toList());
    closing.join();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    assertThat(rest).contains("retry: 500");
    other.database.close();
  }
}
