package dev.mandate.kernel.rpc;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.mandate.api.v1.Rule;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/** The REST face as an OpenAPI 3.1 document. */
public final class OpenApi {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final MethodTable table;
  private final Schemas schemas;
  private final ObjectNode paths = JSON.objectNode();
  private final TreeMap<String, ObjectNode> components = new TreeMap<>();
  private final Deque<Descriptor> pending = new ArrayDeque<>();
  private final Set<Descriptor> known = new HashSet<>();

  private OpenApi(MethodTable table) {
    this.table = table;
    this.schemas = table.schemas();
  }

  /** The document as indented JSON, the same for the same contract. */
  public static String of(MethodTable table, String version) {
    ObjectNode document = new OpenApi(table).document(version);
    try {
      return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(document)
          + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private ObjectNode document(String version) {
    Set<ServiceDescriptor> services = new LinkedHashSet<>();
    // By name, not in the order of binding: the document must not change when composition does.
    List<Method> methods =
        table.methods().stream()
            .sorted(
                Comparator.comparing((Method m) -> m.descriptor().getService().getFullName())
                    .thenComparingInt(m -> m.descriptor().getIndex()))
            .toList();
    for (Method method : methods) {
      services.add(method.descriptor().getService());
      for (int i = 0; i < method.bindings().size(); i++) {
        operation(method, method.bindings().get(i), i);
      }
    }
    components.put("Error", error());
    while (!pending.isEmpty()) {
      Descriptor type = pending.pop();
      components.put(name(type), schemas.object(type, this::reference, Set.of()));
    }
    ObjectNode document = JSON.objectNode().put("openapi", "3.1.0");
    document
        .putObject("info")
        .put("title", "Mandate")
        .put(
            "description",
            "Every operation is also served by Connect and gRPC on the same port. Times are RFC"
                + " 3339, 64-bit integers are strings (numbers are read too), unknown fields are"
                + " refused.")
        .put("version", version);
    ArrayNode tags = document.putArray("tags");
    for (ServiceDescriptor service : services) {
      ObjectNode tag = tags.addObject().put("name", tag(service));
      String comment = schemas.comments().of(service);
      if (!comment.isEmpty()) {
        tag.put("description", comment);
      }
    }
    document.set("paths", paths);
    ObjectNode shared = document.putObject("components");
    ObjectNode all = shared.putObject("schemas");
    components.forEach(all::set);
    ObjectNode fields = shared.putObject("parameters").putObject(Mask.PARAMETER);
    fields.put("name", Mask.PARAMETER).put("in", "query");
    fields.put(
        "description",
        "The fields of the answer that are wanted, by their paths, separated by commas, e.g."
            + " `agents.id,agents.name`. Without it, all.");
    fields.set("schema", JSON.objectNode().put("type", "string"));
    ObjectNode security = shared.putObject("securitySchemes");
    security.putObject("bearer").put("type", "http").put("scheme", "bearer");
    security
        .putObject("session")
        .put("type", "apiKey")
        .put("in", "cookie")
        .put("name", Requests.SESSION_COOKIE);
    ArrayNode either = document.putArray("security");
    either.addObject().putArray("bearer");
    either.addObject().putArray("session");
    return document;
  }

  private void operation(Method method, HttpBinding binding, int number) {
    ObjectNode path =
        paths.get(binding.template()) instanceof ObjectNode there
            ? there
            : paths.putObject(binding.template());
    ObjectNode operation = path.putObject(binding.verb().toLowerCase(java.util.Locale.ROOT));
    operation.putArray("tags").add(tag(method.descriptor().getService()));
    String comment = schemas.comments().of(method.descriptor());
    if (!comment.isEmpty()) {
      int end = comment.indexOf(". ");
      operation.put(
          "summary", end < 0 ? comment.replaceFirst("\\.$", "") : comment.substring(0, end));
      operation.put("description", comment);
    }
    operation.put("operationId", method.descriptor().getName() + (number == 0 ? "" : number + 1));
    Rule rule = method.rule();
    operation.put("x-mandate-action", rule.getAction());
    operation.put("x-mandate-effect", effect(method));
    if (rule.getHumanOnly()) {
      operation.put("x-mandate-human-only", true);
    }
    if (rule.getPublic()) {
      operation.putArray("security");
    }
    parameters(method, binding, operation);
    body(method, binding, operation);
    ObjectNode responses = operation.putObject("responses");
    ObjectNode good =
        responses
            .putObject("200")
            .put("description", method.streaming() ? "A stream of events" : "Done")
            .putObject("content")
            .putObject(method.streaming() ? "text/event-stream" : "application/json");
    good.set("schema", reference(method.descriptor().getOutputType()));
    responses
        .putObject("default")
        .put("description", "Refused or failed")
        .putObject("content")
        .putObject("application/json")
        .putObject("schema")
        .put("$ref", "#/components/schemas/Error");
  }

  private static String effect(Method method) {
    return method.effect().name().substring("EFFECT_".length()).toLowerCase(java.util.Locale.ROOT);
  }

  private void parameters(Method method, HttpBinding binding, ObjectNode operation) {
    ArrayNode parameters = JSON.arrayNode();
    Set<FieldDescriptor> inPath = new HashSet<>();
    for (HttpBinding.Segment segment : binding.segments()) {
      if (!segment.variable().isEmpty()) {
        inPath.add(segment.variable().getFirst());
        FieldDescriptor field = segment.variable().getLast();
        StringBuilder name = new StringBuilder();
        for (FieldDescriptor step : segment.variable()) {
          name.append(name.isEmpty() ? "" : ".").append(step.getName());
        }
        ObjectNode parameter =
            parameters.addObject().put("name", name.toString()).put("in", "path");
        parameter.put("required", true).set("schema", schemas.field(field, this::reference));
      }
    }
    if (!binding.wholeBody()) {
      for (FieldDescriptor field : method.descriptor().getInputType().getFields()) {
        if (!inPath.contains(field) && !field.equals(binding.bodyField())) {
          query(field, "", parameters, new ArrayDeque<>(List.of(field.getContainingType())));
        }
      }
    }
    if (method.masked()) {
      parameters.addObject().put("$ref", "#/components/parameters/" + Mask.PARAMETER);
    }
    if (method.streaming() && method.after() != null) {
      ObjectNode header = parameters.addObject().put("name", "Last-Event-ID").put("in", "header");
      header.put("description", "The id of the last event received; the same as `after`.");
      header.set("schema", JSON.objectNode().put("type", "string"));
    } else if (!method.readOnly() && !method.rule().getPublic()) {
      ObjectNode header = parameters.addObject().put("name", "Idempotency-Key").put("in", "header");
      header.put("description", "Repeating the call with the same key has no further effect.");
      header.set("schema", JSON.objectNode().put("type", "string").put("maxLength", 255));
    }
    if (!parameters.isEmpty()) {
      operation.set("parameters", parameters);
    }
  }

  private void query(
      FieldDescriptor field, String prefix, ArrayNode parameters, Deque<Descriptor> inside) {
    boolean nested =
        field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
            && Shape.of(field.getMessageType()).special == Shape.Special.NONE;
    if (!nested) {
      ObjectNode parameter =
          parameters.addObject().put("name", prefix + field.getJsonName()).put("in", "query");
      ObjectNode schema = schemas.field(field, this::reference);
      if (schema.remove("description")
          instanceof com.fasterxml.jackson.databind.node.TextNode text) {
        parameter.set("description", text);
      }
      parameter.set("schema", schema);
    } else if (!field.isRepeated() && !inside.contains(field.getMessageType())) {
      inside.push(field.getMessageType());
      for (FieldDescriptor inner : field.getMessageType().getFields()) {
        query(inner, prefix + field.getJsonName() + ".", parameters, inside);
      }
      inside.pop();
    }
  }

  private void body(Method method, HttpBinding binding, ObjectNode operation) {
    ObjectNode schema;
    if (binding.wholeBody()) {
      schema = schemas.object(method.descriptor().getInputType(), this::reference, Set.of());
      // The address gives these already.
      ObjectNode properties = (ObjectNode) schema.get("properties");
      for (HttpBinding.Segment segment : binding.segments()) {
        if (segment.variable().size() == 1) {
          properties.remove(segment.variable().getFirst().getJsonName());
        }
      }
    } else if (binding.bodyField() != null) {
      schema = schemas.field(binding.bodyField(), this::reference);
    } else {
      return;
    }
    operation
        .putObject("requestBody")
        .putObject("content")
        .putObject("application/json")
        .set("schema", schema);
  }

  private ObjectNode reference(Descriptor type) {
    if (known.add(type)) {
      pending.push(type);
    }
    return JSON.objectNode().put("$ref", "#/components/schemas/" + name(type));
  }

  /** {@code agents.Agent} for {@code mandate.agents.v1.Agent}. */
  private static String name(Descriptor type) {
    return type.getFullName().replaceFirst("^mandate\\.", "").replaceFirst("\\.v1\\.", ".");
  }

  private static String tag(ServiceDescriptor service) {
    return service.getName().replaceFirst("Service$", "");
  }

  private static ObjectNode error() {
    ObjectNode schema = JSON.objectNode().put("type", "object");
    ObjectNode properties = schema.putObject("properties");
    properties.putObject("code").put("type", "string").put("description", "e.g. not_found");
    properties.putObject("message").put("type", "string").put("description", "For people.");
    ObjectNode details = properties.putObject("details").put("type", "object");
    details.put("description", "`reason` is stable: programs branch on it.");
    details.putObject("additionalProperties").put("type", "string");
    properties.putObject("trace_id").put("type", "string");
    schema.putArray("required").add("code").add("message").add("details").add("trace_id");
    return schema;
  }
}
