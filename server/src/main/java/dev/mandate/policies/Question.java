package dev.mandate.policies;

import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A call that policies are asked about.
 *
 * @param action e.g. {@code tools.call}
 * @param type {@code tool}, {@code model} or {@code method}
 * @param name {@code self/agents_create}, a model's name, {@code agents.create}
 * @param source the tool's source; empty for other types
 * @param risk {@code read_only}, {@code idempotent}, {@code write} or {@code destructive}
 * @param labels what an administrator has put on the tool
 * @param tokens an estimate of what the model is sent; null for other types
 * @param costMicros what the run has cost so far, in micro US dollars; null for other types
 * @param run null outside a run
 */
public record Question(
    String action,
    String type,
    String name,
    String source,
    String risk,
    List<String> labels,
    @Nullable Arguments arguments,
    @Nullable Long tokens,
    @Nullable Long costMicros,
    @Nullable Run run) {
  /**
   * Where the call comes from.
   *
   * @param toolsCalled full names of the tools that the run called before, in order
   * @param labels of those tools, as they were when they were called
   */
  public record Run(UUID id, UUID threadId, List<String> toolsCalled, List<String> labels) {}

  public Question {
    labels = List.copyOf(labels);
  }

  /** The same call, from within a run. */
  public Question within(@Nullable Run from) {
    return new Question(
        action, type, name, source, risk, labels, arguments, tokens, costMicros, from);
  }

  /** {@code tool:self/agents_create}. */
  String resource() {
    return type + ":" + name;
  }
}
