package dev.mandate.server;

import com.fasterxml.jackson.databind.JsonNode;
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

/** {@code mandate status}: is it running, where, and how is it? */
final class Status {
  private static final int NOT_RUNNING = 3;

  private final Config config;
  private final PrintStream out;

  Status(Config config, PrintStream out) {
    this.config = config;
    this.out = out;
  }

  int run() {
    DataFolder.Occupant occupant = DataFolder.occupant(config.data());
    if (occupant == null) {
      out.println("Mandate is not running on " + config.data() + ".");
      return NOT_RUNNING;
    }
    if (occupant.address().isEmpty()) {
      out.println("Mandate is starting (process " + occupant.pid() + ").");
      return Main.OK;
    }
    out.println(
        "Mandate is running at " + occupant.address() + " (process " + occupant.pid() + ").");
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
      JsonNode database = health.path("dependencies").path("postgresql");
      out.println("  version:  " + health.path("version").asText());
      out.println(
          "  database: "
              + (database.path("embedded").asBoolean() ? "bundled" : "external")
              + (database.path("reachable").asBoolean() ? "" : ", OUT OF REACH"));
      if (health.at("/features/files").asText().equals("this process only")) {
        out.println("  files:    found by this process only: set files.folder or files.s3.bucket");
      }
      out.println("  runs:     " + health.path("active_runs").asInt() + " at work");
      return answer.statusCode() == 200 ? Main.OK : Main.FAILED;
    } catch (IOException e) {
      out.println("  but it does not answer: " + e.getMessage());
      return Main.FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Main.FAILED;
    }
  }
}
