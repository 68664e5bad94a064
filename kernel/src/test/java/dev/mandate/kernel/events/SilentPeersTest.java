package dev.mandate.kernel.events;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.KernelDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Peers that neither answer nor end the connection. */
class SilentPeersTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  private static KernelDatabase database;
  private Proxy way;

  @BeforeAll
  static void start() {
    database = new KernelDatabase();
  }

  @AfterAll
  static void stop() {
    database.close();
  }

  @BeforeEach
  void open() {
    String[] hostAndPort = database.endpoint().hosts().split(":", 2);
    way = new Proxy(hostAndPort[0], Integer.parseInt(hostAndPort[1]));
  }

  @AfterEach
  void close() {
    way.close();
  }

  private Endpoint overTheWay() {
    Endpoint direct = database.endpoint();
    return new Endpoint(
        "127.0.0.1:" + way.port(),
        direct.database(),
        direct.schema(),
        direct.parameters(),
        direct.serverMajor(),
        direct.owner(),
        direct.app(),
        direct.dispatch());
  }

  @Test
  void a_database_that_falls_silent_is_given_up_and_found_again() throws Exception {
    Duration second = Duration.ofSeconds(1);
    AtomicInteger missed = new AtomicInteger();
    Set<String> heard = ConcurrentHashMap.newKeySet();
    try (Fanout one = new PostgresFanout(overTheWay(), second, second);
        Fanout other = new PostgresFanout(database.endpoint())) {
      one.start(heard::addAll, missed::incrementAndGet);
      await()
          .atMost(LONG)
          .until(() -> {
            other.publish(List.of("hello"));
            return heard.contains("hello");
          });
      way.silence();
      // The question whether it is there, and then another login.
      await().atMost(LONG).until(() -> way.swallowed() > 1);
      way.mend();
      await().atMost(LONG).until(() -> missed.get() > 0);
      await()
          .atMost(LONG)
          .until(() -> {
            other.publish(List.of("again"));
            return heard.contains("again");
          });
    }
  }

  @Test
  void an_end_waits_for_no_login_that_is_not_answered() {
    way.silence();
    Wakeups wakeups = new Wakeups(new PostgresFanout(overTheWay()));
    wakeups.start();
    wakeups.signal(List.of("a"));
    await().atMost(LONG).until(() -> way.swallowed() > 1);
    awaitEnd(wakeups);
  }

  @Test
  void an_end_waits_for_no_database_that_does_not_answer() {
    Set<String> heard = ConcurrentHashMap.newKeySet();
    try (Fanout other = new PostgresFanout(database.endpoint())) {
      other.start(heard::addAll, () -> {});
      Wakeups wakeups = new Wakeups(new PostgresFanout(overTheWay()));
      wakeups.start();
      await()
          .atMost(LONG)
          .until(() -> {
            wakeups.signal(List.of("hello"));
            return heard.contains("hello");
          });
      way.silence();
      await()
          .atMost(LONG)
          .until(() -> {
            wakeups.signal(List.of("lost"));
            return way.swallowed() > 0;
          });
      awaitEnd(wakeups);
    }
  }

  private static void awaitEnd(Wakeups wakeups) {
    Thread closing = Thread.ofPlatform().daemon().start(wakeups::close);
    // Less than an answer is waited for.
    await().atMost(Duration.ofSeconds(25)).until(() -> !closing.isAlive());
  }

  @Test
  void a_broker_that_takes_nothing_is_given_up() throws Exception {
    try (ServerSocket server = new ServerSocket()) {
      server.setReceiveBufferSize(4096);
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
      CountDownLatch end = new CountDownLatch(1);
      Thread.ofPlatform().daemon().start(() -> greetOnce(server, end));
      List<String> names =
          IntStream.range(0, 200_000).mapToObj(i -> "topic/" + i + "/" + "x".repeat(80)).toList();
      Thread telling;
      try (Fanout fanout = Brokers.open("nats://127.0.0.1:" + server.getLocalPort())) {
        telling =
            Thread.ofPlatform()
                .daemon()
                .start(() ->
                    assertThatThrownBy(() -> fanout.publish(names)).isInstanceOf(Exception.class));
        await().atMost(LONG).until(() -> !telling.isAlive());
      } finally {
        end.countDown();
      }
    }
  }

  private static void greetOnce(ServerSocket server, CountDownLatch end) {
    try (Socket client = server.accept();
        server) {
      server.close();
      client.getOutputStream().write("INFO {}\r\n".getBytes(StandardCharsets.US_ASCII));
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII), 64);
      while (!"PING".equals(lines.readLine())) {
        // What it says of itself.
      }
      client.getOutputStream().write("PONG\r\n".getBytes(StandardCharsets.US_ASCII));
      end.await();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
