package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What an operator watches is really there, and says what is so. */
class MetricsTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final Pattern NAME =
      Pattern.compile("\\b((?:mandate|jvm|process)_[a-z0-9_]+)\\s*(?:\\{([^}]*)\\})?");
  private static final Pattern EQUALS = Pattern.compile("([a-z_]+)\\s*=\\s*\"([^\"]*)\"");

  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  @Test
  void everyFigureOfAlertsAndDashboardIsExported() throws IOException {
    List<String> expressions = new ArrayList<>();
    JsonNode alerts = new YAMLMapper().readTree(DEPLOY.resolve("prometheus/alerts.yml").toFile());
    expressions.addAll(alerts.findValuesAsText("expr"));
    JsonNode dashboard =
        new ObjectMapper().readTree(DEPLOY.resolve("grafana/mandate.json").toFile());
    expressions.addAll(dashboard.findValuesAsText("expr"));
    assertThat(expressions).hasSizeGreaterThan(20);

    TestServer.Client owner = server.owner();
    RunWaits.over(owner, owner.say("Operator", "Hello."));
    System.gc();
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> {
          String[] lines = scrape().split("\n", -1);
          for (String expression : expressions) {
            Matcher use = NAME.matcher(expression);
            while (use.find()) {
              String name = use.group(1);
              String labels = use.group(2) == null ? "" : use.group(2);
              assertThat(Stream.of(lines).filter(line -> matches(line, name, labels)))
                  .as("%s in %s", use.group(), expression)
                  .isNotEmpty();
            }
          }
        });
  }

  private static boolean matches(String line, String name, String labels) {
    if (!line.startsWith(name + "{") && !line.startsWith(name + " ")) {
      return false;
    }
    Matcher each = EQUALS.matcher(labels);
    while (each.find()) {
      if (!line.contains(each.group(1) + "=\"" + each.group(2) + "\"")) {
        return false;
      }
    }
    return true;
  }

  @Test
  void workThatWaitsAndDecisionsAreCounted() {
    TestServer.Client owner = server.owner();
    provider.enqueue(ScriptedReply.call("c1", "agents_create", "{\"name\": \"Somebody\"}"));
    String thread = owner.say("Operator", "Add somebody.");
    RunWaits.until(owner, thread, "AWAITING_APPROVAL");
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(
            () -> assertThat(value("mandate_runs{status=\"awaiting_approval\"}")).isOne());
    assertThat(value("mandate_gate_decisions_total{decision=\"needs_approval\"}")).isPositive();
    assertThat(value("mandate_gate_decisions_total{decision=\"admitted\"}")).isPositive();
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> assertThat(value("mandate_audit_unsealed")).isZero());
    for (String quantile : List.of("0.5", "0.95", "0.99")) {
      assertThat(scrape().lines())
          .anyMatch(line ->
              matches(
                  line,
                  "mandate_rpc_seconds",
                  "method=\"mandate.threads.v1.ThreadService/CreateThread\", quantile=\""
                      + quantile
                      + "\""));
    }
    // Neither whose it is nor what it is about.
    assertThat(scrape()).doesNotContain("Operator", "Somebody", thread, "example.org");
  }

  private static double value(String series) {
    return Stream.of(scrape().split("\n", -1))
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .findFirst()
        .orElse(Double.NaN);
  }

  private static String scrape() {
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(
              HttpRequest.newBuilder(URI.create(server.url() + "/metrics")).build(),
              HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
