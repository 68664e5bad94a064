package dev.mandate.files;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the operator decided about files.
 *
 * @param folder of the local storage
 * @param shared whether other processes of the installation find what this one keeps
 * @param s3 to keep contents there instead; null for the folder
 * @param maxSize of one file, in bytes
 * @param quota of one organization, in bytes
 * @param types content types that are accepted; {@code image/*} stands for all of a kind
 * @param pending how long an announced file waits for its content
 * @param link how long an address to fetch a content is good
 * @param grace how long what seems to be of no use is left alone: clocks differ, and requests take
 *     time
 */
public record FileSettings(
    Path folder,
    boolean shared,
    @Nullable S3 s3,
    long maxSize,
    long quota,
    List<String> types,
    Duration pending,
    Duration link,
    Duration grace) {
  /** {@code grace} where nobody says otherwise. */
  public static final Duration GRACE = Duration.ofMinutes(1);

  public FileSettings {
    types = List.copyOf(types);
  }

  /**
   * A bucket.
   *
   * @param endpoint e.g. {@code https://s3.eu-central-1.amazonaws.com}
   * @param pathStyle the bucket stands in the path, not in the host name
   * @param prefix before every key; empty, or ends with a slash
   * @param sessionToken of temporary credentials; empty for none
   * @param encryption server-side encryption to ask for, e.g. {@code AES256}; empty for the
   *     bucket's own
   */
  public record S3(
      String endpoint,
      String region,
      String bucket,
      boolean pathStyle,
      String prefix,
      String accessKey,
      String secretKey,
      String sessionToken,
      String encryption) {
    /** Without the credentials. */
    @Override
    public String toString() {
      return "S3[" + endpoint + " " + bucket + "]";
    }
  }
}
