package dev.mandate.models;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.models.ModelMessage.Attachment;
import dev.mandate.models.ModelMessage.Opaque;
import dev.mandate.models.ModelMessage.Part;
import dev.mandate.models.ModelMessage.Role;
import dev.mandate.models.ModelMessage.Text;
import dev.mandate.models.ModelMessage.ToolResult;
import dev.mandate.models.ModelMessage.ToolUse;
import dev.mandate.models.ModelRequest.ToolChoice;
import dev.mandate.models.ModelRequest.ToolSpec;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The stored form of requests and responses: JSON with a version {@code v}, members in a fixed
 * order, nothing derived by reflection, so that equal values give equal bytes (the step log stores
 * them by their hash) and a renamed component cannot change what was written. JSON that belongs to
 * tools (schemas, arguments) is kept as text, exactly.
 *
 * <p>A change of shape takes the next version and keeps reading the old ones.
 */
public final class ModelJson {
  private static final int VERSION = 1;
  private static final JsonFactory FACTORY = new JsonFactory();
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private ModelJson() {}

  public static String write(ModelRequest request) {
    return json(out -> {
      out.writeNumberField("v", VERSION);
      out.writeStringField("model", request.model());
      out.writeStringField("system", request.system());
      out.writeArrayFieldStart("messages");
      for (ModelMessage message : request.messages()) {
        write(out, message);
      }
      out.writeEndArray();
      out.writeArrayFieldStart("tools");
      for (ToolSpec tool : request.tools()) {
        out.writeStartObject();
        out.writeStringField("name", tool.name());
        out.writeStringField("description", tool.description());
        out.writeStringField("input_schema", tool.inputSchema());
        out.writeEndObject();
      }
      out.writeEndArray();
      out.writeStringField("tool_choice", choice(request.toolChoice().mode()));
      if (request.toolChoice().name() != null) {
        out.writeStringField("tool_choice_name", request.toolChoice().name());
      }
      out.writeNumberField("max_tokens", request.maxTokens());
      if (request.temperature() != null) {
        out.writeNumberField("temperature", request.temperature());
      }
      out.writeArrayFieldStart("stop");
      for (String stop : request.stop()) {
        out.writeString(stop);
      }
      out.writeEndArray();
    });
  }

  public static String write(ModelResponse response) {
    return json(out -> {
      out.writeNumberField("v", VERSION);
      out.writeStringField("model", response.model());
      writeParts(out, response.parts());
      out.writeStringField("stop_reason", stop(response.stopReason()));
      TokenUsage usage = response.usage();
      out.writeObjectFieldStart("usage");
      out.writeNumberField("input", usage.input());
      out.writeNumberField("output", usage.output());
      out.writeNumberField("cached_input", usage.cachedInput());
      out.writeNumberField("cache_write", usage.cacheWrite());
      out.writeNumberField("reasoning", usage.reasoning());
      out.writeBooleanField("estimated", usage.estimated());
      out.writeEndObject();
    });
  }

  /**
   * @throws IllegalArgumentException for anything {@link #write(ModelRequest)} never wrote
   */
  public static ModelRequest readRequest(String json) {
    JsonNode root = root(json);
    List<ModelMessage> messages = new ArrayList<>();
    for (JsonNode message : root.required("messages")) {
      messages.add(readMessage(message));
    }
    List<ToolSpec> tools = new ArrayList<>();
    for (JsonNode tool : root.required("tools")) {
      tools.add(
          new ToolSpec(text(tool, "name"), text(tool, "description"), text(tool, "input_schema")));
    }
    List<String> stop = new ArrayList<>();
    for (JsonNode sequence : root.required("stop")) {
      stop.add(sequence.asText());
    }
    JsonNode temperature = root.get("temperature");
    JsonNode named = root.get("tool_choice_name");
    return new ModelRequest(
        text(root, "model"),
        text(root, "system"),
        messages,
        tools,
        new ToolChoice(choice(text(root, "tool_choice")), named == null ? null : named.asText()),
        root.required("max_tokens").asInt(),
        temperature == null ? null : temperature.asDouble(),
        stop);
  }

  /**
   * @throws IllegalArgumentException for anything {@link #write(ModelResponse)} never wrote
   */
  public static ModelResponse readResponse(String json) {
    JsonNode root = root(json);
    JsonNode usage = root.required("usage");
    return new ModelResponse(
        readParts(root),
        stop(text(root, "stop_reason")),
        new TokenUsage(
            usage.required("input").asLong(),
            usage.required("output").asLong(),
            usage.required("cached_input").asLong(),
            usage.required("cache_write").asLong(),
            usage.required("reasoning").asLong(),
            usage.required("estimated").asBoolean()),
        text(root, "model"));
  }

  /** One message alone, for those who store conversations message by message. */
  public static String write(ModelMessage message) {
    return json(out -> {
      out.writeNumberField("v", VERSION);
      writeFields(out, message);
    });
  }

  /** Reads what {@link #write(ModelMessage)} wrote. */
  public static ModelMessage readMessage(String json) {
    return readMessage(root(json));
  }

  private static void write(JsonGenerator out, ModelMessage message) throws IOException {
    out.writeStartObject();
    writeFields(out, message);
    out.writeEndObject();
  }

  private static void writeFields(JsonGenerator out, ModelMessage message) throws IOException {
    out.writeStringField("role", message.role() == Role.USER ? "user" : "assistant");
    writeParts(out, message.parts());
  }

  private static void writeParts(JsonGenerator out, List<Part> parts) throws IOException {
    out.writeArrayFieldStart("parts");
    for (Part part : parts) {
      out.writeStartObject();
      switch (part) {
        case Text p -> {
          out.writeStringField("type", "text");
          out.writeStringField("text", p.text());
        }
        case Attachment p -> {
          out.writeStringField("type", "attachment");
          out.writeStringField("sha256", p.sha256());
          out.writeStringField("name", p.name());
          out.writeStringField("media_type", p.mediaType());
          out.writeNumberField("size", p.size());
        }
        case ToolUse p -> {
          out.writeStringField("type", "tool_use");
          writeCall(out, p);
        }
        case ToolResult p -> {
          out.writeStringField("type", "tool_result");
          out.writeStringField("id", p.id());
          out.writeStringField("content", p.content());
          out.writeBooleanField("is_error", p.isError());
        }
        case Opaque p -> {
          out.writeStringField("type", "opaque");
          out.writeStringField("provider", p.provider());
          out.writeStringField("model", p.model());
          out.writeStringField("json", p.json());
        }
      }
      out.writeEndObject();
    }
    out.writeEndArray();
  }

  private static ModelMessage readMessage(JsonNode message) {
    Role role =
        switch (text(message, "role")) {
          case "user" -> Role.USER;
          case "assistant" -> Role.ASSISTANT;
          default -> throw new IllegalArgumentException("stored message has an unknown role");
        };
    return new ModelMessage(role, readParts(message));
  }

  private static List<Part> readParts(JsonNode owner) {
    List<Part> parts = new ArrayList<>();
    for (JsonNode part : owner.required("parts")) {
      parts.add(
          switch (text(part, "type")) {
            case "text" -> new Text(text(part, "text"));
            case "attachment" ->
                new Attachment(
                    text(part, "sha256"),
                    text(part, "name"),
                    text(part, "media_type"),
                    part.required("size").asLong(),
                    null);
            case "tool_use" -> readCall(part);
            case "tool_result" ->
                new ToolResult(
                    text(part, "id"), text(part, "content"), part.required("is_error").asBoolean());
            case "opaque" ->
                new Opaque(text(part, "provider"), text(part, "model"), text(part, "json"));
            default -> throw new IllegalArgumentException("stored part has an unknown type");
          });
    }
    return parts;
  }

  private static void writeCall(JsonGenerator out, ToolUse call) throws IOException {
    out.writeStringField("id", call.id());
    out.writeStringField("name", call.name());
    out.writeStringField("arguments", call.arguments());
    if (call.extra() != null) {
      out.writeStringField("extra", call.extra());
    }
  }

  private static ToolUse readCall(JsonNode call) {
    JsonNode extra = call.get("extra");
    return new ToolUse(
        text(call, "id"),
        text(call, "name"),
        text(call, "arguments"),
        extra == null ? null : extra.asText());
  }

  // The stored words are spelled out: renaming a constant must not change what is on disk.

  private static String choice(ToolChoice.Mode mode) {
    return switch (mode) {
      case AUTO -> "auto";
      case NONE -> "none";
      case REQUIRED -> "required";
      case NAMED -> "named";
    };
  }

  private static ToolChoice.Mode choice(String word) {
    return switch (word) {
      case "auto" -> ToolChoice.Mode.AUTO;
      case "none" -> ToolChoice.Mode.NONE;
      case "required" -> ToolChoice.Mode.REQUIRED;
      case "named" -> ToolChoice.Mode.NAMED;
      default -> throw new IllegalArgumentException("stored request has an unknown tool_choice");
    };
  }

  private static String stop(StopReason reason) {
    return switch (reason) {
      case END -> "end";
      case TOOL_USE -> "tool_use";
      case MAX_TOKENS -> "max_tokens";
      case STOP_SEQUENCE -> "stop_sequence";
      case REFUSAL -> "refusal";
      case OTHER -> "other";
    };
  }

  private static StopReason stop(String word) {
    return switch (word) {
      case "end" -> StopReason.END;
      case "tool_use" -> StopReason.TOOL_USE;
      case "max_tokens" -> StopReason.MAX_TOKENS;
      case "stop_sequence" -> StopReason.STOP_SEQUENCE;
      case "refusal" -> StopReason.REFUSAL;
      case "other" -> StopReason.OTHER;
      default -> throw new IllegalArgumentException("stored response has an unknown stop_reason");
    };
  }

  private static String text(JsonNode node, String field) {
    return node.required(field).asText();
  }

  private static JsonNode root(String json) {
    try {
      JsonNode root = MAPPER.readTree(json);
      if (root.path("v").asInt() != VERSION) {
        throw new IllegalArgumentException(
            "stored model payload has version " + root.path("v") + "; known: " + VERSION);
      }
      return root;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("stored model payload is not JSON", e);
    }
  }

  @FunctionalInterface
  private interface Body {
    void write(JsonGenerator out) throws IOException;
  }

  private static String json(Body body) {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = FACTORY.createGenerator(text)) {
      out.writeStartObject();
      body.write(out);
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }
}
