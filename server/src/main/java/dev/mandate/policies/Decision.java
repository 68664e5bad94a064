package dev.mandate.policies;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What policies were asked once, and what they said.
 *
 * @param actor {@code agent:<id>}
 * @param user on whose behalf; null for the system
 * @param outcome {@code allow}, {@code deny}, {@code approval} or {@code error}
 * @param set version of the organization's policies in force, {@code installationSet} of the
 *     installation's
 * @param inputHash of the exact input, before secrets were taken out
 */
record Decision(
    UUID id,
    Instant at,
    String actor,
    @Nullable UUID user,
    @Nullable UUID run,
    String action,
    String resource,
    String outcome,
    long set,
    long installationSet,
    List<String> rules,
    String inputHash,
    long micros) {

  /**
   * The part that is kept encrypted.
   *
   * @param input as JSON
   * @param whole whether nothing was left out for its size
   */
  record Sealed(String input, boolean whole, List<String> messages, String terms) {}
}
