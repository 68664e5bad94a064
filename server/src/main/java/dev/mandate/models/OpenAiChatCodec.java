package dev.mandate.models;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.mandate.models.ModelMessage.Attachment;
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
import java.util.regex.Pattern;

/**
 * OpenAI's chat completions, as OpenAI, Gemini, Ollama and many others speak them.
 *
 * <p>The protocol has no flag for a tool that failed: such a result's text begins with {@value
 * #FAILED}.
 */
final class OpenAiChatCodec implements Codec {
  static final String FAILED = "ERROR: ";

  /** These want {@code max_completion_tokens}; most others know only {@code max_tokens}. */
  private static final Pattern REASONING = Pattern.compile("(^|/)(o[1-9]|gpt-[5-9])");

  /** These refuse tools in this protocol unless told not to reason (OpenAI, seen 2026). */
  private static final Pattern NO_TOOLS_WHILE_REASONING =
      Pattern.compile("(^|/)gpt-(5\\.[1-9]|[6-9])");

  private final Provider dialect;

  OpenAiChatCodec(Provider dialect) {
    this.dialect = dialect;
  }

  @Override
  public String path() {
    return "/chat/completions";
  }

  @Override
  public Map<String, String> headers(String key) {
    return key.isEmpty() ? Map.of() : Map.of("authorization", "Bearer " + key);
  }

  @Override
  public Decoder decoder(ModelRequest request, Consumer<ModelEvent> sink) {
    return new OpenAiChatDecoder(sink);
  }

  @Override
  public byte[] encode(ModelRequest request) {
    return Wire.object(out -> {
      out.writeStringField("model", request.model());
      out.writeArrayFieldStart("messages");
      if (!request.system().isEmpty()) {
        message(out, "system", request.system());
      }
      for (ModelMessage message : request.messages()) {
        if (message.role() == Role.USER) {
          user(out, message);
        } else {
          assistant(out, message);
        }
      }
      out.writeEndArray();
      if (!request.tools().isEmpty()) {
        tools(out, request);
      }
      // OpenAI's reasoning models have rules of their own, wherever they are reached.
      boolean reasoning = REASONING.matcher(request.model()).find();
      if (request.maxTokens() > 0) {
        out.writeNumberField(
            reasoning ? "max_completion_tokens" : "max_tokens", request.maxTokens());
      }
      if (!request.tools().isEmpty() && NO_TOOLS_WHILE_REASONING.matcher(request.model()).find()) {
        out.writeStringField("reasoning_effort", "none");
      }
      if (request.temperature() != null) {
        out.writeNumberField("temperature", request.temperature());
      }
      if (!request.stop().isEmpty()) {
        out.writeArrayFieldStart("stop");
        for (String stop : request.stop()) {
          out.writeString(stop);
        }
        out.writeEndArray();
      }
      out.writeBooleanField("stream", true);
      out.writeObjectFieldStart("stream_options");
      out.writeBooleanField("include_usage", true);
      out.writeEndObject();
    });
  }

  private static void tools(JsonGenerator out, ModelRequest request) throws IOException {
    out.writeArrayFieldStart("tools");
    for (ToolSpec tool : request.tools()) {
      out.writeStartObject();
      out.writeStringField("type", "function");
      out.writeObjectFieldStart("function");
      out.writeStringField("name", tool.name());
      out.writeStringField("description", tool.description());
      out.writeFieldName("parameters");
      out.writeRawValue(tool.inputSchema());
      out.writeEndObject();
      out.writeEndObject();
    }
    out.writeEndArray();
    ToolChoice choice = request.toolChoice();
    switch (choice.mode()) {
      case AUTO -> out.writeStringField("tool_choice", "auto");
      case NONE -> out.writeStringField("tool_choice", "none");
      case REQUIRED -> out.writeStringField("tool_choice", "required");
      case NAMED -> {
        out.writeObjectFieldStart("tool_choice");
        out.writeStringField("type", "function");
        out.writeObjectFieldStart("function");
        out.writeStringField("name", choice.name());
        out.writeEndObject();
        out.writeEndObject();
      }
    }
  }

  /** Results go first, each as a message of its own: they must follow the calls directly. */
  private static void user(JsonGenerator out, ModelMessage message) throws IOException {
    for (Part part : message.parts()) {
      if (part instanceof ToolResult result) {
        out.writeStartObject();
        out.writeStringField("role", "tool");
        out.writeStringField("tool_call_id", result.id());
        out.writeStringField(
            "content", result.isError() ? FAILED + result.content() : result.content());
        out.writeEndObject();
      }
    }
    StringBuilder text = new StringBuilder();
    List<Attachment> pictures = new ArrayList<>();
    for (Part part : message.parts()) {
      if (part instanceof Text piece) {
        text.append(piece.text());
      } else if (part instanceof Attachment file) {
        if (file.base64() == null) {
          text.append(file.note());
        } else {
          pictures.add(file);
        }
      }
    }
    if (!pictures.isEmpty()) {
      pictures(out, text.toString(), pictures);
    } else if (!text.isEmpty()) {
      message(out, "user", text.toString());
    }
  }

  private static void pictures(JsonGenerator out, String text, List<Attachment> pictures)
      throws IOException {
    out.writeStartObject();
    out.writeStringField("role", "user");
    out.writeArrayFieldStart("content");
    if (!text.isBlank()) {
      out.writeStartObject();
      out.writeStringField("type", "text");
      out.writeStringField("text", text);
      out.writeEndObject();
    }
    for (Attachment picture : pictures) {
      out.writeStartObject();
      out.writeStringField("type", "image_url");
      out.writeObjectFieldStart("image_url");
      out.writeStringField("url", "data:" + picture.mediaType() + ";base64," + picture.base64());
      out.writeEndObject();
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  private void assistant(JsonGenerator out, ModelMessage message) throws IOException {
    String text = message.text();
    out.writeStartObject();
    out.writeStringField("role", "assistant");
    boolean calls = message.parts().stream().anyMatch(ToolUse.class::isInstance);
    if (text.isEmpty() && calls) {
      out.writeNullField("content");
    } else {
      out.writeStringField("content", text);
    }
    if (calls) {
      out.writeArrayFieldStart("tool_calls");
      for (Part part : message.parts()) {
        if (part instanceof ToolUse call) {
          call(out, call);
        }
      }
      out.writeEndArray();
    }
    out.writeEndObject();
  }

  private void call(JsonGenerator out, ToolUse call) throws IOException {
    out.writeStartObject();
    out.writeStringField("id", call.id());
    out.writeStringField("type", "function");
    out.writeObjectFieldStart("function");
    out.writeStringField("name", call.name());
    out.writeStringField("arguments", call.arguments().isBlank() ? "{}" : call.arguments());
    out.writeEndObject();
    String extra = call.extra();
    // Gemini wants the signature of its reasoning back; others refuse what they do not know.
    if (extra != null && dialect == Provider.GEMINI && Wire.isObject(extra)) {
      out.writeFieldName("extra_content");
      out.writeRawValue(extra);
    }
    out.writeEndObject();
  }

  private static void message(JsonGenerator out, String role, String text) throws IOException {
    out.writeStartObject();
    out.writeStringField("role", role);
    out.writeStringField("content", text);
    out.writeEndObject();
  }
}
