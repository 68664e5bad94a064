package dev.mandate.policies;

import dev.mandate.kernel.Id;
import dev.mandate.kernel.Ids;
import java.util.UUID;

/** A policy's id. */
public record PolicyId(UUID value) implements Id {
  static PolicyId parse(String field, String text) {
    return new PolicyId(Ids.parse(field, text));
  }

  @Override
  public String toString() {
    return value.toString();
  }
}
