package dev.mandate.policies;

import dev.mandate.kernel.Failure;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What a version says.
 *
 * @param module a Rego module
 * @param tests a Rego module of tests, or an empty text
 */
record PolicyText(String module, String tests) {
  private static final int MAX = 256 * 1024;

  /**
   * @throws Failure {@code INVALID_ARGUMENT} for an empty module, or a text that is too long
   */
  PolicyText checked() {
    if (module.isBlank()) {
      throw Failure.invalid("module", "is required: a Rego module");
    }
    check("module", module);
    check("tests", tests);
    return this;
  }

  private static void check(String field, String text) {
    if (text.length() > MAX) {
      throw Failure.invalid(field, "at most " + MAX + " characters");
    }
    if (text.indexOf('\0') >= 0) {
      throw Failure.invalid(field, "must not hold the character NUL");
    }
  }

  /** SHA-256 of both, 64 hexadecimal digits. */
  String hash() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(module.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) 0);
      digest.update(tests.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
