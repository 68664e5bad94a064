package dev.mandate.threads;

import dev.mandate.kernel.Principal;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One message.
 *
 * @param position its place in the thread: 1, 2, 3 …
 * @param parentId the message it follows; null for a thread's first
 * @param runId the run that posted it; null for a person's
 */
public record Message(
    MessageId id,
    ThreadId threadId,
    long position,
    @Nullable MessageId parentId,
    Principal author,
    String text,
    @Nullable UUID runId,
    Instant createdAt,
    List<Attachment> attachments) {
  public Message {
    attachments = List.copyOf(attachments);
  }
}
