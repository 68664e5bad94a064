package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Failure;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** The one compression that REST and Connect bodies may have. */
final class Gzip {
  /** Below it a body fits one packet anyway. */
  static final int WORTHWHILE = 1400;

  private Gzip() {}

  /**
   * The plain bytes of a body.
   *
   * @param encoding the {@code Content-Encoding}, if any
   * @param limit the largest plain size: a small body can hide a huge one
   */
  static byte[] plain(byte[] body, @Nullable String encoding, long limit) {
    if (encoding == null || encoding.equalsIgnoreCase("identity")) {
      return body;
    }
    if (!encoding.equalsIgnoreCase("gzip")) {
      throw Failure.of(
              Failure.Code.UNIMPLEMENTED,
              "UNSUPPORTED_ENCODING",
              "cannot decompress '" + Failure.excerpt(encoding) + "', send gzip or identity")
          .withHttpStatus(415);
    }
    if (body.length == 0) {
      return body;
    }
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(body))) {
      byte[] plain = in.readNBytes((int) Math.min(limit + 1, Integer.MAX_VALUE - 8));
      if (plain.length > limit) {
        throw Failures.tooLarge(limit);
      }
      return plain;
    } catch (IOException e) {
      throw Failures.malformed("the body is not valid gzip");
    }
  }

  static byte[] compress(byte[] plain) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(plain.length / 3 + 64);
    try (GZIPOutputStream gzip =
        new GZIPOutputStream(out, 4096) {
          {
            def.setLevel(Deflater.BEST_SPEED);
          }
        }) {
      gzip.write(plain);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
