package dev.mandate.audit;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The chain for whoever runs the installation: checked where it lies, written out, and checked
 * where it was taken.
 */
public final class AuditChain {
  private static final int PAGE = 1_000;

  private final Db db;
  private final SigningKeys keys;

  public AuditChain(Db db, Cipher cipher) {
    this.db = db;
    this.keys = new SigningKeys(db, cipher);
  }

  /** Every organization, the reserved one included. */
  public List<OrgId> organizations() {
    return db.dispatch(ChainStore::organizations);
  }

  /** Encrypts the signing keys under the primary master key; how many were not yet. */
  public int reseal() {
    return keys.reseal();
  }

  /** Checks an organization's chain in the database, with the keys that lie there. */
  public AuditReport check(OrgId org) {
    return check(org, null, KeptCheckpoints.NONE);
  }

  /**
   * Checks an organization's chain in the database.
   *
   * @param publicKey base64 of the one public key to trust; null to trust those in the database
   *     that open with the master key
   * @param kept what the chain must agree with
   */
  public AuditReport check(OrgId org, @Nullable String publicKey, KeptCheckpoints kept) {
    List<SigningKey.PublicHalf> trusted =
        publicKey == null ? keys.published() : List.of(SigningKey.PublicHalf.read(publicKey));
    // Page by page, or a long chain would hold one transaction open. It only grows at its end.
    ChainCheck check = new ChainCheck(org, trusted);
    check.expect(kept.of(org, trusted));
    Checkpoint drop = read(org, ChainStore::lastDrop);
    if (drop != null) {
      check.from(drop);
    }
    long last = check.last();
    boolean more = true;
    while (more) {
      long after = last;
      Part part = read(org, tx -> part(tx, after));
      if (publicKey == null) {
        // The first checkpoint may be younger than our look at the keys.
        check.trust(keys.published());
      }
      part.tell(check);
      more = !part.isLast();
      last = Math.max(last, check.last());
    }
    check.end(publicKey == null || check.last() == 0);
    return read(
        org,
        tx -> {
          Checkpoint signed = ChainStore.lastCheckpoint(tx);
          long promised = ChainStore.signedUpTo(tx);
          if (promised > (signed == null ? 0 : signed.seq())) {
            check.problem("the checkpoint at entry " + promised + " is removed");
          }
          for (UUID stray : ChainStore.strays(tx, 100)) {
            check.problem("entry " + stray + " was never chained: it was put there by hand");
          }
          return check.report(ChainStore.waitingEntries(tx));
        });
  }

  /**
   * Some of a chain: entries, and checkpoints about them; the last part has those about no entry.
   */
  private record Part(
      List<ChainStore.Sealed> entries, List<Checkpoint> checkpoints, boolean isLast) {
    void tell(ChainCheck check) {
      int next = 0;
      for (ChainStore.Sealed entry : entries) {
        while (next < checkpoints.size() && checkpoints.get(next).seq() < entry.seq()) {
          check.checkpoint(checkpoints.get(next++));
        }
        check.entry(entry);
      }
      checkpoints.subList(next, checkpoints.size()).forEach(check::checkpoint);
    }

    void write(Consumer<String> lines) {
      int next = 0;
      for (ChainStore.Sealed entry : entries) {
        while (next < checkpoints.size() && checkpoints.get(next).seq() < entry.seq()) {
          lines.accept(AuditLines.checkpoint(checkpoints.get(next++)));
        }
        lines.accept(AuditLines.entry(entry));
      }
      checkpoints.subList(next, checkpoints.size()).stream()
          .map(AuditLines::checkpoint)
          .forEach(lines);
    }
  }

  private static Part part(Tx tx, long after) {
    List<ChainStore.Sealed> entries = ChainStore.sealed(tx, after, PAGE);
    boolean last = entries.size() < PAGE;
    long to = last ? Long.MAX_VALUE : entries.getLast().seq();
    return new Part(entries, ChainStore.checkpointsBetween(tx, after, to), last);
  }

  /**
   * The next lines of an organization's exported chain.
   *
   * @param after the last place that the caller has; null at the beginning
   * @param published all signing keys
   */
  static Export export(
      Tx tx, OrgId org, @Nullable Long after, List<SigningKey.PublicHalf> published) {
    List<String> lines = new ArrayList<>();
    long from = after == null ? 0 : after;
    if (after == null) {
      lines.add(AuditLines.chain(org, published));
      Checkpoint drop = ChainStore.lastDrop(tx);
      if (drop != null) {
        lines.add(AuditLines.checkpoint(drop));
        from = drop.seq();
      }
    }
    Part part = part(tx, from);
    part.write(lines::add);
    long last = part.entries().isEmpty() ? from : part.entries().getLast().seq();
    if (part.isLast()) {
      lines.add(AuditLines.end(last));
    }
    return new Export(lines, part.isLast() ? null : last);
  }

  /**
   * A part of an export.
   *
   * @param next where the following part begins; null if this was the last
   */
  record Export(List<String> lines, @Nullable Long next) {}

  /** Writes an organization's chain, a line at a time. */
  public void write(OrgId org, Consumer<String> out) {
    List<SigningKey.PublicHalf> published = keys.published();
    Long after = null;
    do {
      Long from = after;
      Export part = read(org, tx -> export(tx, org, from, published));
      part.lines().forEach(out);
      after = part.next();
    } while (after != null);
  }

  /**
   * Checks an exported chain; needs nothing but the lines and the key.
   *
   * @param publicKey base64 of the signing key's public half, from a source other than the file;
   *     null to believe the keys in the file
   * @param kept what the chain must agree with
   * @throws Failure {@code INVALID_ARGUMENT} with the line, if it is no exported chain
   */
  public static AuditReport checkExport(
      BufferedReader lines, @Nullable String publicKey, KeptCheckpoints kept) throws IOException {
    ChainCheck check = null;
    OrgId org = OrgId.INSTALLATION;
    boolean ended = false;
    int number = 0;
    for (String text = lines.readLine(); text != null; text = lines.readLine()) {
      number++;
      try {
        JsonNode line = Json.parse("line", text);
        String type = AuditLines.text(line, "type");
        if (check == null || ended) {
          if (ended || !type.equals("chain")) {
            throw new IllegalArgumentException(
                ended ? "stands after the end" : "the first line must be of type 'chain'");
          }
          if (AuditLines.number(line, "format") != AuditLines.FORMAT) {
            throw new IllegalArgumentException("a format that this version does not know");
          }
          org = new OrgId(UUID.fromString(AuditLines.text(line, "organization")));
          List<SigningKey.PublicHalf> trusted = keys(line, publicKey);
          check = new ChainCheck(org, trusted);
          check.expect(kept.of(org, trusted));
          continue;
        }
        switch (type) {
          case "entry" -> check.entry(AuditLines.readEntry(org, line));
          case "checkpoint" -> check.checkpoint(AuditLines.readCheckpoint(org, line));
          case "end" -> {
            ended = true;
            if (AuditLines.number(line, "seq") != check.last()) {
              check.problem(
                  "the export ends at entry "
                      + check.last()
                      + ", and says that it went to "
                      + AuditLines.number(line, "seq"));
            }
          }
          default -> throw new IllegalArgumentException("unknown type '" + type + "'");
        }
      } catch (Failure | IllegalArgumentException | java.time.DateTimeException e) {
        throw Failure.invalid("line " + number, "is not of an exported chain: " + e.getMessage());
      }
    }
    if (check == null) {
      throw Failure.invalid("file", "is empty");
    }
    if (!ended) {
      check.problem("the file is cut off after line " + number + ": its last line is missing");
    }
    check.end(publicKey == null);
    return check.report(0);
  }

  private static List<SigningKey.PublicHalf> keys(JsonNode line, @Nullable String publicKey) {
    List<SigningKey.PublicHalf> found = new ArrayList<>();
    if (publicKey != null) {
      found.add(SigningKey.PublicHalf.read(publicKey));
    } else {
      for (JsonNode key : line.path("keys")) {
        found.add(SigningKey.PublicHalf.read(AuditLines.text(key, "public_key")));
      }
    }
    return found;
  }

  private <T extends @Nullable Object> T read(OrgId org, Function<Tx, T> work) {
    return db.read(Sealer.system(db, org), work::apply);
  }
}
