package dev.mandate.kernel.events;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices lost wake-ups, for all readers of this process at once: asks now and then how far the
 * followed topics have come, and wakes those who follow one that has grown. However many wait, it
 * costs one statement.
 */
public final class TopicHeads implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TopicHeads.class);

  /** Topics in one statement. */
  private static final int BATCH = 5_000;

  private final Db db;
  private final Wakeups wakeups;
  private final Duration every;
  private final Map<Topic, Followed> followed = new ConcurrentHashMap<>();
  private @Nullable Thread thread;

  private record Topic(OrgId org, String name) {}

  /**
   * @param seen where the topic's last look found its head; -1 before the first
   */
  private record Followed(int followers, long seen) {}

  private record Head(Topic topic, long seq) {}

  /**
   * @param every how long a lost wake-up may go unnoticed
   */
  public TopicHeads(Db db, Wakeups wakeups, Duration every) {
    this.db = db;
    this.wakeups = wakeups;
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

  /** Includes a topic until the subscription is closed. Its channel is that of its events. */
  public Wakeups.Subscription follow(OrgId org, String topic) {
    Topic key = new Topic(org, topic);
    followed.compute(
        key,
        (ignored, old) ->
            old == null ? new Followed(1, -1) : new Followed(old.followers() + 1, old.seen()));
    AtomicBoolean open = new AtomicBoolean(true);
    return () -> {
      if (open.getAndSet(false)) {
        followed.computeIfPresent(
            key,
            (ignored, old) ->
                old.followers() == 1 ? null : new Followed(old.followers() - 1, old.seen()));
      }
    };
  }

  private void look() {
    List<Topic> all = List.copyOf(followed.keySet());
    try {
      for (int from = 0; from < all.size(); from += BATCH) {
        wakeGrown(heads(all.subList(from, Math.min(all.size(), from + BATCH))));
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

  private void wakeGrown(List<Head> heads) {
    List<String> grown = new ArrayList<>();
    for (Head head : heads) {
      followed.computeIfPresent(
          head.topic(),
          (topic, old) -> {
            // At the first look nobody knows what was missed before.
            if (head.seq() > old.seen()) {
              grown.add(Topics.channel(topic.org(), topic.name()));
            }
            return new Followed(old.followers(), head.seq());
          });
    }
    if (!grown.isEmpty()) {
      wakeups.signalHere(grown);
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
