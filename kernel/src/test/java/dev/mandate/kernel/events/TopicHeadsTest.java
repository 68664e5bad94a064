package dev.mandate.kernel.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.KernelDatabase;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TopicHeadsTest {
  @Test
  void whoeverFollowsATopicIsWokenAlthoughTheSignalIsLost() {
    Mandate mandate = KernelDatabase.mandate();
    try (KernelDatabase database = new KernelDatabase();
        // Another process, which hears nothing of the first.
        Wakeups deaf = new Wakeups(Fanout.NONE);
        TopicHeads heads = new TopicHeads(database.db(), deaf, Duration.ofMillis(20))) {
      deaf.start();
      heads.start();
      AtomicInteger woken = new AtomicInteger();
      AtomicInteger others = new AtomicInteger();
      deaf.subscribe(Events.channel(mandate.org(), "a"), channel -> woken.incrementAndGet());
      deaf.subscribe(Events.channel(mandate.org(), "b"), channel -> others.incrementAndGet());
      Wakeups.Subscription first = heads.follow(mandate.org(), "a");
      Wakeups.Subscription second = heads.follow(mandate.org(), "a");
      heads.follow(mandate.org(), "b");

      for (int i = 1; i <= 3; i++) {
        int before = woken.get();
        database.db().run(mandate, tx -> tx.emit("a", "x", "{}"));
        await().until(() -> woken.get() > before);
        first.close();
      }
      assertThat(woken).as("one for each growth").hasValue(3);
      assertThat(others).hasValue(0);

      second.close();
      database
          .db()
          .run(
              mandate,
              tx -> {
                tx.emit("a", "x", "{}");
                tx.emit("b", "x", "{}");
              });
      await().until(() -> others.get() == 1);
      assertThat(woken).as("nobody follows it any more").hasValue(3);
    }
  }
}
