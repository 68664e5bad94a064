package dev.mandate.identity;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;

/**
 * Bearer secrets: a prefix that says what it is (and lets scanners find a leaked one), then 44 of
 * 62 characters, 262 random bits. With that much entropy one round of SHA-256 is hash enough.
 */
public final class Secrets {
  static final String ACCESS = "mds_";
  static final String REFRESH = "mdr_";
  static final String TOKEN = "mdt_";
  static final String LINK = "mdl_";

  private static final int LENGTH = 44;
  private static final String ALPHABET =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  private static final SecureRandom RANDOM = new SecureRandom();

  private Secrets() {}

  /** A new secret with this prefix. */
  public static String next(String prefix) {
    StringBuilder secret = new StringBuilder(prefix.length() + LENGTH).append(prefix);
    for (int i = 0; i < LENGTH; i++) {
      secret.append(ALPHABET.charAt(RANDOM.nextInt(ALPHABET.length())));
    }
    return secret.toString();
  }

  /** Whether a text could be a secret of this kind: nothing else is worth a look-up. */
  static boolean shaped(String prefix, String text) {
    if (text.length() != prefix.length() + LENGTH || !text.startsWith(prefix)) {
      return false;
    }
    for (int i = prefix.length(); i < text.length(); i++) {
      if (ALPHABET.indexOf(text.charAt(i)) < 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * What is stored of a secret, and what it is found by: that a look-up's time may tell how much of
   * a hash was right helps nobody to the secret.
   */
  public static byte[] hash(String secret) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
