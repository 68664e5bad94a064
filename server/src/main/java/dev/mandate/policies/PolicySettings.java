package dev.mandate.policies;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the operator decided about policies.
 *
 * @param opa an OPA server that is asked about every decision besides the policies kept here; null
 *     for none
 * @param opaTimeout how long it may take; then the call is refused
 * @param retention how long decisions are kept
 */
public record PolicySettings(@Nullable URI opa, Duration opaTimeout, Duration retention) {
  public static final PolicySettings DEFAULTS =
      new PolicySettings(null, Duration.ofMillis(500), Duration.ofDays(30));
}
