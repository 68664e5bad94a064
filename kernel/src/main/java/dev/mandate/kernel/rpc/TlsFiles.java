package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.TlsKeyPair;
import com.linecorp.armeria.common.TlsProvider;
import dev.mandate.kernel.Failure;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's certificate and key in PEM files, read again when they change: whoever renews a
 * certificate replaces the files and does not restart anything.
 */
public final class TlsFiles implements TlsProvider {
  private static final Logger log = LoggerFactory.getLogger(TlsFiles.class);
  private static final long LOOKED_AT_EVERY = Duration.ofSeconds(1).toNanos();

  private final Path certificate;
  private final Path key;
  private volatile Pair pair;
  private volatile long lookedAt = System.nanoTime();

  /** What the files held. */
  private static final class Pair {
    final byte[] certificate;
    final byte[] key;
    final TlsKeyPair pair;

    Pair(byte[] certificate, byte[] key, TlsKeyPair pair) {
      this.certificate = certificate;
      this.key = key;
      this.pair = pair;
    }

    boolean isOf(byte[] otherCertificate, byte[] otherKey) {
      return Arrays.equals(certificate, otherCertificate) && Arrays.equals(key, otherKey);
    }
  }

  /**
   * @throws Failure naming the setting, if the files are no certificate and its key
   */
  public TlsFiles(Path certificate, Path key) {
    this.certificate = certificate;
    this.key = key;
    try {
      this.pair = read(Files.readAllBytes(certificate), Files.readAllBytes(key));
    } catch (IOException e) {
      throw Failure.invalid("http.tls-cert, http.tls-key", "cannot be read: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw Failure.invalid(
          "http.tls-cert, http.tls-key", "are no PEM certificate and key: " + e.getMessage());
    }
  }

  @Override
  public TlsKeyPair keyPair(String hostname) {
    long now = System.nanoTime();
    if (now - lookedAt > LOOKED_AT_EVERY) {
      lookedAt = now;
      look();
    }
    return pair.pair;
  }

  private void look() {
    try {
      byte[] newCertificate = Files.readAllBytes(certificate);
      byte[] newKey = Files.readAllBytes(key);
      if (!pair.isOf(newCertificate, newKey)) {
        pair = read(newCertificate, newKey);
        log.info("the TLS certificate was replaced");
      }
    } catch (IOException | IllegalArgumentException e) {
      // Halfway through a replacement: the next handshake looks again.
      log.warn("the TLS certificate cannot be read now, the one before stays: {}", e.getMessage());
    }
  }

  private static Pair read(byte[] certificate, byte[] key) {
    TlsKeyPair pair =
        TlsKeyPair.of(new ByteArrayInputStream(key), new ByteArrayInputStream(certificate));
    if (!matches(pair)) {
      throw new IllegalArgumentException("the key is not the certificate's");
    }
    return new Pair(certificate, key, pair);
  }

  /** Both are replaced one after the other: between the two they do not belong together. */
  private static boolean matches(TlsKeyPair pair) {
    try {
      String algorithm = pair.privateKey().getAlgorithm().equals("RSA") ? "SHA256withRSA" : "";
      if (algorithm.isEmpty()) {
        algorithm = pair.privateKey().getAlgorithm().equals("EC") ? "SHA256withECDSA" : "Ed25519";
      }
      byte[] text = {1, 2, 3};
      java.security.Signature signature = java.security.Signature.getInstance(algorithm);
      signature.initSign(pair.privateKey());
      signature.update(text);
      byte[] signed = signature.sign();
      signature.initVerify(pair.certificateChain().getFirst().getPublicKey());
      signature.update(text);
      return signature.verify(signed);
    } catch (java.security.GeneralSecurityException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
