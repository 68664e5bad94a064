package dev.mandate.server;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.files.FileSettings;
import dev.mandate.kernel.config.Telemetry;
import dev.mandate.policies.PolicySettings;
import dev.mandate.runs.RunSettings;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The whole server on a database of its own, with a signed-in owner. Everything is real: the port,
 * PostgreSQL, the protocols. Close it.
 */
public final class TestServer implements AutoCloseable {
  public static final String EMAIL = "owner@example.org";
  public static final String PASSWORD = "correct horse battery";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final TestDatabase database;
  private final Platform platform;
  private final boolean alone;
  private final HttpClient http = HttpClient.newHttpClient();
  private final Client owner;

  private TestServer(TestDatabase database, Platform platform, boolean alone) {
    this.database = database;
    this.platform = platform;
    this.alone = alone;
    platform.start();
    this.owner = signIn(EMAIL, PASSWORD);
  }

  /** With the rehearsal model and the sample agents. */
  public static TestServer start() {
    return start(Map.of());
  }

  /**
   * @param environment where models are looked up, e.g. {@code OPENAI_BASE_URL}
   */
  public static TestServer start(Map<String, String> environment) {
    return on(TestDatabase.create(), environment);
  }

  /** A further server, or the only one, on a database that the caller made. */
  public static TestServer on(TestDatabase database, Map<String, String> environment) {
    return on(database, environment, RunSettings.DEFAULTS);
  }

  /**
   * @param runs how this server works on runs
   */
  public static TestServer on(
      TestDatabase database, Map<String, String> environment, RunSettings runs) {
    return on(database, environment, runs, files(temporary()), PolicySettings.DEFAULTS);
  }

  /**
   * @param files where this server keeps files, and which
   */
  public static TestServer on(
      TestDatabase database,
      Map<String, String> environment,
      RunSettings runs,
      FileSettings files) {
    return on(database, environment, runs, files, PolicySettings.DEFAULTS);
  }

  /** With an OPA server, or another retention of decisions. */
  public static TestServer on(
      TestDatabase database,
      Map<String, String> environment,
      RunSettings runs,
      FileSettings files,
      PolicySettings policies) {
    return on(database, environment, runs, files, policies, Telemetry.OFF);
  }

  /** That sends its spans somewhere. */
  public static TestServer on(
      TestDatabase database, Map<String, String> environment, Telemetry telemetry) {
    return on(
        database,
        environment,
        RunSettings.DEFAULTS,
        files(temporary()),
        PolicySettings.DEFAULTS,
        telemetry);
  }

  private static TestServer on(
      TestDatabase database,
      Map<String, String> environment,
      RunSettings runs,
      FileSettings files,
      PolicySettings policies,
      Telemetry telemetry) {
    Map<String, String> outside = new HashMap<>(environment);
    // Tests talk to fakes on this machine.
    outside.putIfAbsent("MANDATE_EGRESS_ALLOW", "127.0.0.1");
    PlatformSettings settings =
        new PlatformSettings(
            "127.0.0.1",
            0,
            false,
            true,
            EMAIL,
            PASSWORD,
            outside,
            null,
            runs,
            ProcessSettings.DEFAULTS,
            files,
            policies,
            Duration.ZERO,
            telemetry);
    return new TestServer(
        database, new Platform(settings, database.endpoint(), TestDatabase.keys(), false), true);
  }

  /** Another process on the same database, without models; closing it leaves the database there. */
  public TestServer beside() {
    PlatformSettings settings =
        new PlatformSettings(
            "127.0.0.1",
            0,
            false,
            true,
            EMAIL,
            PASSWORD,
            Map.of("MANDATE_EGRESS_ALLOW", "127.0.0.1"),
            null,
            RunSettings.DEFAULTS,
            files(temporary()));
    return new TestServer(
        database, new Platform(settings, database.endpoint(), TestDatabase.keys(), false), false);
  }

  /** Files in a folder: small ones, and nothing is left alone for long. */
  public static FileSettings files(Path folder) {
    return new FileSettings(
        folder,
        true,
        null,
        1 << 20,
        4 << 20,
        List.of("text/*", "application/json", "application/pdf", "image/*"),
        Duration.ofMinutes(15),
        Duration.ofMinutes(5),
        Duration.ZERO);
  }

  private static Path temporary() {
    try {
      Path folder = Files.createTempDirectory("mandate-files");
      folder.toFile().deleteOnExit();
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String url() {
    return platform.url();
  }

  public int port() {
    return platform.port();
  }

  public TestDatabase database() {
    return database;
  }

  /** The first organization's owner. */
  public Client owner() {
    return owner;
  }

  /** Signs somebody in. */
  public Client signIn(String email, String password) {
    Answer answer =
        new Client("")
            .post(
                "/api/v1/sessions",
                "{\"email\": \"%s\", \"password\": \"%s\"}".formatted(email, password));
    return new Client(answer.ok().get("accessToken").textValue());
  }

  /** Makes an organization with an owner of its own, and signs that owner in. */
  public Client newOrganization(String name) {
    // A person of the first organization founds another one, and signs in to it.
    JsonNode made = owner.post("/api/v1/organizations", "{\"name\": \"" + name + "\"}").ok();
    Answer answer =
        new Client("")
            .post(
                "/api/v1/sessions",
                "{\"email\": \"%s\", \"password\": \"%s\", \"organizationId\": \"%s\"}"
                    .formatted(EMAIL, PASSWORD, made.get("id").textValue()));
    return new Client(answer.ok().get("accessToken").textValue());
  }

  /** Somebody with a credential, or without one. */
  public Client client(String token) {
    return new Client(token);
  }

  /**
   * What came back.
   *
   * @param body JSON, or null if there was none
   */
  public record Answer(int status, @Nullable JsonNode body, HttpResponse<String> response) {
    /** The body of an answer that must be a success. */
    public JsonNode ok() {
      if (status / 100 != 2 || body == null) {
        throw new AssertionError(response.uri() + " answered " + status + ": " + body);
      }
      return body;
    }

    /** The error's reason, e.g. {@code NOT_FOUND}; empty for a success. */
    public String reason() {
      return body == null ? "" : body.path("details").path("reason").asText("");
    }
  }

  /** Speaks REST with one credential. */
  public final class Client {
    private final String token;

    private Client(String token) {
      this.token = token;
    }

    public String token() {
      return token;
    }

    public Answer get(String path) {
      return call("GET", path, null);
    }

    public Answer post(String path, String json) {
      return call("POST", path, json);
    }

    public Answer call(String method, String path, @Nullable String json) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create(url() + path))
              .timeout(Duration.ofSeconds(60))
              .method(
                  method,
                  json == null
                      ? HttpRequest.BodyPublishers.noBody()
                      : HttpRequest.BodyPublishers.ofString(json));
      if (json != null) {
        request.header("content-type", "application/json");
      }
      if (!token.isEmpty()) {
        request.header("authorization", "Bearer " + token);
      }
      try {
        HttpResponse<String> response =
            http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        JsonNode body = response.body().isEmpty() ? null : JSON.readTree(response.body());
        return new Answer(response.statusCode(), body, response);
      } catch (IOException e) {
        throw new AssertionError(method + " " + path, e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError(e);
      }
    }

    /** The id of one of the organization's agents. */
    public String agent(String name) {
      JsonNode agents = get("/api/v1/agents?name=" + name).ok().get("agents");
      if (agents.isEmpty()) {
        throw new AssertionError("no agent " + name);
      }
      return agents.get(0).get("id").textValue();
    }

    /** Opens a thread with an agent and says something; the thread's id. */
    public String say(String agent, String text) {
      String thread =
          post("/api/v1/threads", "{\"agentIds\": [\"" + agent(agent) + "\"]}")
              .ok()
              .get("id")
              .textValue();
      post(
              "/api/v1/threads/" + thread + "/messages",
              JSON.createObjectNode().put("text", text).toString())
          .ok();
      return thread;
    }

    /** The thread's newest run. */
    public JsonNode run(String thread) {
      JsonNode runs = get("/api/v1/runs?threadId=" + thread).ok().get("runs");
      if (runs.isEmpty()) {
        throw new AssertionError("no run on thread " + thread);
      }
      return runs.get(0);
    }

    /** All of a run's steps. */
    public JsonNode steps(String run) {
      return get("/api/v1/runs/" + run + "/steps?pageSize=200").ok().get("steps");
    }

    /** Says yes to everything a thread's run asks, until the run is over; the run. */
    public JsonNode approveUntilOver(String thread) {
      Set<String> over = Set.of("SUCCEEDED", "FAILED", "CANCELLED", "PAUSED", "IN_DOUBT");
      return Objects.requireNonNull(
          await("the run is over")
              .atMost(Duration.ofSeconds(60))
              .pollInterval(Duration.ofMillis(20))
              .until(
                  () -> {
                    JsonNode run = run(thread);
                    if (run.get("status").textValue().equals("AWAITING_APPROVAL")) {
                      approveAll();
                    }
                    return run;
                  },
                  run -> over.contains(run.get("status").textValue())));
    }

    private void approveAll() {
      for (JsonNode approval : get("/api/v1/approvals?status=PENDING").ok().get("approvals")) {
        Answer answer =
            post("/api/v1/approvals/" + approval.get("id").textValue() + ":approve", "{}");
        // Another run's may end meanwhile.
        if (!answer.reason().equals("ALREADY_DECIDED")) {
          answer.ok();
        }
      }
    }
  }

  @Override
  public void close() {
    http.close();
    platform.close();
    if (alone) {
      database.close();
    }
  }
}
