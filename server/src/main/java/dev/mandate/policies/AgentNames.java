package dev.mandate.policies;

import dev.mandate.kernel.db.Tx;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What agents are called; filled by the composition, for agents stand on a higher floor. */
@FunctionalInterface
public interface AgentNames {
  /** Null for an agent that the transaction's organization does not have. */
  @Nullable String nameOf(Tx tx, UUID agent);
}
