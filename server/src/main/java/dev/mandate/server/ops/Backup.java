package dev.mandate.server.ops;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Endpoint;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.GZIPOutputStream;

/**
 * Writes all of an installation into one encrypted file, as of one moment, while the server runs.
 *
 * <p>Inside of the encryption and of gzip: a line of JSON with what the rest means; for each table
 * (and each organization in it) a line of JSON, the rows in PostgreSQL's text format, {@code \.},
 * and a line with their number and hash; for each file a line with its length, and its bytes; a
 * last line.
 */
public final class Backup {
  static final int FORMAT = 1;

  /** At the root of a disk of its own, for root alone to read. */
  public static final String LOST_AND_FOUND = "lost+found";

  private static final int PIECE = 1 << 16;
  private static final byte[] END_OF_ROWS = "\\.\n".getBytes(StandardCharsets.US_ASCII);

  private final Endpoint endpoint;
  private final String masterKeys;
  private final Path files;
  private final Consumer<String> progress;

  /**
   * @param masterKeys the key ring's text: without it the secrets in the database are lost
   * @param files the folder of the files' contents
   * @param progress told what is being done
   */
  public Backup(Endpoint endpoint, String masterKeys, Path files, Consumer<String> progress) {
    this.endpoint = endpoint;
    this.masterKeys = masterKeys;
    this.files = files;
    this.progress = progress;
  }

  /** What a backup holds. */
  public record Summary(int organizations, int tables, long rows, int files, long bytes) {}

  /** Writes the file, 0600; there is none under its name until it is whole. */
  public Summary write(Path file, byte[] key) throws IOException, SQLException {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    Files.deleteIfExists(partial);
    Files.createFile(
        partial,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      Summary summary;
      try (Snapshot snapshot = Snapshot.take(endpoint);
          OutputStream out =
              new GZIPOutputStream(SealedFile.write(Files.newOutputStream(partial), key), 65_536)) {
        summary = write(snapshot, out);
      }
      try (var channel = FileChannel.open(partial, java.nio.file.StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
      return new Summary(
          summary.organizations(),
          summary.tables(),
          summary.rows(),
          summary.files(),
          Files.size(file));
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private Summary write(Snapshot snapshot, OutputStream out) throws IOException, SQLException {
    line(out, header(snapshot));
    long rows = 0;
    for (Catalog.Table table : snapshot.tables()) {
      long before = rows;
      if (table.tenant()) {
        for (OrgId org : snapshot.organizations()) {
          String query =
              "select "
                  + table.columnList()
                  + " from "
                  + Catalog.quoted(table.name())
                  + " where org_id = '"
                  + org
                  + "'";
          rows += rows(snapshot, snapshot.of(org), table, query, out);
        }
      } else {
        String query = "select " + table.columnList() + " from " + Catalog.quoted(table.name());
        rows += rows(snapshot, snapshot.owner(), table, query, out);
      }
      progress.accept("%-28s %,d rows".formatted(table.name(), rows - before));
    }
    int copied = files(out);
    line(out, Json.object().put("end", true).put("rows", rows).put("files", copied));
    return new Summary(
        // The reserved one is nobody's.
        snapshot.organizations().size() - 1, snapshot.tables().size(), rows, copied, 0);
  }

  private ObjectNode header(Snapshot snapshot) {
    ObjectNode header =
        Json.object()
            .put("format", FORMAT)
            .put("taken_at", Instant.now().toString())
            .put("postgres", endpoint.serverMajor())
            .put("master_keys", masterKeys);
    snapshot.migrations().forEach(header.putArray("migrations")::add);
    return header;
  }

  private static long rows(
      Snapshot snapshot, Connection from, Catalog.Table table, String query, OutputStream out)
      throws IOException, SQLException {
    ObjectNode head = Json.object().put("table", table.name());
    table.columns().forEach(head.putArray("columns")::add);
    line(out, head);
    MessageDigest digest = sha256();
    // Not closed: the file goes on.
    DigestOutputStream rows = new DigestOutputStream(out, digest);
    long count = snapshot.copy(from, query, rows);
    out.write(END_OF_ROWS);
    line(
        out,
        Json.object().put("rows", count).put("sha256", HexFormat.of().formatHex(digest.digest())));
    return count;
  }

  private int files(OutputStream out) throws IOException {
    if (!Files.isDirectory(files)) {
      return 0;
    }
    int copied = 0;
    for (Path each : under(files)) {
      try (FileChannel content = FileChannel.open(each)) {
        long size = content.size();
        line(out, Json.object().put("file", files.relativize(each).toString()).put("size", size));
        // What is being received may grow meanwhile: it is worth nothing before it is whole.
        copy(Channels.newInputStream(content), out, size);
        copied++;
      } catch (NoSuchFileException e) {
        progress.accept("left out, it is gone meanwhile: " + files.relativize(each));
      }
    }
    if (copied > 0) {
      progress.accept("%-28s %,d".formatted("files", copied));
    }
    return copied;
  }

  /** All regular files, sorted. What disappears while they are listed is not one of them. */
  static List<Path> under(Path folder) throws IOException {
    List<Path> all = new ArrayList<>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes attributes) {
            return each.equals(folder.resolve(LOST_AND_FOUND))
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()) {
              all.add(file);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }
        });
    Collections.sort(all);
    return all;
  }

  /**
   * Passes on exactly so many bytes, a piece at a time.
   *
   * @throws EOFException if there are fewer
   */
  static void copy(InputStream in, OutputStream out, long size) throws IOException {
    byte[] piece = new byte[PIECE];
    for (long left = size; left > 0; ) {
      int read = in.read(piece, 0, (int) Math.min(left, piece.length));
      if (read < 0) {
        throw new EOFException("ends in the middle of a file");
      }
      out.write(piece, 0, read);
      left -= read;
    }
  }

  private static void line(OutputStream out, ObjectNode json) throws IOException {
    out.write((json + "\n").getBytes(StandardCharsets.UTF_8));
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
