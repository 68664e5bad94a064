package dev.mandate.server;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.db.EmbeddedPostgres;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Preparation;
import dev.mandate.kernel.db.Server;
import dev.mandate.server.ops.Backup;
import dev.mandate.server.ops.Restore;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** {@code mandate backup} and {@code mandate restore}. */
final class BackupCommands {
  /** In the data folder's secrets: the key of every backup, unless another file is named. */
  private static final String KEY = "backup-key";

  private static final String MASTER_KEY = "master-key";
  private static final String LOCK = "mandate.lock";

  /** May be in a folder that is restored into: no installation's data. */
  private static final Set<Path> LEFT_ALONE =
      Set.of(Path.of("mandate.yaml"), Path.of("secrets", KEY), Path.of(LOCK));

  private static final int KEY_BYTES = 32;

  private final PrintStream out;
  private final Map<String, String> environment;
  private final @Nullable Path configuration;

  BackupCommands(PrintStream out, Map<String, String> environment, @Nullable Path configuration) {
    this.out = out;
    this.environment = environment;
    this.configuration = configuration;
  }

  int backup(List<String> words, List<String> flags) {
    String keyFile = OwnFlags.value(flags, "--key-file");
    Path file = Path.of(OpsCommands.one(words, "FILE")).toAbsolutePath();
    Config config = config(flags);
    if (Files.exists(file)) {
      throw Failure.invalid("FILE", file + " is there already");
    }
    boolean first = keyFile == null && !Files.exists(config.data().resolve("secrets").resolve(KEY));
    if (first && external(config) && !config.masterKey().value().isEmpty()) {
      throw Failure.invalid(
          "--key-file",
          "is required: with DATABASE_URL and MANDATE_MASTER_KEY nothing in the data folder needs"
              + " to be kept, and a key made there would be lost with it. Make one with `openssl"
              + " rand -base64 32`, and keep a copy elsewhere");
    }
    // Read by the catalogue: what is of an older version is kept as it is before it is migrated.
    try (Opened opened = Opened.beside(config, Preparation.Older.KEEP)) {
      DataFolder folder = opened.folder();
      String key = keyFile == null ? folder.secret(KEY, KeyRing::generate) : read(Path.of(keyFile));
      Backup.Summary made =
          new Backup(
                  opened.database().endpoint(),
                  opened.masterKeys(config),
                  config.files().folderOr(folder.files()),
                  line -> out.println("  " + line))
              .write(file, decode(key));
      out.printf(
          "%s: %,d organizations, %,d rows, %,d files, %,d bytes%n",
          file, made.organizations(), made.rows(), made.files(), made.bytes());
      if (keyFile == null) {
        out.println(
            "Its key is "
                + folder.secrets().resolve(KEY)
                + (first
                    ? ". Keep a copy elsewhere: without it the backup is worth nothing."
                    : ""));
      }
      return Main.OK;
    } catch (IOException e) {
      throw new UncheckedIOException(why(e), e);
    } catch (SQLException e) {
      throw Failure.unavailable("the database failed: " + e.getMessage(), e);
    }
  }

  int restore(List<String> words, List<String> flags) {
    String keyFile = OwnFlags.value(flags, "--key-file");
    boolean force = OwnFlags.given(flags, "--force");
    Path file = Path.of(OpsCommands.one(words, "FILE")).toAbsolutePath();
    Config config = config(flags);
    Path keyPath =
        keyFile == null ? config.data().resolve("secrets").resolve(KEY) : Path.of(keyFile);
    if (!Files.exists(keyPath)) {
      throw Failure.invalid("--key-file", "is required: the backup's key is not in " + keyPath);
    }
    Path files = config.files().folderOr(new DataFolder(config.data()).files());
    try {
      String key = read(keyPath);
      // All of it, before anything is changed.
      Restore.check(file, decode(key));
      // Open before a folder is put aside: the file may be in it.
      try (Restore restore = Restore.open(file, decode(key))) {
        KeyRing ring = ring(config, restore.header());
        if (external(config)) {
          refuseUsedSchema(config);
        } else {
          makeRoom(config.data(), force);
        }
        Map<String, String> secrets = new TreeMap<>(Map.of(KEY, key));
        if (config.masterKey().value().isEmpty()) {
          secrets.put(MASTER_KEY, restore.header().masterKeys());
        }
        refuseOtherSecrets(config.data().resolve("secrets"), secrets);
        return restore(config, restore, ring, files, secrets);
      }
    } catch (NoSuchFileException e) {
      throw Failure.invalid("FILE", "there is no " + e.getFile());
    } catch (IOException e) {
      throw new UncheckedIOException(why(e), e);
    } catch (SQLException e) {
      throw Failure.unavailable("the database failed: " + e.getMessage(), e);
    }
  }

  private int restore(
      Config config, Restore restore, KeyRing ring, Path files, Map<String, String> secrets)
      throws IOException, SQLException {
    out.println("The backup of " + restore.header().takenAt());
    boolean done = false;
    DataFolder folder = new DataFolder(real(config.data()));
    Set<Path> before = everything(folder.root());
    folder.open();
    try {
      secrets.forEach(folder::writeSecret);
      if (external(config)) {
        Server server = Server.parse(config.database().url().value());
        try {
          load(server, config, ring, restore, files);
          done = true;
        } finally {
          if (!done) {
            drop(server, config.database().schema());
          }
        }
      } else {
        try (EmbeddedPostgres postgres =
            new EmbeddedPostgres(EmbeddedPostgres.Options.in(folder))) {
          postgres.start();
          load(postgres.server(), config, ring, restore, files);
        }
        done = true;
      }
      return Main.OK;
    } finally {
      if (!done) {
        remove(folder, before);
      }
      folder.close();
    }
  }

  /** Half an installation would be taken for a whole one; what was there before is not ours. */
  private void remove(DataFolder folder, Set<Path> before) {
    try {
      for (Path part :
          List.of(
              folder.postgres(),
              folder.files(),
              folder.logs(),
              folder.secrets(),
              folder.root().resolve(LOCK))) {
        List<Path> made = new ArrayList<>(everything(part));
        made.removeAll(before);
        for (Path each : made.reversed()) {
          Files.delete(each);
        }
      }
      if (!before.contains(folder.root()) && everything(folder.root()).size() == 1) {
        Files.delete(folder.root());
      }
      out.println("It has failed: what it made in " + folder.root() + " is removed again");
    } catch (IOException e) {
      // Why it failed is said by whoever called.
      out.println("What it made in " + folder.root() + " could not be removed again: " + why(e));
    }
  }

  /** An empty schema would be taken for a new installation, and is in the way of another try. */
  private void drop(Server server, String schema) {
    try {
      Preparation.drop(server, schema);
      out.println("It has failed: the schema " + schema + ", which it made, is dropped again");
    } catch (IllegalStateException e) {
      out.println(
          "The schema "
              + schema
              + ", which it made, could not be dropped again: do that yourself, for `mandate up`"
              + " would start a new installation there: "
              + e.getMessage());
    }
  }

  private void load(Server server, Config config, KeyRing ring, Restore restore, Path files)
      throws IOException, SQLException {
    String schema = config.database().schema();
    Endpoint endpoint = Preparation.run(server, schema, ring, restore.header().version());
    long rows = restore.load(endpoint, files, line -> out.println("  " + line));
    // On to this program's own version.
    Preparation.run(server, schema, ring);
    out.printf("%,d rows are restored; `mandate up` goes on from there%n", rows);
  }

  /** What the restored secrets are encrypted under: the backup's, unless others are configured. */
  private static KeyRing ring(Config config, Restore.Header header) {
    KeyRing kept = KeyRing.parse("the backup", header.masterKeys());
    String configured = config.masterKey().value();
    if (configured.isEmpty()) {
      return kept;
    }
    KeyRing ring = KeyRing.parse("MANDATE_MASTER_KEY", configured);
    for (String id : kept.ids()) {
      if (!ring.contains(id)) {
        throw Failure.precondition(
            "OTHER_MASTER_KEY",
            "the backup's secrets are encrypted under key "
                + id
                + ", which MANDATE_MASTER_KEY does not hold: add it, or leave the variable away"
                + " and the backup's own key is used");
      }
    }
    return ring;
  }

  private void makeRoom(Path data, boolean force) throws IOException {
    if (DataFolder.occupant(data) != null) {
      throw Failure.precondition(
          "ALREADY_RUNNING", "Mandate is running on " + data + ": mandate down");
    }
    Path found = content(real(data));
    if (found == null) {
      return;
    }
    if (!force) {
      throw Failure.precondition(
          "NOT_EMPTY",
          data
              + " is not empty, there is "
              + found
              + ": name another folder with --data, or have this one put aside with --force");
    }
    Path aside =
        data.resolveSibling(
            data.getFileName() + ".before-restore-" + Instant.now().getEpochSecond());
    Files.move(data, aside);
    out.println("What was in " + data + " is in " + aside);
  }

  /** Something that a restore would have to go around. */
  private static @Nullable Path content(Path data) throws IOException {
    for (Path each : everything(data)) {
      if (!Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)
          && !LEFT_ALONE.contains(data.relativize(each))) {
        return data.relativize(each);
      }
    }
    return null;
  }

  /** A key that is overwritten is lost, and with it all that it opens. */
  private static void refuseOtherSecrets(Path folder, Map<String, String> secrets)
      throws IOException {
    for (Map.Entry<String, String> each : secrets.entrySet()) {
      Path file = folder.resolve(each.getKey());
      if (Files.exists(file) && !read(file).equals(each.getValue().strip())) {
        throw Failure.precondition(
            "OTHER_KEY",
            file
                + " is another key than the backup's, and opens something else: name another"
                + " folder with --data, or move that file away");
      }
    }
  }

  /** A database of the operator's own is never emptied by us. */
  private static void refuseUsedSchema(Config config) {
    String schema = config.database().schema();
    if (Preparation.exists(Server.parse(config.database().url().value()), schema)) {
      throw Failure.precondition(
          "NOT_EMPTY",
          "the schema "
              + schema
              + " is there already: name another (MANDATE_DATABASE_SCHEMA) or another database,"
              + " or drop it yourself");
    }
  }

  private static boolean external(Config config) {
    return !config.database().url().value().isEmpty();
  }

  /** What a link leads to: links inside are not followed. */
  private static Path real(Path folder) throws IOException {
    return Files.exists(folder) ? folder.toRealPath() : folder.toAbsolutePath().normalize();
  }

  /** The folder and all in it, parents first; nothing if it is not there. */
  private static Set<Path> everything(Path folder) throws IOException {
    Set<Path> all = new LinkedHashSet<>();
    if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes attributes) {
              all.add(each);
              return each.equals(folder.resolve(Backup.LOST_AND_FOUND))
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path each, BasicFileAttributes attributes) {
              all.add(each);
              return FileVisitResult.CONTINUE;
            }
          });
    }
    return all;
  }

  private static String read(Path file) throws IOException {
    return Files.readString(file).strip();
  }

  private static byte[] decode(String key) {
    try {
      byte[] decoded = Base64.getDecoder().decode(key);
      if (decoded.length == KEY_BYTES) {
        return decoded;
      }
    } catch (IllegalArgumentException notBase64) {
      // Said below.
    }
    throw Failure.invalid("--key-file", "does not hold 32 bytes in base64");
  }

  private static String why(IOException e) {
    return e.getClass().getSimpleName() + " " + e.getMessage();
  }

  private Config config(List<String> flags) {
    return Config.load(Config.flags(flags), environment, configuration);
  }
}
