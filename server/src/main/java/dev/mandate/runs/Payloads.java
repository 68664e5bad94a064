package dev.mandate.runs;

import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Tx;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Text kept once per organization under its SHA-256: parts of prompts and results, which later
 * requests of a run repeat. Hashes are in hexadecimal.
 */
final class Payloads {
  private static final String PUT =
      """
      insert into payloads (org_id, hash, body)
      select ?, decode(g.hash, 'hex'), g.body from unnest(?::text[], ?::text[]) as g (hash, body)
      on conflict do nothing
      """;

  private Payloads() {}

  static String hash(String body) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(body.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /** Keeps a text and returns its hash. */
  static String put(Tx tx, String body) {
    String hash = hash(body);
    put(tx, Map.of(hash, body));
    return hash;
  }

  /**
   * Keeps several at once.
   *
   * @param bodies text by hash
   */
  static void put(Tx tx, Map<String, String> bodies) {
    if (bodies.isEmpty()) {
      return;
    }
    // In the order of the hashes: two transactions that keep the same texts cannot wait for each
    // other.
    List<String> hashes = bodies.keySet().stream().sorted().toList();
    tx.defer(
        PUT,
        values ->
            values
                .uuid(tx.org().value())
                .texts(hashes.toArray())
                .texts(hashes.stream().map(bodies::get).toArray()));
  }

  /**
   * Reads several at once.
   *
   * @return text by hash
   * @throws IllegalStateException if one is missing: then a log refers to nothing
   */
  static Map<String, String> get(Tx tx, Collection<String> hashes) {
    return getLater(tx, hashes).get();
  }

  /** The same, asked together with something else. */
  static Later<Map<String, String>> getLater(Tx tx, Collection<String> hashes) {
    if (hashes.isEmpty()) {
      return Map::of;
    }
    return tx.later(
        """
        select encode(hash, 'hex') as hash, body from payloads
        where org_id = ? and hash in (select decode(h, 'hex') from unnest(?::text[]) h)
        """,
        values -> values.uuid(tx.org().value()).texts(hashes.toArray()),
        rows -> {
          Map<String, String> bodies = new HashMap<>();
          while (rows.next()) {
            bodies.put(rows.getString("hash"), rows.getString("body"));
          }
          for (String hash : hashes) {
            if (!bodies.containsKey(hash)) {
              throw new IllegalStateException("no payload " + hash);
            }
          }
          return bodies;
        });
  }
}
