package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.db.Server;
import dev.mandate.testing.TenancyChecks;
import dev.mandate.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backup and restore, by the commands that an operator gives, of a server that goes on working. */
class BackupTest {
  private static final String REQUEST =
      "Which agents do we have? Then add one named Marlowe that answers briefly.";

  /** The bundled database, with the data folder's own master key. */
  private static final Map<String, String> NO_DATABASE = Map.of();

  private static TestServer server;

  @TempDir static Path folder;
  private static String thread;

  @BeforeAll
  static void aRunThatWaitsForAPerson() throws IOException {
    // PostgreSQL's own user passes through.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    putKey("source");
    server = TestServer.start();
    server
        .owner()
        .post(
            "/api/v1/models",
            """
            {"name": "kept", "provider": "OPENAI", "remoteName": "m",
             "baseUrl": "http://127.0.0.1:9", "apiKey": "sk-the-secret-of-the-model"}
            """);
    thread = server.owner().say("Operator", REQUEST);
    RunWaits.until(server.owner(), thread, "AWAITING_APPROVAL");
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @Test
  void aBackupUnderLoadIsOfOneMoment() throws Exception {
    AtomicBoolean writing = new AtomicBoolean(true);
    Thread load =
        Thread.ofVirtual()
            .start(() -> {
              for (int i = 0; writing.get(); i++) {
                server.owner().post("/api/v1/threads", "{\"title\": \"load " + i + "\"}").ok();
              }
            });
    Path file = folder.resolve("load.backup");
    try {
      assertThat(backup(file)).contains("1 organizations");
    } finally {
      writing.set(false);
      load.join();
    }
    Server target = restored(file, "load");
    try (TestDatabase database = TestDatabase.on(target);
        TestServer second = TestServer.on(database, Map.of())) {
      // Every thread came with its audit entry, and the chain holds.
      assertThat(number(target, "select count(*) from mandate.threads"))
          .isEqualTo(
              number(
                  target,
                  "select count(*) from mandate.audit_entries where action = 'threads.create'"));
      assertThat(TenancyChecks.findings(database)).isEqualTo(TenancyChecks.KERNEL_EXCEPTIONS);
      String verified = run(url(target), "ops", "verify-audit", "--data", data("load"));
      assertThat(verified).contains("intact  organization").doesNotContain("BROKEN");

      JsonNode run = second.owner().approveUntilOver(thread);
      assertThat(run.get("status").textValue()).isEqualTo("SUCCEEDED");
      assertThat(second.owner().agent("Marlowe")).isNotEmpty();
    }
  }

  @Test
  void aRestoredInstallationIsTheSameToTheByte() throws Exception {
    Path file = folder.resolve("quiet.backup");
    Path first = folder.resolve("first.jsonl");
    Map<String, String> before = quietBackup(file, first);

    Server target = restored(file, "quiet");
    assertThat(contents(target, "mandate")).isEqualTo(before);
    Path second = folder.resolve("second.jsonl");
    run(url(target), "ops", "export-org", second.toString(), "--data", data("quiet"));
    assertThat(Files.mismatch(first, second)).isEqualTo(-1);
    assertThat(Files.readString(first))
        .contains("\"table\":\"messages\"", "Marlowe", TestServer.EMAIL)
        .doesNotContain("sealed", "password_hash", "sk-the-secret");

    assertThat(
            fails(
                url(target),
                "restore",
                file.toString(),
                "--key-file",
                folder.resolve("source/secrets/backup-key").toString(),
                "--data",
                data("again")))
        .contains("the schema mandate is there already");
  }

  @Test
  void aRestoreOnAnOlderPostgresIsTheSame() throws Exception {
    String admin = "jdbc:postgresql://127.0.0.1:5432/postgres?user=postgres";
    assumeTrue(reachable(admin), "no PostgreSQL at 127.0.0.1:5432");
    String name = "mandate_restore_" + ProcessHandle.current().pid();
    Path file = folder.resolve("older.backup");
    Map<String, String> before = quietBackup(file, folder.resolve("older.jsonl"));
    execute(admin, "create database " + name);
    try {
      String url = "postgresql://postgres@127.0.0.1:5432/" + name;
      String output =
          run(
              url,
              "restore",
              file.toString(),
              "--key-file",
              folder.resolve("source/secrets/backup-key").toString(),
              "--database.schema",
              name,
              "--data",
              data("older"));
      assertThat(output).contains("rows are restored");
      assertThat(contents(Server.parse(url), name)).isEqualTo(before);
      assertThat(
              run(url, "ops", "verify-audit", "--database.schema", name, "--data", data("older")))
          .contains("intact")
          .doesNotContain("BROKEN");

      // And one that was made there, on the newer one again.
      Path back = folder.resolve("back.backup");
      run(url, "backup", back.toString(), "--database.schema", name, "--data", data("older"));
      Server newer = TestDatabase.createEmpty();
      restored(back, "newer", newer);
      assertThat(contents(newer, "mandate")).isEqualTo(before);
    } finally {
      execute(admin, "drop database " + name + " with (force)");
      for (String role : List.of("owner", "app", "dispatch")) {
        execute(admin, "drop role if exists " + name + "_" + role);
      }
    }
  }

  /** In pieces: none of them is held whole, and none may end up somewhere else. */
  @Test
  void filesComeBackWhateverTheirLength() throws Exception {
    Path files = Files.createDirectories(folder.resolve("source/files/some/blobs"));
    List<Integer> lengths = List.of(0, 1, 1 << 16, (1 << 16) + 1, (3 << 20) + 7);
    Random random = new Random(7);
    for (int length : lengths) {
      byte[] content = new byte[length];
      random.nextBytes(content);
      Files.write(files.resolve("f" + length), content);
    }
    Path file = folder.resolve("files.backup");
    try {
      assertThat(backup(file)).contains(lengths.size() + " files");
      restored(file, "files");
      for (int length : lengths) {
        Path back = folder.resolve("files/files/some/blobs/f" + length);
        assertThat(Files.mismatch(files.resolve("f" + length), back))
            .as("%d", length)
            .isEqualTo(-1);
      }
    } finally {
      for (int length : lengths) {
        Files.delete(files.resolve("f" + length));
      }
    }
  }

  /** Where several processes keep them. */
  @Test
  void filesInAFolderOfTheirOwnAreBackedUpAndComeBack() throws Exception {
    Path from = folder.resolve("shared-from");
    Path file = folder.resolve("shared.backup");
    String[] backup = {
      "backup", file.toString(), "--data", data("source"), "--files.folder", from.toString()
    };
    // Not mounted, say.
    assertThat(fails(server.database().url(), backup)).contains("files.folder: ");
    assertThat(file).doesNotExist();
    Files.createDirectories(from.resolve("some/blobs"));
    Files.writeString(from.resolve("some/blobs/content"), "tulips");
    Files.createDirectory(from.resolve("lost+found"));
    Files.writeString(from.resolve("lost+found/1"), "of the disk");
    assertThat(run(server.database().url(), backup)).contains("1 files");

    Server target = TestDatabase.createEmpty();
    Path to = folder.resolve("shared-to");
    String[] restore = {
      "restore",
      file.toString(),
      "--key-file",
      folder.resolve("source/secrets/backup-key").toString(),
      "--data",
      data("shared"),
      "--files.folder",
      to.toString()
    };
    assertThat(fails(url(target), restore)).contains("files.folder: ");
    assertThat(folder.resolve("shared")).doesNotExist();
    Files.createDirectory(to);
    run(url(target), restore);
    assertThat(to.resolve("some/blobs/content")).hasContent("tulips");
    // Nobody but its owner passes through, whoever may use the folder itself.
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(to.resolve("some"))))
        .isEqualTo("rwx------");
  }

  /** As in a container, whose data folder is lost when it ends. */
  @Test
  void noKeyIsMadeWhereNothingIsKept() throws Exception {
    String url = server.database().url();
    Path file = folder.resolve("container.backup");
    assertThat(fails(url, "backup", file.toString(), "--data", data("container")))
        .contains("--key-file: is required");
    assertThat(file).doesNotExist();
    assertThat(folder.resolve("container")).doesNotExist();
    Path key = folder.resolve("source/secrets/backup-key");
    assertThat(
            run(
                url,
                "backup",
                file.toString(),
                "--key-file",
                key.toString(),
                "--data",
                data("container")))
        .contains("1 organizations");
    assertThat(folder.resolve("container/secrets/backup-key")).doesNotExist();
  }

  @Test
  void aDamagedFileChangesNothing() throws Exception {
    Path file = folder.resolve("whole.backup");
    backup(file);
    byte[] whole = Files.readAllBytes(file);
    byte[] altered = whole.clone();
    altered[altered.length / 2] ^= 1;
    Path broken = folder.resolve("broken.backup");
    for (byte[] content : List.of(altered, Arrays.copyOf(whole, whole.length - 1))) {
      Files.write(broken, content);
      assertThat(
              fails(
                  "",
                  "restore",
                  broken.toString(),
                  "--key-file",
                  folder.resolve("source/secrets/backup-key").toString(),
                  "--data",
                  data("nothing")))
          .contains("file:")
          .containsAnyOf("is damaged or cut off", "it is damaged, or this is not its key");
      assertThat(folder.resolve("nothing")).doesNotExist();
    }
    Path other = folder.resolve("other-key");
    Files.writeString(other, dev.mandate.kernel.crypto.KeyRing.generate());
    assertThat(
            fails(
                "",
                "restore",
                file.toString(),
                "--key-file",
                other.toString(),
                "--data",
                data("nothing")))
        .contains("this is not its key");
    Files.writeString(broken, "nonsense");
    assertThat(
            fails(
                "",
                "restore",
                broken.toString(),
                "--key-file",
                other.toString(),
                "--data",
                data("nothing")))
        .contains("is not a backup");
  }

  @Test
  void aFailedRestoreRemovesWhatItMadeAndNothingElse() throws Exception {
    Path home = Files.createDirectories(folder.resolve("mine"));
    Path secrets = Files.createDirectories(home.resolve("secrets"));
    Files.writeString(home.resolve("mandate.yaml"), "# mine\n");
    Path file = unloadable("unloadable");
    Path key =
        Files.copy(folder.resolve("unloadable/secrets/backup-key"), secrets.resolve("backup-key"));
    List<Path> before = tree(home);
    assertThat(fails(NO_DATABASE, "restore", file.toString(), "--data", home.toString()))
        .contains("the backup's schema cannot be made by this version");
    assertThat(tree(home)).isEqualTo(before);
    assertThat(home.resolve("mandate.yaml")).hasContent("# mine\n");
    assertThat(key).hasSameTextualContentAs(folder.resolve("unloadable/secrets/backup-key"));
    // Nor is there a folder that there was not.
    assertThat(
            fails(
                NO_DATABASE,
                "restore",
                file.toString(),
                "--key-file",
                key.toString(),
                "--data",
                data("new")))
        .contains("the backup's schema cannot be made by this version");
    assertThat(folder.resolve("new")).doesNotExist();
  }

  @Test
  void whatIsInTheFolderIsPutAsideOnlyByForce() throws Exception {
    Path home = Files.createDirectories(folder.resolve("used"));
    Path file = home.resolve("inside.backup");
    backup(file);
    Path secrets = Files.createDirectories(home.resolve("secrets"));
    Files.copy(folder.resolve("source/secrets/backup-key"), secrets.resolve("backup-key"));
    Files.writeString(home.resolve("note.txt"), "mine");
    List<Path> before = tree(home);
    assertThat(fails(NO_DATABASE, "restore", file.toString(), "--data", home.toString()))
        .contains("is not empty");
    assertThat(tree(home)).isEqualTo(before);

    // The backup and its key are in the folder that goes away.
    assertThat(run(NO_DATABASE, "restore", file.toString(), "--force", "--data", home.toString()))
        .contains("What was in " + home + " is in ", "rows are restored");
    try (Stream<Path> found = Files.list(folder)) {
      Path aside =
          found
              .filter(each -> String.valueOf(each.getFileName()).startsWith("used.before-restore-"))
              .findFirst()
              .orElseThrow();
      assertThat(tree(aside)).isEqualTo(before);
    }
    assertThat(run(NO_DATABASE, "ops", "verify-audit", "--data", home.toString()))
        .contains("intact")
        .doesNotContain("BROKEN");
  }

  @Test
  void aFailedRestoreLeavesNoSchemaBehind() throws Exception {
    Server target = TestDatabase.createEmpty();
    Path file = unloadable("unloadable-too");
    assertThat(
            fails(
                url(target),
                "restore",
                file.toString(),
                "--key-file",
                folder.resolve("unloadable-too/secrets/backup-key").toString(),
                "--data",
                data("retried")))
        .contains("the backup's schema cannot be made by this version");
    assertThat(number(target, "select count(*) from pg_namespace where nspname = 'mandate'"))
        .isZero();
    assertThat(folder.resolve("retried")).doesNotExist();

    Path good = folder.resolve("good.backup");
    backup(good);
    restored(good, "retried", target);
    assertThat(number(target, "select count(*) from mandate.organizations")).isEqualTo(1);
  }

  @Test
  void keysOfAnotherInstallationAreNotOverwritten() throws Exception {
    Path file = folder.resolve("other-keys.backup");
    backup(file);
    String key = folder.resolve("source/secrets/backup-key").toString();
    Server target = TestDatabase.createEmpty();
    for (String name : List.of("master-key", "backup-key")) {
      Path other =
          Files.createDirectories(folder.resolve("other-" + name + "/secrets")).resolve(name);
      Files.writeString(other, dev.mandate.kernel.crypto.KeyRing.generate());
      String before = Files.readString(other);
      assertThat(
              fails(
                  Map.of("DATABASE_URL", url(target)),
                  "restore",
                  file.toString(),
                  "--key-file",
                  key,
                  "--data",
                  data("other-" + name)))
          .contains(other + " is another key than the backup's");
      assertThat(other).hasContent(before);
      assertThat(number(target, "select count(*) from pg_namespace where nspname = 'mandate'"))
          .isZero();
    }
    // Of the same installation: the folder is left, the database was lost.
    Path same = Files.createDirectories(folder.resolve("same/secrets")).resolve("master-key");
    Files.writeString(same, TestDatabase.MASTER_KEY + "\n");
    assertThat(
            run(
                Map.of("DATABASE_URL", url(target)),
                "restore",
                file.toString(),
                "--key-file",
                key,
                "--data",
                data("same")))
        .contains("rows are restored");
  }

  /** A genuine backup that fails when all has been made ready for it: its schema is another. */
  private static Path unloadable(String name) throws SQLException, IOException {
    Path file = folder.resolve(name + ".backup");
    putKey(name);
    try (TestDatabase database = TestDatabase.create()) {
      try (Connection admin = database.admin();
          Statement statement = admin.createStatement()) {
        statement.execute(
            "update mandate.migrations set checksum = checksum + 1 where installed_rank ="
                + " (select min(installed_rank) from mandate.migrations where version is not null)");
      }
      run(database.url(), "backup", file.toString(), "--data", data(name));
    }
    return file;
  }

  /** None is made where database and master key are elsewhere. */
  private static void putKey(String data) throws IOException {
    Files.writeString(
        Files.createDirectories(folder.resolve(data + "/secrets")).resolve("backup-key"),
        dev.mandate.kernel.crypto.KeyRing.generate());
  }

  /** All there is in a folder, by relative paths. */
  private static List<Path> tree(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      return all.map(root::relativize).sorted().toList();
    }
  }

  private static String backup(Path file) {
    return run(server.database().url(), "backup", file.toString(), "--data", data("source"));
  }

  /** A backup during which nothing changed, and what there was. */
  private static Map<String, String> quietBackup(Path file, Path export)
      throws SQLException, IOException {
    String url = server.database().url();
    while (true) {
      Map<String, String> before = contents(server.database().server(), "mandate");
      backup(file);
      run(url, "ops", "export-org", export.toString(), "--data", data("source"));
      if (contents(server.database().server(), "mandate").equals(before)) {
        return before;
      }
      // The sealer signed the chain meanwhile, which it does once.
      Files.delete(file);
      Files.delete(export);
    }
  }

  /** A new database with what the file holds. */
  private static Server restored(Path file, String data) {
    Server target = TestDatabase.createEmpty();
    restored(file, data, target);
    return target;
  }

  private static void restored(Path file, String data, Server target) {
    run(
        url(target),
        "restore",
        file.toString(),
        "--key-file",
        folder.resolve("source/secrets/backup-key").toString(),
        "--data",
        data(data));
  }

  private static String url(Server server) {
    return TestDatabase.url(server);
  }

  private static String data(String name) {
    return folder.resolve(name).toString();
  }

  private static String run(String url, String... arguments) {
    return run(environment(url), arguments);
  }

  private static String run(Map<String, String> environment, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code = Main.run(List.of(arguments), environment, stream(out), stream(err));
    assertThat(code).as("%s%s", out, err).isZero();
    return out.toString(StandardCharsets.UTF_8);
  }

  private static String fails(String url, String... arguments) {
    return fails(environment(url), arguments);
  }

  private static String fails(Map<String, String> environment, String... arguments) {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(List.of(arguments), environment, stream(new ByteArrayOutputStream()), stream(err));
    assertThat(code).isNotZero();
    return err.toString(StandardCharsets.UTF_8);
  }

  private static Map<String, String> environment(String url) {
    Map<String, String> environment = new TreeMap<>();
    environment.put("MANDATE_MASTER_KEY", TestDatabase.MASTER_KEY);
    if (!url.isEmpty()) {
      environment.put("DATABASE_URL", url);
    }
    return environment;
  }

  private static PrintStream stream(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  /** Each table's rows, as a superuser sees them: how many, and a hash of them all. */
  private static Map<String, String> contents(Server server, String schema) throws SQLException {
    Map<String, String> contents = new TreeMap<>();
    try (Connection connection = connect(server);
        Statement statement = connection.createStatement()) {
      List<String> tables = new ArrayList<>();
      try (ResultSet rows =
          statement.executeQuery(
              "select relname from pg_class where relnamespace = '"
                  + schema
                  + "'::regnamespace and relkind in ('r', 'p') and not relispartition"
                  + " and relpersistence = 'p'"
                  + " and relname not in ('leases', 'migrations')")) {
        while (rows.next()) {
          tables.add(rows.getString(1));
        }
      }
      assertThat(tables).hasSizeGreaterThan(30);
      for (String table : tables) {
        try (ResultSet rows =
            statement.executeQuery(
                "select count(*) || ' ' || coalesce(md5(string_agg(t::text, ';' order by t::text"
                    + " collate \"C\")), '') from "
                    + schema
                    + "."
                    + table
                    + " t")) {
          rows.next();
          contents.put(table, rows.getString(1));
        }
      }
    }
    return contents;
  }

  private static long number(Server server, String sql) throws SQLException {
    try (Connection connection = connect(server);
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getLong(1);
    }
  }

  private static Connection connect(Server server) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://" + server.hosts() + "/" + server.database(),
        server.admin().user(),
        server.admin().password());
  }

  private static boolean reachable(String url) {
    try (Connection _ = DriverManager.getConnection(url)) {
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  private static void execute(String url, String sql) throws IOException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IOException(sql, e);
    }
  }
}
