package dev.mandate.files;

import dev.mandate.kernel.Id;
import dev.mandate.kernel.Ids;
import java.util.UUID;

/** A file's id. */
public record FileId(UUID value) implements Id {
  public static FileId parse(String field, String text) {
    return new FileId(Ids.parse(field, text));
  }

  @Override
  public String toString() {
    return value.toString();
  }
}
