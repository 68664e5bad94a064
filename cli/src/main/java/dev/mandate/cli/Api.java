package dev.mandate.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The server's REST API. Every failure comes out as a {@link CliFailure} that says what and where.
 */
final class Api {
  private static final Duration TIMEOUT = Duration.ofMinutes(11);

  private final String url;
  private final String token;
  private final String caFile;
  private final HttpClient http;

  /** A server whose certificate, if it has one, Java's authorities vouch for. */
  Api(String url, String token) {
    this(new Profiles.Profile(url, token, ""));
  }

  Api(Profiles.Profile server) {
    this.url = Profiles.trim(server.url());
    this.token = server.token();
    this.caFile = server.caFile();
    this.http = Trust.client(url, caFile).connectTimeout(Duration.ofSeconds(5)).build();
  }

  /** For addresses that the server hands out, which may be another's. */
  HttpClient.Builder client(URI address) {
    return Trust.client(address.toString(), caFile);
  }

  String url() {
    return url;
  }

  JsonNode get(String path) {
    return send("GET", path, null);
  }

  JsonNode post(String path, JsonNode body) {
    return send("POST", path, body);
  }

  JsonNode patch(String path, JsonNode body) {
    return send("PATCH", path, body);
  }

  JsonNode delete(String path) {
    return send("DELETE", path, null);
  }

  /** Follows the pages of a list until it ends or {@code limit} items are there. */
  List<JsonNode> list(String path, String field, Map<String, String> query, int limit) {
    List<JsonNode> items = new ArrayList<>();
    String token = "";
    do {
      StringBuilder page = new StringBuilder(path);
      page.append("?pageSize=").append(Math.min(limit - items.size(), 100));
      query.forEach((name, value) -> {
        if (!value.isEmpty()) {
          page.append('&').append(name).append('=').append(encode(value));
        }
      });
      if (!token.isEmpty()) {
        page.append("&pageToken=").append(encode(token));
      }
      JsonNode answer = get(page.toString());
      answer.path(field).forEach(items::add);
      token = Json.text(answer, "nextPageToken");
    } while (!token.isEmpty() && items.size() < limit);
    return items;
  }

  /** For one segment of a path or one query value. */
  static String encode(String value) {
    return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private JsonNode send(String method, String path, @Nullable JsonNode body) {
    HttpRequest.Builder request = request(path).timeout(TIMEOUT);
    if (body == null) {
      request.method(method, HttpRequest.BodyPublishers.noBody());
    } else {
      request
          .header("Content-Type", "application/json")
          .method(method, HttpRequest.BodyPublishers.ofString(Json.compact(body)));
    }
    if (method.equals("POST")) {
      request.header("Idempotency-Key", UUID.randomUUID().toString());
    }
    try {
      HttpResponse<String> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
      if (response.statusCode() / 100 != 2) {
        throw failure(response.statusCode(), response.body());
      }
      return response.body().isEmpty() ? Json.object() : Json.parse(response.body());
    } catch (JsonProcessingException notJson) {
      throw CliFailure.failed(url + " answered something that is not JSON: is it Mandate?");
    } catch (IOException unreachable) {
      throw unreachable(unreachable);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw CliFailure.answered(Exit.CANCELLED, "canceled", "", "cancelled");
    }
  }

  /** Opens a stream of events after {@code lastEventId} (none if empty). */
  InputStream open(String path, String lastEventId) throws IOException, InterruptedException {
    HttpRequest.Builder request = request(path).header("Accept", "text/event-stream");
    if (!lastEventId.isEmpty()) {
      request.header("Last-Event-ID", lastEventId);
    }
    HttpResponse<InputStream> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() / 100 != 2) {
      try (InputStream body = response.body()) {
        throw failure(
            response.statusCode(), new String(body.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return response.body();
  }

  CliFailure unreachable(IOException cause) {
    String why =
        cause instanceof ConnectException
            ? "nothing answers there"
            : cause instanceof HttpTimeoutException
                ? "it does not answer in time"
                : String.valueOf(cause.getMessage());
    if (cause instanceof SSLException) {
      return CliFailure.unreachable(
          "cannot trust "
              + url
              + ": "
              + why
              + ". MANDATE_CA_FILE or `mandate login --ca-file` name a PEM file with the certificate of"
              + " the server or of its authority.");
    }
    return CliFailure.unreachable(
        "cannot reach " + url + ": " + why + ". `mandate up` starts a server here.");
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request;
    try {
      request = HttpRequest.newBuilder(URI.create(url + path));
    } catch (IllegalArgumentException malformed) {
      throw CliFailure.usage("'" + url + "' is not an address like http://127.0.0.1:6263");
    }
    request.header("User-Agent", "mandate-cli");
    if (!token.isEmpty()) {
      request.header("Authorization", "Bearer " + token);
    }
    return request;
  }

  private CliFailure failure(int status, String body) {
    JsonNode error;
    try {
      error = Json.parse(body);
    } catch (JsonProcessingException notOurs) {
      error = Json.object();
    }
    String message = Json.text(error, "message");
    if (message.isEmpty()) {
      message = url + " answered with status " + status;
    }
    if (status == 401 && Json.text(error.path("details"), "reason").equals("UNAUTHENTICATED")) {
      message +=
          token.isEmpty()
              ? ". Sign in with `mandate login " + url + "`."
              : ". If the token is not valid any more: `mandate login " + url + "`.";
    }
    return failure(error, message, status);
  }

  /** An error that came as an event of a stream. */
  static CliFailure failure(JsonNode error) {
    int status =
        switch (Json.text(error, "code")) {
          case "unavailable" -> 503;
          case "unauthenticated" -> 401;
          case "permission_denied" -> 403;
          case "internal" -> 500;
          default -> 400;
        };
    return failure(error, Json.text(error, "message"), status);
  }

  private static CliFailure failure(JsonNode error, String message, int status) {
    String reason = Json.text(error.path("details"), "reason");
    String trace = Json.text(error, "trace_id");
    boolean defect = status >= 500 && !trace.isEmpty();
    return CliFailure.answered(
        exit(status, reason),
        Json.text(error, "code"),
        reason,
        defect ? message + " (trace " + trace + ")" : message);
  }

  private static int exit(int status, String reason) {
    if (reason.startsWith("APPROVAL_") && status != 404) {
      return Exit.APPROVAL_NEEDED;
    }
    return switch (status) {
      case 401, 403 -> Exit.DENIED;
      case 502, 503, 504 -> Exit.UNREACHABLE;
      default -> Exit.FAILED;
    };
  }
}
