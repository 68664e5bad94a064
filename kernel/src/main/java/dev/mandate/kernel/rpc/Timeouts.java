package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.RequestHeaders;
import dev.mandate.kernel.Failure;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The time that a caller grants its call, as each protocol says it. Null if it says nothing. */
final class Timeouts {
  private static final Pattern PLAIN = Pattern.compile("([0-9]{1,8})(ms|s|m)");
  private static final Pattern CONNECT = Pattern.compile("[0-9]{1,10}");
  private static final Pattern GRPC = Pattern.compile("([0-9]{1,8})([HMSmun])");

  private Timeouts() {}

  /** {@code X-Request-Timeout: 500ms}, for REST. */
  static @Nullable Duration rest(RequestHeaders headers) {
    String text = headers.get("x-request-timeout");
    if (text == null) {
      return null;
    }
    Matcher parts = PLAIN.matcher(text);
    if (!parts.matches()) {
      throw Failure.invalid("X-Request-Timeout", "must be a number with ms, s or m, such as 500ms");
    }
    long amount = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      default -> Duration.ofMinutes(amount);
    };
  }

  /** {@code Connect-Timeout-Ms: 500}. */
  static @Nullable Duration connect(RequestHeaders headers) {
    String text = headers.get("connect-timeout-ms");
    if (text == null) {
      return null;
    }
    if (!CONNECT.matcher(text).matches()) {
      throw Failure.invalid("Connect-Timeout-Ms", "must be at most ten digits");
    }
    return Duration.ofMillis(Long.parseLong(text));
  }

  /** {@code grpc-timeout: 500m}. */
  static @Nullable Duration grpc(RequestHeaders headers) {
    String text = headers.get("grpc-timeout");
    if (text == null) {
      return null;
    }
    Matcher parts = GRPC.matcher(text);
    if (!parts.matches()) {
      throw Failure.invalid("grpc-timeout", "must be at most eight digits and one of H M S m u n");
    }
    TimeUnit unit =
        switch (parts.group(2)) {
          case "H" -> TimeUnit.HOURS;
          case "M" -> TimeUnit.MINUTES;
          case "S" -> TimeUnit.SECONDS;
          case "m" -> TimeUnit.MILLISECONDS;
          case "u" -> TimeUnit.MICROSECONDS;
          default -> TimeUnit.NANOSECONDS;
        };
    return Duration.ofNanos(unit.toNanos(Long.parseLong(parts.group(1))));
  }
}
