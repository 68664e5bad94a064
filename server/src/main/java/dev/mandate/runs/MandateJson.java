package dev.mandate.runs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/** The stored form of a run's authority. */
final class MandateJson {
  private MandateJson() {}

  static String write(Mandate mandate) {
    ObjectNode json = Json.object();
    ArrayNode chain = json.putArray("chain");
    mandate.chain().forEach(principal -> chain.add(principal.toString()));
    ArrayNode bounds = json.putArray("bounds");
    for (Bound bound : mandate.bounds()) {
      ObjectNode one = bounds.addObject();
      // Sorted, so that the same authority has the same text.
      new TreeSet<>(bound.actions()).forEach(one.putArray("actions")::add);
      ObjectNode tools = one.putObject("tools");
      new TreeMap<>(bound.tools()).forEach((tool, mode) -> tools.put(tool, mode.name()));
    }
    UUID budget = mandate.budget();
    if (budget != null) {
      json.put("budget", budget.toString());
    }
    json.put("expires_at", mandate.expiresAt().toString());
    json.put("trace_id", mandate.origin().traceId());
    String traceparent = mandate.origin().traceparent();
    if (traceparent != null) {
      json.put("traceparent", traceparent);
    }
    return json.toString();
  }

  static Mandate read(OrgId org, String text) {
    JsonNode json = Json.read(text);
    List<Principal> chain = new ArrayList<>();
    json.get("chain").forEach(principal -> chain.add(Principal.parse(principal.textValue())));
    List<Bound> bounds = new ArrayList<>();
    json.get("bounds")
        .forEach(
            bound -> bounds.add(new Bound(set(bound.get("actions")), tools(bound.get("tools")))));
    return new Mandate(
        org,
        chain,
        bounds,
        json.has("budget") ? UUID.fromString(json.get("budget").textValue()) : null,
        Instant.parse(json.get("expires_at").textValue()),
        new Mandate.Origin("run", "", json.get("trace_id").textValue())
            .within(json.has("traceparent") ? json.get("traceparent").textValue() : null));
  }

  private static Map<String, ApprovalMode> tools(JsonNode json) {
    Map<String, ApprovalMode> tools = new HashMap<>();
    if (json.isArray()) {
      // Written before bounds knew of approvals: asks about everything.
      json.forEach(tool -> tools.put(tool.textValue(), ApprovalMode.ALWAYS));
    }
    json.properties()
        .forEach(
            grant -> tools.put(grant.getKey(), ApprovalMode.valueOf(grant.getValue().textValue())));
    return tools;
  }

  private static Set<String> set(JsonNode array) {
    Set<String> set = new HashSet<>();
    array.forEach(item -> set.add(item.textValue()));
    return set;
  }
}
