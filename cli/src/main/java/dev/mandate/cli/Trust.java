package dev.mandate.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Whose certificates the client believes: Java's authorities, and those of a file. */
final class Trust {
  private Trust() {}

  /**
   * A client for one server.
   *
   * @param caFile PEM; Java's authorities alone if empty
   */
  static HttpClient.Builder client(String url, String caFile) {
    HttpClient.Builder client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
    if (url.startsWith("http:")) {
      return client.sslContext(none());
    }
    return caFile.isEmpty() ? client : client.sslContext(withFile(caFile));
  }

  /**
   * Trusts nobody. The client wants a context even where there is no TLS, and its default one reads
   * all certificates of the JDK: a third of what a short command takes.
   */
  private static SSLContext none() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[0], new TrustManager[0], null);
      return context;
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static SSLContext withFile(String file) {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int count = 0;
      for (TrustManager manager : factory(null).getTrustManagers()) {
        if (manager instanceof X509TrustManager x509) {
          for (X509Certificate authority : x509.getAcceptedIssuers()) {
            store.setCertificateEntry("java-" + count++, authority);
          }
        }
      }
      Collection<? extends Certificate> ours;
      try (InputStream in = Files.newInputStream(Path.of(file))) {
        ours = CertificateFactory.getInstance("X.509").generateCertificates(in);
      }
      if (ours.isEmpty()) {
        throw CliFailure.failed("there is no certificate in " + file);
      }
      for (Certificate certificate : ours) {
        store.setCertificateEntry("file-" + count++, certificate);
      }
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, factory(store).getTrustManagers(), null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw CliFailure.failed("cannot read certificates from " + file + ": " + e.getMessage());
    }
  }

  private static TrustManagerFactory factory(@Nullable KeyStore store)
      throws GeneralSecurityException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory;
  }
}
