package dev.mandate.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Policies of tests, by the API, and a tool server to have something to decide about. */
final class Rules {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Rules() {}

  /** A module in a package of its own, with these rules. */
  static String module(String name, String rules) {
    return "package mandate.policies." + name + "\n\n" + rules;
  }

  static ObjectNode draft(String name, String rules) {
    return JSON.createObjectNode().put("name", name).put("module", module(name, rules));
  }

  /** Saves a policy and puts it in force; its id. */
  static String activate(TestServer.Client client, String name, String rules) {
    return activate(client, draft(name, rules));
  }

  static String activate(TestServer.Client client, ObjectNode draft) {
    String id = client.post("/api/v1/policies", draft.toString()).ok().get("id").textValue();
    client.post("/api/v1/policies/" + id + ":activate", "{}").ok();
    return id;
  }

  static void delete(TestServer.Client client, String id) {
    client.call("DELETE", "/api/v1/policies/" + id, null).ok();
  }

  /** The audit entries of an action that was denied, newest first. */
  static List<JsonNode> denials(TestServer.Client client, String action) {
    List<JsonNode> entries = new ArrayList<>();
    client
        .get("/api/v1/audit?pageSize=200&outcome=denied&action=" + action)
        .ok()
        .get("entries")
        .forEach(entries::add);
    return entries;
  }

  /** What an audit entry says of the policies' decision. */
  static JsonNode policy(JsonNode entry) {
    try {
      return JSON.readTree(entry.get("detailsJson").textValue()).path("policy");
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  /** Makes an agent that is instructed by its own name, which is how a script knows it. */
  static String agent(TestServer.Client client, String name, String... tools) {
    ObjectNode agent = JSON.createObjectNode().put("name", name).put("instructions", name);
    for (String tool : tools) {
      agent.withArray("tools").addObject().put("tool", tool).put("approval", "NEVER");
    }
    return client.post("/api/v1/agents", agent.toString()).ok().get("id").textValue();
  }

  /** Imports the effect counter as a program: its tools are {@code <name>/read} and others. */
  static void importCounter(TestServer.Client client, String name, Path folder) {
    ObjectNode request = JSON.createObjectNode().put("name", name);
    var command = request.putObject("stdio").putArray("command");
    List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            "dev.mandate.server.demo.EffectCounter",
            "--file",
            folder.resolve(name + ".jsonl").toString())
        .forEach(command::add);
    client.post("/api/v1/tool-sources:import", request.toString()).ok();
  }

  /** Puts labels on a tool, or says what it does to the world. */
  static void setTool(TestServer.Client client, String name, String effect, String... labels) {
    JsonNode tool = client.get("/api/v1/tools/" + name.replace("/", "%2F")).ok();
    ObjectNode change =
        JSON.createObjectNode()
            .put("version", tool.get("version").asLong())
            .put("effect", effect)
            .put("setLabels", true);
    var array = change.putArray("labels");
    List.of(labels).forEach(array::add);
    client.call("PATCH", "/api/v1/tools/" + tool.get("id").textValue(), change.toString()).ok();
  }

  static TestServer.Answer call(TestServer.Client client, String tool, String arguments) {
    return client.post(
        "/api/v1/tools/" + tool.replace("/", "%2F") + ":call",
        JSON.createObjectNode().put("argumentsJson", arguments).toString());
  }
}
