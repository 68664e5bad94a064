package dev.mandate.files;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * AWS Signature Version 4 for S3, in the headers of a request or in its address. The address comes
 * encoded as {@link #encode} does it: it is signed as it stands.
 *
 * @param sessionToken of temporary credentials; empty for none
 */
record AwsSignature(String accessKey, String secretKey, String sessionToken, String region) {
  static final String EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  static final String UNSIGNED = "UNSIGNED-PAYLOAD";

  private static final String ALGORITHM = "AWS4-HMAC-SHA256";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  /**
   * The headers to send: those given, and what makes them good.
   *
   * @param headers all of them are signed
   * @param payload SHA-256 of the body, 64 hexadecimal digits
   */
  Map<String, String> sign(
      String method, URI uri, Map<String, String> headers, String payload, Instant now) {
    TreeMap<String, String> signed = lowered(headers);
    signed.put("x-amz-date", TIME.format(now));
    signed.put("x-amz-content-sha256", payload);
    if (!sessionToken.isEmpty()) {
      signed.put("x-amz-security-token", sessionToken);
    }
    signed.put("host", host(uri));
    String query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
    String signature = signature(method, uri, query, signed, payload, now);
    Map<String, String> all = new TreeMap<>(signed);
    all.remove("host");
    all.put(
        "authorization",
        ALGORITHM
            + " Credential="
            + accessKey
            + "/"
            + scope(now)
            + ",SignedHeaders="
            + String.join(";", signed.keySet())
            + ",Signature="
            + signature);
    return all;
  }

  /**
   * An address that is good for one request with exactly these headers, whatever its body.
   *
   * @param life at most seven days
   */
  URI presign(String method, URI uri, Map<String, String> headers, Duration life, Instant now) {
    TreeMap<String, String> signed = lowered(headers);
    signed.put("host", host(uri));
    TreeMap<String, String> query = new TreeMap<>();
    query.put("X-Amz-Algorithm", ALGORITHM);
    query.put("X-Amz-Credential", accessKey + "/" + scope(now));
    query.put("X-Amz-Date", TIME.format(now));
    query.put("X-Amz-Expires", Long.toString(life.toSeconds()));
    query.put("X-Amz-SignedHeaders", String.join(";", signed.keySet()));
    if (!sessionToken.isEmpty()) {
      query.put("X-Amz-Security-Token", sessionToken);
    }
    String text = query(query);
    if (uri.getRawQuery() != null) {
      text = uri.getRawQuery() + "&" + text;
    }
    String signature = signature(method, uri, text, signed, UNSIGNED, now);
    String address = uri.toString();
    int end = address.indexOf('?');
    return URI.create(
        (end < 0 ? address : address.substring(0, end))
            + "?"
            + text
            + "&X-Amz-Signature="
            + signature);
  }

  /** Names and values, encoded, as a query. */
  static String query(Map<String, String> values) {
    return values.entrySet().stream()
        .map(each -> encode(each.getKey()) + "=" + encode(each.getValue()))
        .collect(Collectors.joining("&"));
  }

  /** Everything but letters, digits and {@code -._~} as %XX: narrower than a URI asks for. */
  static String encode(String text) {
    StringBuilder out = new StringBuilder();
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (each & 0xFF);
      boolean plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (plain || "-._~".indexOf(c) >= 0) {
        out.append(c);
      } else {
        out.append('%').append(HexFormat.of().withUpperCase().toHexDigits(each));
      }
    }
    return out.toString();
  }

  private static TreeMap<String, String> lowered(Map<String, String> headers) {
    TreeMap<String, String> lowered = new TreeMap<>();
    headers.forEach((name, value) -> lowered.put(name.toLowerCase(Locale.ROOT), value.strip()));
    return lowered;
  }

  /** As the client writes it: a port that goes without saying is not said. */
  private static String host(URI uri) {
    int usual = uri.getScheme().equals("https") ? 443 : 80;
    int port = uri.getPort();
    return port == -1 || port == usual ? uri.getHost() : uri.getHost() + ":" + port;
  }

  private String signature(
      String method,
      URI uri,
      String query,
      TreeMap<String, String> headers,
      String payload,
      Instant now) {
    String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    String sorted =
        query.isEmpty()
            ? ""
            : Arrays.stream(query.split("&", -1))
                .map(each -> each.indexOf('=') < 0 ? each + "=" : each)
                .sorted()
                .collect(Collectors.joining("&"));
    StringBuilder request = new StringBuilder();
    request.append(method).append('\n').append(path).append('\n').append(sorted).append('\n');
    headers.forEach((name, value) -> request.append(name).append(':').append(value).append('\n'));
    request.append('\n').append(String.join(";", headers.keySet())).append('\n').append(payload);
    String toSign =
        String.join(
            "\n",
            ALGORITHM,
            TIME.format(now),
            scope(now),
            HexFormat.of().formatHex(sha256(request.toString())));
    byte[] key = ("AWS4" + secretKey).getBytes(StandardCharsets.UTF_8);
    for (String step : scope(now).split("/", -1)) {
      key = hmac(key, step);
    }
    return HexFormat.of().formatHex(hmac(key, toSign));
  }

  private String scope(Instant now) {
    return TIME.format(now).substring(0, 8) + "/" + region + "/s3/aws4_request";
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has HmacSHA256", e);
    }
  }

  /** Without the credentials. */
  @Override
  public String toString() {
    return "AwsSignature[" + region + "]";
  }
}
