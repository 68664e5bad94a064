package dev.mandate.identity;

import dev.mandate.kernel.Bound;
import dev.mandate.kernel.db.Tx;
import java.util.Map;
import java.util.UUID;

/** Whether an agent can act: known to the agents' floor, asked by credentials and authorization. */
@FunctionalInterface
public interface AgentDirectory {
  /** Whether the transaction's organization has this agent. */
  boolean alive(Tx tx, UUID agent);

  /** What its current version is granted: what its API tokens are good for. */
  default Bound tools(Tx tx, UUID agent) {
    return Bound.tools(Map.of());
  }
}
