package dev.mandate.models;

import dev.mandate.models.ModelMessage.Attachment;
import dev.mandate.models.ModelMessage.Opaque;
import dev.mandate.models.ModelMessage.Part;
import dev.mandate.models.ModelMessage.Text;
import dev.mandate.models.ModelMessage.ToolResult;
import dev.mandate.models.ModelMessage.ToolUse;
import dev.mandate.models.ModelRequest.ToolSpec;

/**
 * Counts tokens without a provider's help: one for every four UTF-8 bytes, rounded up, and four
 * more for each message and each tool (its framing). For English within about a fifth of what the
 * large providers count; for other scripts it counts too many rather than too few.
 */
public final class TokenEstimate {
  private static final int FRAME = 4;

  /** What the large providers count for a picture of their largest size. */
  private static final int PICTURE = 1600;

  private TokenEstimate() {}

  /** The prompt of a request: what it would cost to send. */
  public static long input(ModelRequest request) {
    long total = text(request.system());
    for (ToolSpec tool : request.tools()) {
      total += FRAME + text(tool.name()) + text(tool.description()) + text(tool.inputSchema());
    }
    for (ModelMessage message : request.messages()) {
      total += FRAME;
      for (Part part : message.parts()) {
        total += part(part);
      }
    }
    return total;
  }

  /** An answer. */
  public static long output(Iterable<Part> parts) {
    long total = 0;
    for (Part part : parts) {
      total += part(part);
    }
    return total;
  }

  private static long part(Part part) {
    return switch (part) {
      case Text p -> text(p.text());
      case Attachment p -> FRAME + (p.base64() == null ? text(p.note()) : PICTURE);
      case ToolUse p -> FRAME + text(p.name()) + text(p.arguments());
      case ToolResult p -> text(p.content());
      case Opaque p -> text(p.json());
    };
  }

  private static long text(String text) {
    long bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      // A surrogate pair is two chars and four bytes.
      bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
    }
    return (bytes + 3) / 4;
  }
}
