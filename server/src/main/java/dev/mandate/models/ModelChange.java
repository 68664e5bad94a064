package dev.mandate.models;

import org.jspecify.annotations.Nullable;

/**
 * A change of a model; what is absent stays as it is.
 *
 * @param version the version the change is based on
 * @param baseUrl another address needs the key again: a kept key never goes to a new place
 */
public record ModelChange(
    long version,
    @Nullable String baseUrl,
    @Nullable String remoteName,
    @Nullable String apiKey,
    @Nullable ModelPrices prices,
    @Nullable Boolean vision) {
  /** Never with the key. */
  @Override
  public String toString() {
    return "ModelChange[version " + version + "]";
  }
}
