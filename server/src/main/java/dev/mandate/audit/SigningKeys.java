package dev.mandate.audit;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** The installation's keys for signing checkpoints: encrypted where they lie, never given out. */
final class SigningKeys {
  private final Db db;
  private final Cipher cipher;

  SigningKeys(Db db, Cipher cipher) {
    this.db = db;
    this.cipher = cipher;
  }

  /** The key to sign with; the first time, one is made. */
  SigningKey current() {
    return db.write(
        system(),
        tx -> {
          ChainStore.SealedKey kept = ChainStore.oldestKey(tx);
          if (kept != null) {
            return SigningKey.of(
                kept.publicKey(),
                cipher.decrypt(OrgId.INSTALLATION, context(kept.id()), kept.sealed()));
          }
          SigningKey made = SigningKey.generate();
          byte[] sealed =
              cipher.encrypt(OrgId.INSTALLATION, context(made.id()), made.secretBytes());
          ChainStore.insertKey(
              tx, new ChainStore.SealedKey(made.id(), made.publicHalf().encoded(), sealed));
          return made;
        });
  }

  /** All that there ever were: old checkpoints stay verifiable. */
  List<SigningKey.PublicHalf> published() {
    return db.read(system(), SigningKeys::published);
  }

  /**
   * @param tx of the reserved organization
   */
  static List<SigningKey.PublicHalf> published(Tx tx) {
    return ChainStore.keys(tx).stream()
        .map(key -> SigningKey.PublicHalf.of(key.publicKey()))
        .toList();
  }

  /** Encrypts the private keys anew under the primary master key; how many were not yet. */
  int reseal() {
    return db.write(
        system(),
        tx -> {
          int changed = 0;
          for (ChainStore.SealedKey key : ChainStore.keys(tx)) {
            if (cipher.needsResealing(key.sealed())) {
              byte[] plain = cipher.decrypt(OrgId.INSTALLATION, context(key.id()), key.sealed());
              ChainStore.resealKey(
                  tx, key.id(), cipher.encrypt(OrgId.INSTALLATION, context(key.id()), plain));
              changed++;
            }
          }
          return changed;
        });
  }

  private static String context(String id) {
    return "audit-key:" + id;
  }

  private Mandate system() {
    return Mandate.system(
        OrgId.INSTALLATION,
        Set.of("audit.seal"),
        "audit-keys",
        db.clock().instant().plus(Duration.ofMinutes(1)));
  }
}
