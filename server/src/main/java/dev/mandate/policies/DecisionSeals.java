package dev.mandate.policies;

import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Tx;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The encryption of recorded decisions, for whoever changes master keys. */
public final class DecisionSeals {
  private final DecisionStore store = new DecisionStore();
  private final Cipher cipher;

  public DecisionSeals(Cipher cipher) {
    this.cipher = cipher;
  }

  /**
   * Encrypts some of the organization's decisions anew, those that another master key than the
   * primary one still opens.
   *
   * @param after where to go on; null at the beginning
   * @return the last one looked at; empty if there are no more
   */
  public Optional<UUID> reseal(Tx tx, @Nullable UUID after, int limit) {
    List<DecisionStore.Seal> seals = store.sealsAfter(tx, after, limit);
    for (DecisionStore.Seal seal : seals) {
      if (cipher.needsResealing(seal.sealed())) {
        String context = DecisionLog.context(seal.id());
        byte[] plain = cipher.decrypt(tx.org(), context, seal.sealed());
        store.reseal(tx, seal.id(), cipher.encrypt(tx.org(), context, plain));
      }
    }
    return seals.isEmpty() ? Optional.empty() : Optional.of(seals.getLast().id());
  }
}
