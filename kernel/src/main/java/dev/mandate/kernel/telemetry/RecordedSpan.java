package dev.mandate.kernel.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A span that is sent, unless its trace is not sampled. */
final class RecordedSpan extends Span {
  private final Tracer tracer;
  private final io.opentelemetry.api.trace.Span span;

  RecordedSpan(Tracer tracer, io.opentelemetry.api.trace.Span span) {
    super(traceparent(span.getSpanContext()));
    this.tracer = tracer;
    this.span = span;
  }

  private static String traceparent(SpanContext context) {
    return "00-"
        + context.getTraceId()
        + "-"
        + context.getSpanId()
        + "-"
        + context.getTraceFlags().asHex();
  }

  @Override
  public boolean recorded() {
    return span.isRecording();
  }

  @Override
  public Span child(Kind kind, String operation, String subject) {
    return new RecordedSpan(
        tracer,
        tracer
            .spanBuilder(name(operation, subject))
            .setParent(Context.root().with(span))
            .setSpanKind(SpanKind.valueOf(kind.name()))
            .startSpan());
  }

  static String name(String first, String second) {
    return second.isEmpty() ? first : first + " " + second;
  }

  @Override
  public Span set(String key, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      span.setAttribute(key, value);
    }
    return this;
  }

  @Override
  public Span set(String key, long value) {
    span.setAttribute(key, value);
    return this;
  }

  @Override
  public Span set(String key, List<String> values) {
    span.setAttribute(AttributeKey.stringArrayKey(key), values);
    return this;
  }

  @Override
  public void event(String name, Map<String, String> attributes) {
    AttributesBuilder builder = Attributes.builder();
    attributes.forEach(builder::put);
    span.addEvent(name, builder.build());
  }

  @Override
  public void fail(String type) {
    span.setAttribute("error.type", type);
    span.setStatus(StatusCode.ERROR);
  }

  @Override
  public void end() {
    span.end();
  }
}
