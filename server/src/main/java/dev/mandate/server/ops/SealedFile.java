package dev.mandate.server.ops;

import dev.mandate.kernel.Failure;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * An encrypted file of any length: AES-256-GCM in chunks, each bound to its place, the last one
 * marked as such. A file that was altered, reordered, cut off or lengthened does not open, and
 * nothing of a chunk is given out before it has been found genuine.
 */
final class SealedFile {
  static final int KEY_BYTES = 32;

  private static final byte[] MAGIC = "mandate-backup-1\n".getBytes(StandardCharsets.US_ASCII);
  private static final int SALT_BYTES = 32;
  private static final int CHUNK = 1 << 20;
  private static final int TAG_BYTES = 16;

  private SealedFile() {}

  /** Writes to {@code out}; only closing it makes the file whole. */
  static OutputStream write(OutputStream out, byte[] key) throws IOException {
    byte[] salt = new byte[SALT_BYTES];
    new SecureRandom().nextBytes(salt);
    out.write(MAGIC);
    out.write(salt);
    return new Writer(out, derive(key, salt));
  }

  /**
   * @throws Failure {@code INVALID_ARGUMENT} from here or from any read, if it is no such file, is
   *     damaged, or the key is another
   */
  static InputStream read(InputStream in, byte[] key) throws IOException {
    byte[] head = in.readNBytes(MAGIC.length + SALT_BYTES);
    if (head.length < MAGIC.length + SALT_BYTES
        || !Arrays.equals(head, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw Failure.invalid("file", "is not a backup that this version of Mandate made");
    }
    byte[] salt = Arrays.copyOfRange(head, MAGIC.length, head.length);
    return new Reader(in, derive(key, salt));
  }

  private static SecretKeySpec derive(byte[] key, byte[] salt) {
    try {
      byte[] derived =
          KDF.getInstance("HKDF-SHA256")
              .deriveData(
                  HKDFParameterSpec.ofExtract()
                      .addIKM(key)
                      .addSalt(salt)
                      .thenExpand(
                          "mandate/backup/v1".getBytes(StandardCharsets.US_ASCII), KEY_BYTES));
      return new SecretKeySpec(derived, "AES");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no HKDF-SHA256", e);
    }
  }

  /** The nonce is the chunk's number and whether it is the last: unique under a file's own key. */
  private static Cipher cipher(int mode, SecretKeySpec key, long number, boolean last)
      throws GeneralSecurityException {
    byte[] nonce = ByteBuffer.allocate(12).putLong(number).putInt(last ? 1 : 0).array();
    Cipher aes = Cipher.getInstance("AES/GCM/NoPadding");
    aes.init(mode, key, new GCMParameterSpec(8 * TAG_BYTES, nonce));
    return aes;
  }

  private static final class Writer extends FilterOutputStream {
    private final SecretKeySpec key;
    private final byte[] chunk = new byte[CHUNK];
    private int filled;
    private long number;
    private boolean closed;

    private Writer(OutputStream out, SecretKeySpec key) {
      super(out);
      this.key = key;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      int from = offset;
      int left = length;
      while (left > 0) {
        if (filled == CHUNK) {
          seal(false);
        }
        int taken = Math.min(left, CHUNK - filled);
        System.arraycopy(bytes, from, chunk, filled, taken);
        filled += taken;
        from += taken;
        left -= taken;
      }
    }

    private void seal(boolean last) throws IOException {
      try {
        out.write(cipher(Cipher.ENCRYPT_MODE, key, number++, last).doFinal(chunk, 0, filled));
        filled = 0;
      } catch (GeneralSecurityException e) {
        throw new IOException(e);
      }
    }

    @Override
    public void flush() throws IOException {
      // A chunk is sealed when it is full.
      out.flush();
    }

    @Override
    public void close() throws IOException {
      if (!closed) {
        closed = true;
        seal(true);
        out.close();
      }
    }
  }

  private static final class Reader extends FilterInputStream {
    private final SecretKeySpec key;
    private byte[] ahead;
    private byte[] plain = new byte[0];
    private int position;
    private long number;
    private boolean ended;

    private Reader(InputStream in, SecretKeySpec key) throws IOException {
      super(in);
      this.key = key;
      this.ahead = in.readNBytes(CHUNK + TAG_BYTES);
    }

    /** Opens the next chunk; it is the last if the file ends after it. */
    private boolean open() throws IOException {
      if (ended) {
        return false;
      }
      byte[] sealed = ahead;
      ahead = in.readNBytes(CHUNK + TAG_BYTES);
      ended = ahead.length == 0;
      try {
        plain = cipher(Cipher.DECRYPT_MODE, key, number, ended).doFinal(sealed);
      } catch (GeneralSecurityException e) {
        throw Failure.invalid(
            "file",
            number == 0
                ? "does not open: it is damaged, or this is not its key"
                : "is damaged or cut off, near byte " + number * (CHUNK + TAG_BYTES));
      }
      number++;
      position = 0;
      return true;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      while (position == plain.length) {
        if (!open()) {
          return -1;
        }
      }
      int taken = Math.min(length, plain.length - position);
      System.arraycopy(plain, position, bytes, offset, taken);
      position += taken;
      return taken;
    }

    @Override
    public boolean markSupported() {
      return false;
    }
  }

  /** Reads up to a line's end, which is not part of it. */
  static String line(InputStream in) throws IOException {
    java.io.ByteArrayOutputStream line = new java.io.ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("ends in the middle of a line");
      }
      line.write(b);
    }
    return line.toString(StandardCharsets.UTF_8);
  }
}
