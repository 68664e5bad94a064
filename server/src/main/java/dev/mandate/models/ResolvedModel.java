package dev.mandate.models;

import org.jspecify.annotations.Nullable;

/**
 * A model that can be called now.
 *
 * @param name what the organization calls it
 * @param remoteName what goes into {@link ModelRequest#model}
 * @param prices absent if unknown: then the cost is unknown, not nothing
 * @param vision whether it can look at pictures
 * @param simulated scripted: no provider was asked and its costs are made up
 */
public record ResolvedModel(
    String name,
    Provider provider,
    String remoteName,
    ModelClient client,
    @Nullable ModelPrices prices,
    boolean vision,
    boolean simulated) {

  /** In micro US dollars; absent if the model's prices are unknown. */
  public @Nullable Long costMicros(TokenUsage usage) {
    return prices == null ? null : prices.costMicros(usage);
  }
}
