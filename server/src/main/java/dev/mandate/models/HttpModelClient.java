package dev.mandate.models;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressFailure;
import dev.mandate.kernel.egress.EgressRequest;
import dev.mandate.kernel.egress.EgressResponse;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Calls a provider over HTTP with its codec. */
final class HttpModelClient implements ModelClient {
  /**
   * How long a call may take.
   *
   * @param stall longest silence; reasoning models think for minutes before their first word
   */
  record Limits(Duration stall, Duration total) {
    static final Limits DEFAULT = new Limits(Duration.ofMinutes(3), Duration.ofMinutes(20));
  }

  /** An event wraps each few characters of the answer, whose own bounds are narrower. */
  private static final long MOST_BYTES = 64L << 20;

  private static final int MOST_ERROR_BYTES = 64 << 10;
  private static final int LONGEST_MESSAGE = 400;

  private final EgressClient egress;
  private final Codec codec;
  private final URI url;
  private final String key;
  private final boolean operator;
  private final Limits limits;

  /**
   * @param baseUrl without the codec's path
   * @param key empty for none
   * @param operator the URL is the installation's, so it may be private
   */
  HttpModelClient(
      EgressClient egress,
      Codec codec,
      String baseUrl,
      String key,
      boolean operator,
      Limits limits) {
    this.egress = egress;
    this.codec = codec;
    this.url = URI.create(baseUrl + codec.path());
    this.key = key;
    this.operator = operator;
    this.limits = limits;
  }

  @Override
  public ModelResponse stream(
      ModelRequest request, Consumer<ModelEvent> sink, CancelSignal cancel) {
    Map<String, String> headers = new HashMap<>(codec.headers(key));
    headers.put("content-type", "application/json");
    headers.put("accept", "text/event-stream");
    EgressRequest call =
        EgressRequest.post(url, headers, codec.encode(request))
            .within(limits.stall(), limits.total())
            .atMost(MOST_BYTES)
            .asOperator(operator);
    AnswerBuilder answer = new AnswerBuilder(sink);
    Codec.Decoder decoder = codec.decoder(request, answer);
    try (EgressResponse response = egress.send(call, cancel)) {
      if (response.status() / 100 != 2) {
        throw ProviderErrors.ofStatus(
            response.status(),
            response.readUpTo(MOST_ERROR_BYTES),
            ProviderErrors.retryAfter(
                response.header("retry-after-ms"), response.header("retry-after")));
      }
      read(response, decoder);
    } catch (EgressFailure e) {
      throw failure(e);
    } catch (ModelFailure e) {
      throw shown(e);
    }
    return answer.response(request, decoder.model());
  }

  private static void read(EgressResponse response, Codec.Decoder decoder) {
    String type = response.header("content-type");
    if (type == null || !type.startsWith("text/event-stream")) {
      throw new ModelFailure(
          ModelFailure.Kind.PROTOCOL, "the provider answered with something other than a stream");
    }
    SseParser parser =
        new SseParser((name, data) -> {
          if (!decoder.complete()) {
            decoder.accept(name, data);
          }
        });
    while (!decoder.complete()) {
      byte[] bytes = response.read();
      if (bytes == null) {
        decoder.end();
        return;
      }
      parser.accept(bytes);
    }
  }

  /**
   * Providers quote what they were sent: without the key first, then no longer than can be read.
   */
  private ModelFailure shown(ModelFailure e) {
    String message = e.publicMessage();
    String clean = key.isEmpty() ? message : message.replace(key, "[key]");
    if (clean.length() > LONGEST_MESSAGE) {
      clean = clean.substring(0, LONGEST_MESSAGE).strip() + "…";
    }
    return clean.equals(message)
        ? e
        : new ModelFailure(e.kind(), clean, e.retryAfter(), e.getCause());
  }

  private static ModelFailure failure(EgressFailure e) {
    ModelFailure.Kind kind =
        switch (e.kind()) {
          case BLOCKED -> ModelFailure.Kind.BLOCKED;
          case UNREACHABLE, CUT -> ModelFailure.Kind.NETWORK;
          case STALLED, TIMED_OUT -> ModelFailure.Kind.STALLED;
          case TOO_LARGE -> ModelFailure.Kind.PROTOCOL;
          case CANCELLED -> ModelFailure.Kind.CANCELLED;
        };
    return new ModelFailure(kind, e.publicMessage(), null, e);
  }
}
