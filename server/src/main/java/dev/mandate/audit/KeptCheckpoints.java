package dev.mandate.audit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.OrgId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Checkpoints that somebody kept where nobody who can write the database can: what a chain is held
 * against. Only the signature says whose a checkpoint is.
 */
public final class KeptCheckpoints {
  public static final KeptCheckpoints NONE = new KeptCheckpoints(List.of());

  /** Their organization is not known yet. */
  private final List<Checkpoint> all;

  private final Set<Checkpoint> claimed = Collections.newSetFromMap(new IdentityHashMap<>());

  private KeptCheckpoints(List<Checkpoint> all) {
    this.all = all;
  }

  /**
   * @param text what {@code mandate audit checkpoints --json} prints, or JSON lines, of which those
   *     that are an export's but no checkpoints are passed over
   * @throws Failure {@code INVALID_ARGUMENT} if it is something else, or holds none
   */
  public static KeptCheckpoints read(String text) {
    List<JsonNode> items = new ArrayList<>();
    if (text.stripLeading().startsWith("[")) {
      Json.parse("checkpoints", text).forEach(items::add);
    } else {
      text.lines()
          .filter(line -> !line.isBlank())
          .forEach(line -> items.add(Json.parse("checkpoints", line)));
    }
    List<Checkpoint> found = new ArrayList<>();
    for (JsonNode item : items) {
      if (item.path("type").asText("checkpoint").equals("checkpoint")) {
        try {
          found.add(AuditLines.readCheckpoint(OrgId.INSTALLATION, exported(item)));
        } catch (IllegalArgumentException | java.time.DateTimeException e) {
          throw Failure.invalid("checkpoints", "one is none: " + e.getMessage());
        }
      }
    }
    if (found.isEmpty()) {
      throw Failure.invalid("checkpoints", "there are none in it");
    }
    found.sort(Comparator.comparingLong(Checkpoint::seq));
    return new KeptCheckpoints(found);
  }

  /** With the names that an export has for what the API gives. */
  private static JsonNode exported(JsonNode item) {
    if (!item.has("keyId")) {
      return item;
    }
    String dropped = item.path("droppedBefore").asText("");
    ObjectNode line =
        Json.object()
            .put("seq", item.path("seq").asLong())
            .put("key_id", item.path("keyId").asText())
            .put("dropped_before", dropped.isEmpty() ? null : dropped);
    for (String same : List.of("id", "hash", "at", "signature")) {
      line.set(same, item.get(same));
    }
    return line;
  }

  /** Those of an organization, in its chain's order. */
  List<Checkpoint> of(OrgId org, Collection<SigningKey.PublicHalf> trusted) {
    List<Checkpoint> its = new ArrayList<>();
    for (Checkpoint each : all) {
      Checkpoint named =
          new Checkpoint(
              org,
              each.id(),
              each.seq(),
              each.hash(),
              each.at(),
              each.droppedBefore(),
              each.keyId(),
              each.signature());
      if (trusted.stream().anyMatch(named::isSignedBy)) {
        its.add(named);
        claimed.add(each);
      }
    }
    return its;
  }

  /** What is wrong with those that belong to no chain that was checked. */
  public List<String> strangers() {
    return all.stream()
        .filter(each -> !claimed.contains(each))
        .map(each ->
            "the kept checkpoint of "
                + each.at()
                + " at entry "
                + each.seq()
                + " is of no organization here, or not signed with a key that is trusted ("
                + each.keyId()
                + ")")
        .toList();
  }
}
