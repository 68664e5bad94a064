package dev.mandate.models;

import dev.mandate.models.ModelMessage.Part;
import dev.mandate.models.ModelMessage.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts the events of one answer together while passing them on. An answer has bounds, whatever the
 * provider sends: it is kept in memory, in the step log and in the next prompt.
 */
final class AnswerBuilder implements Consumer<ModelEvent> {
  /** Characters of text, reasoning and arguments together: a million tokens. */
  static final int MOST_CHARACTERS = 4 << 20;

  static final int MOST_CALLS = 128;

  private static final int LONGEST_NAME = 512;

  private final Consumer<ModelEvent> next;
  private final List<Part> parts = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private @Nullable TokenUsage usage;
  private StopReason reason = StopReason.OTHER;
  private long characters;
  private int calls;

  AnswerBuilder(Consumer<ModelEvent> next) {
    this.next = next;
  }

  @Override
  public void accept(ModelEvent event) {
    switch (event) {
      case ModelEvent.TextDelta e -> {
        count(e.text());
        text.append(e.text());
      }
      case ModelEvent.ToolCallFinished e -> add(e.call());
      case ModelEvent.OpaquePart e -> {
        count(e.part().json());
        add(e.part());
      }
      case ModelEvent.UsageReported e -> usage = e.usage();
      case ModelEvent.Finished e -> reason = e.reason();
      case ModelEvent.ReasoningDelta e -> count(e.text());
      case ModelEvent.ToolCallStarted e -> started(e);
      case ModelEvent.ArgumentsDelta e -> count(e.text());
    }
    next.accept(event);
  }

  private void count(String piece) {
    characters += piece.length();
    if (characters > MOST_CHARACTERS) {
      throw new ModelFailure(
          ModelFailure.Kind.PROTOCOL,
          "the provider's answer is longer than " + MOST_CHARACTERS + " characters");
    }
  }

  private void started(ModelEvent.ToolCallStarted call) {
    calls++;
    if (calls > MOST_CALLS) {
      throw new ModelFailure(
          ModelFailure.Kind.PROTOCOL,
          "the provider's answer has more than " + MOST_CALLS + " tool calls");
    }
    if (call.id().length() > LONGEST_NAME || call.name().length() > LONGEST_NAME) {
      throw new ModelFailure(
          ModelFailure.Kind.PROTOCOL, "the provider sent a tool call with an endless id or name");
    }
  }

  /** The whole; where the provider reported no usage, an estimate, so that nothing is free. */
  ModelResponse response(ModelRequest request, String answeredAs) {
    endText();
    String model = answeredAs.isEmpty() ? request.model() : answeredAs;
    TokenUsage used = usage;
    if (used == null || (used.input() == 0 && used.output() == 0)) {
      used =
          new TokenUsage(TokenEstimate.input(request), TokenEstimate.output(parts), 0, 0, 0, true);
    }
    return new ModelResponse(parts, reason, used, model);
  }

  private void add(Part part) {
    endText();
    parts.add(part);
  }

  private void endText() {
    if (!text.isEmpty()) {
      parts.add(new Text(text.toString()));
      text.setLength(0);
    }
  }
}
