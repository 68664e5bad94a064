package dev.mandate.files;

import java.time.Instant;
import java.util.Map;

/**
 * A signed address of a content.
 *
 * @param url absolute, or a path on this server
 * @param headers to send along, exactly
 */
record FileLink(String url, String method, Map<String, String> headers, Instant expiresAt) {
  FileLink {
    headers = Map.copyOf(headers);
  }

  /** Without what makes it good. */
  @Override
  public String toString() {
    return "FileLink[" + method + " until " + expiresAt + "]";
  }
}
