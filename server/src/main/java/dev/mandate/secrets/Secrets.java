package dev.mandate.secrets;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Tx;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Encrypted values of an organization. The caller has authorized what it does with them; it names a
 * purpose ({@code model}, {@code tool_source}), and only the same purpose opens a value again.
 */
public final class Secrets {
  private final Cipher cipher;

  public Secrets(Cipher cipher) {
    this.cipher = cipher;
  }

  /** Keeps a value, with the transaction's other changes. */
  public SecretId put(Tx tx, String purpose, String value) {
    SecretId id = new SecretId(Ids.next());
    SecretStore.insert(tx, id, purpose, seal(tx, id, purpose, value));
    return id;
  }

  /** Puts another value in a secret's place. */
  public void replace(Tx tx, SecretId id, String purpose, String value) {
    if (SecretStore.update(tx, id, purpose, seal(tx, id, purpose, value)) == 0) {
      throw Failure.notFound("secret");
    }
  }

  /** The value. Use it and forget it. */
  public String reveal(Tx tx, SecretId id, String purpose) {
    byte[] sealed = SecretStore.find(tx, id, purpose);
    if (sealed == null) {
      throw Failure.notFound("secret");
    }
    return new String(
        cipher.decrypt(tx.org(), context(id, purpose), sealed), StandardCharsets.UTF_8);
  }

  /**
   * Encrypts some of the organization's secrets anew, those that another master key than the
   * primary one still opens.
   *
   * @param after where to go on; null at the beginning
   * @return the last one looked at; empty if there are no more
   */
  public Optional<SecretId> reseal(Tx tx, @Nullable SecretId after, int limit) {
    List<SecretStore.Row> rows = SecretStore.after(tx, after, limit);
    for (SecretStore.Row row : rows) {
      if (cipher.needsResealing(row.sealed())) {
        String context = context(row.id(), row.purpose());
        byte[] plain = cipher.decrypt(tx.org(), context, row.sealed());
        SecretStore.update(tx, row.id(), row.purpose(), cipher.encrypt(tx.org(), context, plain));
      }
    }
    return rows.isEmpty() ? Optional.empty() : Optional.of(rows.getLast().id());
  }

  /** Forgets it; no error if it is not there. */
  public void delete(Tx tx, SecretId id) {
    SecretStore.delete(tx, id);
  }

  private byte[] seal(Tx tx, SecretId id, String purpose, String value) {
    return cipher.encrypt(tx.org(), context(id, purpose), value.getBytes(StandardCharsets.UTF_8));
  }

  private static String context(SecretId id, String purpose) {
    return "secret:" + purpose + ":" + id;
  }
}
