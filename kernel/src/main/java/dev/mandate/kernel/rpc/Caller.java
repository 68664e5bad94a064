package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a transport knows about a request besides its message.
 *
 * @param credential what the caller showed, if anything
 * @param idempotencyKey as sent, checked
 * @param asked what time the caller grants the call; null for as much as the method takes
 * @param refused why this request cannot be authenticated whatever it shows (a cookie from another
 *     site; a credential that was no good before the body, which was not kept then)
 * @param protocol for metrics
 * @param binding the REST face that it came by; null for other protocols
 */
record Caller(
    @Nullable Credential credential,
    Mandate.Origin origin,
    @Nullable String idempotencyKey,
    @Nullable Duration asked,
    @Nullable Failure refused,
    String protocol,
    @Nullable HttpBinding binding) {

  /** How long a call of the method may take: nobody is given more than its own limit. */
  Duration timeout(Method method) {
    return asked != null && asked.compareTo(method.timeout()) < 0 ? asked : method.timeout();
  }
}
