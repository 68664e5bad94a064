package dev.mandate.kernel.db;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Writes audit entries that belong to no business transaction, each durable before its caller goes
 * on: whatever gathers while one batch is being committed goes with the next.
 */
final class AuditWriter implements AutoCloseable {
  private static final int BATCH = 256;

  private record Waiting(Facts.PendingAudit entry, CompletableFuture<@Nullable Void> written) {}

  /** An empty element ends the writer, after all that came before it. */
  private final BlockingQueue<Optional<Waiting>> queue = new LinkedBlockingQueue<>(8192);

  private final DataSource dispatch;
  private @Nullable Thread thread;
  private volatile boolean ended;

  AuditWriter(DataSource dispatch) {
    this.dispatch = dispatch;
  }

  void start() {
    thread = Thread.ofVirtual().name("audit-writer").start(this::run);
  }

  /** Returns when the entry is committed. */
  void write(Facts.PendingAudit entry) throws SQLException, InterruptedException {
    CompletableFuture<@Nullable Void> written = new CompletableFuture<>();
    queue.put(Optional.of(new Waiting(entry, written)));
    if (ended) {
      refuseTheRest();
    }
    try {
      written.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SQLException refused) {
        // As it came: its type says what its state may not.
        throw refused;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private void run() {
    List<Optional<Waiting>> taken = new ArrayList<>(BATCH);
    try {
      boolean end = false;
      while (!end) {
        taken.clear();
        taken.add(queue.take());
        queue.drainTo(taken, BATCH - 1);
        List<Waiting> batch = taken.stream().flatMap(Optional::stream).toList();
        if (!batch.isEmpty()) {
          commit(batch);
        }
        end = batch.size() < taken.size();
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      ended = true;
      refuseTheRest();
    }
  }

  /** What came behind the end. */
  private void refuseTheRest() {
    List<Optional<Waiting>> rest = new ArrayList<>();
    queue.drainTo(rest);
    SQLException why = new SQLNonTransientConnectionException("the server is stopping", "08003");
    rest.forEach(each -> each.ifPresent(waiting -> waiting.written().completeExceptionally(why)));
  }

  private void commit(List<Waiting> batch) {
    Deque<List<Waiting>> parts = new ArrayDeque<>(List.of(batch));
    while (!parts.isEmpty()) {
      List<Waiting> part = parts.pop();
      try {
        insert(part);
        part.forEach(each -> each.written().complete(null));
      } catch (SQLException | RuntimeException | Error e) {
        // Even of an error: whoever waits for a writer that died would wait for ever.
        if (!mayBeAnEntrys(e)) {
          fail(part, e);
          parts.forEach(rest -> fail(rest, e));
          parts.clear();
        } else if (part.size() == 1) {
          fail(part, e);
        } else {
          // One bad entry must not take its neighbours with it.
          int half = part.size() / 2;
          parts.push(part.subList(half, part.size()));
          parts.push(part.subList(0, half));
        }
      }
    }
  }

  private void fail(List<Waiting> part, Throwable why) {
    part.forEach(each -> each.written().completeExceptionally(why));
    if (why instanceof SQLTransientConnectionException) {
      // A connection was waited for as long as anybody should wait: so were those behind.
      queue.removeIf(
          behind -> behind.isPresent() && behind.get().written().completeExceptionally(why));
    }
  }

  /** Whether another entry may do better; of anything else the database is the cause. */
  private static boolean mayBeAnEntrys(Throwable e) {
    if (e instanceof SQLException refused) {
      String state = refused.getSQLState();
      return state != null && (state.startsWith("22") || state.startsWith("23"));
    }
    return e instanceof RuntimeException;
  }

  private void insert(List<Waiting> batch) throws SQLException {
    try (Connection connection = dispatch.getConnection()) {
      try {
        Facts.audit(connection, batch.stream().map(Waiting::entry).toList());
        connection.commit();
      } catch (SQLException | RuntimeException e) {
        connection.rollback();
        throw e;
      }
    }
  }

  @Override
  public void close() {
    Thread running = thread;
    if (running == null) {
      return;
    }
    try {
      queue.put(Optional.empty());
      running.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
