package dev.mandate.testing;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.DbSettings;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Preparation;
import dev.mandate.kernel.db.Server;
import dev.mandate.kernel.events.Events;
import dev.mandate.kernel.events.PostgresFanout;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.jobs.Jobs;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A fresh, migrated database on a real PostgreSQL, and the kernel's services on it. Cloned from a
 * template, which takes tens of milliseconds; dropped when closed.
 *
 * <pre>{@code
 * private static final TestDatabase database = TestDatabase.create();
 *
 * @AfterAll static void close() { database.close(); }
 * }</pre>
 */
public final class TestDatabase implements AutoCloseable {
  /** Begins the names of all that this JVM makes on a server. */
  private static final String PREFIX = "test_" + ProcessHandle.current().pid() + "_";

  /** Roles are named after it: on a server of others they must not be those of an installation. */
  public static final String SCHEMA = TestPostgres.isExternal() ? PREFIX + "mandate" : "mandate";

  /** The master key of every test. */
  public static final String MASTER_KEY =
      "5f5e5d5c5b5a595857565554535251504f4e4d4c4b4a49484746454443424140";

  private static final AtomicInteger COUNT = new AtomicInteger();

  /** Of the migrated template, once this JVM knows it. */
  private static @Nullable Endpoint template;

  static {
    if (TestPostgres.isExternal()) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> dropOurs(TestPostgres.server())));
    }
  }

  private final Server server;
  private final Endpoint endpoint;
  private final Wakeups wakeups;
  private final Db db;
  private final Jobs jobs;

  private TestDatabase(Server server, Endpoint endpoint, InstantSource clock) {
    this.server = server;
    this.endpoint = endpoint;
    this.wakeups = new Wakeups(new PostgresFanout(endpoint));
    this.db = new Db(endpoint, DbSettings.DEFAULTS.withPools(10, 4), clock, wakeups::signal);
    this.jobs = new Jobs(db, wakeups);
  }

  public static TestDatabase create() {
    return create(InstantSource.system());
  }

  /**
   * @param clock gives events and audit entries their time
   */
  public static TestDatabase create(InstantSource clock) {
    Endpoint endpoint = cloneTemplate();
    TestDatabase database =
        new TestDatabase(TestPostgres.server().inDatabase(endpoint.database()), endpoint, clock);
    database.wakeups.start();
    database.db.start();
    return database;
  }

  /** A database that something else has filled, with everything of ours in place. */
  public static TestDatabase on(Server server) {
    TestDatabase database =
        new TestDatabase(server, Preparation.run(server, SCHEMA, keys()), InstantSource.system());
    database.wakeups.start();
    database.db.start();
    return database;
  }

  /** An empty database on the same server, as a new installation finds it. */
  public static Server createEmpty() {
    Server server = TestPostgres.server();
    String name = nextName();
    execute(server, "create database " + name);
    return server.inDatabase(name);
  }

  public static KeyRing keys() {
    return KeyRing.parse("TestDatabase.MASTER_KEY", MASTER_KEY);
  }

  /** A mandate of one user in a new organization that no other test knows. */
  public static Mandate newMandate() {
    return mandate(new OrgId(Ids.next()));
  }

  /** A mandate of a new user of an organization, good for an hour. */
  public static Mandate mandate(OrgId org) {
    return new Mandate(
        org,
        List.of(Principal.user(Ids.next())),
        List.of(),
        null,
        Instant.now().plusSeconds(3600),
        new Mandate.Origin("test", "", ""));
  }

  public Db db() {
    return db;
  }

  public Events events() {
    return new Events();
  }

  public Wakeups wakeups() {
    return wakeups;
  }

  /** Not started: declare handlers, then {@code start()}. Closed with the database. */
  public Jobs jobs() {
    return jobs;
  }

  public Cipher cipher() {
    return new Cipher(keys());
  }

  public Endpoint endpoint() {
    return endpoint;
  }

  /** The database as its administrator sees it. */
  public Server server() {
    return server;
  }

  /** For {@code DATABASE_URL}: a program started with it finds this database. */
  public String url() {
    return url(server);
  }

  /** The same for any database. */
  public static String url(Server server) {
    return "postgresql://"
        + server.admin().user()
        + ":"
        + server.admin().password()
        + "@"
        + server.hosts()
        + "/"
        + server.database();
  }

  /** A connection as the superuser: for looking at what no role of ours may see. */
  public Connection admin() throws SQLException {
    return connect(server);
  }

  @Override
  public void close() {
    jobs.close();
    db.close();
    wakeups.close();
    execute(
        TestPostgres.server(), "drop database if exists " + server.database() + " with (force)");
  }

  private static synchronized Endpoint cloneTemplate() {
    Server server = TestPostgres.server();
    Endpoint migrated = template;
    if (migrated == null) {
      migrated = prepareTemplate(server);
      template = migrated;
    }
    String name = nextName();
    execute(server, "create database " + name + " template " + migrated.database());
    return migrated.inDatabase(name);
  }

  private static Endpoint prepareTemplate(Server server) {
    if (TestPostgres.isExternal()) {
      String name = PREFIX + "template";
      execute(server, "create database " + name);
      return Preparation.run(server.inDatabase(name), SCHEMA, keys());
    }
    String name = "template_" + fingerprint();
    if (exists(server, name)) {
      dropLeftovers(server, "test_");
    } else {
      dropLeftovers(server, "t");
      String making = "test_making";
      execute(server, "create database " + making);
      Preparation.run(server.inDatabase(making), SCHEMA, keys());
      execute(server, "alter database " + making + " rename to " + name);
    }
    return Preparation.run(server.inDatabase(name), SCHEMA, keys());
  }

  private static String nextName() {
    return PREFIX + COUNT.incrementAndGet();
  }

  /** The slot is ours alone, so whatever tests left in it is nobody's. */
  private static void dropLeftovers(Server server, String prefix) {
    drop(server, "datname ~ '^(test|template)_' and datname ^@ '" + prefix + "'");
  }

  /** Roles last: none may go while a database still knows it. */
  private static void dropOurs(Server server) {
    drop(server, "datname ^@ '" + PREFIX + "'");
    for (String role :
        names(server, "select rolname from pg_roles where rolname ^@ '" + PREFIX + "'")) {
      execute(server, "drop role " + role);
    }
  }

  private static void drop(Server server, String which) {
    for (String name : names(server, "select datname from pg_database where " + which)) {
      execute(server, "drop database if exists " + name + " with (force)");
    }
  }

  private static boolean exists(Server server, String database) {
    return !names(server, "select 1 from pg_database where datname = '" + database + "'").isEmpty();
  }

  private static List<String> names(Server server, String query) {
    List<String> names = new ArrayList<>();
    try (Connection connection = connect(server);
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      while (rows.next()) {
        names.add(rows.getString(1));
      }
      return names;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  static Connection connect(Server server) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://"
            + server.hosts()
            + "/"
            + server.database()
            + "?currentSchema="
            + SCHEMA,
        server.admin().user(),
        server.admin().password());
  }

  private static void execute(Server server, String sql) {
    try (Connection connection = connect(server);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  /** Names and contents of all migrations in the class path: another set, another template. */
  private static String fingerprint() {
    try {
      Map<String, byte[]> files = new TreeMap<>();
      ClassLoader loader = TestDatabase.class.getClassLoader();
      for (URL folder : Collections.list(loader.getResources("db/migration"))) {
        collect(folder.toURI(), files);
      }
      MessageDigest hash = MessageDigest.getInstance("SHA-256");
      files.forEach((name, content) -> {
        hash.update(name.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        hash.update(content);
      });
      return HexFormat.of().formatHex(hash.digest(), 0, 8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException | java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void collect(URI folder, Map<String, byte[]> files) throws IOException {
    if (folder.getScheme().equals("jar")) {
      try (FileSystem jar = FileSystems.newFileSystem(folder, Map.of())) {
        collect(jar.getPath("db/migration"), files);
      }
    } else {
      collect(Path.of(folder), files);
    }
  }

  private static void collect(Path folder, Map<String, byte[]> files) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      for (Path each : all.toList()) {
        try (InputStream in = Files.newInputStream(each)) {
          files.put(String.valueOf(each.getFileName()), in.readAllBytes());
        }
      }
    }
  }
}
