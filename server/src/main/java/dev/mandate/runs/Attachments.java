package dev.mandate.runs;

import dev.mandate.files.Files;
import dev.mandate.kernel.Mandate;
import dev.mandate.models.ModelMessage;
import dev.mandate.models.ModelMessage.Attachment;
import dev.mandate.models.ModelMessage.Part;
import dev.mandate.models.ModelRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Puts the contents of attached files into a request that is about to leave: texts as text,
 * pictures as pictures where the model can see, and a note where neither can be done. The step log
 * and its payloads keep the hash alone. What was said last is shown first, as far as the limits go.
 */
final class Attachments {
  /** Most of one text, and of all texts of a request, in bytes. */
  private static final int TEXT = 64 * 1024;

  private static final int TEXTS = 256 * 1024;

  /** The largest picture, and all pictures of a request, that every provider takes, in bytes. */
  private static final int PICTURE = 3_750_000;

  private static final int PICTURES = 15_000_000;

  private static final Set<String> SEEN =
      Set.of("image/png", "image/jpeg", "image/gif", "image/webp");

  private final Files files;

  Attachments(Files files) {
    this.files = files;
  }

  /**
   * The request as it goes out. Reads from the storage, so not inside a transaction.
   *
   * @param vision whether the model can look at pictures
   * @throws dev.mandate.kernel.Failure {@code UNAVAILABLE} if the storage cannot be reached
   */
  ModelRequest show(Mandate mandate, boolean vision, ModelRequest request) {
    boolean any =
        request.messages().stream()
            .anyMatch(message -> message.parts().stream().anyMatch(Attachment.class::isInstance));
    if (!any) {
      return request;
    }
    Shown shown = new Shown(mandate, vision);
    List<ModelMessage> messages = new ArrayList<>();
    for (ModelMessage message : request.messages().reversed()) {
      messages.add(new ModelMessage(message.role(), shown.parts(message.parts())));
    }
    return new ModelRequest(
        request.model(),
        request.system(),
        messages.reversed(),
        request.tools(),
        request.toolChoice(),
        request.maxTokens(),
        request.temperature(),
        request.stop());
  }

  /** What one request has shown so far. */
  private final class Shown {
    private final Mandate mandate;
    private final boolean vision;
    private int texts;
    private int pictures;

    Shown(Mandate mandate, boolean vision) {
      this.mandate = mandate;
      this.vision = vision;
    }

    List<Part> parts(List<Part> parts) {
      List<Part> out = new ArrayList<>();
      for (Part part : parts) {
        out.add(part instanceof Attachment file ? shown(file) : part);
      }
      return out;
    }

    private Part shown(Attachment file) {
      if (SEEN.contains(file.mediaType())) {
        boolean fits = file.size() <= PICTURE && pictures + file.size() <= PICTURES;
        return vision && fits ? picture(file) : note(file);
      }
      return Files.isText(file.mediaType()) && texts < TEXTS ? text(file) : note(file);
    }

    private Part picture(Attachment file) {
      byte @Nullable [] content = files.content(mandate, file.sha256(), PICTURE);
      if (content == null) {
        return note(file);
      }
      pictures += content.length;
      return file.showing(Base64.getEncoder().encodeToString(content));
    }

    private Part text(Attachment file) {
      int max = Math.min(TEXT, TEXTS - texts);
      byte @Nullable [] content = files.content(mandate, file.sha256(), max);
      if (content == null) {
        return note(file);
      }
      texts += content.length;
      String begin = "\n\n[attachment " + file.label() + "]\n";
      String cut =
          content.length < file.size() ? "\n[only the first " + content.length + " bytes]" : "";
      return new ModelMessage.Text(
          begin
              + new String(content, StandardCharsets.UTF_8)
              + cut
              + "\n[end of attachment '"
              + file.name()
              + "']");
    }

    private static Part note(Attachment file) {
      return new ModelMessage.Text(file.note());
    }
  }
}
