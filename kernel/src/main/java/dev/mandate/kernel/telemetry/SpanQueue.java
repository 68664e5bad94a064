package dev.mandate.kernel.telemetry;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.internal.FailedExportException;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Spans that have ended and wait to be sent, a few hundred at once. Whoever ends a span never
 * waits: when the queue is full the span is dropped, and counted.
 */
final class SpanQueue implements SpanProcessor {
  private static final Logger log = LoggerFactory.getLogger(SpanQueue.class);

  static final int CAPACITY = 4096;
  private static final int BATCH = 512;
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofSeconds(15);
  private static final Duration LAST = Duration.ofSeconds(2);
  private static final Duration QUIET = Duration.ofMinutes(5);

  private final SpanExporter exporter;
  private final String url;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition news = lock.newCondition();
  private final Deque<ReadableSpan> waiting = new ArrayDeque<>();
  private final LongAdder sent = new LongAdder();
  private final LongAdder dropped = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final Thread sender;
  private volatile boolean closing;
  private long complainedAt = System.nanoTime() - QUIET.toNanos();

  SpanQueue(SpanExporter exporter, String url) {
    this.exporter = exporter;
    this.url = url;
    this.sender = Thread.ofPlatform().daemon().name("span-sender").unstarted(this::send);
  }

  void start(MeterRegistry meters) {
    count(meters, "sent", sent);
    count(meters, "dropped", dropped);
    count(meters, "failed", failed);
    sender.start();
  }

  private static void count(MeterRegistry meters, String outcome, LongAdder counter) {
    FunctionCounter.builder("mandate.spans", counter, LongAdder::sum)
        .description("Spans by what became of them: sent, dropped (queue full), failed to be sent")
        .tag("outcome", outcome)
        .register(meters);
  }

  @Override
  public void onEnd(ReadableSpan span) {
    if (!span.getSpanContext().isSampled()) {
      return;
    }
    lock.lock();
    try {
      if (closing || waiting.size() >= CAPACITY) {
        dropped.increment();
        return;
      }
      waiting.add(span);
      if (waiting.size() == BATCH) {
        news.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  private void send() {
    List<SpanData> batch = take();
    while (!batch.isEmpty() || !closing) {
      if (!batch.isEmpty()) {
        send(batch);
      }
      batch = take();
    }
    // Here, for it waits for an answer that is out; unless this thread is interrupted.
    exporter.shutdown();
  }

  /** The next spans, after a pause in which more may come; empty if there are none. */
  private List<SpanData> take() {
    List<ReadableSpan> ended = new ArrayList<>();
    lock.lock();
    try {
      long left = PAUSE.toNanos();
      while (waiting.size() < BATCH && left > 0 && !closing) {
        left = news.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      // Only close() interrupts, and only when there is no more time.
    } finally {
      while (ended.size() < BATCH && !waiting.isEmpty()) {
        ended.add(waiting.remove());
      }
      lock.unlock();
    }
    return ended.stream().map(ReadableSpan::toSpanData).toList();
  }

  private void send(List<SpanData> batch) {
    @Nullable Throwable cause = null;
    try {
      CompletableResultCode result =
          exporter.export(batch).join(LONGEST.toMillis(), TimeUnit.MILLISECONDS);
      if (result.isSuccess()) {
        sent.add(batch.size());
        return;
      }
      cause = result.getFailureThrowable();
    } catch (RuntimeException e) {
      cause = e;
    }
    failed.add(batch.size());
    long now = System.nanoTime();
    if (now - complainedAt >= QUIET.toNanos()) {
      complainedAt = now;
      log.warn(
          "spans cannot be sent to {}: {}; {} are lost so far", url, describe(cause), failed.sum());
    }
  }

  private static String describe(@Nullable Throwable thrown) {
    if (thrown instanceof FailedExportException.HttpExportException refused
        && refused.getResponse() != null) {
      return "it answers HTTP " + refused.getResponse().getStatusCode();
    }
    Throwable root = thrown;
    while (root != null && root.getCause() != null) {
      root = root.getCause();
    }
    return root == null ? "no answer" : root.toString();
  }

  /** Sends what waits, for no longer than two seconds. */
  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
      news.signal();
    } finally {
      lock.unlock();
    }
    try {
      if (!sender.join(LAST)) {
        lock.lock();
        try {
          dropped.add(waiting.size());
          waiting.clear();
        } finally {
          lock.unlock();
        }
        sender.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public CompletableResultCode shutdown() {
    return CompletableResultCode.ofSuccess();
  }

  @Override
  public void onStart(Context parent, ReadWriteSpan span) {}

  @Override
  public boolean isStartRequired() {
    return false;
  }

  @Override
  public boolean isEndRequired() {
    return true;
  }
}
