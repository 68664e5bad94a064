package dev.mandate.policies;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressFailure;
import dev.mandate.kernel.egress.EgressRequest;
import dev.mandate.kernel.egress.EgressResponse;
import dev.mandate.rego.value.Json;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.Value;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An Open Policy Agent of the operator's: asked for {@code data.mandate} with the same input, and
 * read by the same rules. No answer in time is an objection.
 *
 * <p>Speaks OPA's REST API, https://www.openpolicyagent.org/docs/rest-api.
 */
final class OpaServer {
  private static final Logger log = LoggerFactory.getLogger(OpaServer.class);
  private static final String RULE = "opa";
  private static final long MAX_ANSWER = 1 << 20;

  private final EgressClient egress;
  private final URI address;
  private final Duration timeout;

  OpaServer(EgressClient egress, URI base, Duration timeout) {
    this.egress = egress;
    this.address = URI.create(base.toString().replaceAll("/+$", "") + "/v1/data/mandate");
    this.timeout = timeout;
  }

  void decide(ObjectValue input, Verdict.Builder into) {
    Value answer;
    try {
      answer = ask(input);
    } catch (EgressFailure | Json.JsonException e) {
      log.error("OPA at {} gives no answer, so the call is refused: {}", address, e.getMessage());
      into.error("no answer", RULE);
      return;
    } catch (RuntimeException e) {
      log.error("OPA at {} cannot be asked, so the call is refused", address, e);
      into.error("no answer", RULE);
      return;
    }
    if (!(answer instanceof ObjectValue object
        && object.get("result") instanceof ObjectValue result)) {
      log.error("OPA at {} has no document data.mandate, so the call is refused", address);
      into.error("it has no document data.mandate", RULE);
      return;
    }
    for (EntryPoint point : EntryPoint.values()) {
      String rule = RULE + "." + point.rule;
      point.readAll(result.get(point.rule), true, member -> rule, into);
    }
  }

  private Value ask(ObjectValue input) {
    String body = Json.write(ObjectValue.builder().put("input", input).build());
    EgressRequest request =
        EgressRequest.post(
                address,
                Map.of("content-type", "application/json", "accept", "application/json"),
                body.getBytes(StandardCharsets.UTF_8))
            .within(timeout, timeout)
            .atMost(MAX_ANSWER)
            .asOperator(true);
    try (EgressResponse response = egress.send(request, new CancelSignal())) {
      String text = new String(response.readAll(), StandardCharsets.UTF_8);
      if (response.status() != 200) {
        throw new IllegalStateException("it answers with status " + response.status());
      }
      return Json.parse(text);
    }
  }
}
