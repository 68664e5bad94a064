package dev.mandate.audit;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Db;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The installation's keys for signing checkpoints: encrypted where they lie, never given out. */
final class SigningKeys {
  private static final Logger log = LoggerFactory.getLogger(SigningKeys.class);

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
          List<ChainStore.SealedKey> kept = ChainStore.keys(tx);
          if (!kept.isEmpty()) {
            return kept.stream()
                .flatMap(key -> open(key).stream())
                .findFirst()
                .orElseThrow(() ->
                    new IllegalStateException(
                        "no signing key in the database opens with the master key"));
          }
          SigningKey made = SigningKey.generate();
          byte[] sealed =
              cipher.encrypt(OrgId.INSTALLATION, context(made.id()), made.secretBytes());
          ChainStore.insertKey(
              tx, new ChainStore.SealedKey(made.id(), made.publicHalf().encoded(), sealed));
          return made;
        });
  }

  /**
   * All that there ever were: old checkpoints stay verifiable. A key that somebody put there who
   * does not have the master key is not among them.
   */
  List<SigningKey.PublicHalf> published() {
    return db.read(system(), ChainStore::keys).stream()
        .flatMap(key -> open(key).stream())
        .map(SigningKey::publicHalf)
        .toList();
  }

  /** The key, if its private half opens with the master key and belongs to the public one. */
  private Optional<SigningKey> open(ChainStore.SealedKey kept) {
    try {
      SigningKey key =
          SigningKey.of(
              kept.publicKey(),
              cipher.decrypt(OrgId.INSTALLATION, context(kept.id()), kept.sealed()));
      if (key.id().equals(kept.id()) && key.isPair()) {
        return Optional.of(key);
      }
    } catch (Failure | IllegalStateException e) {
      log.debug("signing key {}", kept.id(), e);
    }
    log.warn("the signing key {} is not trusted: it does not open with the master key", kept.id());
    return Optional.empty();
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
