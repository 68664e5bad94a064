package dev.mandate.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.models.ModelFailure.Kind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Tells the kinds of a provider's errors apart, from the status and what the body says. */
final class ProviderErrors {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Duration LONGEST_WAIT = Duration.ofHours(1);

  private ProviderErrors() {}

  /** An answer that is not 2xx. */
  static ModelFailure ofStatus(int status, byte[] body, @Nullable Duration retryAfter) {
    JsonNode error = error(body);
    String message = Wire.text(error, "message");
    String code = code(error);
    Kind kind = kind(status, code, message);
    String said = kind == Kind.AUTH || message.isEmpty() ? "" : ": " + printable(message);
    String what =
        switch (kind) {
          // Some providers quote the key in this message, so it is not passed on.
          case AUTH -> "the provider refuses the key, or the key may not do this";
          case QUOTA -> "the provider's account has no credit left";
          case RATE_LIMITED -> "the provider says there are too many requests";
          case OVERLOADED -> "the provider cannot answer now";
          case CONTEXT_TOO_LONG -> "the conversation is too long for the model";
          default -> "the provider does not take the request";
        };
    return new ModelFailure(kind, what + " (HTTP " + status + ")" + said, retryAfter, null);
  }

  /** An error that arrives in the middle of a stream. */
  static ModelFailure inStream(JsonNode error) {
    String message = Wire.text(error, "message");
    Kind kind = kind(error.path("code").asInt(0), code(error), message);
    String said = kind == Kind.AUTH || message.isEmpty() ? "" : ": " + printable(message);
    return new ModelFailure(kind, "the provider broke the answer off" + said);
  }

  /** How long {@code retry-after-ms} or {@code retry-after} (seconds or a date) asks to wait. */
  static @Nullable Duration retryAfter(@Nullable String millis, @Nullable String seconds) {
    Duration wait = null;
    try {
      if (millis != null) {
        wait = Duration.ofMillis((long) Double.parseDouble(millis.strip()));
      } else if (seconds != null && seconds.strip().matches("[0-9.]+")) {
        wait = Duration.ofMillis((long) (Double.parseDouble(seconds.strip()) * 1000));
      } else if (seconds != null) {
        ZonedDateTime until =
            ZonedDateTime.parse(seconds.strip(), DateTimeFormatter.RFC_1123_DATE_TIME);
        wait = Duration.between(ZonedDateTime.now(until.getZone()), until);
      }
    } catch (NumberFormatException | DateTimeParseException e) {
      return null;
    }
    if (wait == null || wait.isNegative()) {
      return wait == null ? null : Duration.ZERO;
    }
    return wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
  }

  private static Kind kind(int status, String code, String message) {
    String lower = message.toLowerCase(Locale.ROOT);
    if (code.contains("context_length")
        || lower.contains("prompt is too long")
        || lower.contains("maximum context length")
        || lower.contains("context window")) {
      return Kind.CONTEXT_TOO_LONG;
    }
    if (code.contains("insufficient_quota")
        || code.contains("billing")
        || status == 402
        || lower.contains("credit balance is too low")) {
      return Kind.QUOTA;
    }
    if (status == 401
        || status == 403
        || code.contains("authentication")
        || code.contains("permission")
        || code.contains("invalid_api_key")
        // Gemini answers 400 to a wrong key.
        || lower.contains("api key not valid")) {
      return Kind.AUTH;
    }
    if (status == 429 || code.contains("rate_limit") || code.contains("resource_exhausted")) {
      return Kind.RATE_LIMITED;
    }
    if (status == 408 || status >= 500) {
      return Kind.OVERLOADED;
    }
    if (status >= 300 || code.contains("invalid_request") || code.contains("not_found")) {
      return Kind.INVALID_REQUEST;
    }
    return Kind.OVERLOADED;
  }

  /** All the words that name the error: {@code type}, {@code code} and {@code status}. */
  private static String code(JsonNode error) {
    return (Wire.text(error, "type")
            + " "
            + Wire.text(error, "code")
            + " "
            + Wire.text(error, "status"))
        .toLowerCase(Locale.ROOT);
  }

  private static JsonNode error(byte[] body) {
    try {
      JsonNode root = MAPPER.readTree(new String(body, StandardCharsets.UTF_8));
      // Gemini wraps its error in an array.
      JsonNode object = root.isArray() ? root.path(0) : root;
      JsonNode error = object.path("error");
      if (error.isTextual()) {
        return MAPPER.createObjectNode().put("message", error.asText());
      }
      return error.isObject() ? error : object;
    } catch (JsonProcessingException e) {
      // A page of some gateway: its status says what can be said.
      return MAPPER.createObjectNode();
    }
  }

  private static String printable(String message) {
    return message.replaceAll("\\p{Cntrl}+", " ").strip();
  }
}
