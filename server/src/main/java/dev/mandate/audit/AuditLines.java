package dev.mandate.audit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.OrgId;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An exported chain: a JSON object a line, so that any program can check it. Hashes are
 * hexadecimal, keys and signatures base64.
 *
 * <pre>
 * {"type": "chain", "format": 1, "organization": …, "keys": [{"id": …, "public_key": …}]}
 * {"type": "entry", "seq": 1, "id": …, …, "hash": …}       in the chain's order
 * {"type": "checkpoint", "seq": 1, "hash": …, "signature": …}   after the entry it is about
 * {"type": "end", "seq": 1}                                     the last line
 * </pre>
 */
final class AuditLines {
  static final int FORMAT = 1;

  private static final HexFormat HEX = HexFormat.of();

  private AuditLines() {}

  static String chain(OrgId org, List<SigningKey.PublicHalf> keys) {
    ObjectNode line =
        Json.object()
            .put("type", "chain")
            .put("format", FORMAT)
            .put("organization", org.toString());
    for (SigningKey.PublicHalf key : keys) {
      line.withArray("keys")
          .addObject()
          .put("id", key.id())
          .put("public_key", Base64.getEncoder().encodeToString(key.encoded()));
    }
    return line.toString();
  }

  static String entry(ChainStore.Sealed place) {
    ObjectNode line =
        Json.object().put("type", "entry").put("seq", place.seq()).put("id", place.id().toString());
    ChainedEntry entry = place.entry();
    if (entry != null) {
      byte[] personalHash = entry.personalHash();
      UUID salt = place.salt();
      line.put("at", Instant.EPOCH.plus(entry.at(), ChronoUnit.MICROS).toString())
          .put("action", entry.action())
          .put("resource", entry.resource())
          .put("outcome", entry.outcome())
          .put("reason", entry.reason())
          .put("chain_json", entry.chain())
          .put("on_behalf_of", entry.onBehalfOf())
          .put("channel", entry.channel())
          .put("trace_id", entry.traceId())
          .put("details_json", entry.details())
          .put("personal_json", place.personal())
          .put("personal_salt", salt == null ? null : salt.toString())
          .put("personal_hash", personalHash == null ? null : HEX.formatHex(personalHash));
    }
    return line.put("hash", HEX.formatHex(place.hash())).toString();
  }

  static String checkpoint(Checkpoint checkpoint) {
    UUID dropped = checkpoint.droppedBefore();
    return Json.object()
        .put("type", "checkpoint")
        .put("seq", checkpoint.seq())
        .put("hash", HEX.formatHex(checkpoint.hash()))
        .put("id", checkpoint.id().toString())
        .put("at", checkpoint.at().toString())
        .put("dropped_before", dropped == null ? null : dropped.toString())
        .put("key_id", checkpoint.keyId())
        .put("signature", Base64.getEncoder().encodeToString(checkpoint.signature()))
        .toString();
  }

  static String end(long seq) {
    return Json.object().put("type", "end").put("seq", seq).toString();
  }

  static ChainStore.Sealed readEntry(OrgId org, JsonNode line) {
    UUID id = UUID.fromString(text(line, "id"));
    String personalHash = optional(line, "personal_hash");
    String salt = optional(line, "personal_salt");
    ChainedEntry entry =
        !line.has("action")
            ? null
            : new ChainedEntry(
                org,
                id,
                Checkpoint.micros(Instant.parse(text(line, "at"))),
                text(line, "action"),
                text(line, "resource"),
                text(line, "outcome"),
                text(line, "reason"),
                text(line, "chain_json"),
                optional(line, "on_behalf_of"),
                text(line, "channel"),
                text(line, "trace_id"),
                text(line, "details_json"),
                personalHash == null ? null : HEX.parseHex(personalHash));
    return new ChainStore.Sealed(
        number(line, "seq"),
        id,
        HEX.parseHex(text(line, "hash")),
        entry,
        optional(line, "personal_json"),
        salt == null ? null : UUID.fromString(salt));
  }

  static Checkpoint readCheckpoint(OrgId org, JsonNode line) {
    String dropped = optional(line, "dropped_before");
    return new Checkpoint(
        org,
        UUID.fromString(text(line, "id")),
        number(line, "seq"),
        HEX.parseHex(text(line, "hash")),
        Instant.parse(text(line, "at")),
        dropped == null ? null : UUID.fromString(dropped),
        text(line, "key_id"),
        Base64.getDecoder().decode(text(line, "signature")));
  }

  static String text(JsonNode line, String field) {
    JsonNode value = line.path(field);
    if (!value.isTextual()) {
      throw new IllegalArgumentException("'" + field + "' is missing or is no text");
    }
    return value.textValue();
  }

  static long number(JsonNode line, String field) {
    JsonNode value = line.path(field);
    if (!value.isIntegralNumber()) {
      throw new IllegalArgumentException("'" + field + "' is missing or is no whole number");
    }
    return value.longValue();
  }

  private static @Nullable String optional(JsonNode line, String field) {
    return line.path(field).isNull() || line.path(field).isMissingNode() ? null : text(line, field);
  }
}
