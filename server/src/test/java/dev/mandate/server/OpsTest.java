package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.Preparation;
import dev.mandate.kernel.db.Server;
import dev.mandate.secrets.SecretId;
import dev.mandate.secrets.Secrets;
import dev.mandate.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operator's commands, given as an operator gives them. */
class OpsTest {
  private static final Map<String, String> NOTHING = Map.of();

  private static TestServer server;

  /** Of every backup: none is made where database and master key are elsewhere. */
  private static String backupKey;

  @TempDir static Path folder;

  @BeforeAll
  static void start() throws Exception {
    // PostgreSQL's own user passes through.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    backupKey = Files.writeString(folder.resolve("key"), KeyRing.generate()).toString();
    server = TestServer.start();
    for (String name : List.of("one", "two")) {
      server
          .owner()
          .post(
              "/api/v1/models",
              """
              {"name": "%s", "provider": "openai", "remoteName": "m",
               "baseUrl": "http://127.0.0.1:9", "apiKey": "sk-secret-of-%s"}
              """
                  .formatted(name, name))
          .ok();
    }
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @Test
  void keysAreRotatedAndAHalfRotationIsReadable() throws Exception {
    Path file = folder.resolve("rotated.backup");
    run(
        environment(),
        "backup",
        file.toString(),
        "--key-file",
        backupKey,
        "--data",
        data("source"));
    String data = data("rotated");
    String[] restore = {"restore", file.toString(), "--key-file", backupKey, "--data", data};
    run(NOTHING, restore);
    assertThat(fails(NOTHING, restore)).contains("is not empty, there is ");
    Path ring = folder.resolve("rotated/secrets/master-key");
    assertThat(Files.readString(ring).strip()).isEqualTo(TestDatabase.MASTER_KEY);

    // Stopped after the first secret.
    Files.writeString(ring, KeyRing.generate() + "\n" + TestDatabase.MASTER_KEY + "\n");
    try (Opened half = opened(data)) {
      Secrets secrets = new Secrets(new Cipher(half.database().keys()));
      dev.mandate.kernel.Mandate mandate = TestDatabase.mandate(organization(half));
      java.util.Optional<SecretId> first =
          half.db().write(mandate, tx -> secrets.reseal(tx, null, 1));
      assertThat(first).isPresent();
      assertThat(revealed(half)).containsExactly("sk-secret-of-one", "sk-secret-of-two");
    }

    assertThat(run(NOTHING, "ops", "rotate-keys", "--data", data))
        .contains("Going on with the rotation", ": retired", "the only one now");
    String rotated = Files.readString(ring).strip();
    assertThat(rotated).doesNotContain(TestDatabase.MASTER_KEY).hasSize(44);
    try (Opened after = opened(data)) {
      assertThat(revealed(after)).containsExactly("sk-secret-of-one", "sk-secret-of-two");
    }
    assertThat(run(NOTHING, "ops", "verify-audit", "--data", data)).doesNotContain("BROKEN");

    // And from the beginning.
    assertThat(run(NOTHING, "ops", "rotate-keys", "--data", data)).doesNotContain("Going on");
    assertThat(Files.readString(ring).strip()).isNotEqualTo(rotated);
    // The old key opens nothing any more, and is told so.
    Files.writeString(ring, rotated);
    assertThat(fails(NOTHING, "ops", "migrate", "--data", data))
        .contains("the master key does not fit this database");
  }

  @Test
  void aPersonIsErasedAndTheRecordStaysValid() throws Exception {
    TestServer.Client erased =
        Newcomers.join(server, server.owner(), "marlowe@example.org", "MEMBER").client();
    String thread = erased.say("Operator", "My telephone number is 555-0199.");
    RunWaits.over(erased, thread);
    assertThat(everything()).contains("marlowe@example.org", "555-0199");

    assertThat(fails(environment(), "ops", "erase-user", "nobody@example.org", "--data", data("e")))
        .contains("account nobody@example.org");
    assertThat(fails(environment(), "ops", "erase-user", TestServer.EMAIL, "--data", data("e")))
        .contains("has no other owner");
    assertThat(run(environment(), "ops", "erase-user", "marlowe@example.org", "--data", data("e")))
        .contains("erased: 1 messages", "The account is erased");

    assertThat(everything()).doesNotContain("marlowe@example.org").contains("[erased]");
    assertThat(text("select string_agg(body, ' ') from mandate.payloads"))
        .doesNotContain("My telephone number is 555-0199");
    // Every process learns of the end of a session within a second.
    org.awaitility.Awaitility.await()
        .atMost(java.time.Duration.ofSeconds(60))
        .until(() -> erased.get("/api/v1/me").status() == 401);
    String verified = run(environment(), "ops", "verify-audit", "--data", data("e"));
    assertThat(verified).contains("personal data erased in").doesNotContain("BROKEN");
  }

  @Test
  void theRecordIsExportedSignedAndCheckedElsewhere() throws Exception {
    org.awaitility.Awaitility.await()
        .atMost(java.time.Duration.ofSeconds(90))
        .until(() ->
            !server.owner().get("/api/v1/audit/checkpoints").ok().get("checkpoints").isEmpty());
    String key =
        server
            .owner()
            .get("/api/v1/audit/checkpoints")
            .ok()
            .get("keys")
            .get(0)
            .get("publicKey")
            .textValue();

    List<String> lines = new ArrayList<>();
    String token = "";
    do {
      JsonNode page = server.owner().get("/api/v1/audit:export?pageToken=" + token).ok();
      page.get("lines").forEach(line -> lines.add(line.textValue()));
      token = page.get("nextPageToken").textValue();
    } while (!token.isEmpty());
    Path file = folder.resolve("record.jsonl");
    Files.write(file, lines);
    Path kept = folder.resolve("kept.json");
    Files.writeString(
        kept, server.owner().get("/api/v1/audit/checkpoints").ok().get("checkpoints").toString());
    assertThat(run(NOTHING, "ops", "verify-audit", file.toString(), "--key", key))
        .startsWith("intact")
        .contains("signed up to place");
    // Somebody else's organization may have its first entries, and be signed in half a minute.
    org.awaitility.Awaitility.await()
        .atMost(java.time.Duration.ofSeconds(90))
        .untilAsserted(() ->
            assertThat(
                    run(
                        environment(),
                        "ops",
                        "verify-audit",
                        "--key",
                        key,
                        "--checkpoints",
                        kept.toString(),
                        "--data",
                        data("v")))
                .contains("intact"));
    Files.writeString(kept, Files.readString(kept).replaceFirst("\"seq\":\"", "\"seq\":\"1"));
    assertThat(
            code(
                environment(),
                "ops",
                "verify-audit",
                "--checkpoints",
                kept.toString(),
                "--data",
                data("v")))
        .isEqualTo(Main.FAILED);

    Path exported = folder.resolve("exported.jsonl");
    run(environment(), "ops", "export-audit", exported.toString(), "--data", data("x"));
    assertThat(run(NOTHING, "ops", "verify-audit", exported.toString())).startsWith("intact");
    Files.writeString(
        exported, Files.readString(exported).replaceFirst("\"allowed\"", "\"denied\""));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int code =
        Main.run(
            List.of("ops", "verify-audit", exported.toString()), NOTHING, stream(out), stream(out));
    assertThat(code).isEqualTo(Main.FAILED);
    assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("BROKEN").contains("is altered");
  }

  /** A database of an earlier version, with data in it, is brought up by a start. */
  @Test
  void aDatabaseOfBeforeTheChainIsMigratedAndChained() throws Exception {
    Server target = TestDatabase.createEmpty();
    Preparation.run(target, TestDatabase.SCHEMA, TestDatabase.keys(), "20261120121500");
    UUID old = UUID.fromString("0199aaaa-0000-7000-8000-000000000001");
    try (Connection admin =
            java.sql.DriverManager.getConnection(
                "jdbc:postgresql://" + target.hosts() + "/" + target.database(),
                target.admin().user(),
                target.admin().password());
        Statement statement = admin.createStatement()) {
      statement.execute(
          """
          insert into mandate.organizations (org_id, name) values ('%1$s', 'Old');
          insert into mandate.audit_entries (org_id, id, at, action, resource, outcome, reason,
            chain, channel, trace_id, details, personal)
          select '%1$s', gen_random_uuid(), now(), 'old.' || n, '', 'allowed', '', '[]', 'rest', '',
                 '{}', '{"address": "192.0.2.1"}'
            from generate_series(1, 20) n;
          """
              .formatted(old));
    }
    try (TestDatabase database = TestDatabase.on(target);
        TestServer migrated = TestServer.on(database, Map.of())) {
      assertThat(migrated.owner().get("/api/v1/me").status()).isEqualTo(200);
      dev.mandate.audit.AuditChain chain =
          new dev.mandate.audit.AuditChain(database.db(), database.cipher());
      org.awaitility.Awaitility.await()
          .atMost(java.time.Duration.ofSeconds(60))
          .until(() -> chain.check(new OrgId(old)).entries() == 20);
      assertThat(chain.check(new OrgId(old)).problems()).isEmpty();
    }
  }

  /** As a newer program's commands find it beside an older server. */
  @Test
  void commandsLeaveTheSchemaOfAnOlderVersionAsItIs() throws Exception {
    Server target = TestDatabase.createEmpty();
    Map<String, String> environment =
        Map.of(
            "MANDATE_MASTER_KEY",
            TestDatabase.MASTER_KEY,
            "DATABASE_URL",
            TestDatabase.url(target));
    String data = data("older");
    Path file = folder.resolve("older.backup");
    for (List<String> command :
        List.of(
            List.of("ops", "verify-audit"),
            List.of("ops", "seed"),
            List.of("backup", file.toString(), "--key-file", backupKey))) {
      assertThat(fails(environment, with(command, "--data", data)))
          .contains("there is no installation in the schema mandate");
    }
    assertThat(Preparation.exists(target, TestDatabase.SCHEMA)).isFalse();

    // Of a version that had backups.
    Preparation.run(target, TestDatabase.SCHEMA, TestDatabase.keys(), "20261121150000");
    List<String> older = schema(target);
    try (Connection admin = connect(target);
        Statement statement = admin.createStatement()) {
      statement.execute(
          "insert into mandate.organizations (org_id, name) values (gen_random_uuid(), 'Old')");
    }
    for (List<String> command :
        List.of(
            List.of("ops", "verify-audit"),
            List.of("ops", "export-org", data("older.jsonl")),
            List.of("ops", "export-audit", data("older-record.jsonl")),
            List.of("ops", "rotate-keys"),
            List.of("ops", "erase-user", "a@example.org"),
            List.of("ops", "seed"),
            List.of("password", "a@example.org"),
            List.of("reinstate", "a@example.org"))) {
      assertThat(fails(environment, with(command, "--data", data)))
          .as("%s", command)
          .contains("the database is of an older version", "mandate ops migrate");
    }
    assertThat(run(environment, "backup", file.toString(), "--key-file", backupKey, "--data", data))
        .contains("1 organizations");
    assertThat(schema(target)).isEqualTo(older);

    // What it holds is of the older version, and is brought up where it is restored.
    Server restored = TestDatabase.createEmpty();
    Map<String, String> there =
        Map.of(
            "MANDATE_MASTER_KEY",
            TestDatabase.MASTER_KEY,
            "DATABASE_URL",
            TestDatabase.url(restored));
    run(there, "restore", file.toString(), "--key-file", backupKey, "--data", data("brought-up"));
    run(environment, "ops", "migrate", "--data", data);
    assertThat(schema(target)).isEqualTo(schema(restored)).isNotEqualTo(older);
    assertThat(run(there, "ops", "verify-audit", "--data", data("brought-up"))).contains("intact");
  }

  @Test
  void nobodyGetsTheInstallationItselfAsAnArchive() {
    Path file = folder.resolve("reserved.jsonl");
    assertThat(
            fails(
                environment(),
                "ops",
                "export-org",
                file.toString(),
                "--org",
                OrgId.INSTALLATION.toString(),
                "--data",
                data("x")))
        .contains("is the installation itself");
    assertThat(file).isEmptyFile();
  }

  @Test
  void anEmptyInstallationIsSeededOnce() throws SQLException {
    Server target = TestDatabase.createEmpty();
    Map<String, String> environment =
        Map.of(
            "MANDATE_MASTER_KEY",
            TestDatabase.MASTER_KEY,
            "DATABASE_URL",
            TestDatabase.url(target));
    assertThat(run(environment, "ops", "migrate", "--data", data("seed"))).contains("mandate");
    for (int i = 0; i < 2; i++) {
      run(environment, "ops", "seed", "--data", data("seed"));
    }
    try (TestDatabase database = TestDatabase.on(target);
        Connection admin = database.admin();
        Statement statement = admin.createStatement();
        ResultSet agents = statement.executeQuery("select count(*) from mandate.agents")) {
      agents.next();
      assertThat(agents.getLong(1)).isEqualTo(2);
    }
    assertThat(folder.resolve("seed/secrets/owner")).exists();
  }

  @Test
  void nonsenseIsAnsweredWithWhatIsWrong() {
    assertThat(fails(NOTHING, "ops")).contains("say which", "verify-audit");
    assertThat(fails(NOTHING, "ops", "nonsense")).contains("unknown: 'ops nonsense'");
    assertThat(fails(NOTHING, "backup")).contains("FILE: is required");
    assertThat(fails(NOTHING, "backup", "a", "--data", data("none")))
        .contains("there is no installation in");
    assertThat(fails(NOTHING, "ops", "verify-audit", "/no/such/file"))
        .contains("there is no /no/such/file");
    assertThat(fails(NOTHING, "ops", "rotate-keys", "--data", data("none")))
        .contains("there is no installation in");
    assertThat(folder.resolve("none")).doesNotExist();
    assertThat(fails(environment(), "ops", "rotate-keys", "--data", data("one-key")))
        .contains("MANDATE_MASTER_KEY holds one key");
    assertThat(fails(environment(), "ops", "export-org", data("o"), "--org", "nonsense"))
        .contains("--org");
    assertThat(
            fails(
                environment(),
                "backup",
                "/no/such/folder/all",
                "--key-file",
                backupKey,
                "--data",
                data("x")))
        .contains("NoSuchFileException /no/such/folder/all");
  }

  private static String[] with(List<String> command, String... more) {
    List<String> all = new ArrayList<>(command);
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  /** Every column of the schema, and every migration that ran. */
  private static List<String> schema(Server server) throws SQLException {
    List<String> all = new ArrayList<>();
    try (Connection admin = connect(server);
        Statement statement = admin.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                select format('%s.%s %s', table_name, column_name, data_type)
                  from information_schema.columns where table_schema = 'mandate'
                union all
                select version || ' ' || checksum from mandate.migrations where version is not null
                order by 1
                """)) {
      while (rows.next()) {
        all.add(rows.getString(1));
      }
    }
    return all;
  }

  private static Connection connect(Server server) throws SQLException {
    return java.sql.DriverManager.getConnection(
        "jdbc:postgresql://" + server.hosts() + "/" + server.database(),
        server.admin().user(),
        server.admin().password());
  }

  /** All rows of all organizations. */
  private static String everything() throws SQLException {
    StringBuilder all = new StringBuilder();
    for (String table : List.of("users", "messages", "audit_entries", "invitations", "sessions")) {
      all.append(text("select string_agg(t::text, ' ') from mandate." + table + " t"));
    }
    return all.toString();
  }

  private static String text(String sql) throws SQLException {
    try (Connection admin = server.database().admin();
        Statement statement = admin.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return String.valueOf(rows.getString(1));
    }
  }

  private static Opened opened(String data) {
    return Opened.alone(Config.load(Config.flags(List.of("--data", data)), NOTHING, null));
  }

  private static OrgId organization(Opened opened) {
    return opened
        .db()
        .dispatch(
            sql -> sql.createQuery("select org_id from organizations").mapTo(OrgId.class).one());
  }

  private static List<String> revealed(Opened opened) {
    Secrets secrets = new Secrets(new Cipher(opened.database().keys()));
    return opened
        .db()
        .read(
            TestDatabase.mandate(organization(opened)),
            tx ->
                tx.sql()
                    .createQuery("select id, purpose from secrets order by id")
                    .map((row, context) ->
                        secrets.reveal(
                            tx, new SecretId(row.getObject(1, UUID.class)), row.getString(2)))
                    .list());
  }

  private static String data(String name) {
    return folder.resolve(name).toString();
  }

  private static Map<String, String> environment() {
    return Map.of(
        "MANDATE_MASTER_KEY", TestDatabase.MASTER_KEY, "DATABASE_URL", server.database().url());
  }

  private static String run(Map<String, String> environment, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code = Main.run(List.of(arguments), environment, stream(out), stream(err));
    assertThat(code).as("%s%s", out, err).isZero();
    return out.toString(StandardCharsets.UTF_8);
  }

  private static int code(Map<String, String> environment, String... arguments) {
    PrintStream nowhere = stream(new ByteArrayOutputStream());
    return Main.run(List.of(arguments), environment, nowhere, nowhere);
  }

  private static String fails(Map<String, String> environment, String... arguments) {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(List.of(arguments), environment, stream(new ByteArrayOutputStream()), stream(err));
    assertThat(code).isNotZero();
    return err.toString(StandardCharsets.UTF_8);
  }

  private static PrintStream stream(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }
}
