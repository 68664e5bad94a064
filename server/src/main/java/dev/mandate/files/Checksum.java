package dev.mandate.files;

import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Looks at a content as it passes: is it what was announced? */
final class Checksum {
  private final StoredFile announced;
  private final MessageDigest digest;
  private final byte[] head = new byte[ContentTypes.HEAD];
  private int headLength;
  private long size;

  Checksum(StoredFile announced) {
    this.announced = announced;
    try {
      this.digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /** False as soon as it is more than was announced. */
  boolean add(byte[] bytes, int length) {
    int more = Math.min(length, head.length - headLength);
    System.arraycopy(bytes, 0, head, headLength, more);
    headLength += more;
    digest.update(bytes, 0, length);
    size += length;
    return size <= announced.size();
  }

  /** What is wrong with all that was added; null if nothing is. */
  @Nullable String problem() {
    if (size != announced.size()) {
      String got = size > announced.size() ? "more" : size + " bytes";
      return "announced were " + announced.size() + " bytes, sent " + got;
    }
    String sha256 = HexFormat.of().formatHex(digest.digest());
    if (!sha256.equals(announced.sha256())) {
      return "the content's SHA-256 is " + sha256 + ", not " + announced.sha256();
    }
    return ContentTypes.mismatch(announced.contentType(), Arrays.copyOf(head, headLength));
  }

  /** Reads a content to its end, or to where it is too much. */
  @Nullable String readAll(InputStream in) throws IOException {
    byte[] buffer = new byte[64 * 1024];
    int length = in.read(buffer);
    while (length >= 0 && add(buffer, length)) {
      length = in.read(buffer);
    }
    return problem();
  }
}
