package dev.mandate.kernel.db;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.events.PostgresFanout;
import dev.mandate.kernel.events.Wakeups;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A real server for the kernel's own tests: one a JVM, a fresh database each time. It is the
 * bundled one, or that of {@code -Dmandate.test.postgres=postgresql://user@host:port/database},
 * where whatever the tests make is dropped at the end.
 */
public final class KernelDatabase implements AutoCloseable {
  static final String EXTERNAL = "mandate.test.postgres";

  /** Begins the names of databases and roles: others may use an external server as well. */
  private static final String PREFIX = "kernel_test_" + ProcessHandle.current().pid() + "_";

  public static final String SCHEMA = PREFIX + "mandate";
  public static final KeyRing KEYS =
      KeyRing.parse("test", "0101010101010101010101010101010101010101010101010101010101010101");

  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Server SERVER = server();

  private final Endpoint endpoint;
  private final Wakeups wakeups;
  private final Db db;

  public KernelDatabase() {
    this(freshDatabase());
  }

  /** Another process's view of the same database. */
  public KernelDatabase(Endpoint endpoint) {
    this.endpoint = endpoint;
    this.wakeups = new Wakeups(new PostgresFanout(endpoint));
    this.db =
        new Db(
            endpoint, DbSettings.DEFAULTS.withPools(8, 4), InstantSource.system(), wakeups::signal);
    wakeups.start();
    db.start();
  }

  public static Endpoint freshDatabase() {
    return Preparation.run(emptyDatabase(), SCHEMA, KEYS);
  }

  public static Server emptyDatabase() {
    String name = named("t" + COUNT.incrementAndGet());
    try (Connection connection = admin(SERVER);
        Statement statement = connection.createStatement()) {
      statement.execute("create database " + name);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return SERVER.inDatabase(name);
  }

  /** The name of a database, schema or role that only this JVM uses. */
  static String named(String name) {
    return PREFIX + name;
  }

  public static Connection admin(Server server) throws SQLException {
    return DriverManager.getConnection(
        server.jdbcUrl(), server.admin().user(), server.admin().password());
  }

  public Connection admin() throws SQLException {
    return admin(SERVER.inDatabase(endpoint.database()));
  }

  public static Mandate mandate(OrgId org) {
    return new Mandate(
        org,
        List.of(Principal.user(Ids.next())),
        List.of(),
        null,
        Instant.now().plusSeconds(600),
        new Mandate.Origin("test", "192.0.2.1", "0af7651916cd43dd8448eb211c80319c"));
  }

  public static Mandate mandate() {
    return mandate(new OrgId(Ids.next()));
  }

  public Db db() {
    return db;
  }

  public Wakeups wakeups() {
    return wakeups;
  }

  public Endpoint endpoint() {
    return endpoint;
  }

  private static Server server() {
    String external = System.getProperty(EXTERNAL);
    if (external == null) {
      return bundled();
    }
    Server server = Server.parse(external);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> dropAll(server)));
    return server;
  }

  private static Server bundled() {
    Path folder = KernelDatabaseFolders.passable();
    EmbeddedPostgres postgres =
        new EmbeddedPostgres(
            new EmbeddedPostgres.Options(
                folder, KernelDatabaseFolders.BINARIES, "password-of-tests", false));
    postgres.start();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              postgres.close();
              try {
                PostgresBinaries.delete(folder);
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            }));
    return postgres.server();
  }

  /** Roles last: none may go while a database still knows it. */
  private static void dropAll(Server server) {
    try (Connection connection = admin(server);
        Statement statement = connection.createStatement()) {
      for (String database : names(statement, "select datname from pg_database where datname")) {
        statement.execute("drop database " + database + " with (force)");
      }
      for (String role : names(statement, "select rolname from pg_roles where rolname")) {
        statement.execute("drop role " + role);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<String> names(Statement statement, String query) throws SQLException {
    List<String> names = new ArrayList<>();
    try (ResultSet rows = statement.executeQuery(query + " ^@ '" + PREFIX + "'")) {
      while (rows.next()) {
        names.add(rows.getString(1));
      }
    }
    return names;
  }

  @Override
  public void close() {
    db.close();
    wakeups.close();
  }
}
