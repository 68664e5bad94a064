package dev.mandate.files;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import com.linecorp.armeria.common.stream.StreamMessage;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.rpc.Answers;
import dev.mandate.kernel.rpc.HttpServer;
import dev.mandate.kernel.rpc.Requests;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Takes and gives the contents of the local storage at the addresses that it signed: {@code PUT}
 * and {@code GET /api/v1/files/<id>/content?token=…}. The token is the whole authority; sessions
 * and API tokens are not looked at. Contents pass through in pieces and are never held.
 */
public final class FileContent implements HttpServer.Face {
  /** The longest that one content may take to come or go. */
  private static final Duration LONGEST = Duration.ofMinutes(30);

  private static final Duration STALL = Duration.ofSeconds(30);

  /** A refused sender is heard out this far, so that it can read why. */
  private static final int HEARD_OUT = 1 << 20;

  private final dev.mandate.files.Files files;
  private final @Nullable LocalStorage storage;
  private final long maxSize;
  private final Set<FileId> arriving = ConcurrentHashMap.newKeySet();
  private final Executor executor = Executors.newVirtualThreadPerTaskExecutor();

  /**
   * @param storage null if contents do not come this way
   */
  FileContent(dev.mandate.files.Files files, @Nullable LocalStorage storage, long maxSize) {
    this.files = files;
    this.storage = storage;
    this.maxSize = maxSize;
  }

  @Override
  public void mount(ServerBuilder server) {
    LocalStorage local = storage;
    if (local == null) {
      return;
    }
    server
        .route()
        .path("/api/v1/files/{id}/content")
        .methods(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.PUT)
        .requestTimeout(LONGEST)
        // Our own limit is the size announced; beyond this one the server hangs up.
        .maxRequestLength(maxSize + HEARD_OUT)
        .build((ctx, request) ->
            HttpResponse.of(
                CompletableFuture.supplyAsync(() -> answer(ctx, request, local), executor)));
  }

  private HttpResponse answer(ServiceRequestContext ctx, HttpRequest request, LocalStorage local) {
    SentBody body = new SentBody(request, STALL);
    try {
      String verb = request.method() == HttpMethod.PUT ? "PUT" : "GET";
      FileId id = id(ctx);
      String token = QueryParams.fromQueryString(ctx.query()).get("token", "");
      Mandate mandate = files.verify(verb, id, token, Requests.origin(ctx, "link"));
      return verb.equals("PUT")
          ? receive(request, mandate, id, body, local)
          : send(request, mandate, id, local);
    } catch (Failure failure) {
      return refused(ctx, body, failure);
    } catch (InterruptedIOException slow) {
      return refused(
          ctx,
          body,
          Failure.of(
              Failure.Code.DEADLINE_EXCEEDED,
              "UPLOAD_STALLED",
              "nothing of the content arrived for " + STALL.toSeconds() + " s"));
    } catch (IOException e) {
      return refused(ctx, body, FileStorage.failure(e));
    } catch (RuntimeException e) {
      return Answers.failure(ctx, e);
    }
  }

  private static FileId id(ServiceRequestContext ctx) {
    return FileId.parse("id", java.util.Objects.requireNonNull(ctx.pathParam("id")));
  }

  private HttpResponse receive(
      HttpRequest request, Mandate mandate, FileId id, InputStream body, LocalStorage local)
      throws IOException {
    StoredFile file = files.receiving(mandate, id);
    long length = request.headers().contentLength();
    if (length >= 0 && length != file.size()) {
      throw Failure.of(
          Failure.Code.INVALID_ARGUMENT,
          "CONTENT_REFUSED",
          "announced were " + file.size() + " bytes, the content has " + length);
    }
    // One address must not fill the disk with many copies at once.
    if (!arriving.add(id)) {
      throw Failure.of(
          Failure.Code.ABORTED, "UPLOAD_BUSY", "the content of this file is arriving already");
    }
    try {
      local.receive(mandate.org(), file, body);
    } finally {
      arriving.remove(id);
    }
    return HttpResponse.of(ResponseHeaders.of(HttpStatus.NO_CONTENT));
  }

  /** Whoever is told before the content has arrived may still be sending it. */
  private static HttpResponse refused(
      ServiceRequestContext ctx, InputStream body, Failure failure) {
    try {
      body.skipNBytes(HEARD_OUT);
      // There is more than is worth hearing: the connection ends with the answer.
      var _ = ctx.initiateConnectionShutdown();
    } catch (IOException over) {
      // Heard out, or gone.
      return Answers.failure(ctx, failure);
    }
    return Answers.failure(ctx, failure);
  }

  private HttpResponse send(HttpRequest request, Mandate mandate, FileId id, LocalStorage local)
      throws IOException {
    StoredFile file = files.sending(mandate, id);
    Path blob = local.blob(mandate.org(), file.sha256());
    if (!Files.exists(blob)) {
      throw Failure.notFound("content");
    }
    String tag = "\"" + file.sha256() + "\"";
    ResponseHeadersBuilder headers = headers(file, tag);
    if (tag.equals(request.headers().get(HttpHeaderNames.IF_NONE_MATCH))) {
      return HttpResponse.of(headers.status(HttpStatus.NOT_MODIFIED).build());
    }
    String wanted = request.headers().get(HttpHeaderNames.RANGE);
    String ifRange = request.headers().get(HttpHeaderNames.IF_RANGE);
    ByteRange range =
        wanted == null || (ifRange != null && !ifRange.equals(tag))
            ? null
            : ByteRange.parse(wanted, file.size());
    long from = 0;
    long length = file.size();
    if (range != null) {
      from = range.from();
      length = range.length();
      if (length == 0) {
        headers.set(HttpHeaderNames.CONTENT_RANGE, "bytes */" + file.size());
        return HttpResponse.of(headers.status(HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE).build());
      }
      headers
          .status(HttpStatus.PARTIAL_CONTENT)
          .set(
              HttpHeaderNames.CONTENT_RANGE,
              "bytes " + from + "-" + (from + length - 1) + "/" + file.size());
    }
    headers.contentLength(length);
    return request.method() == HttpMethod.HEAD
        ? HttpResponse.of(headers.build())
        : HttpResponse.of(headers.build(), StreamMessage.of(blob).range(from, length));
  }

  private static ResponseHeadersBuilder headers(StoredFile file, String tag) {
    return ResponseHeaders.builder(HttpStatus.OK)
        .set(HttpHeaderNames.CONTENT_TYPE, ContentTypes.safe(file.contentType()))
        .set(HttpHeaderNames.CONTENT_DISPOSITION, disposition(file.name()))
        .set(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
        .set(HttpHeaderNames.CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .set(HttpHeaderNames.REFERRER_POLICY, "no-referrer")
        .set(HttpHeaderNames.CACHE_CONTROL, "private, no-store")
        .set(HttpHeaderNames.ACCEPT_RANGES, "bytes")
        .set(HttpHeaderNames.ETAG, tag);
  }

  /** A download under its name, for old and new readers of the header (RFC 6266). */
  static String disposition(String name) {
    String plain = name.replaceAll("[^A-Za-z0-9 ._()+-]", "_");
    String encoded = URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    return "attachment; filename=\""
        + plain
        + "\"; filename*=UTF-8''"
        + encoded.replace("*", "%2A");
  }
}
