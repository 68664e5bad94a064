package dev.mandate.runs;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import dev.mandate.threads.ThreadId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The text that models are producing, for those who watch: gathered for 50 ms, then kept in an
 * unlogged table that every process reads. Losing it loses nothing: the answer itself is a step.
 */
final class LiveText implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LiveText.class);
  private static final Duration FLUSH = Duration.ofMillis(50);

  private final Db db;
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("live-text").factory());

  LiveText(Db db) {
    this.db = db;
  }

  /** The channel that signals new live text of a thread. */
  static String channel(ThreadId thread) {
    return "live/" + thread;
  }

  /** One attempt's text. Used by one thread at a time; flushes overlap with it. */
  final class Stream {
    private final Mandate mandate;
    private final RunId run;
    private final ThreadId thread;
    private final int attempt;
    private final StringBuilder pending = new StringBuilder();
    private final ReentrantLock flushing = new ReentrantLock();
    private long offset;
    private boolean scheduled;

    private Stream(Mandate mandate, RunId run, ThreadId thread, int attempt) {
      this.mandate = mandate;
      this.run = run;
      this.thread = thread;
      this.attempt = attempt;
    }

    void append(String text) {
      synchronized (pending) {
        pending.append(text);
        if (scheduled) {
          return;
        }
        scheduled = true;
      }
      try {
        Future<?> _ =
            clock.schedule(
                () -> Thread.ofVirtual().start(this::flush),
                FLUSH.toMillis(),
                TimeUnit.MILLISECONDS);
      } catch (RejectedExecutionException stopping) {
        // What is left goes with the step that ends the text.
        log.debug("live text of run {} is not kept before its end", run, stopping);
      }
    }

    private void flush() {
      flushing.lock();
      try {
        Piece piece = take();
        if (!piece.text().isEmpty()) {
          db.run(mandate, piece::write);
        }
      } catch (RuntimeException e) {
        // Watchers see the answer when it is complete; the run itself must not stumble over this.
        log.warn("live text of run {} was lost", run, e);
      } finally {
        flushing.unlock();
      }
    }

    private Piece take() {
      synchronized (pending) {
        scheduled = false;
        // A surrogate pair is never torn apart: its first half waits for the second.
        int end = pending.length();
        if (end > 0 && Character.isHighSurrogate(pending.charAt(end - 1))) {
          end--;
        }
        Piece piece = new Piece(offset, pending.substring(0, end));
        pending.delete(0, end);
        offset += end;
        return piece;
      }
    }

    /**
     * Once no more text comes.
     *
     * @return keeps what is left: with the step that ends the text, so that whoever sees that step
     *     has seen all of the text
     */
    Consumer<Tx> end() {
      // Not between a piece that is taken and its commit: they are kept in their order.
      flushing.lock();
      try {
        Piece rest = take();
        return rest.text().isEmpty() ? tx -> {} : rest::write;
      } finally {
        flushing.unlock();
      }
    }

    /** A piece that was taken to be kept. */
    private final class Piece {
      private final long at;
      private final String text;

      Piece(long at, String text) {
        this.at = at;
        this.text = text;
      }

      String text() {
        return text;
      }

      void write(Tx tx) {
        insert(tx, at, Texts.clean(text));
        tx.wake(channel(thread));
      }
    }

    private void insert(Tx tx, long at, String text) {
      tx.defer(
          """
          insert into live_chunks (org_id, run_id, attempt, "offset", thread_id, text)
          values (?, ?, ?, ?, ?, ?)
          """,
          values ->
              values
                  .uuid(tx.org().value())
                  .uuid(run.value())
                  .number((long) attempt)
                  .number(at)
                  .uuid(thread.value())
                  .text(text));
    }
  }

  /**
   * @param attempt the seq of the model_requested step: a new one begins a new text
   */
  Stream open(Mandate mandate, RunId run, ThreadId thread, long attempt) {
    return new Stream(mandate, run, thread, Math.toIntExact(attempt));
  }

  /** When the run is over. */
  static void forget(Tx tx, RunId run) {
    tx.sql()
        .createUpdate("delete from live_chunks where org_id = :org and run_id = :run")
        .bind("org", tx.org().value())
        .bind("run", run.value())
        .execute();
  }

  /** A piece of live text. */
  record Chunk(RunId run, int attempt, long offset, String text) {
    long end() {
      return offset + text.length();
    }
  }

  /** How much of a run's live text a watcher has. */
  record Seen(int attempt, long offset) {}

  /** Pieces of a thread's live text that a watcher lacks, in order. */
  static Later<List<Chunk>> after(Tx tx, ThreadId thread, Map<RunId, Seen> seen) {
    Object[] runs = seen.keySet().stream().map(RunId::value).toArray();
    Object[] attempts = seen.values().stream().map(Seen::attempt).toArray();
    Object[] offsets = seen.values().stream().map(Seen::offset).toArray();
    return tx.later(
        """
        select c.run_id, c.attempt, c."offset", c.text from live_chunks c
        left join unnest(?::uuid[], ?::integer[], ?::bigint[]) as s (run_id, attempt, next)
          on s.run_id = c.run_id
        where c.org_id = ? and c.thread_id = ?
          and (s.run_id is null or (c.attempt, c."offset") >= (s.attempt, s.next))
        order by c.run_id, c.attempt, c."offset"
        """,
        values ->
            values
                .array("uuid", runs)
                .array("int4", attempts)
                .array("int8", offsets)
                .uuid(tx.org().value())
                .uuid(thread.value()),
        Sql.all(row ->
            new Chunk(
                new RunId(row.getObject("run_id", UUID.class)),
                row.getInt("attempt"),
                row.getLong("offset"),
                row.getString("text"))));
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
