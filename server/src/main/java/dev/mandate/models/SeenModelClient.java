package dev.mandate.models;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.telemetry.Secrets;
import dev.mandate.kernel.telemetry.Span;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Each call of a provider as a span, by OpenTelemetry's conventions for generative AI. What was
 * asked and answered is not in it.
 *
 * @param baseUrl empty if there is none
 */
record SeenModelClient(ModelClient client, Provider provider, String baseUrl)
    implements ModelClient {
  @Override
  public ModelResponse stream(
      ModelRequest request, Consumer<ModelEvent> sink, CancelSignal cancel) {
    Span span = Span.current().child(Span.Kind.CLIENT, "chat", request.model());
    if (span.recorded()) {
      asked(span, request);
    }
    try {
      ModelResponse response = span.call(() -> client.stream(request, sink, cancel));
      if (span.recorded()) {
        answered(span, response);
      }
      return response;
    } catch (ModelFailure e) {
      span.fail(e.kind().name().toLowerCase(Locale.ROOT));
      throw e;
    } catch (RuntimeException e) {
      span.fail(e.getClass().getSimpleName());
      throw e;
    } finally {
      span.end();
    }
  }

  private void asked(Span span, ModelRequest request) {
    span.set("gen_ai.operation.name", "chat")
        .set(
            "gen_ai.provider.name",
            provider == Provider.GEMINI ? "gcp.gemini" : provider.wireName())
        .set("gen_ai.request.model", request.model());
    if (request.maxTokens() > 0) {
      span.set("gen_ai.request.max_tokens", request.maxTokens());
    }
    if (!baseUrl.isEmpty()) {
      URI url = URI.create(baseUrl);
      span.set("server.address", url.getHost());
      if (url.getPort() > 0) {
        span.set("server.port", url.getPort());
      }
    }
  }

  private static void answered(Span span, ModelResponse response) {
    TokenUsage usage = response.usage();
    span.set("gen_ai.response.model", Secrets.mask(response.model()))
        .set("gen_ai.response.finish_reasons", List.of(reason(response.stopReason())))
        .set("gen_ai.usage.input_tokens", usage.input())
        .set("gen_ai.usage.output_tokens", usage.output())
        .set("gen_ai.usage.cache_read.input_tokens", usage.cachedInput())
        .set("gen_ai.usage.cache_creation.input_tokens", usage.cacheWrite());
  }

  private static String reason(StopReason reason) {
    return switch (reason) {
      case END, STOP_SEQUENCE -> "stop";
      case TOOL_USE -> "tool_call";
      case MAX_TOKENS -> "length";
      case REFUSAL -> "content_filter";
      case OTHER -> "other";
    };
  }
}
