package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Tokens;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * All of an entry that its place in the chain is bound to, texts exactly as the database has them.
 * Personal data is bound by a salted hash alone: erased, it leaves the chain as it was.
 *
 * @param at microseconds since 1970
 * @param chain JSON
 * @param details JSON
 * @param personalHash {@link #personalHash}; null if the entry had nothing personal
 */
@SuppressWarnings("ArrayRecordComponent") // carried from here to there, compared by content only
record ChainedEntry(
    OrgId org,
    UUID id,
    long at,
    String action,
    String resource,
    String outcome,
    String reason,
    String chain,
    @Nullable String onBehalfOf,
    String channel,
    String traceId,
    String details,
    byte @Nullable [] personalHash) {
  /** What the first entry of a chain follows. */
  static final byte[] START = new byte[32];

  /**
   * SHA-256 over the previous hash, the place and the entry, each field with its length, so that no
   * two entries read the same.
   */
  byte[] hash(byte[] previous, long seq) {
    return Tokens.sha256(
        new Fields("mandate/audit/entry/v1")
            .bytes(previous)
            .number(seq)
            .text(org.toString())
            .text(id.toString())
            .number(at)
            .text(action)
            .text(resource)
            .text(outcome)
            .text(reason)
            .text(chain)
            .optional(onBehalfOf == null ? null : onBehalfOf.getBytes(StandardCharsets.UTF_8))
            .text(channel)
            .text(traceId)
            .text(details)
            .optional(personalHash)
            .toBytes());
  }

  /** Commits to personal data without telling it; the salt goes when the data goes. */
  static byte[] personalHash(UUID salt, String personal) {
    return Tokens.sha256(
        new Fields("mandate/audit/personal/v1").text(salt.toString()).text(personal).toBytes());
  }
}
