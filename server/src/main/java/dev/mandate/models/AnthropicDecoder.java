package dev.mandate.models;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.models.ModelMessage.Opaque;
import dev.mandate.models.ModelMessage.ToolUse;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads one streamed message. */
final class AnthropicDecoder implements Codec.Decoder {
  private final String asked;
  private final Consumer<ModelEvent> sink;

  /** Open tool calls by the index of their block. */
  private final Map<Integer, Call> open = new HashMap<>();

  /** Open blocks of reasoning by their index, as they will be sent back. */
  private final Map<Integer, Thought> thinking = new HashMap<>();

  private int calls;
  private String model = "";
  private StopReason reason = StopReason.OTHER;
  private boolean finished;
  private long input;
  private long cacheRead;
  private long cacheWrite;
  private long output;

  /** A call whose arguments are still arriving. */
  private record Call(int index, String id, String name, String given, StringBuilder arguments) {
    /** Calls without arguments may come without a single delta. */
    String text() {
      return arguments.isEmpty() ? given : arguments.toString();
    }
  }

  /** A block of reasoning that is still arriving. */
  private record Thought(ObjectNode block, Map<String, StringBuilder> added) {
    Thought(ObjectNode block) {
      this(block, new HashMap<>());
    }

    String json() {
      added.forEach((field, text) -> block.put(field, Wire.text(block, field) + text));
      return block.toString();
    }
  }

  AnthropicDecoder(String asked, Consumer<ModelEvent> sink) {
    this.asked = asked;
    this.sink = sink;
  }

  @Override
  public String model() {
    return model;
  }

  @Override
  public boolean complete() {
    return finished;
  }

  @Override
  public void end() {
    if (!finished) {
      throw new ModelFailure(
          ModelFailure.Kind.NETWORK, "the provider's answer was cut off in the middle");
    }
  }

  @Override
  public void accept(String name, String data) {
    JsonNode event = Wire.read(data);
    switch (Wire.text(event, "type")) {
      case "message_start" -> {
        JsonNode message = event.path("message");
        model = Wire.text(message, "model");
        usage(message.path("usage"));
      }
      case "content_block_start" -> started(event);
      case "content_block_delta" -> delta(event);
      case "content_block_stop" -> {
        int index = event.path("index").asInt();
        Thought thought = thinking.remove(index);
        if (thought != null) {
          sink.accept(
              new ModelEvent.OpaquePart(
                  new Opaque(Provider.ANTHROPIC.wireName(), asked, thought.json())));
        }
        Call call = open.remove(index);
        if (call != null) {
          sink.accept(
              new ModelEvent.ToolCallFinished(
                  call.index(), new ToolUse(call.id(), call.name(), call.text())));
        }
      }
      case "message_delta" -> {
        reason = reason(Wire.text(event.path("delta"), "stop_reason"));
        usage(event.path("usage"));
        sink.accept(
            new ModelEvent.UsageReported(
                TokenUsage.reported(
                    input + cacheRead + cacheWrite, output, cacheRead, cacheWrite, 0)));
      }
      case "message_stop" -> {
        if (!open.isEmpty()) {
          throw protocol("the provider ended its answer inside a tool call");
        }
        finished = true;
        sink.accept(new ModelEvent.Finished(reason));
      }
      case "error" -> throw ProviderErrors.inStream(event.path("error"));
      default -> {
        // Pings, and whatever the protocol gains: it asks clients to ignore unknown events.
      }
    }
  }

  private void started(JsonNode event) {
    JsonNode block = event.path("content_block");
    switch (Wire.text(block, "type")) {
      case "text" -> text(Wire.text(block, "text"));
      case "tool_use" -> {
        JsonNode input = block.path("input");
        Call call =
            new Call(
                calls++,
                Wire.text(block, "id"),
                Wire.text(block, "name"),
                input.isObject() ? input.toString() : "{}",
                new StringBuilder());
        if (call.id().isEmpty() || call.name().isEmpty()) {
          throw protocol("the provider sent a tool call without an id or a name");
        }
        if (open.put(event.path("index").asInt(), call) != null) {
          throw protocol("the provider began a tool call inside another");
        }
        sink.accept(new ModelEvent.ToolCallStarted(call.index(), call.id(), call.name()));
      }
      case "thinking", "redacted_thinking" ->
          thinking.put(event.path("index").asInt(), new Thought((ObjectNode) block));
      default -> {
        // Other blocks are of tools that the provider runs itself, which we never ask for.
      }
    }
  }

  private void delta(JsonNode event) {
    JsonNode delta = event.path("delta");
    switch (Wire.text(delta, "type")) {
      case "text_delta" -> text(Wire.text(delta, "text"));
      case "thinking_delta" -> {
        String piece = Wire.text(delta, "thinking");
        append(event, "thinking", piece);
        if (!piece.isEmpty()) {
          sink.accept(new ModelEvent.ReasoningDelta(piece));
        }
      }
      case "signature_delta" -> append(event, "signature", Wire.text(delta, "signature"));
      case "input_json_delta" -> {
        @Nullable Call call = open.get(event.path("index").asInt());
        String piece = Wire.text(delta, "partial_json");
        if (call == null) {
          throw protocol("the provider sent arguments for a tool call it never began");
        }
        if (!piece.isEmpty()) {
          call.arguments().append(piece);
          sink.accept(new ModelEvent.ArgumentsDelta(call.index(), piece));
        }
      }
      default -> {
        // Citations are not part of the answer.
      }
    }
  }

  private void append(JsonNode event, String field, String piece) {
    Thought thought = thinking.get(event.path("index").asInt());
    if (thought == null) {
      throw protocol("the provider sent reasoning it never began");
    }
    thought.added.computeIfAbsent(field, f -> new StringBuilder()).append(piece);
  }

  private void text(String text) {
    if (!text.isEmpty()) {
      sink.accept(new ModelEvent.TextDelta(text));
    }
  }

  /** Counts are running totals; later events repeat only some of them. */
  private void usage(JsonNode usage) {
    input = usage.path("input_tokens").asLong(input);
    cacheRead = usage.path("cache_read_input_tokens").asLong(cacheRead);
    cacheWrite = usage.path("cache_creation_input_tokens").asLong(cacheWrite);
    output = usage.path("output_tokens").asLong(output);
  }

  private static StopReason reason(String word) {
    return switch (word) {
      case "end_turn" -> StopReason.END;
      case "tool_use" -> StopReason.TOOL_USE;
      case "max_tokens", "model_context_window_exceeded" -> StopReason.MAX_TOKENS;
      case "stop_sequence" -> StopReason.STOP_SEQUENCE;
      case "refusal" -> StopReason.REFUSAL;
      default -> StopReason.OTHER;
    };
  }

  private static ModelFailure protocol(String message) {
    return new ModelFailure(ModelFailure.Kind.PROTOCOL, message);
  }
}
