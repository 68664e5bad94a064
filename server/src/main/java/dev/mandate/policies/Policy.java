package dev.mandate.policies;

import dev.mandate.kernel.OrgId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A policy's row.
 *
 * @param scope the organization, or {@link OrgId#INSTALLATION}
 * @param active the version in force; null if none is
 */
record Policy(
    OrgId scope,
    PolicyId id,
    String name,
    String description,
    long latest,
    @Nullable Long active,
    Instant createdAt,
    Instant updatedAt) {
  boolean installation() {
    return scope.equals(OrgId.INSTALLATION);
  }
}
