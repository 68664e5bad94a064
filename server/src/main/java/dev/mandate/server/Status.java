package dev.mandate.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.db.DataFolder;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/**
 * {@code mandate status}: is it running, where, and how is it? Ends with 0 if it is well, 1 if it
 * is not, 5 if it is not running or does not answer.
 */
final class Status {
  private final Config config;
  private final boolean json;
  private final PrintStream out;

  Status(Config config, boolean json, PrintStream out) {
    this.config = config;
    this.json = json;
    this.out = out;
  }

  int run() {
    DataFolder.Occupant occupant = DataFolder.occupant(config.data());
    if (occupant == null) {
      tell(state("stopped"), "Mandate is not running on " + config.data() + ".");
      return Main.UNREACHABLE;
    }
    ObjectNode state = state("starting").put("pid", occupant.pid());
    if (occupant.address().isEmpty()) {
      tell(state, "Mandate is starting (process " + occupant.pid() + ").");
      return Main.OK;
    }
    String running =
        "Mandate is running at " + occupant.address() + " (process " + occupant.pid() + ").";
    state.put("state", "running").put("url", occupant.address());
    try (HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(Duration.ofSeconds(3))
            .sslContext(AnyCertificate.context())
            .build()) {
      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(URI.create(occupant.address() + "/health"))
                  .timeout(Duration.ofSeconds(5))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      JsonNode health = Json.read(answer.body());
      tell(state.set("health", health), running + "\n" + people(health));
      return answer.statusCode() == 200 ? Main.OK : Main.FAILED;
    } catch (IOException e) {
      tell(state.put("state", "silent"), running + "\n  but it does not answer: " + e.getMessage());
      return Main.UNREACHABLE;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Main.FAILED;
    }
  }

  private ObjectNode state(String state) {
    return Json.object().put("state", state).put("data", config.data().toString());
  }

  private void tell(JsonNode state, String text) {
    out.println(json ? state.toString() : text);
  }

  private static String people(JsonNode health) {
    StringBuilder text = new StringBuilder();
    JsonNode database = health.path("dependencies").path("postgresql");
    text.append("  version:  ").append(health.path("version").asText());
    text.append("\n  database: ")
        .append(database.path("embedded").asBoolean() ? "bundled" : "external")
        .append(database.path("reachable").asBoolean() ? "" : ", OUT OF REACH");
    if (health.at("/features/files").asText().equals("this process only")) {
      text.append("\n  files:    found by this process only: set files.folder or files.s3.bucket");
    }
    text.append("\n  runs:     ").append(health.path("active_runs").asInt()).append(" at work");
    return text.toString();
  }
}
