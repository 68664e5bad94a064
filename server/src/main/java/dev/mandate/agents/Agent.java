package dev.mandate.agents;

import dev.mandate.kernel.Bound;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One version of an agent's definition.
 *
 * @param model a model's name; empty for the organization's default
 * @param maxModelCalls most model calls in one run; 0 for the installation's default
 * @param createdAt when the agent was made
 * @param updatedAt when this version was made
 */
public record Agent(
    AgentId id,
    String name,
    String description,
    String instructions,
    String model,
    List<ToolGrant> tools,
    int maxModelCalls,
    long version,
    Instant createdAt,
    Instant updatedAt) {

  public Agent {
    tools = List.copyOf(tools);
  }

  /** What its tool grants leave of an authority. */
  public Bound bound() {
    return Bound.tools(
        tools.stream().collect(Collectors.toMap(ToolGrant::tool, ToolGrant::approval)));
  }

  /** The patterns of its tool grants. */
  public List<String> toolPatterns() {
    return tools.stream().map(ToolGrant::tool).toList();
  }
}
