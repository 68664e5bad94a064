package dev.mandate.models;

import org.jspecify.annotations.Nullable;

/**
 * A model to add.
 *
 * @param provider a {@link Provider}'s wire name
 * @param baseUrl empty for the provider's own address
 * @param remoteName empty for {@code name}
 * @param apiKey empty where none is needed
 * @param prices absent: the provider's list price if it is known
 * @param vision whether it can look at pictures; absent: guessed by its name
 */
public record ModelDraft(
    String name,
    String provider,
    String baseUrl,
    String remoteName,
    String apiKey,
    @Nullable ModelPrices prices,
    @Nullable Boolean vision) {
  /** Never with the key. */
  @Override
  public String toString() {
    return "ModelDraft[" + name + ", " + provider + "]";
  }
}
