package dev.mandate.models;

import com.fasterxml.jackson.core.JsonGenerator;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Anthropic's Messages. Marks the system prompt and the end of the conversation for the provider's
 * cache, because an agent's next call repeats all of both.
 */
final class AnthropicCodec implements Codec {
  private static final String API_VERSION = "2023-06-01";

  /**
   * The protocol demands a limit; this one every current model takes, and it leaves room for
   * reasoning, which counts.
   */
  private static final int DEFAULT_MAX_TOKENS = 32_000;

  @Override
  public String path() {
    return "/v1/messages";
  }

  @Override
  public Map<String, String> headers(String key) {
    return key.isEmpty()
        ? Map.of("anthropic-version", API_VERSION)
        : Map.of("anthropic-version", API_VERSION, "x-api-key", key);
  }

  @Override
  public Decoder decoder(ModelRequest request, Consumer<ModelEvent> sink) {
    return new AnthropicDecoder(request.model(), sink);
  }

  @Override
  public byte[] encode(ModelRequest request) {
    List<Turn> turns = turns(request);
    return Wire.object(out -> {
      out.writeStringField("model", request.model());
      out.writeNumberField(
          "max_tokens", request.maxTokens() > 0 ? request.maxTokens() : DEFAULT_MAX_TOKENS);
      if (!request.system().isBlank()) {
        out.writeArrayFieldStart("system");
        text(out, request.system(), true);
        out.writeEndArray();
      }
      out.writeArrayFieldStart("messages");
      for (int i = 0; i < turns.size(); i++) {
        turn(out, turns.get(i), i == turns.size() - 1);
      }
      out.writeEndArray();
      if (!request.tools().isEmpty()) {
        tools(out, request);
      }
      if (request.temperature() != null) {
        out.writeNumberField("temperature", request.temperature());
      }
      if (!request.stop().isEmpty()) {
        out.writeArrayFieldStart("stop_sequences");
        for (String stop : request.stop()) {
          out.writeString(stop);
        }
        out.writeEndArray();
      }
      out.writeBooleanField("stream", true);
    });
  }

  /** What one side said without the other speaking. */
  private record Turn(Role role, List<Part> parts) {}

  /**
   * Neighbours of one role become one message with the tools' results first, and empty texts
   * vanish: the provider refuses them otherwise. Its reasoning goes back only while the tool calls
   * it led to are being answered, and only to the model it came from: it is bound to both.
   */
  private static List<Turn> turns(ModelRequest request) {
    List<ModelMessage> messages = request.messages();
    int question = lastQuestion(messages);
    List<Turn> turns = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      ModelMessage message = messages.get(i);
      boolean current = i > question;
      List<Part> parts =
          message.parts().stream().filter(part -> sent(part, current, request.model())).toList();
      if (parts.isEmpty()) {
        continue;
      }
      if (turns.isEmpty() || turns.getLast().role() != message.role()) {
        turns.add(new Turn(message.role(), new ArrayList<>()));
      }
      List<Part> sofar = turns.getLast().parts();
      for (Part part : parts) {
        if (part instanceof ToolResult) {
          int results = (int) sofar.stream().filter(ToolResult.class::isInstance).count();
          sofar.add(results, part);
        } else {
          sofar.add(part);
        }
      }
    }
    return turns;
  }

  private static boolean sent(Part part, boolean current, String model) {
    return switch (part) {
      case Text text -> !text.text().isBlank();
      case Opaque opaque ->
          current
              && opaque.provider().equals(Provider.ANTHROPIC.wireName())
              && opaque.model().equals(model);
      case Attachment _, ToolUse _, ToolResult _ -> true;
    };
  }

  /** Where the user spoke last; what follows is one loop of tool calls. */
  private static int lastQuestion(List<ModelMessage> messages) {
    for (int i = messages.size() - 1; i >= 0; i--) {
      ModelMessage message = messages.get(i);
      boolean shows = message.parts().stream().anyMatch(Attachment.class::isInstance);
      if (message.role() == Role.USER && (shows || !message.text().isBlank())) {
        return i;
      }
    }
    return -1;
  }

  private static void turn(JsonGenerator out, Turn turn, boolean last) throws IOException {
    out.writeStartObject();
    out.writeStringField("role", turn.role() == Role.USER ? "user" : "assistant");
    out.writeArrayFieldStart("content");
    for (int i = 0; i < turn.parts().size(); i++) {
      boolean cache = last && i == turn.parts().size() - 1;
      switch (turn.parts().get(i)) {
        case Text part -> text(out, part.text(), cache);
        case Attachment part -> {
          if (part.base64() == null) {
            text(out, part.note(), cache);
          } else {
            picture(out, part, part.base64(), cache);
          }
        }
        case Opaque part -> out.writeRawValue(part.json());
        case ToolUse part -> {
          out.writeStartObject();
          out.writeStringField("type", "tool_use");
          out.writeStringField("id", id(part.id()));
          out.writeStringField("name", part.name());
          out.writeFieldName("input");
          Wire.rawObject(out, part.arguments());
          cache(out, cache);
          out.writeEndObject();
        }
        case ToolResult part -> {
          out.writeStartObject();
          out.writeStringField("type", "tool_result");
          out.writeStringField("tool_use_id", id(part.id()));
          if (!part.content().isBlank()) {
            out.writeStringField("content", part.content());
          }
          if (part.isError()) {
            out.writeBooleanField("is_error", true);
          }
          cache(out, cache);
          out.writeEndObject();
        }
      }
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  private static void tools(JsonGenerator out, ModelRequest request) throws IOException {
    out.writeArrayFieldStart("tools");
    for (ToolSpec tool : request.tools()) {
      out.writeStartObject();
      out.writeStringField("name", tool.name());
      out.writeStringField("description", tool.description());
      out.writeFieldName("input_schema");
      out.writeRawValue(tool.inputSchema());
      out.writeEndObject();
    }
    out.writeEndArray();
    ToolChoice choice = request.toolChoice();
    out.writeObjectFieldStart("tool_choice");
    switch (choice.mode()) {
      case AUTO -> out.writeStringField("type", "auto");
      case NONE -> out.writeStringField("type", "none");
      case REQUIRED -> out.writeStringField("type", "any");
      case NAMED -> {
        out.writeStringField("type", "tool");
        out.writeStringField("name", choice.name());
      }
    }
    out.writeEndObject();
  }

  private static void picture(JsonGenerator out, Attachment part, String base64, boolean cache)
      throws IOException {
    out.writeStartObject();
    out.writeStringField("type", "image");
    out.writeObjectFieldStart("source");
    out.writeStringField("type", "base64");
    out.writeStringField("media_type", part.mediaType());
    out.writeStringField("data", base64);
    out.writeEndObject();
    cache(out, cache);
    out.writeEndObject();
  }

  private static void text(JsonGenerator out, String text, boolean cache) throws IOException {
    out.writeStartObject();
    out.writeStringField("type", "text");
    out.writeStringField("text", text);
    cache(out, cache);
    out.writeEndObject();
  }

  private static void cache(JsonGenerator out, boolean cache) throws IOException {
    if (cache) {
      out.writeObjectFieldStart("cache_control");
      out.writeStringField("type", "ephemeral");
      out.writeEndObject();
    }
  }

  /** Ids of other providers may hold what this one refuses; both ends of a call change alike. */
  private static String id(String id) {
    return id.replaceAll("[^a-zA-Z0-9_-]", "_");
  }
}
