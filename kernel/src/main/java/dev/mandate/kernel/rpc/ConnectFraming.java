package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import dev.mandate.kernel.Failure;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Connect's envelopes: one byte of flags, four of length, the message; the last one is JSON. */
final class ConnectFraming implements HttpOutlet.Framing {
  private static final int COMPRESSED = 1;
  private static final int END = 2;
  private static final int HEADER = 5;

  /** Of the messages that are sent. */
  enum Compression {
    NONE,
    GZIP
  }

  private final boolean json;
  private final String traceId;
  private final Compression compression;

  ConnectFraming(boolean json, String traceId, Compression compression) {
    this.json = json;
    this.traceId = traceId;
    this.compression = compression;
  }

  /**
   * The one message of a request's body.
   *
   * @param compression of an envelope that says it is compressed
   */
  static byte[] single(byte[] body, @Nullable String compression, long limit) {
    if (body.length < HEADER) {
      throw malformed();
    }
    ByteBuffer buffer = ByteBuffer.wrap(body);
    int flags = buffer.get();
    int length = buffer.getInt();
    if (length != buffer.remaining() || (flags & ~COMPRESSED) != 0) {
      throw malformed();
    }
    byte[] message = new byte[length];
    buffer.get(message);
    return flags == COMPRESSED
        ? Gzip.plain(message, compression == null ? "gzip" : compression, limit)
        : message;
  }

  private static Failure malformed() {
    return Failures.malformed("the body is not one Connect envelope");
  }

  @Override
  public ResponseHeaders headers() {
    ResponseHeadersBuilder headers =
        ResponseHeaders.builder(HttpStatus.OK)
            .contentType(json ? ConnectService.STREAM_JSON : ConnectService.STREAM_PROTO)
            .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
            .set("x-accel-buffering", "no");
    if (compression == Compression.GZIP) {
      headers.set("connect-content-encoding", "gzip");
    }
    return headers.build();
  }

  @Override
  public byte[] message(Message message) {
    byte[] plain = json ? JsonCodec.bytes(message) : message.toByteArray();
    return compression == Compression.GZIP && plain.length >= Gzip.WORTHWHILE
        ? envelope(COMPRESSED, Gzip.compress(plain))
        : envelope(0, plain);
  }

  @Override
  public byte[] end(@Nullable Failure failure) {
    return envelope(
        END,
        failure == null
            ? "{}".getBytes(StandardCharsets.UTF_8)
            : Failures.connectEnd(failure, traceId));
  }

  @Override
  public byte[] restart() {
    return end(Failures.draining());
  }

  @Override
  public @Nullable HttpResponse refusal(Failure failure) {
    return null;
  }

  private static byte[] envelope(int flags, byte[] message) {
    return ByteBuffer.allocate(HEADER + message.length)
        .put((byte) flags)
        .putInt(message.length)
        .put(message)
        .array();
  }
}
