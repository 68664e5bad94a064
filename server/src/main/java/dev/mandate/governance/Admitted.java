package dev.mandate.governance;

import dev.mandate.policies.Obligation;
import dev.mandate.policies.Verdict;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The call may be made now, once, with exactly these arguments. Whoever holds this must {@linkplain
 * Gate#settle settle} it, however the call ends.
 *
 * @param argumentsHash SHA-256 of the canonical arguments
 * @param obligations what policies demand of the caller
 * @param decision how policies decided, for the audit entry; null if none was asked
 */
public record Admitted(
    String action,
    Resource resource,
    Facts facts,
    String argumentsHash,
    List<Obligation> obligations,
    Verdict.@Nullable Stamp decision)
    implements Decision {
  public Admitted {
    obligations = List.copyOf(obligations);
  }

  /** What the call returned, after what policies demand was done with it. */
  public String carriedOut(String result) {
    return Obligation.carryOut(obligations, resource.toString(), result);
  }
}
