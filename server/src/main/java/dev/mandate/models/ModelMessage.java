package dev.mandate.models;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation. Results of tools stand in the user message that follows the
 * assistant message which called them; a codec splits or merges as its provider wants it.
 */
public record ModelMessage(Role role, List<Part> parts) {
  public ModelMessage {
    parts = List.copyOf(parts);
  }

  public enum Role {
    USER,
    ASSISTANT
  }

  /** A piece of a message. */
  public sealed interface Part permits Text, Attachment, ToolUse, ToolResult, Opaque {}

  public record Text(String text) implements Part {}

  /**
   * A file that the user shows. It is stored by its content's hash; the content itself is put in
   * when the request is about to leave, where this model can look at it.
   *
   * @param sha256 of the content
   * @param size of the content, in bytes
   * @param base64 the content, never stored; absent where it is not shown
   */
  public record Attachment(
      String sha256, String name, String mediaType, long size, @Nullable String base64)
      implements Part {
    /** The same with its content. */
    public Attachment showing(String content) {
      return new Attachment(sha256, name, mediaType, size, content);
    }

    /** What a model is told of a file whose content it is not shown. */
    public String note() {
      return "\n\n[attachment " + label() + ": its content cannot be shown here]";
    }

    /** Name, type and size. */
    public String label() {
      return "'" + name + "' (" + mediaType + ", " + size + " bytes)";
    }

    /** Without the content. */
    @Override
    public String toString() {
      return "Attachment[" + label() + "]";
    }
  }

  /**
   * A call of a tool, by the assistant.
   *
   * @param id the provider's or, if it gave none, ours; unique in the conversation
   * @param arguments exactly the text the model wrote: usually a JSON object, but nobody has
   *     checked it
   * @param extra JSON that this provider wants back with the call (a signature of its reasoning);
   *     means nothing to anyone else
   */
  public record ToolUse(String id, String name, String arguments, @Nullable String extra)
      implements Part {
    public ToolUse(String id, String name, String arguments) {
      this(id, name, arguments, null);
    }
  }

  /**
   * What a call came to.
   *
   * @param id the {@link ToolUse#id} it answers
   * @param content text for the model: JSON where the tool gave JSON
   * @param isError the call failed, was denied or timed out, and {@code content} says why
   */
  public record ToolResult(String id, String content, boolean isError) implements Part {}

  /**
   * Something of a provider's own that it wants back where it stood, such as its signed reasoning.
   * Only the codec of that provider understands it; everyone else leaves it out.
   *
   * @param provider the {@link Provider}'s wire name
   * @param model the {@link ModelRequest#model} that produced it: to another one it means nothing
   * @param json exactly as it came
   */
  public record Opaque(String provider, String model, String json) implements Part {}

  public static ModelMessage user(String text) {
    return new ModelMessage(Role.USER, List.of(new Text(text)));
  }

  public static ModelMessage assistant(String text) {
    return new ModelMessage(Role.ASSISTANT, List.of(new Text(text)));
  }

  public static ModelMessage results(List<ToolResult> results) {
    return new ModelMessage(Role.USER, List.copyOf(results));
  }

  /** The text parts, joined. */
  public String text() {
    StringBuilder out = new StringBuilder();
    for (Part part : parts) {
      if (part instanceof Text text) {
        out.append(text.text());
      }
    }
    return out.toString();
  }
}
