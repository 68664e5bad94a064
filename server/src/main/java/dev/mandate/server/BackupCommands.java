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
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code mandate backup} and {@code mandate restore}. */
final class BackupCommands {
  /** In the data folder's secrets: the key of every backup, unless another file is named. */
  private static final String KEY = "backup-key";

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
    try (Opened opened = Opened.beside(config)) {
      DataFolder folder = opened.folder();
      boolean first = keyFile == null && !Files.exists(folder.secrets().resolve(KEY));
      String key = keyFile == null ? folder.secret(KEY, KeyRing::generate) : read(Path.of(keyFile));
      Backup.Summary made =
          new Backup(
                  opened.database().endpoint(),
                  opened.masterKeys(config),
                  folder.files(),
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
    try {
      byte[] key = decode(read(keyPath));
      // All of it, before anything is changed.
      Restore.check(file, key);
      boolean external = !config.database().url().value().isEmpty();
      if (external) {
        refuseUsedSchema(config);
      } else {
        makeRoom(config.data(), force);
      }
      try (Restore restore = Restore.open(file, key)) {
        return restore(config, restore, external, read(keyPath));
      }
    } catch (NoSuchFileException e) {
      throw Failure.invalid("FILE", "there is no " + e.getFile());
    } catch (IOException e) {
      throw new UncheckedIOException(why(e), e);
    } catch (SQLException e) {
      throw Failure.unavailable("the database failed: " + e.getMessage(), e);
    }
  }

  private int restore(Config config, Restore restore, boolean external, String key)
      throws IOException, SQLException {
    out.println("The backup of " + restore.header().takenAt());
    boolean done = false;
    DataFolder folder = new DataFolder(config.data());
    folder.open();
    try {
      KeyRing ring = ring(config, folder, restore.header());
      folder.writeSecret(KEY, key);
      if (external) {
        load(Server.parse(config.database().url().value()), config, ring, restore, folder);
      } else {
        try (EmbeddedPostgres postgres =
            new EmbeddedPostgres(EmbeddedPostgres.Options.in(folder))) {
          postgres.start();
          load(postgres.server(), config, ring, restore, folder);
        }
      }
      done = true;
      return Main.OK;
    } finally {
      folder.close();
      if (!done && !external) {
        // Half an installation would be taken for a whole one.
        delete(config.data());
      }
    }
  }

  private void load(Server server, Config config, KeyRing ring, Restore restore, DataFolder folder)
      throws IOException, SQLException {
    String schema = config.database().schema();
    Endpoint endpoint = Preparation.run(server, schema, ring, restore.header().version());
    long rows = restore.load(endpoint, folder.files(), line -> out.println("  " + line));
    // On to this program's own version.
    Preparation.run(server, schema, ring);
    out.printf("%,d rows are restored; `mandate up` goes on from there%n", rows);
  }

  private KeyRing ring(Config config, DataFolder folder, Restore.Header header) {
    KeyRing kept = KeyRing.parse("the backup", header.masterKeys());
    String configured = config.masterKey().value();
    if (configured.isEmpty()) {
      folder.writeSecret("master-key", header.masterKeys());
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
    boolean used =
        Files.exists(data.resolve("postgres")) || Files.exists(data.resolve("secrets/master-key"));
    if (!used) {
      return;
    }
    if (!force) {
      throw Failure.precondition(
          "NOT_EMPTY",
          data
              + " holds an installation already: name another folder with --data, or have this one"
              + " put aside with --force");
    }
    Path aside =
        data.resolveSibling(
            data.getFileName() + ".before-restore-" + Instant.now().getEpochSecond());
    Files.move(data, aside);
    out.println("What was in " + data + " is in " + aside);
  }

  /** A database of the operator's own is never emptied by us. */
  private static void refuseUsedSchema(Config config) throws SQLException {
    Server server = Server.parse(config.database().url().value());
    String schema = config.database().schema();
    StringBuilder parameters = new StringBuilder();
    server
        .parameters()
        .forEach((name, value) -> parameters.append('&').append(name).append('=').append(value));
    try (Connection connection =
            DriverManager.getConnection(
                "jdbc:postgresql://"
                    + server.hosts()
                    + "/"
                    + server.database()
                    + "?ApplicationName=mandate-restore"
                    + parameters,
                server.admin().user(),
                server.admin().password());
        PreparedStatement statement =
            connection.prepareStatement(
                "select 1 from pg_class where relnamespace = to_regnamespace(?)")) {
      statement.setString(1, schema);
      try (ResultSet rows = statement.executeQuery()) {
        if (rows.next()) {
          throw Failure.precondition(
              "NOT_EMPTY",
              "the schema "
                  + schema
                  + " is there already: name another (MANDATE_DATABASE_SCHEMA) or another database,"
                  + " or drop it yourself");
        }
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
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
    return String.valueOf(e.getMessage());
  }

  private Config config(List<String> flags) {
    return Config.load(Config.flags(flags), environment, configuration);
  }
}
