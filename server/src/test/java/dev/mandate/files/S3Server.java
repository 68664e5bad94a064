package dev.mandate.files;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * A small S3 with one bucket, addressed by path. It checks each signature from what came over the
 * wire, by a reckoning of its own, and answers 403 to whatever does not fit.
 */
final class S3Server implements AutoCloseable {
  static final String ACCESS = "test-access";
  static final String SECRET = "test-secret-key";
  static final String REGION = "eu-test-1";
  static final String BUCKET = "bucket";

  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'");

  private final HttpServer server;
  private final Map<String, byte[]> objects = new ConcurrentHashMap<>();
  private final List<String> refused = Collections.synchronizedList(new ArrayList<>());
  private volatile @Nullable Runnable beforeCopy;

  S3Server() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::serve);
    server.start();
  }

  FileSettings.S3 settings() {
    return new FileSettings.S3(
        "http://127.0.0.1:" + server.getAddress().getPort(),
        REGION,
        BUCKET,
        true,
        "some prefix/",
        ACCESS,
        SECRET,
        "",
        "AES256");
  }

  /** By key. */
  Map<String, byte[]> objects() {
    return objects;
  }

  /** Why requests were refused. */
  List<String> refused() {
    return refused;
  }

  /** Something that happens between reading an object and copying it. */
  void beforeCopy(@Nullable Runnable what) {
    beforeCopy = what;
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      String problem = problem(exchange, body);
      if (problem != null) {
        refused.add(problem);
        answer(exchange, 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
        return;
      }
      String path = exchange.getRequestURI().getPath();
      String key = path.substring(("/" + BUCKET + "/").length());
      String source = exchange.getRequestHeaders().getFirst("x-amz-copy-source");
      switch (exchange.getRequestMethod()) {
        case "PUT" -> {
          if (source == null) {
            objects.put(key, body);
            exchange.getResponseHeaders().set("ETag", etag(body));
            answer(exchange, 200, "");
          } else {
            copy(exchange, source, key);
          }
        }
        case "GET" -> {
          byte[] found = objects.get(key);
          if (found == null) {
            answer(exchange, 404, "<Error><Code>NoSuchKey</Code></Error>");
          } else {
            query(exchange)
                .forEach((name, value) -> {
                  if (name.startsWith("response-")) {
                    exchange.getResponseHeaders().set(name.substring("response-".length()), value);
                  }
                });
            exchange.getResponseHeaders().set("ETag", etag(found));
            exchange.sendResponseHeaders(200, found.length);
            exchange.getResponseBody().write(found);
          }
        }
        case "DELETE" -> {
          objects.remove(key);
          exchange.sendResponseHeaders(204, -1);
        }
        default -> answer(exchange, 405, "<Error><Code>MethodNotAllowed</Code></Error>");
      }
    }
  }

  private void copy(HttpExchange exchange, String source, String key) throws IOException {
    Runnable first = beforeCopy;
    if (first != null) {
      first.run();
    }
    String from =
        URLDecoder.decode(source, StandardCharsets.UTF_8).substring(("/" + BUCKET + "/").length());
    byte[] found = objects.get(from);
    String wanted = exchange.getRequestHeaders().getFirst("x-amz-copy-source-if-match");
    if (found == null) {
      answer(exchange, 404, "<Error><Code>NoSuchKey</Code></Error>");
    } else if (wanted != null && !wanted.equals(etag(found))) {
      answer(exchange, 412, "<Error><Code>PreconditionFailed</Code></Error>");
    } else {
      objects.put(key, found);
      answer(exchange, 200, "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>");
    }
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static @Nullable String problem(HttpExchange exchange, byte[] body) {
    Map<String, String> query = query(exchange);
    String authorization = exchange.getRequestHeaders().getFirst("authorization");
    boolean inAddress = query.containsKey("X-Amz-Signature");
    Map<String, String> given = new LinkedHashMap<>();
    if (inAddress) {
      given.put("Credential", query.getOrDefault("X-Amz-Credential", ""));
      given.put("SignedHeaders", query.getOrDefault("X-Amz-SignedHeaders", ""));
      given.put("Signature", query.getOrDefault("X-Amz-Signature", ""));
    } else if (authorization != null && authorization.startsWith("AWS4-HMAC-SHA256 ")) {
      for (String part : authorization.substring(17).split(",", -1)) {
        String[] pair = part.strip().split("=", 2);
        given.put(pair[0], pair[1]);
      }
    } else {
      return "not signed";
    }
    String time =
        inAddress
            ? query.getOrDefault("X-Amz-Date", "")
            : exchange.getRequestHeaders().getFirst("x-amz-date");
    LocalDateTime at = LocalDateTime.parse(time, TIME);
    LocalDateTime now = LocalDateTime.now(ZoneOffset.UTC);
    long age = Duration.between(at, now).toSeconds();
    long life = inAddress ? Long.parseLong(query.getOrDefault("X-Amz-Expires", "0")) : 900;
    if (age > life || age < -900) {
      return "expired";
    }
    String[] scope = given.getOrDefault("Credential", "").split("/", -1);
    if (scope.length != 5
        || !scope[0].equals(ACCESS)
        || !scope[1].equals(time.substring(0, 8))
        || !scope[2].equals(REGION)
        || !scope[3].equals("s3")) {
      return "wrong credential";
    }
    String payload =
        inAddress
            ? "UNSIGNED-PAYLOAD"
            : exchange.getRequestHeaders().getFirst("x-amz-content-sha256");
    if (!inAddress && !payload.equals(HexFormat.of().formatHex(digest("SHA-256", body)))) {
      return "the body is not what was signed";
    }
    StringBuilder text = new StringBuilder(exchange.getRequestMethod()).append('\n');
    text.append(exchange.getRequestURI().getRawPath()).append('\n');
    List<String> parameters = new ArrayList<>();
    String raw = exchange.getRequestURI().getRawQuery();
    for (String each : raw == null ? new String[0] : raw.split("&", -1)) {
      if (!each.startsWith("X-Amz-Signature=")) {
        parameters.add(each);
      }
    }
    Collections.sort(parameters);
    text.append(String.join("&", parameters)).append('\n');
    String names = given.getOrDefault("SignedHeaders", "");
    for (String name : names.split(";", -1)) {
      String value = exchange.getRequestHeaders().getFirst(name);
      if (value == null) {
        return "the signed header " + name + " is missing";
      }
      text.append(name).append(':').append(value.strip()).append('\n');
    }
    if (!List.of(names.split(";", -1)).contains("host")) {
      return "the host is not signed";
    }
    text.append('\n').append(names).append('\n').append(payload);
    byte[] key = ("AWS4" + SECRET).getBytes(StandardCharsets.UTF_8);
    for (String step : List.of(scope[1], scope[2], scope[3], scope[4])) {
      key = hmac(key, step);
    }
    String hash =
        HexFormat.of()
            .formatHex(digest("SHA-256", text.toString().getBytes(StandardCharsets.UTF_8)));
    String scopeText = String.join("/", scope[1], scope[2], scope[3], scope[4]);
    byte[] signature = hmac(key, "AWS4-HMAC-SHA256\n" + time + "\n" + scopeText + "\n" + hash);
    return HexFormat.of().formatHex(signature).equals(given.get("Signature"))
        ? null
        : "the signature does not fit " + text;
  }

  private static Map<String, String> query(HttpExchange exchange) {
    Map<String, String> values = new LinkedHashMap<>();
    String raw = exchange.getRequestURI().getRawQuery();
    for (String each : raw == null ? new String[0] : raw.split("&", -1)) {
      String[] pair = each.split("=", 2);
      values.put(
          URLDecoder.decode(pair[0], StandardCharsets.UTF_8),
          pair.length == 1 ? "" : URLDecoder.decode(pair[1], StandardCharsets.UTF_8));
    }
    return values;
  }

  private static String etag(byte[] body) {
    return "\"" + HexFormat.of().formatHex(digest("MD5", body)) + "\"";
  }

  private static byte[] digest(String algorithm, byte[] bytes) {
    try {
      return MessageDigest.getInstance(algorithm).digest(bytes);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
