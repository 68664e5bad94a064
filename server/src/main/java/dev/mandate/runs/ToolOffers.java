package dev.mandate.runs;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.agents.Agent;
import dev.mandate.agents.ToolGrant;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Page;
import dev.mandate.tools.ResolvedTool;
import java.util.ArrayList;
import java.util.List;

/** The tools that a run's agent is offered: those of the catalog, and other agents. */
final class ToolOffers {
  /** The source of sub-agents' names: {@code agent/<name>}. */
  static final String AGENT = "agent/";

  private static final String REQUEST_SCHEMA =
      Json.read(
              """
              {"type": "object",
               "properties": {"request": {"type": "string", "minLength": 1,
                 "description": "What the agent should do, with everything it needs to know."}},
               "required": ["request"], "additionalProperties": false}
              """)
          .toString();

  private final RunEngine engine;

  ToolOffers(RunEngine engine) {
    this.engine = engine;
  }

  List<Prompts.Offer> of(Run run, Agent agent) {
    List<Prompts.Offer> offers = new ArrayList<>();
    for (ResolvedTool tool : engine.tools().resolve(run.mandate(), agent.toolPatterns())) {
      offers.add(
          new Prompts.Offer(
              tool.modelName(),
              tool.name(),
              tool.description(),
              tool.inputSchemaJson(),
              tool.version()));
    }
    List<String> patterns = new ArrayList<>();
    for (ToolGrant grant : agent.tools()) {
      if (grant.tool().startsWith(AGENT) || grant.tool().equals("*")) {
        patterns.add(grant.tool());
      }
    }
    if (!patterns.isEmpty()) {
      offers.addAll(agents(run, agent, patterns));
    }
    return offers;
  }

  private List<Prompts.Offer> agents(Run run, Agent self, List<String> patterns) {
    List<Agent> others =
        engine
            .db()
            .read(
                run.mandate(), tx -> engine.agents().some(tx, new Page.Request(MAX_AGENTS, null)));
    List<Prompts.Offer> offers = new ArrayList<>();
    for (Agent other : others) {
      String name = AGENT + other.name();
      boolean granted = patterns.stream().anyMatch(pattern -> Bound.matches(pattern, name));
      if (granted && !other.id().equals(self.id()) && run.mandate().boundsPermitTool(name)) {
        String description =
            "Asks the agent "
                + other.name()
                + " and waits for its answer."
                + (other.description().isBlank() ? "" : " " + other.description());
        offers.add(
            new Prompts.Offer(modelName(name), name, description, REQUEST_SCHEMA, other.version()));
      }
    }
    return offers;
  }

  private static final int MAX_AGENTS = 100;

  /**
   * What a sub-agent is asked, from the call's arguments.
   *
   * @throws Failure {@code INVALID_ARGUMENT} unless they are what the schema says
   */
  static String request(String arguments) {
    JsonNode json = Json.parse("arguments", arguments);
    JsonNode text = json.get("request");
    if (text == null || !text.isTextual() || text.textValue().isBlank() || json.size() > 1) {
      throw Failure.invalid("request", "is required, a text, and takes nothing beside it");
    }
    return text.textValue();
  }

  /** {@code agent_Scribe} for {@code agent/Scribe}: what providers take as a tool's name. */
  private static String modelName(String name) {
    String safe = name.replaceAll("[^a-zA-Z0-9_-]", "_");
    return safe.length() <= 64 ? safe : safe.substring(0, 64);
  }
}
