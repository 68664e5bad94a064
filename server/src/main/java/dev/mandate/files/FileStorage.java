package dev.mandate.files;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where contents are. What was sent for a file is first its draft, which anybody with the signed
 * address may still replace; {@link #keep} makes exactly the draft that was looked at the content
 * of its hash, and that never changes. Everything blocks; nothing is called inside a transaction.
 */
interface FileStorage {
  /** Where the owner sends the content. */
  FileLink upload(Mandate mandate, StoredFile file, Duration life);

  /** Where the content is fetched. It comes as a download, with a content type that is safe. */
  FileLink download(Mandate mandate, StoredFile file, Duration life);

  /**
   * What was sent.
   *
   * @param tag tells one draft of a file from another
   */
  record Draft(InputStream content, String tag) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      content.close();
    }
  }

  /** What was sent for a file; null if nothing was. */
  @Nullable Draft draft(OrgId org, FileId file) throws IOException;

  /**
   * Makes a draft the content of its hash.
   *
   * @return false if it is not the draft of this tag any more
   */
  boolean keep(OrgId org, FileId file, String tag, String sha256) throws IOException;

  /** Forgets what was sent for a file, half-sent too. No error if there is nothing. */
  void discard(OrgId org, FileId file) throws IOException;

  /** A content; null if there is none of this hash. */
  @Nullable InputStream read(OrgId org, String sha256) throws IOException;

  /** No error if there is none. */
  void delete(OrgId org, String sha256) throws IOException;

  /** For the caller. Java tells a full disk by the system's words alone. */
  static Failure failure(IOException e) {
    String said = String.valueOf(e.getMessage());
    boolean full = said.endsWith("No space left on device") || said.endsWith("Disk quota exceeded");
    return Failure.unavailable(
        full
            ? "there is no space left where contents of files are kept"
            : "the file storage cannot be reached",
        e);
  }
}
