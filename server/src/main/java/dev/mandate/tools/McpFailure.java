package dev.mandate.tools;

import dev.mandate.kernel.Failure;
import org.jspecify.annotations.Nullable;

/** Why an MCP server gave no answer. The message is fit for people and models; no secrets. */
final class McpFailure extends Exception {
  private static final long serialVersionUID = 1L;

  /** What is known about the request. */
  enum Kind {
    /** It was certainly not carried out. */
    NOT_DONE,
    /** The server answered with an error of the protocol. */
    REFUSED,
    /** It went out; whether it was carried out is unknown. */
    LOST,
    TIMEOUT,
    CANCELLED
  }

  private final Kind kind;

  McpFailure(Kind kind, String message, @Nullable Throwable cause) {
    // Part of it may be a server's own words.
    super(Failure.visible(message), cause, false, false);
    this.kind = kind;
  }

  static McpFailure notDone(String message) {
    return new McpFailure(Kind.NOT_DONE, message, null);
  }

  static McpFailure lost(String message) {
    return new McpFailure(Kind.LOST, message, null);
  }

  Kind kind() {
    return kind;
  }

  String message() {
    return java.util.Objects.requireNonNull(getMessage());
  }
}
