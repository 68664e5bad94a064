package dev.mandate.kernel.telemetry;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.config.Telemetry;
import io.micrometer.core.instrument.MeterRegistry;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Begins spans where work enters this process: a call, a run that is taken up, a job. Parts of that
 * work begin theirs with {@link Span#current}. Nothing of OpenTelemetry is loaded, and nothing is
 * made, while spans are not sent.
 */
public final class Spans implements AutoCloseable {
  public static final Spans OFF = new Spans(Telemetry.OFF, null, "", null);

  private final Telemetry settings;
  private final @Nullable TrustManagerFactory trust;
  private final String version;
  private final @Nullable MeterRegistry meters;
  private volatile @Nullable SpanExport export;

  private Spans(
      Telemetry settings,
      @Nullable TrustManagerFactory trust,
      String version,
      @Nullable MeterRegistry meters) {
    this.settings = settings;
    this.trust = trust;
    this.version = version;
    this.meters = meters;
  }

  /**
   * @param trust whom to believe that they are the collector; null for the JDK's authorities
   * @param version of this server
   * @param meters where it is counted how many spans went out and how many were dropped
   */
  public static Spans of(
      Telemetry settings,
      @Nullable TrustManagerFactory trust,
      String version,
      MeterRegistry meters) {
    return settings.on() ? new Spans(settings, trust, version, meters) : OFF;
  }

  /** Begins to send, if it is set up so. */
  public void start() {
    if (settings.on() && meters != null) {
      export = SpanExport.start(settings, trust, version, meters);
    }
  }

  /**
   * Begins the span of work that has just entered this process, within the trace that it came with.
   * Its name is the two texts, with a space between; the second may be empty.
   */
  public Span begin(Span.Kind kind, String first, String second, Mandate.Origin origin) {
    SpanExport to = export;
    return to == null ? Span.passing(origin) : to.begin(kind, first, second, origin);
  }

  /** Sends what is left, within two seconds. */
  @Override
  public void close() {
    SpanExport to = export;
    if (to != null) {
      export = null;
      to.close();
    }
  }
}
