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
 * @param droppedBefore set if retention dropped entries: those with lower ids may be gone, and
 *     those up to {@code seq} are
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

  /** Signs the state of a chain. */
  static Checkpoint sign(
      SigningKey key, OrgId org, long seq, byte[] hash, Instant at, @Nullable UUID droppedBefore) {
    Checkpoint unsigned =
        new Checkpoint(org, Ids.next(), seq, hash, at, droppedBefore, key.id(), new byte[0]);
    return new Checkpoint(
        org, unsigned.id(), seq, hash, at, droppedBefore, key.id(), key.sign(unsigned.signed()));
  }

  /** What the signature is over. */
  byte[] signed() {
    return new Fields("mandate/audit/checkpoint/v1")
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
