package dev.mandate.kernel.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AuditWriterTest {
  private static KernelDatabase database;

  private final Mandate mandate = KernelDatabase.mandate();
  private final CountDownLatch gate = new CountDownLatch(1);
  private final List<Thread> callers = new ArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();

  @BeforeAll
  static void start() {
    database = new KernelDatabase();
  }

  @AfterAll
  static void stop() {
    database.close();
  }

  private interface Source {
    Connection connection() throws SQLException;
  }

  /** Whose first connection comes when the gate opens, and whose others at once. */
  private DataSource source(Source source) {
    return (DataSource)
        Proxy.newProxyInstance(
            DataSource.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, arguments) -> {
              connections.incrementAndGet();
              gate.await();
              return source.connection();
            });
  }

  private CompletableFuture<Boolean> written(AuditWriter writer, String details) {
    CompletableFuture<Boolean> written = new CompletableFuture<>();
    AuditFact fact = AuditFact.denied("notes.delete", "note:1", "NO", details);
    callers.add(
        Thread.startVirtualThread(() -> {
          try {
            writer.write(Facts.PendingAudit.of(mandate, fact, Instant.now()));
            written.complete(true);
          } catch (SQLException | InterruptedException | RuntimeException e) {
            written.completeExceptionally(e);
          }
        }));
    return written;
  }

  /** One that the writer has taken and, so far, cannot write. */
  private CompletableFuture<Boolean> first(AuditWriter writer) {
    CompletableFuture<Boolean> first = written(writer, "{}");
    await().until(() -> connections.get() == 1);
    return first;
  }

  private void openWhenAllWait() {
    await().until(() -> callers.stream().allMatch(each -> each.getState() == Thread.State.WAITING));
    gate.countDown();
  }

  @Test
  void without_a_connection_everybody_is_told_at_once() {
    List<CompletableFuture<Boolean>> all = new ArrayList<>();
    try (AuditWriter writer =
        new AuditWriter(
            source(() -> {
              throw new SQLTransientConnectionException("none was to be had");
            }))) {
      writer.start();
      all.add(first(writer));
      for (int i = 0; i < 300; i++) {
        all.add(written(writer, "{}"));
      }
      openWhenAllWait();
      for (CompletableFuture<Boolean> each : all) {
        assertThatThrownBy(each::get).cause().isInstanceOf(SQLTransientConnectionException.class);
      }
    }
    // One wait for all: those behind would have waited for theirs.
    assertThat(connections).hasValue(1);
  }

  @Test
  void what_the_database_refuses_as_a_whole_is_not_tried_one_by_one() {
    List<CompletableFuture<Boolean>> all = new ArrayList<>();
    try (AuditWriter writer =
        new AuditWriter(
            source(() -> {
              throw new SQLException("the server is about to end", "57P01");
            }))) {
      writer.start();
      all.add(first(writer));
      for (int i = 0; i < 20; i++) {
        all.add(written(writer, "{}"));
      }
      openWhenAllWait();
      for (CompletableFuture<Boolean> each : all) {
        assertThatThrownBy(each::get).hasCauseInstanceOf(SQLException.class);
      }
    }
    // The first alone, and then those that had gathered.
    assertThat(connections).hasValue(2);
  }

  @Test
  void a_bad_entry_does_not_take_its_neighbours_with_it() throws Exception {
    try (var pool =
            Pools.pool(
                database.endpoint(),
                database.endpoint().dispatch(),
                "audit-test",
                1,
                DbSettings.DEFAULTS);
        AuditWriter writer = new AuditWriter(source(pool::getConnection))) {
      writer.start();
      List<CompletableFuture<Boolean>> good = new ArrayList<>();
      good.add(first(writer));
      for (int i = 0; i < 5; i++) {
        good.add(written(writer, "{}"));
      }
      CompletableFuture<Boolean> bad = written(writer, "no JSON");
      for (int i = 0; i < 5; i++) {
        good.add(written(writer, "{}"));
      }
      openWhenAllWait();
      for (CompletableFuture<Boolean> each : good) {
        assertThat(each.get()).isTrue();
      }
      assertThatThrownBy(bad::get).hasCauseInstanceOf(SQLException.class);
    }
    long entries =
        database
            .db()
            .<Long>read(
                mandate,
                tx ->
                    tx.sql()
                        .createQuery("select count(*) from audit_entries")
                        .mapTo(Long.class)
                        .one());
    assertThat(entries).isEqualTo(11);
  }

  @Test
  void what_comes_after_the_end_is_refused_at_once() {
    AuditWriter writer =
        new AuditWriter(
            source(() -> {
              throw new SQLException("none is asked for");
            }));
    writer.start();
    writer.close();
    assertThatThrownBy(() -> written(writer, "{}").get(10, TimeUnit.SECONDS))
        .cause()
        .isInstanceOf(SQLNonTransientConnectionException.class);
    assertThat(connections).hasValue(0);
  }

  /** A database whose only connections of each kind are taken. */
  private static Db busy(Duration wait, CountDownLatch taken, CountDownLatch end) {
    DbSettings d = DbSettings.DEFAULTS;
    Db db =
        new Db(
            database.endpoint(),
            new DbSettings(
                1,
                1,
                wait,
                d.statementTimeout(),
                d.lockTimeout(),
                d.idleTimeout(),
                d.transactionTimeout()),
            InstantSource.system(),
            channels -> {});
    db.start();
    Thread.startVirtualThread(() ->
        db.dispatch(sql -> {
          sql.execute("select 1");
          taken.countDown();
          return awaited(end);
        }));
    Thread.startVirtualThread(() ->
        db.<Boolean>read(
            KernelDatabase.mandate(),
            tx -> {
              tx.sql().execute("select 1");
              taken.countDown();
              return awaited(end);
            }));
    return db;
  }

  private static boolean awaited(CountDownLatch end) {
    try {
      end.await();
      return true;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void an_entry_for_which_no_connection_is_left_is_unavailable() throws Exception {
    CountDownLatch taken = new CountDownLatch(2);
    CountDownLatch end = new CountDownLatch(1);
    try (Db db = busy(Duration.ofMillis(300), taken, end)) {
      taken.await();
      assertThatThrownBy(
              () -> db.audit(mandate, AuditFact.denied("notes.delete", "note:1", "NO", "{}")))
          .isInstanceOfSatisfying(
              Failure.class, e -> assertThat(e.code()).isEqualTo(Failure.Code.UNAVAILABLE));
      end.countDown();
    }
  }

  @Test
  void who_is_interrupted_while_it_waits_for_a_connection_has_canceled() throws Exception {
    CountDownLatch taken = new CountDownLatch(2);
    CountDownLatch end = new CountDownLatch(1);
    try (Db db = busy(Duration.ofMinutes(5), taken, end)) {
      taken.await();
      CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
      Thread caller =
          Thread.startVirtualThread(() -> {
            try {
              interrupted.complete(db.<Boolean>read(mandate, tx -> false));
            } catch (RuntimeException e) {
              interrupted.completeExceptionally(
                  Thread.currentThread().isInterrupted() ? e : new AssertionError(e));
            }
          });
      await().until(() -> caller.getState() == Thread.State.TIMED_WAITING);
      caller.interrupt();
      assertThatThrownBy(interrupted::get)
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOfSatisfying(
              Failure.class, e -> assertThat(e.code()).isEqualTo(Failure.Code.CANCELED));
      end.countDown();
    }
  }
}
