package dev.mandate.suspensions;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.rpc.Timestamps;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Something that may not act, or be called, for the time being.
 *
 * @param subject its id; a tool's full name, so that importing it again does not lift it
 * @param by who suspended it, as {@code <kind>:<id>}
 */
public record Suspension(Kind kind, String subject, String by, Instant at, String reason) {
  /** The reason of every refusal because of a suspension. */
  public static final String REASON = "SUSPENDED";

  /** What can be suspended. */
  public enum Kind {
    AGENT("agents", "agent"),
    TOKEN("tokens", "token"),
    TOOL("tools", "tool"),
    MEMBER("members", "user"),
    ORGANIZATION("organizations", "organization");

    private final String actions;
    private final String word;

    Kind(String actions, String word) {
      this.actions = actions;
      this.word = word;
    }

    /** {@code agents.suspend} */
    public String suspend() {
      return actions + ".suspend";
    }

    /** {@code agents.resume} */
    public String resume() {
      return actions + ".resume";
    }

    /** {@code agent:0198…}: the form of audit entries. */
    public String resource(String subject) {
      return word + ":" + subject;
    }

    static @Nullable Kind of(Principal principal) {
      return switch (principal.kind()) {
        case USER -> MEMBER;
        case AGENT -> AGENT;
        case TOKEN -> TOKEN;
        case SYSTEM -> null;
      };
    }
  }

  /**
   * What is suspended and by whom, in one line. Not why: this goes into logs and prompts of
   * whatever stops, and the words of whoever suspended it stay where they can be erased.
   */
  public String describe() {
    return kind.resource(subject) + " is suspended by " + by;
  }

  public Failure refusal() {
    return Failure.denied(REASON, describe());
  }

  /** As the contract has it. */
  public dev.mandate.api.v1.Suspension wire() {
    return dev.mandate.api.v1.Suspension.newBuilder()
        .setBy(by)
        .setAt(Timestamps.of(at))
        .setReason(reason)
        .build();
  }
}
