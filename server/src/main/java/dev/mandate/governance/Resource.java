package dev.mandate.governance;

import dev.mandate.policies.Question;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a call is about to touch.
 *
 * @param kind {@code tool} or {@code model}
 * @param name its full name, e.g. {@code self/agents_create}
 * @param argumentsJson the exact arguments, a JSON object
 * @param labels what an administrator has put on it
 * @param method the method of the contract that the tool is, as policies see it; null for others
 * @param tokens an estimate of what a model is sent; null for others
 * @param costMicros what the run has cost so far, in micro US dollars; null for other than models
 */
public record Resource(
    String kind,
    String name,
    Effect effect,
    String argumentsJson,
    List<String> labels,
    @Nullable Question method,
    @Nullable Long tokens,
    @Nullable Long costMicros) {
  public Resource {
    labels = List.copyOf(labels);
  }

  public static Resource tool(String name, Effect effect, String argumentsJson) {
    return tool(name, effect, argumentsJson, List.of(), null);
  }

  public static Resource tool(
      String name,
      Effect effect,
      String argumentsJson,
      List<String> labels,
      @Nullable Question method) {
    return new Resource("tool", name, effect, argumentsJson, labels, method, null, null);
  }

  public static Resource model(String name, long tokens, long costMicros) {
    return new Resource(
        "model", name, Effect.IDEMPOTENT, "{}", List.of(), null, tokens, costMicros);
  }

  /** {@code tool:self/agents_create}: the form of audit entries. */
  @Override
  public String toString() {
    return kind + ":" + name;
  }
}
