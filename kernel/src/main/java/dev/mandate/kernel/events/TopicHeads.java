package dev.mandate.kernel.events;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices lost wake-ups, for all readers of this process at once: asks now and then how far the
 * followed topics have come, and wakes the readers that have not come as far. However many wait, it
 * costs one statement.
 */
public final class TopicHeads implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TopicHeads.class);

  /** Topics in one statement. */
  private static final int BATCH = 5_000;

  private final Db db;
  private final Duration every;
  private final Map<Topic, Set<Reader>> followed = new ConcurrentHashMap<>();
  private @Nullable Thread thread;

  private record Topic(OrgId org, String name) {}

  // A class, not a record: two readers are never the same one.
  private static final class Reader {
    final LongSupplier cursor;
    final Runnable wake;

    Reader(LongSupplier cursor, Runnable wake) {
      this.cursor = cursor;
      this.wake = wake;
    }
  }

  private record Head(Topic topic, long seq) {}

  /**
   * @param every how long a lost wake-up may go unnoticed
   */
  public TopicHeads(Db db, Duration every) {
    this.db = db;
    this.every = every;
  }

  public void start() {
    thread =
        Thread.ofVirtual()
            .name("topic-heads")
            .start(() -> {
              try {
                while (true) {
                  Thread.sleep(every);
                  look();
                }
              } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
              }
            });
  }

  /**
   * Looks after a reader until the subscription is closed.
   *
   * @param cursor the number of the last event that it has
   * @param wake must return at once
   */
  public Wakeups.Subscription follow(OrgId org, String topic, LongSupplier cursor, Runnable wake) {
    Topic key = new Topic(org, topic);
    Reader reader = new Reader(cursor, wake);
    followed.compute(
        key,
        (ignored, old) -> {
          Set<Reader> readers = old == null ? ConcurrentHashMap.newKeySet() : old;
          readers.add(reader);
          return readers;
        });
    return () ->
        followed.computeIfPresent(
            key,
            (ignored, readers) -> {
              readers.remove(reader);
              return readers.isEmpty() ? null : readers;
            });
  }

  private void look() {
    List<Topic> all = List.copyOf(followed.keySet());
    try {
      for (int from = 0; from < all.size(); from += BATCH) {
        wakeBehind(heads(all.subList(from, Math.min(all.size(), from + BATCH))));
      }
    } catch (RuntimeException e) {
      // Without a database there is nothing to notice.
      log.debug("the heads of topics cannot be read", e);
    }
  }

  private List<Head> heads(List<Topic> topics) {
    UUID[] orgs = topics.stream().map(topic -> topic.org().value()).toArray(UUID[]::new);
    String[] names = topics.stream().map(Topic::name).toArray(String[]::new);
    return db.dispatch(sql ->
        sql.createQuery(
                """
                select t.org_id, t.topic, t.seq
                  from unnest(cast(:orgs as uuid[]), cast(:names as text[])) as g (org_id, topic)
                  join event_topics t on t.org_id = g.org_id and t.topic = g.topic
                """)
            .bind("orgs", orgs)
            .bind("names", names)
            .map((row, context) ->
                new Head(
                    new Topic(
                        new OrgId(row.getObject("org_id", UUID.class)), row.getString("topic")),
                    row.getLong("seq")))
            .list());
  }

  private void wakeBehind(List<Head> heads) {
    for (Head head : heads) {
      for (Reader reader : followed.getOrDefault(head.topic(), Set.of())) {
        if (reader.cursor.getAsLong() < head.seq()) {
          reader.wake.run();
        }
      }
    }
  }

  @Override
  public void close() {
    Thread running = thread;
    if (running != null) {
      running.interrupt();
    }
  }
}
