package dev.mandate.kernel.egress;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Certificates to trust. */
public final class Trust {
  private Trust() {}

  /**
   * For connections that are not HTTP.
   *
   * @param file PEM; null for the JDK's authorities alone
   * @throws IllegalArgumentException if the file is not readable or holds no certificate
   */
  public static SSLSocketFactory sockets(@Nullable Path file) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, file == null ? null : withFile(file).getTrustManagers(), null);
      return context.getSocketFactory();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * The JDK's authorities and those of a PEM file: a company's own authority comes on top.
   *
   * @throws IllegalArgumentException if the file is not readable or holds no certificate
   */
  public static TrustManagerFactory withFile(Path file) {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      TrustManagerFactory defaults =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      defaults.init((KeyStore) null);
      int count = 0;
      for (TrustManager manager : defaults.getTrustManagers()) {
        if (manager instanceof X509TrustManager x509) {
          for (X509Certificate authority : x509.getAcceptedIssuers()) {
            store.setCertificateEntry("jdk-" + count++, authority);
          }
        }
      }
      Collection<? extends Certificate> ours;
      try (InputStream in = Files.newInputStream(file)) {
        ours = CertificateFactory.getInstance("X.509").generateCertificates(in);
      }
      if (ours.isEmpty()) {
        throw new IllegalArgumentException("no certificate in the CA file " + file);
      }
      for (Certificate certificate : ours) {
        store.setCertificateEntry("file-" + count++, certificate);
      }
      TrustManagerFactory both =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      both.init(store);
      return both;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException("cannot read the CA file " + file, e);
    }
  }
}
