package dev.mandate.server.ops;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.db.Endpoint;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Reads a backup into a schema that was just made. The header says which version of the schema; the
 * caller makes that one, {@link #load}s, and migrates on.
 */
public final class Restore implements AutoCloseable {
  private static final int LONGEST_ROW_PART = 1 << 20;
  private static final FileAttribute<?> OWNERS_ALONE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final InputStream in;
  private final Header header;

  /**
   * What a backup says about itself.
   *
   * @param migrations each {@code <version> <checksum>}
   */
  public record Header(String takenAt, List<String> migrations, String masterKeys) {
    public Header {
      migrations = List.copyOf(migrations);
    }

    /** The newest migration's version. */
    public String version() {
      return migrations.getLast().split(" ", 2)[0];
    }

    @Override
    public String toString() {
      return "Header[" + takenAt + "]";
    }
  }

  private Restore(InputStream in, Header header) {
    this.in = in;
    this.header = header;
  }

  /**
   * Opens a backup.
   *
   * @throws Failure {@code INVALID_ARGUMENT} if it is none, is damaged, or the key is another
   */
  public static Restore open(Path file, byte[] key) throws IOException {
    InputStream in =
        new BufferedInputStream(
            new GZIPInputStream(
                SealedFile.read(new BufferedInputStream(Files.newInputStream(file)), key), 65_536),
            65_536);
    JsonNode json = Json.read(SealedFile.line(in));
    if (json.path("format").asInt() != Backup.FORMAT) {
      throw Failure.invalid("file", "has a format that this version of Mandate does not know");
    }
    List<String> migrations = new ArrayList<>();
    json.path("migrations").forEach(each -> migrations.add(each.textValue()));
    return new Restore(
        in,
        new Header(json.path("taken_at").asText(), migrations, json.path("master_keys").asText()));
  }

  /** Reads a whole backup and finds it genuine; what it holds is used nowhere. */
  public static void check(Path file, byte[] key) throws IOException {
    try (InputStream in =
        SealedFile.read(new BufferedInputStream(Files.newInputStream(file)), key)) {
      in.transferTo(java.io.OutputStream.nullOutputStream());
    }
  }

  public Header header() {
    return header;
  }

  /**
   * Replaces every row of the schema by the backup's, all or nothing.
   *
   * @param endpoint of a schema with exactly the migrations of the header
   * @param files the folder where the files' contents go
   * @return how many rows
   */
  public long load(Endpoint endpoint, Path files, Consumer<String> progress)
      throws IOException, SQLException {
    try (Connection owner = endpoint.connect(endpoint.owner(), "mandate restore")) {
      owner.setAutoCommit(false);
      List<String> here = Catalog.migrations(owner);
      if (!here.equals(header.migrations())) {
        throw Failure.precondition(
            "OTHER_SCHEMA",
            "the backup's schema cannot be made by this version of Mandate; they differ in "
                + difference(here, header.migrations()));
      }
      List<Catalog.Table> tables = Catalog.tables(owner, endpoint.schema());
      List<Catalog.ForeignKey> keys = Catalog.foreignKeys(owner, endpoint.schema());
      // Rows come table by table: what they refer to may come later.
      for (Catalog.ForeignKey key : keys) {
        alter(owner, key.table(), "drop constraint " + Catalog.quoted(key.name()));
      }
      for (Catalog.Table table : tables) {
        if (table.tenant()) {
          // Ours alone until the commit, which brings row-level security back with the rows.
          alter(owner, table.name(), "no force row level security");
        }
      }
      Snapshot.execute(
          owner,
          "truncate "
              + tables.stream()
                  .map(table -> Catalog.quoted(table.name()))
                  .collect(Collectors.joining(", ")));
      long rows = rows(owner, tables, files, progress);
      for (Catalog.Table table : tables) {
        if (table.tenant()) {
          alter(owner, table.name(), "force row level security");
        }
      }
      for (Catalog.ForeignKey key : keys) {
        alter(
            owner,
            key.table(),
            "add constraint " + Catalog.quoted(key.name()) + " " + key.definition());
      }
      owner.commit();
      return rows;
    }
  }

  private long rows(
      Connection owner, List<Catalog.Table> tables, Path files, Consumer<String> progress)
      throws IOException, SQLException {
    Map<String, Catalog.Table> known = new HashMap<>();
    tables.forEach(table -> known.put(table.name(), table));
    long total = 0;
    int copied = 0;
    String previous = "";
    while (true) {
      JsonNode section = Json.read(SealedFile.line(in));
      if (section.has("end")) {
        if (section.path("rows").asLong() != total || section.path("files").asInt() != copied) {
          throw Failure.invalid("file", "holds other rows or files than it says");
        }
        if (in.read() >= 0) {
          throw Failure.invalid("file", "goes on after its end");
        }
        return total;
      }
      if (section.has("file")) {
        file(section, files);
        copied++;
        continue;
      }
      String name = section.path("table").asText();
      Catalog.Table table = known.get(name);
      if (table == null) {
        throw Failure.invalid("file", "holds the table " + name + ", which the schema has not");
      }
      if (!name.equals(previous)) {
        progress.accept(name);
        previous = name;
      }
      total += copy(owner, table, section);
    }
  }

  private long copy(Connection owner, Catalog.Table table, JsonNode section)
      throws IOException, SQLException {
    List<String> columns = new ArrayList<>();
    for (JsonNode column : section.path("columns")) {
      if (!table.columns().contains(column.textValue())) {
        throw Failure.invalid(
            "file", "holds the column " + table.name() + "." + column.textValue());
      }
      columns.add(Catalog.quoted(column.textValue()));
    }
    MessageDigest digest = Backup.sha256();
    CopyIn copy =
        owner
            .unwrap(PGConnection.class)
            .getCopyAPI()
            .copyIn(
                "copy "
                    + Catalog.quoted(table.name())
                    + " ("
                    + String.join(", ", columns)
                    + ") from stdin");
    long count;
    try {
      Lines lines = new Lines(in);
      while (lines.next()) {
        digest.update(lines.bytes, 0, lines.length);
        copy.writeToCopy(lines.bytes, 0, lines.length);
      }
      count = copy.endCopy();
    } finally {
      if (copy.isActive()) {
        copy.cancelCopy();
      }
    }
    JsonNode sum = Json.read(SealedFile.line(in));
    if (sum.path("rows").asLong() != count
        || !HexFormat.of().formatHex(digest.digest()).equals(sum.path("sha256").asText())) {
      throw Failure.invalid("file", "holds other rows of " + table.name() + " than it says");
    }
    return count;
  }

  /** Rows up to the mark of their end, in pieces that end with a line's end or are full. */
  private static final class Lines {
    private final InputStream in;
    private final byte[] bytes = new byte[LONGEST_ROW_PART];
    private int length;
    private boolean atStart = true;

    private Lines(InputStream in) {
      this.in = in;
    }

    private boolean next() throws IOException {
      length = 0;
      boolean wasStart = atStart;
      while (length < bytes.length) {
        int b = in.read();
        if (b < 0) {
          throw new EOFException("ends in the middle of a table");
        }
        bytes[length++] = (byte) b;
        if (b == '\n') {
          atStart = true;
          return !(wasStart && length == 3 && bytes[0] == '\\' && bytes[1] == '.');
        }
      }
      atStart = false;
      return true;
    }
  }

  private void file(JsonNode section, Path files) throws IOException {
    Path root = files.toAbsolutePath().normalize();
    Path target = root.resolve(section.path("file").asText()).normalize();
    if (!target.startsWith(root)) {
      throw Failure.invalid("file", "holds a file outside of the files' folder");
    }
    // As the server makes them: the folder above may be open to others.
    Files.createDirectories(target.getParent(), OWNERS_ALONE);
    // Under another name first: one that is there already is never half of itself.
    Path partial = target.resolveSibling(target.getFileName() + ".partial");
    try {
      try (OutputStream out = Files.newOutputStream(partial)) {
        Backup.copy(in, out, section.path("size").asLong());
      }
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private static void alter(Connection owner, String table, String what) throws SQLException {
    Snapshot.execute(owner, "alter table " + Catalog.quoted(table) + " " + what);
  }

  private static String difference(List<String> here, List<String> there) {
    List<String> all = new ArrayList<>(here);
    there.stream().filter(each -> !here.contains(each)).forEach(all::add);
    return all.stream()
        .filter(each -> !here.contains(each) || !there.contains(each))
        .map(each -> each.split(" ", 2)[0])
        .distinct()
        .collect(Collectors.joining(", "));
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
