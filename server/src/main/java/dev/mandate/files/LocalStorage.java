package dev.mandate.files;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A folder: {@code <org>/blobs/<2 digits>/<sha256>}, and {@code <org>/drafts/<file>}. Names come
 * from ids and hashes alone. What has its name is whole and on the disk: it is written under
 * another name, flushed, and renamed.
 */
final class LocalStorage implements FileStorage {
  private final Path root;
  private final ContentLinks links;
  private final InstantSource clock;

  LocalStorage(Path root, ContentLinks links, InstantSource clock) {
    this.root = root;
    this.links = links;
    this.clock = clock;
  }

  @Override
  public FileLink upload(Mandate mandate, StoredFile file, Duration life) {
    Instant until = clock.instant().plus(life);
    return new FileLink(
        links.sign(mandate, "PUT", file.id(), until),
        "PUT",
        Map.of("content-type", file.contentType()),
        until);
  }

  @Override
  public FileLink download(Mandate mandate, StoredFile file, Duration life) {
    Instant until = clock.instant().plus(life);
    return new FileLink(links.sign(mandate, "GET", file.id(), until), "GET", Map.of(), until);
  }

  /**
   * Takes what is sent for a file, as its draft. All of it or nothing.
   *
   * @throws Failure {@code INVALID_ARGUMENT} if it is not what was announced
   */
  void receive(OrgId org, StoredFile file, InputStream in) throws IOException {
    Path drafts = folder(org).resolve("drafts");
    makeFolder(drafts);
    Path part = drafts.resolve(file.id() + "." + UUID.randomUUID() + ".part");
    try {
      Checksum checksum = new Checksum(file);
      try (FileChannel out =
          FileChannel.open(part, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
        byte[] buffer = new byte[64 * 1024];
        int length = in.read(buffer);
        while (length >= 0 && checksum.add(buffer, length)) {
          ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, length);
          while (bytes.hasRemaining()) {
            out.write(bytes);
          }
          length = in.read(buffer);
        }
        String problem = checksum.problem();
        if (problem != null) {
          throw Failure.of(Failure.Code.INVALID_ARGUMENT, "CONTENT_REFUSED", problem);
        }
        out.force(true);
      }
      rename(part, drafts.resolve(file.id().toString()));
    } finally {
      Files.deleteIfExists(part);
    }
  }

  @Override
  public @Nullable Draft draft(OrgId org, FileId file) throws IOException {
    InputStream in = open(draftPath(org, file));
    // A second draft has passed the same check, so it is the same content.
    return in == null ? null : new Draft(in, "");
  }

  @Override
  public boolean keep(OrgId org, FileId file, String tag, String sha256) throws IOException {
    Path blob = blob(org, sha256);
    makeFolder(Objects.requireNonNull(blob.getParent()));
    try {
      rename(draftPath(org, file), blob);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  @Override
  public void discard(OrgId org, FileId file) throws IOException {
    Path drafts = folder(org).resolve("drafts");
    if (Files.isDirectory(drafts)) {
      try (DirectoryStream<Path> of = Files.newDirectoryStream(drafts, file + "*")) {
        for (Path each : of) {
          Files.deleteIfExists(each);
        }
      }
    }
  }

  @Override
  public @Nullable InputStream read(OrgId org, String sha256) throws IOException {
    return open(blob(org, sha256));
  }

  @Override
  public void delete(OrgId org, String sha256) throws IOException {
    Files.deleteIfExists(blob(org, sha256));
  }

  Path blob(OrgId org, String sha256) {
    return folder(org).resolve("blobs").resolve(sha256.substring(0, 2)).resolve(sha256);
  }

  private Path draftPath(OrgId org, FileId file) {
    return folder(org).resolve("drafts").resolve(file.toString());
  }

  private Path folder(OrgId org) {
    return root.resolve(org.toString());
  }

  private static @Nullable InputStream open(Path path) throws IOException {
    try {
      return Files.newInputStream(path);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static void makeFolder(Path folder) throws IOException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  /** The new name is on the disk when this returns. */
  private static void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel folder =
        FileChannel.open(Objects.requireNonNull(to.getParent()), StandardOpenOption.READ)) {
      folder.force(true);
    }
  }
}
