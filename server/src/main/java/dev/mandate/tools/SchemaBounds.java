package dev.mandate.tools;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds schemas that are a trap: whose evaluation never ends, or takes forever, at a single place
 * of the arguments. Such a schema refers to itself without going deeper into the arguments, or
 * doubles its work with each of a row of references.
 */
final class SchemaBounds {
  private static final int MOST_DEPTH = 64;
  private static final long MOST_WORK = 10_000;

  /** Keywords whose schemas are applied to the same place. */
  private static final List<String> ONE = List.of("not", "if", "then", "else");

  private static final List<String> MANY = List.of("allOf", "anyOf", "oneOf");
  private static final List<String> NAMED = List.of("dependentSchemas", "dependencies");
  private static final List<String> REFERENCES = List.of("$ref", "$dynamicRef", "$recursiveRef");

  /** Of a schema that is being looked at: whoever meets it again goes round in a circle. */
  private static final long OPEN = -1;

  private final JsonNode root;
  private final IdentityHashMap<JsonNode, Long> work = new IdentityHashMap<>();
  private final Map<String, @Nullable JsonNode> anchors = new HashMap<>();

  private SchemaBounds(JsonNode root) {
    this.root = root;
  }

  /** What is wrong with a schema; empty if nothing is. */
  static Optional<String> defect(JsonNode schema) {
    if (depth(schema) > MOST_DEPTH) {
      return Optional.of("its input schema is nested more than " + MOST_DEPTH + " deep");
    }
    SchemaBounds bounds = new SchemaBounds(schema);
    bounds.findAnchors(schema);
    return bounds.bounded(schema)
        ? Optional.empty()
        : Optional.of("its input schema refers to itself without end, or takes too long to check");
  }

  private static int depth(JsonNode node) {
    int deepest = 0;
    for (JsonNode child : node) {
      deepest = Math.max(deepest, depth(child));
    }
    return deepest + 1;
  }

  private void findAnchors(JsonNode node) {
    for (String keyword : List.of("$anchor", "$dynamicAnchor")) {
      if (node.path(keyword).isTextual()) {
        anchors.put(node.path(keyword).textValue(), node);
      }
    }
    node.forEach(this::findAnchors);
  }

  /** Looks at every schema in the document, wherever it stands. */
  private boolean bounded(JsonNode node) {
    if (node.isObject() && work(node) > MOST_WORK) {
      return false;
    }
    for (JsonNode child : node) {
      if (!bounded(child)) {
        return false;
      }
    }
    return true;
  }

  /** How many schemas are applied to one place by this one; too many if it goes in a circle. */
  private long work(@Nullable JsonNode schema) {
    if (schema == null || !schema.isObject()) {
      return 1;
    }
    Long known = work.get(schema);
    if (known != null) {
      return known == OPEN ? MOST_WORK + 1 : known;
    }
    work.put(schema, OPEN);
    long sum = 1;
    for (String keyword : ONE) {
      sum += schema.has(keyword) ? work(schema.get(keyword)) : 0;
    }
    for (String keyword : MANY) {
      for (JsonNode part : schema.path(keyword)) {
        sum = Math.min(sum + work(part), MOST_WORK + 1);
      }
    }
    for (String keyword : NAMED) {
      for (JsonNode part : schema.path(keyword)) {
        sum = Math.min(sum + work(part), MOST_WORK + 1);
      }
    }
    for (String keyword : REFERENCES) {
      if (schema.path(keyword).isTextual()) {
        sum += work(target(schema.path(keyword).textValue()));
      }
    }
    sum = Math.min(sum, MOST_WORK + 1);
    work.put(schema, sum);
    return sum;
  }

  /** The schema that a reference within the document means. */
  private @Nullable JsonNode target(String reference) {
    String fragment = reference.startsWith("#") ? reference.substring(1) : reference;
    if (fragment.isEmpty()) {
      return root;
    }
    if (!fragment.startsWith("/")) {
      return anchors.get(fragment);
    }
    try {
      return root.at(URLDecoder.decode(fragment, StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      // No pointer: the validator itself will not find anything there either.
      return null;
    }
  }
}
