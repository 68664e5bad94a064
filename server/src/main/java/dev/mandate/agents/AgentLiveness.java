package dev.mandate.agents;

import dev.mandate.identity.AgentDirectory;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.db.Tx;
import dev.mandate.policies.AgentNames;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Whether an agent can act, with what, and what it is called: asked by credentials, authorization
 * and policies, on floors below.
 */
public final class AgentLiveness implements AgentDirectory, AgentNames {
  private final AgentStore store = new AgentStore();

  @Override
  public boolean alive(Tx tx, UUID agent) {
    return store.alive(tx, new AgentId(agent));
  }

  @Override
  public Bound tools(Tx tx, UUID agent) {
    return store.find(tx, new AgentId(agent)).map(Agent::bound).orElse(Bound.tools(Map.of()));
  }

  @Override
  public @Nullable String nameOf(Tx tx, UUID agent) {
    return store.find(tx, new AgentId(agent)).map(Agent::name).orElse(null);
  }
}
