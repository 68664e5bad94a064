package dev.mandate.tools;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaException;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import com.networknt.schema.path.NodePath;
import com.networknt.schema.regex.RegularExpression;
import dev.mandate.kernel.Failure;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Checks arguments against tools' JSON Schemas. Schemas come from strangers: nothing is fetched for
 * them, and their patterns cannot run away. Thread-safe.
 */
final class ArgumentSchemas {
  private static final String DIALECT = "https://json-schema.org/draft/2020-12/schema";
  private static final int MAX_CACHED = 2000;
  private static final int MAX_PROBLEMS = 5;

  private final SchemaRegistry registry =
      SchemaRegistry.withDefaultDialect(
          SpecificationVersion.DRAFT_2020_12,
          builder ->
              builder
                  .schemaCacheEnabled(false)
                  .schemaLoader(loader -> loader.fetchRemoteResources(false))
                  .schemaRegistryConfig(
                      SchemaRegistryConfig.builder()
                          .regularExpressionFactory(ArgumentSchemas::regex)
                          .locale(java.util.Locale.ENGLISH)
                          .build()));

  /** By the schema's text: a changed tool has another one. */
  private final Map<String, Schema> compiled =
      new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Schema> eldest) {
          return size() > MAX_CACHED;
        }
      };

  /**
   * Checks that this can be used as a tool's input schema.
   *
   * @return what is wrong with it; empty if nothing is
   */
  Optional<String> defect(JsonNode schema) {
    if (!schema.isObject()) {
      return Optional.of("its input schema is no object");
    }
    if (!schema.path("type").asText("object").equals("object")) {
      return Optional.of("its input schema is not that of an object");
    }
    for (String keyword : List.of("$ref", "$dynamicRef", "$recursiveRef")) {
      for (JsonNode reference : schema.findValues(keyword)) {
        if (reference.isTextual() && !reference.asText().startsWith("#")) {
          return Optional.of("its input schema refers to another document");
        }
      }
    }
    Optional<String> trap = SchemaBounds.defect(schema);
    if (trap.isPresent()) {
      return trap;
    }
    try {
      String text = schema.toString();
      String dialect = schema.path("$schema").asText(DIALECT);
      boolean ours = dialect.equals(DIALECT) || dialect.equals(DIALECT + "#");
      if (ours && !metaSchema().validate(text, InputFormat.JSON).isEmpty()) {
        return Optional.of("its input schema is not valid JSON Schema");
      }
      compile(text).initializeValidators();
      return Optional.empty();
    } catch (SchemaException | IllegalArgumentException e) {
      return Optional.of("its input schema is not valid JSON Schema");
    }
  }

  /**
   * Checks a call's arguments.
   *
   * @param argumentsJson one JSON object
   * @return what is wrong, naming each place, at most five of them; empty if nothing is
   */
  Optional<String> problem(String schemaJson, String argumentsJson) {
    Schema schema;
    synchronized (compiled) {
      schema = compiled.computeIfAbsent(schemaJson, this::compile);
    }
    List<Error> errors = schema.validate(argumentsJson, InputFormat.JSON);
    if (errors.isEmpty()) {
      return Optional.empty();
    }
    Set<String> problems = new LinkedHashSet<>();
    for (Error error : errors) {
      problems.add(place(error.getInstanceLocation()) + ": " + error.getMessage());
    }
    String text = String.join("; ", problems.stream().limit(MAX_PROBLEMS).toList());
    int more = problems.size() - MAX_PROBLEMS;
    return Optional.of(more > 0 ? text + "; and " + more + " more" : text);
  }

  private Schema metaSchema() {
    return registry.getSchema(SchemaLocation.of(DIALECT));
  }

  private Schema compile(String schemaJson) {
    return registry.getSchema(schemaJson, InputFormat.JSON);
  }

  /** {@code arguments.items[2].name}. */
  private static String place(NodePath path) {
    StringBuilder place = new StringBuilder("arguments");
    for (int i = 0; i < path.getNameCount(); i++) {
      if (path.getElement(i) instanceof Integer index) {
        place.append('[').append(index).append(']');
      } else {
        place.append('.').append(Failure.excerpt(path.getName(i)));
      }
    }
    return place.toString();
  }

  /** Linear in time. What it cannot express is left to the tool itself to check. */
  private static RegularExpression regex(String expression) {
    try {
      Pattern pattern = Pattern.compile(expression);
      return text -> pattern.matcher(text).find();
    } catch (PatternSyntaxException e) {
      return text -> true;
    }
  }
}
