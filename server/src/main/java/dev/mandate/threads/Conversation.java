package dev.mandate.threads;

import dev.mandate.kernel.Principal;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A thread as one participant sees it. (Not named Thread: that is the JVM's word.)
 *
 * @param unreadCount messages that this participant has not read
 * @param branchedFrom the thread whose history this one began with, up to {@code branchedAt}
 * @param parentRunId on a sub-agent's thread, the run that called it
 */
public record Conversation(
    ThreadId id,
    String title,
    List<Principal> participants,
    int unreadCount,
    Instant createdAt,
    Instant lastActivityAt,
    @Nullable UUID parentRunId,
    @Nullable ThreadId branchedFrom,
    long branchedAt) {}
