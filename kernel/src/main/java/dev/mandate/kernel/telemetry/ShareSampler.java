package dev.mandate.kernel.telemetry;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingResult;
import java.util.List;

/**
 * Takes a share of all traces, by the last 56 bits of their ids: those are random in every trace id
 * (W3C trace context, level 2), also where it is a job's UUID, whose bits before them are not.
 */
final class ShareSampler implements Sampler {
  private static final int BITS = 56;

  private final double share;
  private final long limit;

  ShareSampler(double share) {
    this.share = share;
    this.limit = (long) (share * (1L << BITS));
  }

  @Override
  public SamplingResult shouldSample(
      Context parent,
      String traceId,
      String name,
      SpanKind kind,
      Attributes attributes,
      List<LinkData> links) {
    long random =
        Long.parseUnsignedLong(traceId, traceId.length() - BITS / 4, traceId.length(), 16);
    return random < limit ? SamplingResult.recordAndSample() : SamplingResult.drop();
  }

  @Override
  public String getDescription() {
    return "ShareSampler{" + share + "}";
  }
}
