package dev.mandate.runs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.agents.Agent;
import dev.mandate.kernel.Json;
import java.util.UUID;

/**
 * What makes a run the repetition of another one.
 *
 * @param of the original
 * @param fromSeq the first step of its own
 * @param recorded whether tool results come from the original's log, and no call leaves
 * @param model another model; empty: the agent's
 * @param instructions other instructions; empty: the agent's
 */
record Replay(RunId of, long fromSeq, boolean recorded, String model, String instructions) {
  String write() {
    ObjectNode json = Json.object();
    json.put("of", of.toString());
    json.put("from_seq", fromSeq);
    json.put("recorded", recorded);
    json.put("model", model);
    json.put("instructions", instructions);
    return json.toString();
  }

  static Replay read(String text) {
    JsonNode json = Json.read(text);
    return new Replay(
        new RunId(UUID.fromString(json.get("of").textValue())),
        json.get("from_seq").longValue(),
        json.get("recorded").booleanValue(),
        json.get("model").textValue(),
        json.get("instructions").textValue());
  }

  /** The agent's definition, as this run has it. */
  Agent applyTo(Agent agent) {
    return new Agent(
        agent.id(),
        agent.name(),
        agent.description(),
        instructions.isEmpty() ? agent.instructions() : instructions,
        model.isEmpty() ? agent.model() : model,
        agent.tools(),
        agent.maxModelCalls(),
        agent.version(),
        agent.createdAt(),
        agent.updatedAt());
  }
}
