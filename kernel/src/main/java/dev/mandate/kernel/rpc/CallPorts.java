package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.db.IdempotencyKeys;
import dev.mandate.kernel.telemetry.Spans;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;

/**
 * What the one dispatch path asks of upper floors.
 *
 * @param authentication who is calling
 * @param authorizer whether they may
 * @param policy what rules say of the call
 * @param idempotency keys of calls that may be repeated
 * @param audit denials, and reads that are audited
 * @param meters where requests are timed
 * @param spans where calls are seen one by one
 * @param clock decides whether an authority has expired
 */
public record CallPorts(
    Authentication authentication,
    Authorizer authorizer,
    CallPolicy policy,
    IdempotencyKeys idempotency,
    CallAudit audit,
    MeterRegistry meters,
    Spans spans,
    InstantSource clock) {
  public CallPorts(
      Authentication authentication,
      Authorizer authorizer,
      CallPolicy policy,
      IdempotencyKeys idempotency,
      CallAudit audit,
      MeterRegistry meters) {
    this(
        authentication,
        authorizer,
        policy,
        idempotency,
        audit,
        meters,
        Spans.OFF,
        InstantSource.system());
  }
}
