package dev.mandate.kernel.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every fan-out does, on the real thing, with a way to it that can be cut. */
abstract class FanoutContract {
  private static final Duration LONG = Duration.ofSeconds(60);

  private final List<Fanout> opened = new ArrayList<>();
  private Proxy way;

  /** The way to the real server; the test is skipped, and says why, if there is none. */
  abstract Proxy way();

  /** A fan-out over it, of one installation. */
  abstract Fanout open(int port);

  @BeforeEach
  void prepare() {
    way = way();
  }

  @AfterEach
  void close() {
    opened.forEach(Fanout::close);
    if (way != null) {
      way.close();
    }
  }

  /** One process's end. */
  private final class Side {
    private final Fanout fanout = open(way.port());
    private final Set<String> heard = ConcurrentHashMap.newKeySet();
    private final AtomicInteger missed = new AtomicInteger();

    Side() {
      opened.add(fanout);
      fanout.start(heard::addAll, missed::incrementAndGet);
    }

    void tell(Collection<String> channels) throws Exception {
      fanout.publish(channels);
    }
  }

  /** Two that hear each other. */
  private static void connect(Side one, Side other) {
    await()
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(20))
        .ignoreExceptions()
        .until(() -> {
          one.tell(List.of("hello"));
          other.tell(List.of("hello"));
          return one.heard.contains("hello") && other.heard.contains("hello");
        });
  }

  @Test
  void what_one_tells_the_others_hear_and_it_does_not() throws Exception {
    Side one = new Side();
    Side two = new Side();
    Side three = new Side();
    connect(one, two);
    connect(one, three);
    one.tell(List.of("a/1", "grüße/2"));
    await().atMost(LONG).until(() -> two.heard.containsAll(List.of("a/1", "grüße/2")));
    await().atMost(LONG).until(() -> three.heard.containsAll(List.of("a/1", "grüße/2")));
    // What comes back of its own words would have come before these.
    two.tell(List.of("last"));
    await().atMost(LONG).until(() -> one.heard.contains("last"));
    assertThat(one.heard).doesNotContain("a/1");
  }

  @Test
  void many_channels_at_once_all_arrive() throws Exception {
    Side one = new Side();
    Side two = new Side();
    connect(one, two);
    List<String> names =
        IntStream.range(0, 3000)
            .mapToObj(i -> "topic/0198f2c4-0000-7000-8000-00000000%04d/threads/events".formatted(i))
            .toList();
    one.tell(names);
    await().atMost(LONG).until(() -> two.heard.containsAll(names));
  }

  @Test
  void a_way_that_is_cut_and_mended_is_found_again_and_what_was_missed_is_said() {
    Side one = new Side();
    Side two = new Side();
    connect(one, two);
    assertThat(two.missed).hasValue(0);
    way.cut();
    assertThatThrownBy(() -> one.tell(List.of("lost"))).isInstanceOf(Exception.class);
    way.mend();
    await().atMost(LONG).until(() -> one.missed.get() > 0 && two.missed.get() > 0);
    one.heard.clear();
    two.heard.clear();
    connect(one, two);
  }

  @Test
  void one_that_could_not_connect_at_first_says_that_it_missed_something()
      throws InterruptedException {
    way.cut();
    Side one = new Side();
    way.awaitTurnedAway();
    way.mend();
    await().atMost(LONG).until(() -> one.missed.get() > 0);
  }

  @Test
  void a_connection_that_was_ended_while_idle_costs_no_wake_up() throws Exception {
    Side one = new Side();
    Side two = new Side();
    connect(one, two);
    way.cut();
    way.mend();
    await().atMost(LONG).until(() -> two.missed.get() > 0);
    one.tell(List.of("at once"));
    await().atMost(LONG).until(() -> two.heard.contains("at once"));
  }
}
