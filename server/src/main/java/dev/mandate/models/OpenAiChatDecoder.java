package dev.mandate.models;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.Ids;
import dev.mandate.models.ModelMessage.ToolUse;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads one streamed chat completion. */
final class OpenAiChatDecoder implements Codec.Decoder {
  private final Consumer<ModelEvent> sink;
  private final List<Call> calls = new ArrayList<>();
  private String model = "";
  private String finish = "";
  private boolean refused;
  private boolean finished;

  /** A call whose arguments are still arriving. */
  private static final class Call {
    final int index;
    final int wireIndex;
    final String givenId;
    final String id;
    final String name;
    final StringBuilder arguments = new StringBuilder();
    @Nullable String extra;

    Call(int index, int wireIndex, String givenId, String name) {
      this.index = index;
      this.wireIndex = wireIndex;
      this.givenId = givenId;
      // Some servers give no id; the conversation needs one.
      this.id = givenId.isEmpty() ? "call_" + Ids.next().toString().replace("-", "") : givenId;
      this.name = name;
    }
  }

  OpenAiChatDecoder(Consumer<ModelEvent> sink) {
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
  public void accept(String name, String data) {
    if (data.equals("[DONE]")) {
      end();
      return;
    }
    JsonNode chunk = Wire.read(data);
    JsonNode error = chunk.path("error");
    if (error.isObject() || name.equals("error")) {
      throw ProviderErrors.inStream(error.isObject() ? error : chunk);
    }
    String named = Wire.text(chunk, "model");
    if (!named.isEmpty()) {
      model = named;
    }
    JsonNode choice = chunk.path("choices").path(0);
    delta(choice.path("delta"));
    String reason = Wire.text(choice, "finish_reason");
    if (!reason.isEmpty()) {
      finish = reason;
    }
    if (chunk.path("usage").isObject()) {
      sink.accept(new ModelEvent.UsageReported(usage(chunk.path("usage"))));
    }
  }

  @Override
  public void end() {
    if (finished) {
      return;
    }
    if (finish.isEmpty()) {
      throw new ModelFailure(
          ModelFailure.Kind.NETWORK, "the provider's answer was cut off in the middle");
    }
    for (Call call : calls) {
      sink.accept(
          new ModelEvent.ToolCallFinished(
              call.index, new ToolUse(call.id, call.name, call.arguments.toString(), call.extra)));
    }
    finished = true;
    sink.accept(new ModelEvent.Finished(reason()));
  }

  private StopReason reason() {
    return switch (finish) {
      case "length" -> StopReason.MAX_TOKENS;
      case "content_filter" -> StopReason.REFUSAL;
      // Some servers say "stop" when they mean "now call these".
      case "stop", "tool_calls", "function_call" ->
          !calls.isEmpty() ? StopReason.TOOL_USE : refused ? StopReason.REFUSAL : StopReason.END;
      default -> calls.isEmpty() ? StopReason.OTHER : StopReason.TOOL_USE;
    };
  }

  private void delta(JsonNode delta) {
    String reasoning = Wire.text(delta, "reasoning_content");
    if (reasoning.isEmpty()) {
      reasoning = Wire.text(delta, "reasoning");
    }
    if (!reasoning.isEmpty()) {
      sink.accept(new ModelEvent.ReasoningDelta(reasoning));
    }
    String text = Wire.text(delta, "content");
    if (!text.isEmpty()) {
      sink.accept(new ModelEvent.TextDelta(text));
    }
    String refusal = Wire.text(delta, "refusal");
    if (!refusal.isEmpty()) {
      refused = true;
      sink.accept(new ModelEvent.TextDelta(refusal));
    }
    for (JsonNode part : delta.path("tool_calls")) {
      call(part);
    }
  }

  private void call(JsonNode part) {
    JsonNode function = part.path("function");
    String id = Wire.text(part, "id");
    String name = Wire.text(function, "name");
    Call call = find(part.path("index").asInt(-1), id, name);
    if (part.path("extra_content").isObject()) {
      call.extra = part.path("extra_content").toString();
    }
    JsonNode given = function.path("arguments");
    // Meant to be text; some servers send the object itself.
    String arguments = given.isObject() ? given.toString() : given.asText("");
    if (!arguments.isEmpty()) {
      call.arguments.append(arguments);
      sink.accept(new ModelEvent.ArgumentsDelta(call.index, arguments));
    }
  }

  /**
   * The call a piece belongs to. An index should tell; servers that send none, or the same for
   * each, are told apart by a new id or a new name.
   */
  private Call find(int index, String id, String name) {
    Call last = null;
    for (Call call : calls) {
      if (call.wireIndex == index || index == -1) {
        last = call;
      }
    }
    boolean another =
        last == null
            || (!id.isEmpty() && !id.equals(last.givenId))
            || (index == -1 && id.isEmpty() && !name.isEmpty());
    if (!another && last != null) {
      return last;
    }
    if (name.isEmpty()) {
      throw new ModelFailure(
          ModelFailure.Kind.PROTOCOL, "the provider sent a tool call without a name");
    }
    Call call = new Call(calls.size(), index, id, name);
    calls.add(call);
    sink.accept(new ModelEvent.ToolCallStarted(call.index, call.id, call.name));
    return call;
  }

  private static TokenUsage usage(JsonNode usage) {
    return TokenUsage.reported(
        usage.path("prompt_tokens").asLong(),
        usage.path("completion_tokens").asLong(),
        usage.path("prompt_tokens_details").path("cached_tokens").asLong(),
        0,
        usage.path("completion_tokens_details").path("reasoning_tokens").asLong());
  }
}
