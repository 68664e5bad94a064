package dev.mandate.audit;

import dev.mandate.kernel.crypto.Tokens;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;

/** An Ed25519 key that checkpoints are signed with. */
final class SigningKey {
  private final PublicHalf publicHalf;
  private final PrivateKey secret;

  /**
   * What anybody may have of a key.
   *
   * @param id 16 hexadecimal digits of the key's hash
   * @param encoded X.509 (SubjectPublicKeyInfo), DER
   */
  @SuppressWarnings("ArrayRecordComponent") // carried from here to there, compared by content only
  record PublicHalf(String id, byte[] encoded) {
    static PublicHalf of(byte[] encoded) {
      return new PublicHalf(HexFormat.of().formatHex(Tokens.sha256(encoded), 0, 8), encoded);
    }

    /**
     * @param base64 the encoding
     * @throws IllegalArgumentException if it is not base64
     */
    static PublicHalf read(String base64) {
      return of(Base64.getDecoder().decode(base64.strip()));
    }

    boolean signed(byte[] message, byte[] signature) {
      try {
        Signature check = Signature.getInstance("Ed25519");
        check.initVerify(
            KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded)));
        check.update(message);
        return check.verify(signature);
      } catch (GeneralSecurityException notASignature) {
        return false;
      }
    }
  }

  private SigningKey(PublicHalf publicHalf, PrivateKey secret) {
    this.publicHalf = publicHalf;
    this.secret = secret;
  }

  static SigningKey generate() {
    try {
      KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
      return new SigningKey(PublicHalf.of(pair.getPublic().getEncoded()), pair.getPrivate());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no Ed25519", e);
    }
  }

  /**
   * @param secret PKCS #8, DER
   */
  static SigningKey of(byte[] publicKey, byte[] secret) {
    try {
      return new SigningKey(
          PublicHalf.of(publicKey),
          KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(secret)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the stored signing key is damaged", e);
    }
  }

  String id() {
    return publicHalf.id();
  }

  PublicHalf publicHalf() {
    return publicHalf;
  }

  /** Whether the halves belong together. */
  boolean isPair() {
    byte[] any = "mandate/audit/pair/v1".getBytes(StandardCharsets.UTF_8);
    return publicHalf.signed(any, sign(any));
  }

  byte[] secretBytes() {
    return secret.getEncoded();
  }

  byte[] sign(byte[] message) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(secret);
      signature.update(message);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
