package dev.mandate.kernel.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.config.Telemetry;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

class SpansTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";
  private static final Mandate.Origin NOBODYS = new Mandate.Origin("rest", "", TRACE);

  private static Spans on(String sampler, String arg, MeterRegistry meters, String url) {
    Telemetry all = Telemetry.to(url);
    Spans spans =
        Spans.of(
            new Telemetry(
                url,
                "",
                all.headers(),
                all.protocol(),
                all.exporter(),
                false,
                all.serviceName(),
                "",
                sampler,
                arg),
            null,
            "1",
            meters);
    spans.start();
    return spans;
  }

  @Test
  void offNothingIsMadeAndNothingRuns() {
    Spans off = Spans.of(Telemetry.OFF, null, "1", new SimpleMeterRegistry());
    off.start();
    assertThat(off).isSameAs(Spans.OFF);
    IntConsumer work =
        i -> {
          Span span = off.begin(Span.Kind.SERVER, "one", "two", NOBODYS);
          span.set("key", "value").set("number", i).event("name", java.util.Map.of());
          span.child(Span.Kind.CLIENT, "chat", "model").end();
          span.end();
          assert Span.current() == Span.NONE;
        };
    for (int i = 0; i < 20_000; i++) {
      work.accept(i);
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 20_000; i++) {
      work.accept(i);
    }
    // Less than a byte each: what the measuring itself takes.
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(20_000);
    // One that another test has ended may need a moment more.
    await()
        .untilAsserted(() ->
            assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("span-sender"));
  }

  @Test
  void offATraceIsPassedOnAsItCame() throws Exception {
    Span span = Spans.OFF.begin(Span.Kind.SERVER, "one", "", NOBODYS.within(PARENT));
    assertThat(span.traceparent()).isEqualTo(PARENT);
    assertThat(span.recorded()).isFalse();
    assertThat(span.call(() -> Span.current().child(Span.Kind.CLIENT, "a", "b").traceparent()))
        .isEqualTo(PARENT);
    assertThat(Span.current()).isSameAs(Span.NONE);
  }

  @Test
  void aCallerThatSaysNothingIsNotTakenAtItsWord() {
    assertThat(Traceparent.parse(PARENT)).isEqualTo(PARENT);
    // A newer version may have more behind it, and is gone on from as one of ours.
    assertThat(Traceparent.parse("cc" + PARENT.substring(2) + "-more")).isEqualTo(PARENT);
    for (String wrong :
        new String[] {
          null,
          "",
          "00-" + TRACE,
          PARENT + "-more",
          "cc" + PARENT.substring(2) + "more",
          "ff" + PARENT.substring(2),
          PARENT.toUpperCase(java.util.Locale.ROOT),
          PARENT.replace(TRACE, "0".repeat(32)),
          PARENT.replace("b7ad6b7169203331", "0".repeat(16)),
          PARENT.replace("-01", "-0x"),
          PARENT.replace('-', '_'),
        }) {
      assertThat(Traceparent.parse(wrong)).as(String.valueOf(wrong)).isNull();
    }
  }

  @Test
  void theShareOfTracesIsTheOneAskedFor() {
    String nowhere = "http://127.0.0.1:1";
    try (Spans none = on("always_off", "", new SimpleMeterRegistry(), nowhere);
        Spans half = on("traceidratio", "0.5", new SimpleMeterRegistry(), nowhere);
        Spans callers = on("parentbased_always_off", "", new SimpleMeterRegistry(), nowhere)) {
      assertThat(none.begin(Span.Kind.SERVER, "a", "", NOBODYS.within(PARENT)).traceparent())
          .startsWith("00-" + TRACE)
          .endsWith("-00");
      assertThat(callers.begin(Span.Kind.SERVER, "a", "", NOBODYS.within(PARENT)).recorded())
          .isTrue();
      assertThat(callers.begin(Span.Kind.SERVER, "a", "", NOBODYS).recorded()).isFalse();
      int taken = 0;
      for (int i = 0; i < 2_000; i++) {
        // As of jobs: ids that begin with the time.
        String job = dev.mandate.kernel.Ids.next().toString().replace("-", "");
        Span span = half.begin(Span.Kind.INTERNAL, "job", "", new Mandate.Origin("job", "", job));
        assertThat(span.traceparent()).startsWith("00-" + job);
        taken += span.recorded() ? 1 : 0;
      }
      assertThat(taken).isBetween(850, 1_150);
    }
  }

  @Test
  void aCollectorThatNeverAnswersCostsSpansAndNobodysTime() throws IOException {
    MeterRegistry meters = new SimpleMeterRegistry();
    // It takes connections, by its backlog, and says nothing.
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Spans spans = on("always_on", "", meters, "http://127.0.0.1:" + silent.getLocalPort());
      int count = 20_000;
      long slowest = 0;
      for (int i = 0; i < count; i++) {
        long begun = System.nanoTime();
        spans.begin(Span.Kind.SERVER, "one", "", NOBODYS).end();
        slowest = Math.max(slowest, System.nanoTime() - begun);
      }
      assertThat(Duration.ofNanos(slowest)).isLessThan(Duration.ofSeconds(2));
      long begun = System.nanoTime();
      spans.close();
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(8));
      double dropped =
          meters.get("mandate.spans").tag("outcome", "dropped").functionCounter().count();
      double failed =
          meters.get("mandate.spans").tag("outcome", "failed").functionCounter().count();
      assertThat(dropped).isGreaterThan(count - 3.0 * SpanQueue.CAPACITY);
      assertThat(meters.get("mandate.spans").tag("outcome", "sent").functionCounter().count())
          .isZero();
      assertThat(dropped + failed).isLessThanOrEqualTo(count);
    }
  }
}
