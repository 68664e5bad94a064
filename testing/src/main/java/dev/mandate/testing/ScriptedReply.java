package dev.mandate.testing;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What the {@link ScriptedProvider} answers: text, then calls of tools, perhaps with a fault.
 *
 * @param pause between two events of a stream
 * @param thinking Anthropic's reasoning before the answer; empty for none
 */
public record ScriptedReply(
    String text, List<Call> calls, Fault fault, Duration pause, String thinking) {
  public ScriptedReply {
    calls = List.copyOf(calls);
  }

  /**
   * A call of a tool.
   *
   * @param arguments JSON text
   */
  public record Call(String id, String name, String arguments) {}

  /** How the answer goes wrong. */
  public sealed interface Fault {}

  public record None() implements Fault {}

  /** Another status, with a body of the provider's error form. */
  public record Status(int status, Map<String, String> headers, String type, String message)
      implements Fault {}

  /** The connection is reset after so many bytes of the body. */
  public record CutAfter(int bytes) implements Fault {}

  /** Nothing more comes after so many bytes of the body, and the connection stays open. */
  public record StallAfter(int bytes) implements Fault {}

  /** An error event in the stream, after the text. */
  public record ErrorInStream(String type, String message) implements Fault {}

  /** 200 and this body: {@code first}, then {@code again} so many times, each after the pause. */
  public record Flood(String contentType, String first, String again, int times) implements Fault {}

  /** 200 and a stream that is none. */
  public record Garbage() implements Fault {}

  public static ScriptedReply text(String text) {
    return new ScriptedReply(text, List.of(), new None(), Duration.ZERO, "");
  }

  public static ScriptedReply call(String id, String name, String arguments) {
    return calls(new Call(id, name, arguments));
  }

  public static ScriptedReply calls(Call... calls) {
    return new ScriptedReply("", List.of(calls), new None(), Duration.ZERO, "");
  }

  /** 429 with {@code retry-after}. */
  public static ScriptedReply rateLimited(int seconds) {
    return text("")
        .with(
            new Status(
                429,
                Map.of("retry-after", Integer.toString(seconds)),
                "rate_limit_error",
                "Too many requests"));
  }

  /** Anthropic's 529. */
  public static ScriptedReply overloaded() {
    return text("").with(new Status(529, Map.of(), "overloaded_error", "Overloaded"));
  }

  public static ScriptedReply status(int status, String type, String message) {
    return text("").with(new Status(status, Map.of(), type, message));
  }

  public ScriptedReply with(Fault other) {
    return new ScriptedReply(text, calls, other, pause, thinking);
  }

  public ScriptedReply slowly(Duration between) {
    return new ScriptedReply(text, calls, fault, between, thinking);
  }

  /**
   * With signed reasoning, which a request that answers this reply's tool calls must bring back
   * exactly.
   */
  public ScriptedReply thinking(String thought) {
    return new ScriptedReply(text, calls, fault, pause, thought);
  }
}
