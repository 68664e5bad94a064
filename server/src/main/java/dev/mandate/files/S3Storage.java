package dev.mandate.files;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressFailure;
import dev.mandate.kernel.egress.EgressRequest;
import dev.mandate.kernel.egress.EgressResponse;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A bucket of any S3: {@code <prefix><org>/blobs/<sha256>} and {@code <prefix><org>/drafts/<file>}.
 * Contents go between the client and the bucket directly; this server reads a draft once to check
 * it, and lets the bucket copy exactly the version that it has read.
 */
final class S3Storage implements FileStorage {
  private static final Duration STALL = Duration.ofSeconds(30);
  private static final Duration TOTAL = Duration.ofMinutes(15);
  private static final long SMALL = 1 << 20;
  private static final Pattern CODE = Pattern.compile("<Code>([A-Za-z0-9]{1,64})</Code>");

  private final FileSettings.S3 settings;
  private final AwsSignature signature;
  private final EgressClient egress;
  private final InstantSource clock;

  S3Storage(FileSettings.S3 settings, EgressClient egress, InstantSource clock) {
    this.settings = settings;
    this.signature =
        new AwsSignature(
            settings.accessKey(), settings.secretKey(), settings.sessionToken(), settings.region());
    this.egress = egress;
    this.clock = clock;
  }

  @Override
  public FileLink upload(Mandate mandate, StoredFile file, Duration life) {
    Instant now = clock.instant();
    Map<String, String> headers = new TreeMap<>(encryption());
    headers.put("content-type", file.contentType());
    // Signed too, so that the bucket takes no more than was announced; every client sends it.
    Map<String, String> signed = new TreeMap<>(headers);
    signed.put("content-length", Long.toString(file.size()));
    URI uri = uri(draftKey(mandate.org(), file.id()), Map.of());
    return new FileLink(
        signature.presign("PUT", uri, signed, life, now).toString(),
        "PUT",
        headers,
        now.plus(life));
  }

  @Override
  public FileLink download(Mandate mandate, StoredFile file, Duration life) {
    Instant now = clock.instant();
    URI uri =
        uri(
            blobKey(mandate.org(), file.sha256()),
            Map.of(
                "response-content-disposition",
                FileContent.disposition(file.name()),
                "response-content-type",
                ContentTypes.safe(file.contentType())));
    return new FileLink(
        signature.presign("GET", uri, Map.of(), life, now).toString(),
        "GET",
        Map.of(),
        now.plus(life));
  }

  @Override
  public @Nullable Draft draft(OrgId org, FileId file) throws IOException {
    EgressResponse response = get(draftKey(org, file));
    if (response == null) {
      return null;
    }
    String tag = response.header("etag");
    return new Draft(new Body(response), tag == null ? "" : tag);
  }

  @Override
  public boolean keep(OrgId org, FileId file, String tag, String sha256) throws IOException {
    Map<String, String> headers = new TreeMap<>(encryption());
    headers.put("x-amz-copy-source", "/" + settings.bucket() + path(draftKey(org, file)));
    headers.put("x-amz-copy-source-if-match", tag);
    String body;
    try (EgressResponse response = send("PUT", uri(blobKey(org, sha256), Map.of()), headers)) {
      int status = response.status();
      if (status == 404 || status == 412) {
        return false;
      }
      body = text(response);
      // A copy that fails half-way is answered with 200 and an error.
      if (status != 200 || !body.contains("CopyObjectResult")) {
        throw failed("copying a content", status, body);
      }
    } catch (EgressFailure e) {
      throw unreachable(e);
    }
    discard(org, file);
    return true;
  }

  @Override
  public void discard(OrgId org, FileId file) throws IOException {
    delete(draftKey(org, file));
  }

  @Override
  public @Nullable InputStream read(OrgId org, String sha256) throws IOException {
    EgressResponse response = get(blobKey(org, sha256));
    return response == null ? null : new Body(response);
  }

  @Override
  public void delete(OrgId org, String sha256) throws IOException {
    delete(blobKey(org, sha256));
  }

  private void delete(String key) throws IOException {
    try (EgressResponse response = send("DELETE", uri(key, Map.of()), Map.of())) {
      int status = response.status();
      if (status / 100 != 2 && status != 404) {
        throw failed("deleting a content", status, text(response));
      }
    } catch (EgressFailure e) {
      throw unreachable(e);
    }
  }

  private @Nullable EgressResponse get(String key) throws IOException {
    EgressResponse response = null;
    try {
      response = send("GET", uri(key, Map.of()), Map.of());
      if (response.status() == 200) {
        return response;
      }
      try (EgressResponse other = response) {
        if (other.status() == 404) {
          return null;
        }
        throw failed("reading a content", other.status(), text(other));
      }
    } catch (EgressFailure e) {
      throw unreachable(e);
    }
  }

  private EgressResponse send(String method, URI uri, Map<String, String> headers) {
    Map<String, String> signed =
        signature.sign(method, uri, headers, AwsSignature.EMPTY, clock.instant());
    // The operator chose the address, so it may be a private one.
    return egress.send(
        new EgressRequest(method, uri, signed, new byte[0], STALL, TOTAL, Long.MAX_VALUE, true),
        new CancelSignal());
  }

  private static String text(EgressResponse response) {
    StringBuilder text = new StringBuilder();
    for (byte[] piece = response.read();
        piece != null && text.length() < SMALL;
        piece = response.read()) {
      text.append(new String(piece, StandardCharsets.UTF_8));
    }
    return text.toString();
  }

  private Map<String, String> encryption() {
    return settings.encryption().isEmpty()
        ? Map.of()
        : Map.of("x-amz-server-side-encryption", settings.encryption());
  }

  URI uri(String key, Map<String, String> query) {
    URI endpoint = URI.create(settings.endpoint());
    String bucket = AwsSignature.encode(settings.bucket());
    String authority =
        settings.pathStyle()
            ? endpoint.getRawAuthority()
            : bucket + "." + endpoint.getRawAuthority();
    String path = (settings.pathStyle() ? "/" + bucket : "") + path(key);
    String text = query.isEmpty() ? "" : "?" + AwsSignature.query(new TreeMap<>(query));
    return URI.create(endpoint.getScheme() + "://" + authority + path + text);
  }

  private static String path(String key) {
    return Arrays.stream(key.split("/", -1))
        .map(AwsSignature::encode)
        .collect(Collectors.joining("/", "/", ""));
  }

  private String draftKey(OrgId org, FileId file) {
    return settings.prefix() + org + "/drafts/" + file;
  }

  private String blobKey(OrgId org, String sha256) {
    return settings.prefix() + org + "/blobs/" + sha256;
  }

  private static IOException failed(String what, int status, String body) {
    Matcher code = CODE.matcher(body);
    String said = code.find() ? " " + code.group(1) : "";
    return new IOException(what + ": the bucket answers " + status + said);
  }

  private static IOException unreachable(EgressFailure failure) {
    return new IOException("the bucket: " + failure.publicMessage(), failure);
  }

  /** An answer's body. */
  private static final class Body extends InputStream {
    private final EgressResponse response;
    private byte[] piece = new byte[0];
    private int at;

    Body(EgressResponse response) {
      this.response = response;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (at == piece.length) {
        byte[] next;
        try {
          next = response.read();
        } catch (EgressFailure e) {
          throw unreachable(e);
        }
        if (next == null) {
          return -1;
        }
        piece = next;
        at = 0;
      }
      int count = Math.min(length, piece.length - at);
      System.arraycopy(piece, at, into, offset, count);
      at += count;
      return count;
    }

    @Override
    public void close() {
      response.close();
    }
  }
}
