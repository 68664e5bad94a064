package dev.mandate.kernel.db;

import dev.mandate.kernel.crypto.KeyRing;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * Makes a server ready: checks that our keys fit its data, creates schema and roles, migrates.
 * Everything is idempotent, and several processes may do it at once.
 *
 * <p>The roles are named after the schema, so that two installations can share a server. Their
 * passwords are derived from the master key: every process that has the key knows them.
 */
public final class Preparation {
  private static final Pattern SCHEMA = Pattern.compile("[a-z][a-z0-9_]{0,40}");
  private static final int OLDEST_MAJOR = 15;

  /** What becomes of a schema of an older version. */
  public enum Older {
    /** It is brought up to this program's; where there is none, one is made. */
    MIGRATE,
    /** It is not touched: another program works on it. */
    REFUSE,
    /** It is used as it stands, by whoever knows only what the database's catalogue says. */
    KEEP
  }

  private Preparation() {}

  /**
   * @return the schema, ready to use
   * @throws IllegalStateException that says what is wrong and what to do about it: a key that does
   *     not fit, a privilege that is missing, a server too old, a schema too new
   */
  public static Endpoint run(Server server, String schema, KeyRing keys) {
    return run(server, schema, keys, (String) null);
  }

  /**
   * The same of a schema that may be of an older version.
   *
   * @throws IllegalStateException also if it is older and {@code REFUSE}, or if there is none and
   *     not {@code MIGRATE}
   */
  public static Endpoint run(Server server, String schema, KeyRing keys, Older older) {
    if (older == Older.MIGRATE) {
      return run(server, schema, keys);
    }
    if (!has(server, schema, "to_regclass(? || '.migrations')")) {
      throw new IllegalStateException(
          "there is no installation in the schema "
              + schema
              + " of "
              + server.hosts()
              + "/"
              + server.database()
              + ": `mandate up` and `mandate ops migrate` make one");
    }
    return run(server, schema, keys, endpoint -> Migrations.check(endpoint, older));
  }

  /**
   * The same, no further than to a version of the schema, where a backup of it is to be loaded.
   *
   * @param target a migration's version; null for the newest
   */
  public static Endpoint run(Server server, String schema, KeyRing keys, @Nullable String target) {
    return run(server, schema, keys, endpoint -> Migrations.run(endpoint, target));
  }

  /** Whether there is a schema of this name, with anything in it or not. */
  public static boolean exists(Server server, String schema) {
    return has(server, schema, "to_regnamespace(?)");
  }

  /** Drops a schema and all that is in it. The roles stay: others may have the same. */
  public static void drop(Server server, String schema) {
    check(schema);
    try (Connection connection = connect(server)) {
      execute(connection, "drop schema if exists " + schema + " cascade");
    } catch (SQLException e) {
      throw new IllegalStateException(explain(server, schema, e), e);
    }
  }

  private static void check(String schema) {
    if (!SCHEMA.matcher(schema).matches()) {
      throw new IllegalStateException(
          "the schema name '" + schema + "' is not lower-case letters, digits and '_'");
    }
  }

  private static boolean has(Server server, String schema, String what) {
    check(schema);
    try (Connection connection = connect(server)) {
      return text(connection, "select " + what + "::text", schema) != null;
    } catch (SQLException e) {
      throw new IllegalStateException(explain(server, schema, e), e);
    }
  }

  private static Endpoint run(
      Server server, String schema, KeyRing keys, Consumer<Endpoint> migrations) {
    check(schema);
    Endpoint endpoint;
    try (Connection connection = connect(server)) {
      endpoint = prepare(connection, server, schema, keys);
    } catch (SQLException e) {
      throw new IllegalStateException(explain(server, schema, e), e);
    }
    migrations.accept(endpoint);
    try (Connection connection = connect(server)) {
      recordKey(connection, schema, keys);
    } catch (SQLException e) {
      throw new IllegalStateException(explain(server, schema, e), e);
    }
    return endpoint;
  }

  private static Connection connect(Server server) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", server.admin().user());
    properties.setProperty("password", server.admin().password());
    properties.setProperty("ApplicationName", "mandate start");
    properties.setProperty("connectTimeout", "10");
    return DriverManager.getConnection(server.jdbcUrl(), properties);
  }

  private static Endpoint prepare(Connection connection, Server server, String schema, KeyRing keys)
      throws SQLException {
    int major = connection.getMetaData().getDatabaseMajorVersion();
    if (major < OLDEST_MAJOR) {
      throw new IllegalStateException(
          "PostgreSQL " + major + " is too old: " + OLDEST_MAJOR + " or newer is needed");
    }
    // Before anything is changed: a process with the wrong key must not reset the passwords that
    // others use.
    checkKeys(connection, schema, keys);
    connection.setAutoCommit(false);
    // Two processes that alter a role at once would fail with "tuple concurrently updated".
    execute(connection, "select pg_advisory_xact_lock(6263, 1)");
    Login owner = role(connection, schema + "_owner", keys);
    Login app = role(connection, schema + "_app", keys);
    Login dispatch = role(connection, schema + "_dispatch", keys);
    schema(connection, schema, owner.user());
    connection.commit();
    return new Endpoint(
        server.hosts(),
        server.database(),
        schema,
        server.parameters(),
        major,
        owner,
        app,
        dispatch);
  }

  /** Refuses unless every key that data may still be encrypted under is in the ring. */
  private static void checkKeys(Connection connection, String schema, KeyRing keys)
      throws SQLException {
    if (text(connection, "select to_regclass(?)::text", schema + ".master_keys") == null) {
      return;
    }
    List<String> missing = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select id from " + schema + ".master_keys where retired_at is null order by id")) {
      while (rows.next()) {
        if (!keys.contains(rows.getString(1))) {
          missing.add(rows.getString(1));
        }
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "the master key does not fit this database: it holds data encrypted under "
              + String.join(", ", missing)
              + ", and the key ring has "
              + String.join(", ", keys.ids())
              + ". Start with the key that was used before (MANDATE_MASTER_KEY, or"
              + " secrets/master-key in the data folder); to rotate, put the new key before it");
    }
  }

  /** From now on data is encrypted under it, also if it was retired once. */
  private static void recordKey(Connection connection, String schema, KeyRing keys)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "insert into "
                + schema
                + ".master_keys (id) values (?) on conflict (id) do update set retired_at = null"
                + " where master_keys.retired_at is not null")) {
      statement.setString(1, keys.primaryId());
      statement.executeUpdate();
    }
  }

  /**
   * Creates the role if it is missing. The comment on a role names the key that its password comes
   * from, so an unchanged password is not set again, and a rotation keeps it while the old key is
   * still in the ring.
   */
  private static Login role(Connection connection, String name, KeyRing keys) throws SQLException {
    String state =
        text(
            connection,
            """
            select concat_ws(' ', case when rolsuper or rolbypassrls then 'unsafe' end,
                             coalesce(shobj_description(oid, 'pg_authid'), 'none'))
              from pg_roles where rolname = ?
            """,
            name);
    if (state == null) {
      execute(connection, "create role " + name + " login noinherit");
    } else if (state.startsWith("unsafe")) {
      throw new IllegalStateException(
          "the role "
              + name
              + " is a superuser or bypasses row-level security: it would see every organization's"
              + " rows. Run: alter role "
              + name
              + " nosuperuser nobypassrls");
    }
    String id =
        state != null && state.startsWith("mandate key ")
            ? state.substring("mandate key ".length())
            : "";
    if (!keys.contains(id)) {
      onlyHere(connection, name);
      id = keys.primaryId();
      Login login = login(name, keys, id);
      // Hashed here: neither the wire nor the server's log sees the password.
      connection
          .unwrap(PGConnection.class)
          .alterUserPassword(name, login.password().toCharArray(), "scram-sha-256");
      execute(connection, "comment on role " + name + " is 'mandate key " + id + "'");
    }
    return login(name, keys, id);
  }

  /** Roles are the server's: a new password would shut out whoever uses this one elsewhere. */
  private static void onlyHere(Connection connection, String role) throws SQLException {
    String elsewhere =
        text(
            connection,
            """
            select string_agg(distinct d.datname, ', ')
              from pg_shdepend s
              join pg_database d on d.oid = s.dbid
             where s.refclassid = 'pg_authid'::regclass
               and s.refobjid = (select oid from pg_roles where rolname = ?)
               and d.datname <> current_database()
            """,
            role);
    if (elsewhere != null) {
      throw new IllegalStateException(
          "the role "
              + role
              + " is in use in the database "
              + elsewhere
              + " on the same server, and its password comes from a master key that is not given"
              + " here. Installations on one server have a schema name of their own each"
              + " (MANDATE_DATABASE_SCHEMA), or the same master key");
    }
  }

  private static Login login(String name, KeyRing keys, String keyId) {
    byte[] secret = keys.derive(keyId, "mandate/database-role/v1/" + name, 32);
    return new Login(name, HexFormat.of().formatHex(secret));
  }

  private static void schema(Connection connection, String schema, String owner)
      throws SQLException {
    String current =
        text(
            connection,
            "select nspowner::regrole::text from pg_namespace where nspname = ?",
            schema);
    if (owner.equals(current)) {
      return;
    }
    if (current != null) {
      throw new IllegalStateException(
          "the schema " + schema + " belongs to " + current + ", not to " + owner);
    }
    String superuser =
        text(
            connection,
            "select rolname from pg_roles where rolname = current_user and rolsuper and ? <> ''",
            owner);
    if (superuser == null) {
      // Making somebody the owner takes being able to act as it, which creating it does not give.
      execute(connection, "grant " + owner + " to current_user");
    }
    execute(connection, "create schema " + schema + " authorization " + owner);
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static @Nullable String text(Connection connection, String sql, String parameter)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, parameter);
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next() ? rows.getString(1) : null;
      }
    }
  }

  private static String explain(Server server, String schema, SQLException e) {
    String where = server.hosts() + "/" + server.database();
    String state = String.valueOf(e.getSQLState());
    if (state.equals("42501")) {
      return "the database user "
          + server.admin().user()
          + " may not prepare "
          + where
          + ": "
          + e.getMessage()
          + ". It needs to create the roles "
          + schema
          + "_owner, _app and _dispatch and the schema "
          + schema
          + ": alter role "
          + server.admin().user()
          + " createrole; grant create on database "
          + server.database()
          + " to "
          + server.admin().user();
    }
    if (state.startsWith("28")) {
      return where + " refuses the user " + server.admin().user() + ": " + e.getMessage();
    }
    return "cannot prepare the database " + where + ": " + e.getMessage();
  }
}
