package dev.mandate.runs;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.api.runs.v1.MessageCreated;
import dev.mandate.api.runs.v1.StepAppended;
import dev.mandate.api.runs.v1.TextDelta;
import dev.mandate.api.runs.v1.ThreadEvent;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.events.Event;
import dev.mandate.kernel.events.Events;
import dev.mandate.kernel.events.TopicHeads;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.rpc.Pump;
import dev.mandate.kernel.rpc.StreamSink;
import dev.mandate.kernel.rpc.Timestamps;
import dev.mandate.runs.LiveText.Chunk;
import dev.mandate.runs.LiveText.Seen;
import dev.mandate.threads.Conversation;
import dev.mandate.threads.Message;
import dev.mandate.threads.ThreadId;
import dev.mandate.threads.Threads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What happens on a thread, as it happens: its topic, hydrated, and the live text of its runs. */
public final class ThreadWatch {
  /** Every open stream asks this often, although {@link TopicHeads} notices lost wake-ups. */
  private static final Duration POLL = Duration.ofMinutes(1);

  /**
   * Streams that read at once. A message wakes every stream of its thread, thousands perhaps, and
   * each needs a connection, as requests do: those that wait here do not wait for one too long.
   */
  private static final int READERS = 6;

  private final Semaphore readers = new Semaphore(READERS, true);
  private final Db db;
  private final Authorizer authorizer;
  private final Events events;
  private final Wakeups wakeups;
  private final TopicHeads heads;
  private final Threads threads;
  private final Runs runs;
  private final RunStore store = new RunStore();

  public ThreadWatch(
      Db db,
      Authorizer authorizer,
      Events events,
      Wakeups wakeups,
      TopicHeads heads,
      Threads threads,
      Runs runs) {
    this.db = db;
    this.authorizer = authorizer;
    this.events = events;
    this.wakeups = wakeups;
    this.heads = heads;
    this.threads = threads;
    this.runs = runs;
  }

  /**
   * @param after the cursor of the last event that the caller has; empty for all, {@code now} for
   *     new ones only
   */
  void open(Mandate mandate, ThreadId thread, String after, StreamSink<ThreadEvent> sink) {
    String topic = Threads.topic(thread);
    long from =
        db.read(
            mandate,
            tx -> {
              threads.require(tx, thread);
              return after.equals("now") ? events.head(tx, topic) : cursor(after);
            });
    Source source = new Source(mandate, thread, from);
    Runnable signal =
        Pump.start(
            sink,
            wakeups,
            List.of(Events.channel(mandate.org(), topic), LiveText.channel(thread)),
            POLL,
            source);
    sink.onClosed(heads.follow(mandate.org(), topic, () -> source.cursor, signal)::close);
  }

  private static long cursor(String after) {
    if (after.isEmpty()) {
      return 0;
    }
    try {
      long seq = Long.parseLong(after);
      if (seq >= 0) {
        return seq;
      }
    } catch (NumberFormatException e) {
      throw Failure.invalid("after", "is not a cursor of this stream");
    }
    throw Failure.invalid("after", "is not a cursor of this stream");
  }

  /** One watcher. */
  private final class Source implements Pump.Source<ThreadEvent> {
    private final Mandate mandate;
    private final ThreadId thread;
    private final Map<RunId, Seen> seen = new HashMap<>();
    private volatile long cursor;

    Source(Mandate mandate, ThreadId thread, long cursor) {
      this.mandate = mandate;
      this.thread = thread;
      this.cursor = cursor;
    }

    @Override
    public List<ThreadEvent> next(int max) {
      readers.acquireUninterruptibly();
      try {
        return read(max);
      } finally {
        readers.release();
      }
    }

    private List<ThreadEvent> read(int max) {
      authorizer.require(mandate, "threads.watch");
      // One snapshot for both: an answer that is in it has all its live text in it as well.
      return db.read(
          mandate,
          tx -> {
            Later<Conversation> visible = threads.requireLater(tx, thread);
            Later<List<Event>> asked = events.afterLater(tx, Threads.topic(thread), cursor, max);
            Later<List<Chunk>> text = LiveText.after(tx, thread, seen);
            Conversation _ = visible.get();
            List<Event> batch = asked.get();
            boolean caughtUp = batch.size() < max;
            List<Chunk> chunks = text.get();
            List<ThreadEvent> out = new ArrayList<>();
            Hydration hydration = new Hydration(tx, thread, batch);
            for (Event event : batch) {
              ThreadEvent wire = hydration.wire(event);
              takeChunks(chunks, out, wire);
              if (wire.hasStep() && !seen.isEmpty()) {
                RunId run = new RunId(UUID.fromString(wire.getStep().getRunId()));
                complete(run, hydration.step(run, wire.getStep().getStep().getSeq()), out);
              }
              out.add(wire);
              cursor = event.seq();
            }
            if (caughtUp) {
              takeChunks(chunks, out, null);
            }
            return out;
          });
    }

    /** Live text belongs after the request that it answers and before the answer. */
    private void takeChunks(
        List<Chunk> chunks, List<ThreadEvent> out, @Nullable ThreadEvent before) {
      Iterator<Chunk> rest = chunks.iterator();
      while (rest.hasNext()) {
        Chunk chunk = rest.next();
        boolean now =
            before == null
                || (before.hasStep()
                    && before.getStep().getRunId().equals(chunk.run().toString())
                    && before.getStep().getStep().getSeq() > chunk.attempt());
        if (now) {
          rest.remove();
          show(chunk, out);
        }
      }
    }

    private void show(Chunk chunk, List<ThreadEvent> out) {
      seen.put(chunk.run(), new Seen(chunk.attempt(), chunk.end()));
      out.add(
          ThreadEvent.newBuilder()
              .setText(
                  TextDelta.newBuilder()
                      .setRunId(chunk.run().toString())
                      .setAttempt(chunk.attempt())
                      .setOffset(chunk.offset())
                      .setText(chunk.text()))
              .build());
    }

    /**
     * The end of a run takes its live text away, maybe before a watcher came to read the last of
     * it: whoever has seen its beginning gets the rest out of the answer.
     */
    private void complete(RunId run, @Nullable LoggedStep logged, List<ThreadEvent> out) {
      Seen has = seen.get(run);
      if (has == null || logged == null) {
        return;
      }
      switch (logged.step()) {
        case Step.ModelRequested _ -> seen.put(run, new Seen(Math.toIntExact(logged.seq()), 0));
        case Step.ModelResponded answer -> {
          int from = Math.toIntExact(has.offset());
          if (from > 0 && from < answer.text().length()) {
            show(new Chunk(run, has.attempt(), from, answer.text().substring(from)), out);
          }
        }
        default -> {}
      }
    }
  }

  /**
   * Turns a batch of events, which hold ids only, into what they are about. All of that is asked
   * before any of it is needed.
   */
  private final class Hydration {
    private final Map<RunId, Map<Long, LoggedStep>> steps = new HashMap<>();
    private final Map<RunId, Later<Runs.View>> views = new HashMap<>();
    private final Map<Long, Message> messages = new HashMap<>();

    Hydration(Tx tx, ThreadId thread, List<Event> batch) {
      Map<RunId, long[]> ranges = new HashMap<>();
      Set<RunId> changed = new HashSet<>();
      Set<Long> positions = new HashSet<>();
      for (Event event : batch) {
        JsonNode data = Json.read(event.data());
        switch (event.type()) {
          case "message.created" -> positions.add(data.get("position").longValue());
          case "run.changed" -> changed.add(runId(data));
          case "run.step" -> {
            long seq = data.get("seq").longValue();
            ranges.merge(
                runId(data),
                new long[] {seq, seq},
                (a, b) -> new long[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])});
          }
          default -> {}
        }
      }
      Map<RunId, Later<List<LoggedStep>>> logs = new HashMap<>();
      ranges.forEach((run, range) -> {
        int count = Math.toIntExact(range[1] - range[0] + 1);
        logs.put(run, store.stepsLater(tx, run, range[0] - 1, count));
      });
      Later<List<Message>> said = asked(positions, () -> threads.messagesAt(tx, thread, positions));
      Later<List<Run>> found = asked(changed, () -> store.findAll(tx, changed));
      found.get().forEach(run -> views.put(run.id(), runs.viewLater(tx, run)));
      said.get().forEach(message -> messages.put(message.position(), message));
      logs.forEach((run, log) -> {
        Map<Long, LoggedStep> byNumber = new HashMap<>();
        log.get().forEach(step -> byNumber.put(step.seq(), step));
        steps.put(run, byNumber);
      });
    }

    /** Nothing is asked about nothing. */
    private static <T> Later<List<T>> asked(Set<?> ids, Supplier<Later<List<T>>> question) {
      return ids.isEmpty() ? List::of : question.get();
    }

    @Nullable LoggedStep step(RunId run, long seq) {
      return steps.getOrDefault(run, Map.of()).get(seq);
    }

    ThreadEvent wire(Event event) {
      ThreadEvent.Builder wire =
          ThreadEvent.newBuilder()
              .setCursor(Long.toString(event.seq()))
              .setAt(Timestamps.of(event.at()));
      JsonNode data = Json.read(event.data());
      switch (event.type()) {
        case "message.created" -> {
          Message message = messages.get(data.get("position").longValue());
          if (message != null) {
            wire.setMessage(created(message));
          }
        }
        case "run.changed" -> {
          Later<Runs.View> view = views.get(runId(data));
          if (view != null) {
            wire.setRun(StepWire.wire(view.get()));
          }
        }
        case "run.step" -> {
          RunId run = runId(data);
          LoggedStep step = step(run, data.get("seq").longValue());
          if (step != null) {
            wire.setStep(
                StepAppended.newBuilder().setRunId(run.toString()).setStep(StepWire.wire(step)));
          }
        }
        // A newer program's events: their cursors count, their content is not for us.
        default -> {}
      }
      return wire.build();
    }
  }

  private static RunId runId(JsonNode data) {
    return new RunId(UUID.fromString(data.get("run_id").textValue()));
  }

  private static MessageCreated created(Message message) {
    MessageCreated.Builder wire =
        MessageCreated.newBuilder()
            .setId(message.id().toString())
            .setPosition(message.position())
            .setAuthor(message.author().toString())
            .setText(message.text());
    message.attachments().forEach(each -> wire.addAttachments(each.wire()));
    UUID run = message.runId();
    if (run != null) {
      wire.setRunId(run.toString());
    }
    return wire.build();
  }
}
