package dev.mandate.bench;

import com.cedarpolicy.BasicAuthorizationEngine;
import com.cedarpolicy.model.AuthorizationRequest;
import com.cedarpolicy.model.AuthorizationResponse;
import com.cedarpolicy.model.entity.Entity;
import com.cedarpolicy.model.exception.AuthException;
import com.cedarpolicy.model.exception.CacheException;
import com.cedarpolicy.model.exception.InternalException;
import com.cedarpolicy.model.policy.PolicySet;
import com.cedarpolicy.value.CedarList;
import com.cedarpolicy.value.CedarMap;
import com.cedarpolicy.value.EntityTypeName;
import com.cedarpolicy.value.EntityUID;
import com.cedarpolicy.value.PrimBool;
import com.cedarpolicy.value.PrimLong;
import com.cedarpolicy.value.PrimString;
import com.cedarpolicy.value.Value;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Set;
import java.util.TreeSet;

/** Cedar behind its Java library. */
final class CedarEngine {
  /** A request in Cedar's terms. */
  record Request(AuthorizationRequest request) {}

  private final BasicAuthorizationEngine engine = new BasicAuthorizationEngine();
  private final PolicySet policies;

  CedarEngine(String source) {
    try {
      policies = PolicySet.parsePolicies(source);
      policies.cache();
    } catch (InternalException | CacheException e) {
      throw new WrongAnswer("Cedar does not take the policies: " + e.getMessage());
    }
  }

  Request request(String json) {
    try {
      var context = (CedarMap) value(new ObjectMapper().readTree(json));
      return new Request(
          new AuthorizationRequest(
              uid("Agent", "a1"), uid("Action", "tools.call"), uid("Tool", "t1"), context));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  /** The numbers of the rules that refuse; an error in any is a wrong answer. */
  Set<Integer> refusing(Request r) {
    AuthorizationResponse response;
    try {
      response = engine.isAuthorized(r.request, policies, Set.<Entity>of());
    } catch (AuthException e) {
      throw new WrongAnswer("Cedar: " + e.getMessage());
    }
    var success = response.success.orElseThrow(() -> new WrongAnswer("Cedar: " + response));
    WrongAnswer.unless(success.getErrors().isEmpty(), "Cedar", success.getErrors());
    var rules = new TreeSet<Integer>();
    if (!success.isAllowed()) {
      for (String reason : success.getReason()) {
        // Policies are named policy0, policy1, … in the order of the text; the first permits.
        rules.add(Integer.parseInt(reason.replaceAll("\\D", "")) - 1);
      }
    }
    return rules;
  }

  private static EntityUID uid(String type, String id) {
    return new EntityUID(EntityTypeName.parse(type).orElseThrow(), id);
  }

  private static Value value(JsonNode node) {
    if (node.isObject()) {
      var map = new HashMap<String, Value>();
      node.properties().forEach(e -> map.put(e.getKey(), value(e.getValue())));
      return new CedarMap(map);
    }
    if (node.isArray()) {
      var list = new ArrayList<Value>();
      node.forEach(e -> list.add(value(e)));
      return new CedarList(list);
    }
    if (node.isBoolean()) {
      return new PrimBool(node.booleanValue());
    }
    return node.isNumber() ? new PrimLong(node.longValue()) : new PrimString(node.textValue());
  }
}
