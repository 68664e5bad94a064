package dev.mandate.models;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressFailure;
import dev.mandate.kernel.egress.EgressRequest;
import dev.mandate.kernel.egress.EgressResponse;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Makes the client of a model, and asks servers that name none what they serve. */
final class ModelClients {
  private static final Duration ASK = Duration.ofSeconds(5);
  private static final long ASK_BYTES = 4L << 20;

  private final EgressClient egress;
  private final ModelClient rehearsal;

  /** What a server was found to serve first. An answer holds until the program ends. */
  private final Map<String, String> served = new ConcurrentHashMap<>();

  ModelClients(EgressClient egress, ModelClient rehearsal) {
    this.egress = egress;
    this.rehearsal = rehearsal;
  }

  ResolvedModel resolve(Model model, String key) {
    if (model.provider() == Provider.REHEARSAL) {
      return new ResolvedModel(
          model.name(),
          model.provider(),
          model.remoteName(),
          new SeenModelClient(rehearsal, model.provider(), ""),
          model.prices(),
          false,
          true);
    }
    Codec codec =
        model.provider() == Provider.ANTHROPIC
            ? new AnthropicCodec()
            : new OpenAiChatCodec(model.provider());
    String remote =
        model.remoteName().isEmpty() ? firstServed(model, codec, key) : model.remoteName();
    ModelClient client =
        new HttpModelClient(
            egress,
            codec,
            model.baseUrl(),
            key,
            model.fromEnvironment(),
            HttpModelClient.Limits.DEFAULT);
    boolean vision =
        model.remoteName().isEmpty() ? Vision.guess(model.provider(), remote) : model.vision();
    return new ResolvedModel(
        model.name(),
        model.provider(),
        remote,
        new SeenModelClient(client, model.provider(), model.baseUrl()),
        model.prices(),
        vision,
        false);
  }

  private String firstServed(Model model, Codec codec, String key) {
    String known = served.get(model.baseUrl());
    if (known != null) {
      return known;
    }
    EgressRequest ask =
        EgressRequest.get(URI.create(model.baseUrl() + "/models"), codec.headers(key))
            .within(ASK, ASK)
            .atMost(ASK_BYTES)
            .asOperator(model.fromEnvironment());
    String where = model.provider().wireName() + " at " + model.baseUrl();
    String name;
    try (EgressResponse response = egress.send(ask, new CancelSignal())) {
      byte[] body = response.readAll();
      if (response.status() != 200) {
        throw nothing(
            where + " answers HTTP " + response.status() + " to a request for its models");
      }
      JsonNode list = Wire.read(new String(body, StandardCharsets.UTF_8));
      name = Wire.text(list.path("data").path(0), "id");
    } catch (EgressFailure e) {
      throw nothing(where + " does not say which models it has: " + e.publicMessage());
    } catch (ModelFailure e) {
      throw nothing(where + " does not answer like a model server");
    }
    if (name.isEmpty()) {
      throw nothing(where + " has no models");
    }
    served.put(model.baseUrl(), name);
    return name;
  }

  private static Failure nothing(String message) {
    return Failure.precondition("MODEL_UNKNOWN", message);
  }
}
