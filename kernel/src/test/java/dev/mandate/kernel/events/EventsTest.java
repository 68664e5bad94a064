package dev.mandate.kernel.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.KernelDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class EventsTest {
  private static KernelDatabase one;
  private static KernelDatabase other;
  private static final Events events = new Events();

  @BeforeAll
  static void start() {
    one = new KernelDatabase();
    other = new KernelDatabase(one.endpoint());
  }

  @AfterAll
  static void stop() {
    one.close();
    other.close();
  }

  @Test
  void a_reader_by_cursor_misses_nothing_however_late_transactions_commit() throws Exception {
    Mandate mandate = KernelDatabase.mandate();
    Db db = one.db();
    AtomicBoolean finished = new AtomicBoolean();
    List<Long> seen = new ArrayList<>();
    Thread reader =
        Thread.startVirtualThread(() -> {
          while (true) {
            boolean last = finished.get();
            long after = seen.isEmpty() ? 0 : seen.getLast();
            List<Event> more = other.db().read(mandate, tx -> events.after(tx, "hot", after, 50));
            more.forEach(event -> seen.add(event.seq()));
            if (last && more.isEmpty()) {
              return;
            }
          }
        });
    List<Thread> threads = new ArrayList<>();
    for (int w = 0; w < 6; w++) {
      threads.add(
          Thread.startVirtualThread(() -> {
            for (int i = 0; i < 60; i++) {
              db.run(
                  mandate,
                  tx -> {
                    tx.emit("hot", "x", "{}");
                    tx.emit("cold" + ThreadLocalRandom.current().nextInt(5), "x", "{}");
                    // Work after the emit: others begin later and commit earlier.
                    tx.sql()
                        .execute(
                            "select pg_sleep(?)", ThreadLocalRandom.current().nextDouble(0.004));
                  });
            }
          }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    finished.set(true);
    reader.join();
    assertThat(seen).containsExactlyElementsOf(LongStream.rangeClosed(1, 360).boxed().toList());
  }

  @Test
  void a_commit_wakes_readers_here_and_in_other_processes() {
    Mandate mandate = KernelDatabase.mandate();
    String channel = Events.channel(mandate.org(), "t");
    ConcurrentLinkedQueue<String> here = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<String> there = new ConcurrentLinkedQueue<>();
    one.wakeups().subscribe(channel, here::add);
    other.wakeups().subscribe("topic/" + mandate.org() + "/*", there::add);
    // Until the other's LISTEN stands, a signal passes it by.
    await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> {
          one.db().run(mandate, tx -> tx.emit("t", "x", "{}"));
          return !here.isEmpty() && !there.isEmpty();
        });
    assertThat(here).containsOnly(channel);
    assertThat(there).containsOnly(channel);
  }

  @Test
  void an_ended_subscription_hears_nothing() {
    Mandate mandate = KernelDatabase.mandate();
    List<String> heard = new java.util.concurrent.CopyOnWriteArrayList<>();
    var subscription = one.wakeups().subscribe("custom", heard::add);
    one.db().run(mandate, tx -> tx.wake("custom"));
    // More than once is allowed: after a reconnect everybody is woken, in case a signal was lost.
    await().until(() -> !heard.isEmpty());
    subscription.close();
    int before = heard.size();
    CountDownLatch passed = new CountDownLatch(1);
    one.wakeups().subscribe("after", channel -> passed.countDown());
    one.wakeups().signal(Set.of("custom"));
    one.wakeups().signal(Set.of("after"));
    await().until(() -> passed.getCount() == 0);
    assertThat(heard).hasSize(before);
  }

  @Test
  void more_channels_than_one_notification_holds_arrive() {
    Mandate mandate = KernelDatabase.mandate();
    Set<String> heard = java.util.concurrent.ConcurrentHashMap.newKeySet();
    other.wakeups().subscribe("many/*", heard::add);
    await()
        .pollInterval(Duration.ofMillis(100))
        .until(() -> {
          one.db()
              .run(
                  mandate,
                  tx -> {
                    for (int i = 0; i < 300; i++) {
                      tx.wake("many/" + "ä".repeat(80) + i);
                    }
                  });
          return heard.size() == 300;
        });
  }

  @Test
  void wake_ups_come_again_after_the_connection_was_cut() throws Exception {
    Set<String> here = java.util.concurrent.ConcurrentHashMap.newKeySet();
    Set<String> there = java.util.concurrent.ConcurrentHashMap.newKeySet();
    // A prefix: nobody is woken by these names because of the reconnect alone.
    one.wakeups().subscribe("cut/*", here::add);
    other.wakeups().subscribe("cut/*", there::add);
    awaitBothHear(here, there, "before");
    try (var admin = one.admin();
        var statement = admin.createStatement();
        // Waits until they have ended: none may pass on what is told from here on.
        var cut =
            statement.executeQuery(
                "select count(*) filter (where pg_terminate_backend(pid, 10000))"
                    + " from pg_stat_activity"
                    + " where application_name = 'mandate wakeups'"
                    + " and datname = current_database()")) {
      assertThat(cut.next()).isTrue();
      // Of each process the one that listens and the one that tells.
      assertThat(cut.getInt(1)).isGreaterThanOrEqualTo(4);
    }
    // Both: the wake-ups that follow a reconnect must not reach into another test.
    awaitBothHear(here, there, "after");
  }

  private static void awaitBothHear(Set<String> here, Set<String> there, String when) {
    String ours = "cut/one/" + when;
    String theirs = "cut/other/" + when;
    await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> {
          one.wakeups().signal(Set.of(ours));
          other.wakeups().signal(Set.of(theirs));
          return here.contains(theirs) && there.contains(ours);
        });
  }
}
