package dev.mandate.kernel;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A refusal or failure with a message that is safe to show the caller, kept apart from its cause.
 * One mapper turns it into every protocol's error: {@code {code, message, details, trace_id}}.
 *
 * <p>Domains name their cases with a {@link #reason} (upper snake case, stable: programs branch on
 * it), not with subclasses: nobody catches a failure by its type, everybody maps it by its code.
 */
public final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The codes of gRPC and Connect, with the HTTP status REST answers. */
  public enum Code {
    INVALID_ARGUMENT(400),
    UNAUTHENTICATED(401),
    PERMISSION_DENIED(403),
    NOT_FOUND(404),
    ALREADY_EXISTS(409),
    /** A stale version, or a conflict that reading again may cure. */
    ABORTED(409),
    /** Right request, wrong state: trying again does not help until the state changes. */
    FAILED_PRECONDITION(400),
    OUT_OF_RANGE(400),
    RESOURCE_EXHAUSTED(429),
    CANCELED(499),
    DEADLINE_EXCEEDED(504),
    UNIMPLEMENTED(501),
    UNAVAILABLE(503),
    INTERNAL(500);

    private final int httpStatus;

    Code(int httpStatus) {
      this.httpStatus = httpStatus;
    }

    public int httpStatus() {
      return httpStatus;
    }

    /** The lower-case name that Connect and REST errors carry, e.g. {@code not_found}. */
    public String wireName() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  private final Code code;
  private final String reason;
  private final Map<String, String> details;
  private final int httpStatus;
  private final boolean recorded;

  private Failure(
      Code code,
      String reason,
      String message,
      Map<String, String> details,
      int httpStatus,
      boolean recorded,
      @Nullable Throwable cause) {
    // Most failures are answers, not defects: only those with a cause need a stack.
    super(message, cause, false, cause != null || code == Code.INTERNAL);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.httpStatus = httpStatus;
    this.recorded = recorded;
  }

  /**
   * @param reason stable, upper snake case, e.g. {@code AGENT_NAME_TAKEN}
   * @param message for the caller: what is wrong and where; never a secret, never a stack trace
   */
  public static Failure of(Code code, String reason, String message) {
    return new Failure(code, reason, message, Map.of(), code.httpStatus(), false, null);
  }

  /**
   * A field that does not hold what it must. {@code field} is the path, e.g. {@code agent.name}.
   */
  public static Failure invalid(String field, String problem) {
    return of(Code.INVALID_ARGUMENT, "INVALID_FIELD", field + ": " + problem).with("field", field);
  }

  /** The one answer for an id that does not exist and for one of another organization. */
  public static Failure notFound(String resource) {
    return of(Code.NOT_FOUND, "NOT_FOUND", resource + " not found").with("resource", resource);
  }

  public static Failure denied(String reason, String message) {
    return of(Code.PERMISSION_DENIED, reason, message);
  }

  public static Failure unauthenticated(String message) {
    return of(Code.UNAUTHENTICATED, "UNAUTHENTICATED", message);
  }

  /** An update that carries an old version. */
  public static Failure stale(String resource, long current) {
    return of(
            Code.ABORTED,
            "STALE_VERSION",
            resource + " was changed meanwhile: read it again, its version is now " + current)
        .with("version", Long.toString(current));
  }

  public static Failure precondition(String reason, String message) {
    return of(Code.FAILED_PRECONDITION, reason, message);
  }

  public static Failure exists(String reason, String message) {
    return of(Code.ALREADY_EXISTS, reason, message);
  }

  public static Failure unavailable(String message, Throwable cause) {
    return new Failure(Code.UNAVAILABLE, "UNAVAILABLE", message, Map.of(), 503, false, cause);
  }

  /** A defect of ours. The caller sees only a trace id; the cause goes to the log. */
  public static Failure internal(Throwable cause) {
    return new Failure(
        Code.INTERNAL,
        "INTERNAL",
        "internal error; the log has it under the trace id",
        Map.of(),
        500,
        false,
        cause);
  }

  public Failure with(String key, String value) {
    Map<String, String> more = new LinkedHashMap<>(details);
    more.put(key, value);
    return new Failure(code, reason, publicMessage(), more, httpStatus, recorded, getCause());
  }

  /** The same failure with another status in REST, e.g. 422 for a reused idempotency key. */
  public Failure withHttpStatus(int status) {
    return new Failure(code, reason, publicMessage(), details, status, recorded, getCause());
  }

  /** The same failure, which has its audit entry already. */
  public Failure asRecorded() {
    return new Failure(code, reason, publicMessage(), details, httpStatus, true, getCause());
  }

  /** Whether it has its audit entry already: nobody writes another. */
  public boolean recorded() {
    return recorded;
  }

  public Code code() {
    return code;
  }

  public String reason() {
    return reason;
  }

  public String publicMessage() {
    return java.util.Objects.requireNonNull(getMessage());
  }

  public Map<String, String> details() {
    return details;
  }

  public int httpStatus() {
    return httpStatus;
  }

  /** A text without characters that do not show: {@code U+FFFD} stands for each. */
  public static String visible(String text) {
    if (text.codePoints().allMatch(Failure::shows)) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(c -> out.appendCodePoint(shows(c) ? c : 0xFFFD));
    return out.toString();
  }

  private static boolean shows(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL -> c == '\n' || c == '\t' || c == '\r';
      // Joiners are part of writing some languages, and of emoji.
      case Character.FORMAT -> c == 0x200C || c == 0x200D;
      case Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED -> false;
      default -> true;
    };
  }

  /** At most 64 characters of what a caller sent, printable, for quoting in a message. */
  public static String excerpt(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(64)
        .forEach(c -> {
          out.appendCodePoint(shows(c) && !Character.isISOControl(c) ? c : 0xFFFD);
        });
    return text.codePointCount(0, text.length()) > 64 ? out.append('…').toString() : out.toString();
  }
}
