package dev.mandate.kernel.rpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.mandate.kernel.Failure;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The part of an answer that its reader wants: {@code fields=agents.id,agents.name}. Named are
 * fields by their paths; a message that is named without more is given whole.
 */
final class Mask {
  /** The query parameter. */
  static final String PARAMETER = "fields";

  private final Map<FieldDescriptor, Mask> wanted = new HashMap<>();
  private boolean whole;

  private Mask() {}

  /**
   * @param texts as given: paths in either spelling of the names, separated by commas
   * @throws Failure {@code INVALID_ARGUMENT} naming the path that leads nowhere
   */
  static Mask of(Iterable<String> texts, Descriptor type) {
    Mask mask = new Mask();
    for (String text : texts) {
      for (String path : text.split(",", -1)) {
        mask.add(path.strip(), type);
      }
    }
    return mask;
  }

  private void add(String path, Descriptor root) {
    Mask at = this;
    Descriptor type = root;
    String[] steps = path.split("\\.", -1);
    if (steps.length > JsonCodec.MAX_DEPTH) {
      throw Failure.invalid(PARAMETER, "is nested deeper than " + JsonCodec.MAX_DEPTH + " levels");
    }
    for (String step : steps) {
      Shape.Field field = type == null ? null : Shape.of(type).field(step);
      if (field == null) {
        throw Failure.invalid(PARAMETER, "the answer has no '" + Failure.excerpt(path) + "'");
      }
      at = at.wanted.computeIfAbsent(field.descriptor(), f -> new Mask());
      type = inside(field.descriptor());
    }
    at.whole = true;
  }

  /** What is inside a field that can be named; null for nothing. */
  private static @Nullable Descriptor inside(FieldDescriptor field) {
    return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
            && !field.isMapField()
            && Shape.of(field.getMessageType()).special == Shape.Special.NONE
        ? field.getMessageType()
        : null;
  }

  boolean wants(FieldDescriptor field) {
    return wanted.containsKey(field);
  }

  /** What is wanted of the messages of a field that is wanted; null for all of it. */
  @Nullable Mask of(FieldDescriptor field) {
    Mask inner = wanted.get(field);
    return inner == null || inner.whole ? null : inner;
  }
}
