package dev.mandate.kernel.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.KernelDatabase;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TopicHeadsTest {
  @Test
  void whoeverIsBehindIsWokenAlthoughTheSignalIsLost() {
    Mandate mandate = KernelDatabase.mandate();
    try (KernelDatabase database = new KernelDatabase();
        TopicHeads heads = new TopicHeads(database.db(), Duration.ofMillis(20))) {
      heads.start();
      AtomicLong cursor = new AtomicLong();
      AtomicInteger woken = new AtomicInteger();
      AtomicInteger ahead = new AtomicInteger();
      Wakeups.Subscription reader =
          heads.follow(
              mandate.org(),
              "a",
              cursor::get,
              () -> {
                woken.incrementAndGet();
                cursor.incrementAndGet();
              });
      heads.follow(mandate.org(), "a", () -> Long.MAX_VALUE, ahead::incrementAndGet);

      for (int i = 1; i <= 3; i++) {
        int count = i;
        database.db().run(mandate, tx -> tx.emit("a", "x", "{}"));
        await().until(() -> woken.get() == count);
      }
      reader.close();
      AtomicInteger last = new AtomicInteger();
      heads.follow(mandate.org(), "a", () -> 3, last::incrementAndGet);
      database.db().run(mandate, tx -> tx.emit("a", "x", "{}"));
      await().until(() -> last.get() > 1);

      assertThat(woken).as("nothing while it has all there is, or is gone").hasValue(3);
      assertThat(ahead).hasValue(0);
    }
  }
}
