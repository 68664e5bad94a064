package dev.mandate.kernel.db;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

/**
 * Unpacks the PostgreSQL binaries that travel in the class path as {@code
 * postgres-<system>-<architecture>.txz}. Reads xz and tar itself: the machine may have neither
 * tool.
 */
final class PostgresBinaries {
  static final String VERSION = "18.6";

  /**
   * A folder that holds {@code bin-<version>} already, as an earlier start on this machine unpacked
   * it: to copy that spares a first start the decompression.
   */
  private static final String UNPACKED = "mandate.postgres.unpacked";

  private static final int BLOCK = 512;

  /** Needed to compile extensions, not to run the server: a third of the unpacked size. */
  private static final List<String> UNWANTED = List.of("lib/postgresql/pgxs/", "lib/pkgconfig/");

  private PostgresBinaries() {}

  /**
   * Unpacks into {@code parent/bin-<version>} unless that is there already.
   *
   * @return the folder that holds {@code bin}, {@code lib} and {@code share}
   */
  static Path unpackInto(Path parent) throws IOException {
    String unpacked = System.getProperty(UNPACKED);
    return unpackInto(parent, unpacked == null ? null : Path.of(unpacked));
  }

  static Path unpackInto(Path parent, @Nullable Path unpacked) throws IOException {
    Path target = parent.resolve("bin-" + VERSION);
    if (Files.isDirectory(target)) {
      return target;
    }
    Path partial = Files.createTempDirectory(parent, "bin-" + VERSION + ".partial-");
    Path source = unpacked == null ? null : unpacked.resolve("bin-" + VERSION);
    try {
      if (source != null && Files.isDirectory(source)) {
        copy(source, partial);
      } else {
        try (InputStream archive = open()) {
          untar(archive, partial);
        }
      }
      Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException | FileAlreadyExistsException e) {
      throw new IOException("cannot rename " + partial + " to " + target, e);
    } catch (IOException e) {
      // Another process was faster: renaming onto its non-empty folder fails.
      if (!Files.isDirectory(target)) {
        throw e;
      }
    } finally {
      delete(partial);
    }
    return target;
  }

  static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  private static void copy(Path source, Path target) throws IOException {
    try (Stream<Path> all = Files.walk(source)) {
      for (Path each : all.skip(1).toList()) {
        Files.copy(
            each,
            target.resolve(source.relativize(each)),
            StandardCopyOption.COPY_ATTRIBUTES,
            LinkOption.NOFOLLOW_LINKS);
      }
    }
  }

  private static InputStream open() throws IOException {
    String name = "postgres-" + system() + "-" + architecture() + ".txz";
    InputStream resource = PostgresBinaries.class.getResourceAsStream("/" + name);
    if (resource == null) {
      throw new IOException(
          "no bundled PostgreSQL for "
              + system()
              + " on "
              + architecture()
              + " ("
              + name
              + " is not in the class path): give a server of your own with DATABASE_URL");
    }
    return new XZInputStream(new BufferedInputStream(resource, 1 << 16));
  }

  private static String system() {
    String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    return name.startsWith("mac") ? "darwin" : name;
  }

  private static String architecture() {
    String name = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return switch (name) {
      case "amd64", "x86_64" -> "x86_64";
      case "aarch64", "arm64" -> "arm_64";
      default -> name;
    };
  }

  private static void untar(InputStream in, Path root) throws IOException {
    byte[] header = new byte[BLOCK];
    String longName = null;
    while (in.readNBytes(header, 0, BLOCK) == BLOCK && header[0] != 0) {
      long size = octal(header, 124, 12);
      char type = (char) header[156];
      if (type == 'L') {
        longName = text(in.readNBytes((int) size), 0, (int) size);
        in.skipNBytes(padding(size));
        continue;
      }
      String prefix = text(header, 345, 155);
      String name =
          longName != null
              ? longName
              : (prefix.isEmpty() ? "" : prefix + "/") + text(header, 0, 100);
      longName = null;
      Path path = wanted(name, root);
      if (path == null || type == 'x' || type == 'g') {
        in.skipNBytes(size + padding(size));
        continue;
      }
      boolean executable = (octal(header, 100, 8) & 0100) != 0;
      switch (type) {
        case '5' -> folder(path);
        case '2' -> {
          folder(path.getParent());
          Files.createSymbolicLink(path, Path.of(text(header, 157, 100)));
        }
        case '0', '\0' -> {
          folder(path.getParent());
          copy(in, path, size);
          mode(path, executable ? "rwxr-xr-x" : "rw-r--r--");
          in.skipNBytes(padding(size));
        }
        default ->
            throw new IOException("unexpected kind '" + type + "' of " + name + " in the archive");
      }
    }
  }

  /** Where an entry goes; null if it is not needed. */
  private static @Nullable Path wanted(String name, Path root) throws IOException {
    String plain = name.startsWith("./") ? name.substring(2) : name;
    if (plain.endsWith(".a") || UNWANTED.stream().anyMatch(plain::startsWith)) {
      return null;
    }
    Path path = root.resolve(plain).normalize();
    if (!path.startsWith(root)) {
      throw new IOException("the archive reaches out of its folder: " + name);
    }
    return path;
  }

  private static void folder(@Nullable Path path) throws IOException {
    if (path != null && !Files.isDirectory(path)) {
      folder(path.getParent());
      Files.createDirectory(path);
      mode(path, "rwxr-xr-x");
    }
  }

  private static void copy(InputStream in, Path path, long size) throws IOException {
    byte[] buffer = new byte[1 << 16];
    try (OutputStream out = Files.newOutputStream(path)) {
      long left = size;
      while (left > 0) {
        int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (read < 0) {
          throw new EOFException("the archive ends in the middle of " + path.getFileName());
        }
        out.write(buffer, 0, read);
        left -= read;
      }
    }
  }

  private static void mode(Path path, String permissions) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
  }

  private static long padding(long size) {
    return (BLOCK - size % BLOCK) % BLOCK;
  }

  private static long octal(byte[] header, int offset, int length) {
    String digits = text(header, offset, length).strip();
    return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
  }

  private static String text(byte[] bytes, int offset, int length) {
    int end = offset;
    while (end < offset + length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, offset, end - offset, StandardCharsets.UTF_8);
  }
}
