package dev.mandate.models;

import dev.mandate.secrets.SecretId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A row of {@code models}. */
record ModelRow(
    String name,
    Provider provider,
    String baseUrl,
    String remoteName,
    @Nullable SecretId secret,
    @Nullable ModelPrices prices,
    @Nullable Boolean vision,
    long version,
    Instant createdAt) {}
