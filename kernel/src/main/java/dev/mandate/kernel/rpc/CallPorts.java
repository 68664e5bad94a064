package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.db.IdempotencyKeys;
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
 * @param clock decides whether an authority has expired
 */
public record CallPorts(
    Authentication authentication,
    Authorizer authorizer,
    CallPolicy policy,
    IdempotencyKeys idempotency,
    CallAudit audit,
    MeterRegistry meters,
    InstantSource clock) {
  public CallPorts(
      Authentication authentication,
      Authorizer authorizer,
      CallPolicy policy,
      IdempotencyKeys idempotency,
      CallAudit audit,
      MeterRegistry meters) {
    this(authentication, authorizer, policy, idempotency, audit, meters, InstantSource.system());
  }
}
