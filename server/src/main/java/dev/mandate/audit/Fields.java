package dev.mandate.audit;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** What is hashed or signed: fields one after the other, each after its length. */
final class Fields {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(512);

  /**
   * @param purpose so that bytes made for one purpose mean nothing for another
   */
  Fields(String purpose) {
    text(purpose);
  }

  Fields bytes(byte[] value) {
    out.writeBytes(ByteBuffer.allocate(4).putInt(value.length).array());
    out.writeBytes(value);
    return this;
  }

  Fields text(String value) {
    return bytes(value.getBytes(StandardCharsets.UTF_8));
  }

  Fields number(long value) {
    return bytes(ByteBuffer.allocate(8).putLong(value).array());
  }

  /** Absence is not the same as emptiness. */
  Fields optional(byte @Nullable [] value) {
    if (value == null) {
      out.writeBytes(ByteBuffer.allocate(4).putInt(-1).array());
      return this;
    }
    return bytes(value);
  }

  byte[] toBytes() {
    return out.toByteArray();
  }
}
