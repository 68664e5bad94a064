package dev.mandate.audit;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.OrgId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What an organization's chain was at a time, signed: whoever kept one can tell later whether
 * anything up to it was changed.
 *
 * @param seq the last entry's place
 * @param hash the last entry's
 * @param droppedBefore set if retention dropped entries: those up to {@code seq} are gone, all of
 *     which had lower ids, and none after it is
 * @param keyId whose signature it is
 */
@SuppressWarnings("ArrayRecordComponent") // carried from here to there, compared by content only
record Checkpoint(
    OrgId org,
    UUID id,
    long seq,
    byte[] hash,
    Instant at,
    @Nullable UUID droppedBefore,
    String keyId,
    byte[] signature) {
  private static final String STATE = "mandate/audit/checkpoint/v1";
  private static final String DROP = "mandate/audit/drop/v2";

  /** Signs the state of a chain. */
  static Checkpoint sign(
      SigningKey key, OrgId org, long seq, byte[] hash, Instant at, @Nullable UUID droppedBefore) {
    Checkpoint unsigned =
        new Checkpoint(org, Ids.next(), seq, hash, at, droppedBefore, key.id(), new byte[0]);
    return new Checkpoint(
        org, unsigned.id(), seq, hash, at, droppedBefore, key.id(), key.sign(unsigned.signed()));
  }

  /** Whether the signature is the key's. */
  boolean isSignedBy(SigningKey.PublicHalf key) {
    return key.signed(signed(), signature) || isOldDrop(key);
  }

  /**
   * Whether an earlier version dropped these entries. It did not keep those that were late: places
   * after {@code seq} lost what they said too, and nothing tells which.
   */
  boolean isOldDrop(SigningKey.PublicHalf key) {
    return droppedBefore != null && key.signed(signed(STATE), signature);
  }

  /** What the signature is over. */
  byte[] signed() {
    return signed(droppedBefore == null ? STATE : DROP);
  }

  private byte[] signed(String purpose) {
    return new Fields(purpose)
        .text(org.toString())
        .text(id.toString())
        .number(seq)
        .bytes(hash)
        .number(micros(at))
        .optional(
            droppedBefore == null
                ? null
                : droppedBefore.toString().getBytes(StandardCharsets.UTF_8))
        .text(keyId)
        .toBytes();
  }

  /** What the database keeps of an instant. */
  static long micros(Instant at) {
    return Math.addExact(Math.multiplyExact(at.getEpochSecond(), 1_000_000L), at.getNano() / 1_000);
  }
}
