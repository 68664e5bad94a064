package dev.mandate.kernel.telemetry;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.config.Telemetry;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.IdGenerator;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanLimits;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.UUID;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** OpenTelemetry's SDK, set up to send spans by OTLP over HTTP. */
final class SpanExport implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration REQUEST = Duration.ofSeconds(10);

  /** Longer names are cut: some come from model providers and tool servers. */
  private static final int LONGEST = 256;

  /** Kept, for a logger that nobody holds forgets its level. What it says is said by us, rarely. */
  private static final Logger LIBRARY = Logger.getLogger("io.opentelemetry");

  /** The trace id of the root span that this thread begins. */
  private static final ScopedValue<String> ROOT = ScopedValue.newInstance();

  private final SpanQueue queue;
  private final SdkTracerProvider provider;
  private final Tracer tracer;

  private SpanExport(SpanQueue queue, SdkTracerProvider provider) {
    this.queue = queue;
    this.provider = provider;
    this.tracer = provider.get("dev.mandate");
  }

  static SpanExport start(
      Telemetry settings,
      @Nullable TrustManagerFactory trust,
      String version,
      MeterRegistry meters) {
    LIBRARY.setLevel(Level.OFF);
    SpanQueue queue = new SpanQueue(exporter(settings, trust), settings.url());
    queue.start(meters);
    Sampler sampler = new ShareSampler(settings.share());
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setResource(resource(settings, version))
            .setSampler(settings.parentBased() ? Sampler.parentBased(sampler) : sampler)
            .setIdGenerator(new TraceIds())
            .setSpanLimits(SpanLimits.builder().setMaxAttributeValueLength(LONGEST).build())
            .addSpanProcessor(queue)
            .build();
    return new SpanExport(queue, provider);
  }

  private static OtlpHttpSpanExporter exporter(
      Telemetry settings, @Nullable TrustManagerFactory trust) {
    OtlpHttpSpanExporterBuilder builder =
        OtlpHttpSpanExporter.builder()
            .setEndpoint(settings.url())
            .setConnectTimeout(CONNECT)
            .setTimeout(REQUEST)
            .setCompression("gzip")
            .setHeaders(settings::headerFields);
    if (trust != null) {
      for (TrustManager manager : trust.getTrustManagers()) {
        if (manager instanceof X509TrustManager x509) {
          builder.setSslContext(context(x509), x509);
        }
      }
    }
    return builder.build();
  }

  private static SSLContext context(X509TrustManager trust) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {trust}, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Resource resource(Telemetry settings, String version) {
    AttributesBuilder attributes = Attributes.builder();
    attributes.put("service.version", version);
    attributes.put("service.instance.id", UUID.randomUUID().toString());
    settings.resource().forEach(attributes::put);
    attributes.put("service.name", settings.serviceName());
    return Resource.getDefault().merge(Resource.create(attributes.build()));
  }

  Span begin(Span.Kind kind, String first, String second, Mandate.Origin origin) {
    SpanBuilder builder =
        tracer
            .spanBuilder(RecordedSpan.name(first, second))
            .setSpanKind(SpanKind.valueOf(kind.name()));
    String traceparent = origin.traceparent();
    if (traceparent != null) {
      SpanContext caller =
          SpanContext.createFromRemoteParent(
              Traceparent.traceId(traceparent),
              Traceparent.spanId(traceparent),
              TraceFlags.fromHex(Traceparent.flags(traceparent), 0),
              TraceState.getDefault());
      builder.setParent(Context.root().with(io.opentelemetry.api.trace.Span.wrap(caller)));
      return new RecordedSpan(tracer, builder.startSpan());
    }
    builder.setNoParent();
    return new RecordedSpan(
        tracer,
        origin.traceId().isEmpty()
            ? builder.startSpan()
            : ScopedValue.where(ROOT, origin.traceId()).call(builder::startSpan));
  }

  /** A root's trace is the one that the answer, the log and the record already name. */
  private static final class TraceIds implements IdGenerator {
    private final IdGenerator random = IdGenerator.random();

    @Override
    public String generateSpanId() {
      return random.generateSpanId();
    }

    @Override
    public String generateTraceId() {
      return ROOT.isBound() ? ROOT.get() : random.generateTraceId();
    }
  }

  @Override
  public void close() {
    queue.close();
    provider.close();
  }
}
