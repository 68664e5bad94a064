package dev.mandate.models;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A model as people see it. Its key is never part of it.
 *
 * @param name what agents call it by; unique in the organization
 * @param provider see {@link Provider}
 * @param baseUrl where it is called; empty for {@code rehearsal}
 * @param remoteName the provider's name for it
 * @param fromEnvironment its key comes from the server's environment and is not kept
 * @param isDefault agents that name no model use it
 * @param prices absent if unknown
 * @param vision whether it can look at pictures
 * @param version for updates; 0 if it cannot be updated (built in, or from the environment)
 * @param createdAt absent if built in or from the environment
 */
public record Model(
    String name,
    Provider provider,
    String baseUrl,
    String remoteName,
    boolean fromEnvironment,
    boolean isDefault,
    @Nullable ModelPrices prices,
    boolean vision,
    long version,
    @Nullable Instant createdAt) {
  public boolean simulated() {
    return provider == Provider.REHEARSAL;
  }
}
