package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Message;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.rpc.notes.WatchNotesRequest;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens while a stream is being opened. */
@Timeout(60)
class StreamsTest {
  private RpcServer server;
  private Streams streams;

  @BeforeEach
  void start() {
    server = new RpcServer();
    streams = new Streams(server.table, server.wakeups);
    streams.start();
  }

  @AfterEach
  void stop() {
    streams.close();
    server.close();
  }

  /** A reader that only remembers how its stream ended. */
  private static final class Reader extends Outlet {
    final CompletableFuture<Failure> failed = new CompletableFuture<>();

    @Override
    void write(Message message) {}

    @Override
    void end(@Nullable Failure failure) {
      failed.complete(Objects.requireNonNull(failure));
    }

    @Override
    void endForRestart() {
      failed.complete(Failures.draining());
    }

    @Override
    public boolean ready() {
      return !closed();
    }
  }

  /** Opens a stream; something happens when its caller was admitted. */
  private Reader open(Runnable meanwhile) {
    Caller caller =
        new Caller(
            new Credential(Credential.Kind.BEARER, "ann"),
            new Mandate.Origin("rest", "127.0.0.1", "0".repeat(32), null, null),
            null,
            null,
            null,
            "rest",
            null);
    Method method =
        Objects.requireNonNull(server.table.find("mandate.notes.v1.NoteService.WatchNotes"));
    Reader reader = new Reader();
    streams.open(
        caller,
        method,
        () -> {
          meanwhile.run();
          return WatchNotesRequest.getDefaultInstance();
        },
        reader);
    return reader;
  }

  @Test
  void aStreamThatIsBeingOpenedWhenTheServerStopsIsSentAwayToo() throws Exception {
    Reader reader = open(streams::close);
    assertThat(reader.failed.get(10, TimeUnit.SECONDS).reason()).isEqualTo("DRAINING");
    assertThat(streams.size()).isZero();
  }

  @Test
  void aStreamWhoseRightsEndWhileItIsBeingOpenedEndsBeforeTheNextRoundOfChecks() throws Exception {
    // Whoever looks at the open streams because of it does not find this one yet.
    Reader reader = open(() -> server.forbidden.add("notes.watch"));
    // Every ten seconds all are asked about.
    await().atMost(Duration.ofSeconds(7)).until(reader.failed::isDone);
    assertThat(reader.failed.get().code()).isEqualTo(Failure.Code.PERMISSION_DENIED);
  }
}
