package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 connection that is kept, with one credential, for one thread. Written on a plain
 * socket: a client that does more would be most of what is measured. Every answer but 2xx is a
 * {@link WrongAnswer}.
 */
final class Client implements AutoCloseable {
  static final ObjectMapper JSON = new ObjectMapper();

  /** An answer; header names are in lower case. */
  record Response(int status, Map<String, String> headers, String text) {}

  private static final int PATIENCE_MILLIS = 120_000;

  private final String url;
  private final Map<String, String> headers;
  private final Socket socket;
  private final InputStream in;

  /**
   * @param url {@code http://host:port}
   * @param headers sent with each request
   */
  Client(String url, Map<String, String> headers) {
    this.url = url;
    this.headers = Map.copyOf(headers);
    URI uri = URI.create(url);
    try {
      socket = new Socket(InetAddress.getByName(uri.getHost()), uri.getPort());
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(PATIENCE_MILLIS);
      in = new BufferedInputStream(socket.getInputStream(), 16 * 1024);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot connect to " + url, e);
    }
  }

  /** Somebody with a bearer token; empty for nobody. */
  static Client of(String url, String token) {
    return new Client(url, token.isEmpty() ? Map.of() : Map.of("authorization", "Bearer " + token));
  }

  /** Another connection of the same caller. */
  Client another() {
    return new Client(url, headers);
  }

  JsonNode get(String path) {
    return json(exchange(request("GET", path, null)));
  }

  JsonNode post(String path, String json) {
    return json(exchange(request("POST", path, json)));
  }

  JsonNode patch(String path, String json) {
    return json(exchange(request("PATCH", path, json)));
  }

  static JsonNode json(Response response) {
    try {
      return JSON.readTree(response.text());
    } catch (IOException e) {
      throw new WrongAnswer("no JSON: " + response.text());
    }
  }

  /** The bytes of a request, to be sent as often as needed. */
  byte[] request(String method, String path, @Nullable String body) {
    byte[] content = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
    StringBuilder head = new StringBuilder();
    head.append(method).append(' ').append(path).append(" HTTP/1.1\r\n");
    head.append("host: ").append(URI.create(url).getAuthority()).append("\r\n");
    headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    if (body != null) {
      head.append("content-type: application/json\r\n");
      head.append("content-length: ").append(content.length).append("\r\n");
    }
    head.append("\r\n");
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    request.writeBytes(head.toString().getBytes(StandardCharsets.US_ASCII));
    request.writeBytes(content);
    return request.toByteArray();
  }

  /** Sends a request and reads the whole answer. */
  Response exchange(byte[] request) {
    try {
      socket.getOutputStream().write(request);
      Response head = head();
      byte[] body =
          "chunked".equalsIgnoreCase(head.headers().get("transfer-encoding"))
              ? chunked()
              : in.readNBytes(Integer.parseInt(head.headers().getOrDefault("content-length", "0")));
      Response response =
          new Response(head.status(), head.headers(), new String(body, StandardCharsets.UTF_8));
      if (response.status() / 100 != 2) {
        String first = new String(request, StandardCharsets.UTF_8).lines().findFirst().orElse("");
        throw new WrongAnswer(first + " answered " + response.status() + ": " + response.text());
      }
      return response;
    } catch (IOException e) {
      throw new UncheckedIOException("no answer from " + url, e);
    }
  }

  /** Makes this connection a stream of Server-Sent Events; nothing else can be asked then. */
  Events events(String path) {
    try {
      socket.getOutputStream().write(request("GET", path, null));
      Response head = head();
      WrongAnswer.unless(head.status() == 200, "GET " + path + " answered", head.status());
      return new Events();
    } catch (IOException e) {
      throw new UncheckedIOException("no answer from " + url, e);
    }
  }

  /** Events as they come. */
  final class Events {
    private final StringBuilder text = new StringBuilder();

    /** The data of the next event. Waits for it. */
    JsonNode next() {
      while (true) {
        int end = text.indexOf("\n\n");
        if (end >= 0) {
          String event = text.substring(0, end);
          text.delete(0, end + 2);
          for (String line : event.split("\n", -1)) {
            if (line.startsWith("data: ")) {
              WrongAnswer.unless(!event.contains("event: error"), "a stream ended", event);
              return parse(line.substring(6));
            }
          }
        } else {
          try {
            byte[] chunk = chunk();
            if (chunk.length == 0) {
              throw new WrongAnswer("a stream ended");
            }
            text.append(new String(chunk, StandardCharsets.UTF_8));
          } catch (IOException e) {
            throw new UncheckedIOException("a stream broke off", e);
          }
        }
      }
    }

    private JsonNode parse(String data) {
      try {
        return JSON.readTree(data);
      } catch (IOException e) {
        throw new WrongAnswer("no JSON in a stream: " + data);
      }
    }
  }

  private Response head() throws IOException {
    String first = line();
    int status = Integer.parseInt(first.split(" ", 3)[1]);
    Map<String, String> found = new HashMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      found.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return new Response(status, found, "");
  }

  private byte[] chunked() throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] chunk = chunk(); chunk.length > 0; chunk = chunk()) {
      body.writeBytes(chunk);
    }
    return body.toByteArray();
  }

  /** The next chunk of a body; empty after the last. */
  private byte[] chunk() throws IOException {
    int length = Integer.parseInt(line().replaceFirst(";.*", "").strip(), 16);
    byte[] bytes = in.readNBytes(length);
    line();
    return bytes;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder(64);
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("the connection was closed");
      }
      if (b != '\r') {
        line.append((char) b);
      }
    }
    return line.toString();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
