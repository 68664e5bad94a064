package dev.mandate.files;

import dev.mandate.kernel.Principal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A file's facts.
 *
 * @param size of the content, in bytes
 * @param sha256 of the content, 64 lower-case hexadecimal digits
 * @param complete its content is in the storage and was checked
 * @param owner who announced it, or on whose behalf that was done
 * @param expiresAt when a pending one is given up
 */
public record StoredFile(
    FileId id,
    String name,
    String contentType,
    long size,
    String sha256,
    boolean complete,
    Principal owner,
    Instant createdAt,
    @Nullable Instant completedAt,
    Instant expiresAt) {}
