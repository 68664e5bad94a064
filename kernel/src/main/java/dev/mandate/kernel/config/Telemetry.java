package dev.mandate.kernel.config;

import dev.mandate.kernel.Failure;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where this server's own spans are sent, by OpenTelemetry's names. Off without an endpoint. */
public record Telemetry(
    @Setting(
            value =
                "URL of an OpenTelemetry collector that takes OTLP over HTTP, such as"
                    + " `http://localhost:4318`; `/v1/traces` is appended. With it every call, run,"
                    + " model call, tool call and job is sent there as a span.",
            environment = "OTEL_EXPORTER_OTLP_ENDPOINT")
        String endpoint,
    @Setting(
            value = "The same for spans alone: goes before `endpoint`, and nothing is appended.",
            environment = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        String tracesEndpoint,
    @Setting(
            value = "Headers to send with them: `name=value,name=value`, values percent-encoded.",
            environment = {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"})
        Secret headers,
    @Setting(
            value = "How spans are sent. Only `http/protobuf` is supported.",
            byDefault = "http/protobuf",
            environment = {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"})
        String protocol,
    @Setting(
            value = "`otlp`, or `none` to send nothing in spite of an endpoint.",
            byDefault = "otlp",
            environment = "OTEL_TRACES_EXPORTER")
        String exporter,
    @Setting(
            value = "Whether nothing is sent in spite of an endpoint.",
            byDefault = "false",
            environment = "OTEL_SDK_DISABLED")
        boolean disabled,
    @Setting(
            value = "What this server is called in traces.",
            byDefault = "mandate",
            environment = "OTEL_SERVICE_NAME")
        String serviceName,
    @Setting(
            value =
                "More about this server: `name=value,name=value`, values percent-encoded, such as"
                    + " `deployment.environment.name=test`.",
            environment = "OTEL_RESOURCE_ATTRIBUTES")
        String resourceAttributes,
    @Setting(
            value =
                "Which traces are sent: `always_on`, `always_off`, `traceidratio`, or the same with"
                    + " `parentbased_` in front, which leaves it to the caller who sends a"
                    + " `traceparent`.",
            byDefault = "parentbased_always_on",
            environment = "OTEL_TRACES_SAMPLER")
        String sampler,
    @Setting(
            value = "For the ratio: the share that is sent, from 0 to 1. Without it, 1.",
            environment = "OTEL_TRACES_SAMPLER_ARG")
        String samplerArg) {

  /** Sends nothing. */
  public static final Telemetry OFF = to("");

  private static final List<String> SAMPLERS = List.of("always_on", "always_off", "traceidratio");
  private static final String PARENT_BASED = "parentbased_";

  public Telemetry {
    // Variables that are meant for other programs of the machine must not stop one that sends
    // nothing.
    if (!disabled && !(endpoint.isEmpty() && tracesEndpoint.isEmpty())) {
      check(endpoint, tracesEndpoint, protocol, exporter, sampler);
      pairs("telemetry.headers", headers.value());
      pairs("telemetry.resource-attributes", resourceAttributes);
      ratio(samplerArg);
    }
  }

  /** Everything to one collector. */
  public static Telemetry to(String endpoint) {
    return new Telemetry(
        endpoint,
        "",
        new Secret(""),
        "http/protobuf",
        "otlp",
        false,
        "mandate",
        "",
        "parentbased_always_on",
        "");
  }

  private static void check(
      String endpoint, String tracesEndpoint, String protocol, String exporter, String sampler) {
    url("telemetry.endpoint", endpoint);
    url("telemetry.traces-endpoint", tracesEndpoint);
    if (!protocol.equals("http/protobuf")) {
      throw unsupported("telemetry.protocol", protocol, "http/protobuf");
    }
    if (!exporter.equals("otlp") && !exporter.equals("none")) {
      throw unsupported("telemetry.exporter", exporter, "otlp or none");
    }
    if (!SAMPLERS.contains(withoutParent(sampler))) {
      throw unsupported(
          "telemetry.sampler",
          sampler,
          String.join(", ", SAMPLERS) + ", each also with parentbased_ in front");
    }
  }

  private static Failure unsupported(String path, String value, String instead) {
    return Failure.invalid(
        path, "'" + Failure.excerpt(value) + "' is not supported; it can be " + instead);
  }

  private static void url(String path, String url) {
    if (!url.isEmpty() && !url.matches("https?://[^/?#@\\s]+(/[^?#\\s]*)?")) {
      throw Failure.invalid(path, "must be like http://localhost:4318, without user and query");
    }
  }

  private static double ratio(String text) {
    try {
      double ratio = text.isEmpty() ? 1 : Double.parseDouble(text);
      if (ratio >= 0 && ratio <= 1) {
        return ratio;
      }
    } catch (NumberFormatException e) {
      // The same answer as to a number that is none of these.
    }
    throw Failure.invalid(
        "telemetry.sampler-arg", "'" + Failure.excerpt(text) + "' is not between 0 and 1");
  }

  /** OpenTelemetry's lists; a wrong one is not shown, for it may be one of secrets. */
  private static Map<String, String> pairs(String path, String text) {
    Map<String, String> pairs = new LinkedHashMap<>();
    for (String pair : text.split(",", -1)) {
      int equals = pair.indexOf('=');
      if (pair.isBlank()) {
        continue;
      }
      try {
        if (equals > 0) {
          String value = pair.substring(equals + 1).strip().replace("+", "%2B");
          pairs.put(
              pair.substring(0, equals).strip(), URLDecoder.decode(value, StandardCharsets.UTF_8));
          continue;
        }
      } catch (IllegalArgumentException e) {
        // Not percent-encoded.
      }
      throw Failure.invalid(path, "must be name=value,name=value with percent-encoded values");
    }
    return pairs;
  }

  private static String withoutParent(String sampler) {
    return sampler.startsWith(PARENT_BASED) ? sampler.substring(PARENT_BASED.length()) : sampler;
  }

  /** Whether spans are sent at all. */
  public boolean on() {
    return !disabled && exporter.equals("otlp") && !(endpoint + tracesEndpoint).isEmpty();
  }

  /** Where to. Only if {@link #on}. */
  public String url() {
    return tracesEndpoint.isEmpty() ? endpoint.replaceAll("/$", "") + "/v1/traces" : tracesEndpoint;
  }

  public Map<String, String> headerFields() {
    return pairs("telemetry.headers", headers.value());
  }

  public Map<String, String> resource() {
    return pairs("telemetry.resource-attributes", resourceAttributes);
  }

  /** Whether the caller's decision counts, if there is one. */
  public boolean parentBased() {
    return sampler.startsWith(PARENT_BASED);
  }

  /** The share of traces that is sent, where there is no caller's decision. */
  public double share() {
    return switch (withoutParent(sampler)) {
      case "always_on" -> 1;
      case "always_off" -> 0;
      default -> ratio(samplerArg);
    };
  }
}
