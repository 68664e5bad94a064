package dev.mandate.kernel.telemetry;

import dev.mandate.kernel.Mandate;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A piece of work as an operator sees it: what was done within what, for how long, and how it
 * ended. It holds ids, names and counts, never what people, models or tools said.
 *
 * <p>This class records nothing, and only passes on the trace that a caller asked for: it is what
 * everybody gets while no spans are sent.
 */
public sealed class Span permits RecordedSpan {
  /** Which side of a call it is. */
  public enum Kind {
    SERVER,
    CLIENT,
    INTERNAL
  }

  /** No span, and no trace to pass on. */
  public static final Span NONE = new Span(null);

  private static final ScopedValue<Span> CURRENT = ScopedValue.newInstance();

  private final @Nullable String traceparent;

  Span(@Nullable String traceparent) {
    this.traceparent = traceparent;
  }

  /** What goes on without a span of its own. */
  static Span passing(Mandate.Origin origin) {
    String traceparent = origin.traceparent();
    return traceparent == null ? NONE : new Span(traceparent);
  }

  /** What this thread is at. A thread that it starts is at nothing: take the span along. */
  public static Span current() {
    return CURRENT.orElse(NONE);
  }

  /** Does something that is a part of this. */
  public final <T extends @Nullable Object, X extends Throwable> T call(
      ScopedValue.CallableOp<? extends T, X> work) throws X {
    return this == current() ? work.call() : ScopedValue.where(CURRENT, this).call(work);
  }

  /** Does something that is a part of this. */
  public final void run(Runnable work) {
    if (this == current()) {
      work.run();
    } else {
      ScopedValue.where(CURRENT, this).run(work);
    }
  }

  /** What a call that leaves here carries; null if there is no trace. */
  public final @Nullable String traceparent() {
    return traceparent;
  }

  /** Whether somebody will see it. Ask before you make texts for it. */
  public boolean recorded() {
    return false;
  }

  /** Begins a part of it, named {@code <operation> <subject>}. */
  public Span child(Kind kind, String operation, String subject) {
    return this;
  }

  /** An empty value is left out. */
  public Span set(String key, @Nullable String value) {
    return this;
  }

  public Span set(String key, long value) {
    return this;
  }

  public Span set(String key, List<String> values) {
    return this;
  }

  /** Something that happened at a moment. */
  public void event(String name, Map<String, String> attributes) {}

  /**
   * It did not come to what it should.
   *
   * @param type one of few stable names, e.g. {@code rate_limited}
   */
  public void fail(String type) {}

  /** Ends it. Nothing is added after this. */
  public void end() {}
}
