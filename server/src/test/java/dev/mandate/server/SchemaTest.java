package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.kernel.db.Endpoint;
import dev.mandate.testing.ScriptedProvider;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The database itself keeps organizations apart, table by table: tried as the program would, with
 * the rows of an organization that has worked. What the catalogue says is {@link TenancyTest}'s.
 */
class SchemaTest {
  private static final String FOREIGN_KEY_VIOLATION = "23503";
  private static final String ROW_SECURITY = "42501";

  private static final Script script = new Script();
  private static final ScriptedProvider provider = ScriptedProvider.start(0, script);
  private static final TestServer server = TestServer.start(Script.environment(provider));
  private static final UUID stranger = UUID.randomUUID();

  @BeforeAll
  static void anOrganizationThatHasWorked() {
    RunWaits.over(server.owner(), server.owner().say("Operator", "Hello."));
  }

  @AfterAll
  static void close() {
    server.close();
    provider.close();
  }

  @Test
  void withoutAnOrganizationNoTableShowsARow() throws SQLException {
    try (Connection connection = app(null)) {
      for (String table : tenantTables()) {
        assertThat(number(connection, "select count(*) from " + table)).as(table).isZero();
      }
    }
  }

  @Test
  void anotherOrganizationSeesChangesAndDeletesNothing() throws SQLException {
    try (Connection connection = app(stranger)) {
      for (String table : tenantTables()) {
        assertThat(number(connection, "select count(*) from " + table)).as(table).isZero();
        assertThat(state(connection, "update " + table + " set org_id = org_id"))
            .as(table)
            .isIn("0 rows", ROW_SECURITY);
        assertThat(state(connection, "delete from " + table))
            .as(table)
            .isIn("0 rows", ROW_SECURITY);
      }
    }
  }

  @Test
  void nothingCanBePutIntoAnotherOrganization() throws SQLException {
    try (Connection connection = app(stranger)) {
      for (String table : tenantTables()) {
        String insert = insert(table, Map.of("org_id", literal(UUID.randomUUID().toString())));
        assertThat(state(connection, insert)).as(insert).isEqualTo(ROW_SECURITY);
      }
    }
  }

  /** Foreign keys are checked without row security: one could ask them what exists elsewhere. */
  @Test
  void aForeignKeyAnswersForAnothersRowAsForOneThatDoesNotExist() throws SQLException {
    int probed = 0;
    try (Connection connection = app(stranger)) {
      for (ForeignKey key : foreignKeys()) {
        Map<String, String> real = anyRow(key);
        if (real == null) {
          continue;
        }
        Map<String, String> unknown = new TreeMap<>(real);
        unknown.replaceAll((column, value) ->
            column.equals("org_id") ? value : literal(UUID.randomUUID().toString()));
        String forReal = state(connection, insert(key.table(), real));
        String forUnknown = state(connection, insert(key.table(), unknown));
        assertThat(forReal).as("%s", key).isEqualTo(forUnknown);
        assertThat(forReal).as("%s", key).isEqualTo(FOREIGN_KEY_VIOLATION);
        probed++;
      }
    }
    assertThat(probed).isGreaterThan(8);
  }

  /**
   * @param columns of the table, each with the column that it refers to
   */
  private record ForeignKey(String table, String referred, Map<String, String> columns) {}

  private static List<ForeignKey> foreignKeys() throws SQLException {
    List<ForeignKey> keys = new ArrayList<>();
    try (Connection connection = server.database().admin();
        PreparedStatement statement =
            connection.prepareStatement(
                """
                select k.oid, k.conrelid::regclass::text, k.confrelid::regclass::text
                  from pg_constraint k
                 where k.connamespace = ?::regnamespace and k.contype = 'f'
                   and cardinality(k.conkey) > 1
                 order by 2, 1
                """)) {
      statement.setString(1, endpoint().schema());
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          keys.add(
              new ForeignKey(
                  rows.getString(2), rows.getString(3), columns(connection, rows.getLong(1))));
        }
      }
    }
    return keys;
  }

  private static Map<String, String> columns(Connection connection, long key) throws SQLException {
    Map<String, String> columns = new TreeMap<>();
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            select a.attname, b.attname
              from pg_constraint k
              cross join lateral unnest(k.conkey, k.confkey) as pair (here, there)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.here
              join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.there
             where k.oid = ?
            """)) {
      statement.setLong(1, key);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          columns.put(rows.getString(1), rows.getString(2));
        }
      }
    }
    return columns;
  }

  /** What a row of the stranger's would hold to refer to somebody else's; null if there is none. */
  private static @Nullable Map<String, String> anyRow(ForeignKey key) throws SQLException {
    try (Connection connection = server.database().admin();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("select * from " + key.referred() + " limit 1")) {
      if (!rows.next()) {
        return null;
      }
      Map<String, String> values = new TreeMap<>();
      for (Map.Entry<String, String> column : key.columns().entrySet()) {
        values.put(
            column.getKey(),
            literal(
                column.getKey().equals("org_id")
                    ? stranger.toString()
                    : rows.getString(column.getValue())));
      }
      return values;
    }
  }

  /** A row with these values, and something in every other column that needs a value. */
  private static String insert(String table, Map<String, String> given) throws SQLException {
    List<String> names = new ArrayList<>();
    List<String> values = new ArrayList<>();
    try (Connection connection = server.database().admin();
        PreparedStatement statement =
            connection.prepareStatement(
                """
                select column_name, data_type, is_nullable, column_default, is_identity
                  from information_schema.columns
                 where table_schema = ? and table_name = ?
                """)) {
      statement.setString(1, endpoint().schema());
      statement.setString(2, table);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          String name = rows.getString(1);
          boolean needed =
              rows.getString(3).equals("NO")
                  && rows.getString(4) == null
                  && rows.getString(5).equals("NO");
          if (given.containsKey(name)) {
            names.add('"' + name + '"');
            values.add(given.get(name));
          } else if (name.equals("org_id")) {
            names.add('"' + name + '"');
            values.add(literal(stranger.toString()));
          } else if (needed) {
            names.add('"' + name + '"');
            values.add(something(rows.getString(2)));
          }
        }
      }
    }
    return "insert into %s (%s) values (%s)"
        .formatted(table, String.join(", ", names), String.join(", ", values));
  }

  private static String something(String type) {
    return switch (type) {
      case "uuid" -> literal(UUID.randomUUID().toString());
      case "timestamp with time zone" -> "now()";
      case "boolean" -> "false";
      case "bytea" -> "'\\x00'::bytea";
      case "json", "jsonb", "ARRAY" -> "'{}'";
      default -> "'1'";
    };
  }

  private static String literal(String text) {
    return "'" + text + "'";
  }

  private static List<String> tenantTables() throws SQLException {
    List<String> tables = new ArrayList<>();
    try (Connection connection = server.database().admin();
        PreparedStatement statement =
            connection.prepareStatement(
                """
                select c.table_name from information_schema.columns c
                  join information_schema.tables t using (table_schema, table_name)
                 where c.table_schema = ? and c.column_name = 'org_id'
                   and t.table_type = 'BASE TABLE'
                   and not exists (select 1 from pg_class p
                                    where p.oid = to_regclass(format('%I.%I', c.table_schema, c.table_name))
                                      and p.relispartition)
                 order by 1
                """)) {
      statement.setString(1, endpoint().schema());
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          tables.add(rows.getString(1));
        }
      }
    }
    assertThat(tables).hasSizeGreaterThan(20);
    return tables;
  }

  /** A transaction as the program has it; nothing of it is kept. */
  private static Connection app(@Nullable UUID org) throws SQLException {
    Connection connection = endpoint().connect(endpoint().app(), "schema test");
    connection.setAutoCommit(false);
    if (org != null) {
      try (PreparedStatement statement =
          connection.prepareStatement("select set_config('mandate.org', ?, true)")) {
        statement.setString(1, org.toString());
        statement.execute();
      }
    }
    return connection;
  }

  private static Endpoint endpoint() {
    return server.database().endpoint();
  }

  private static long number(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getLong(1);
    }
  }

  /** The SQL state that a statement ends with, or how many rows it touched; it is undone. */
  private static String state(Connection connection, String sql) throws SQLException {
    var before = connection.setSavepoint();
    try (Statement statement = connection.createStatement()) {
      return statement.executeUpdate(sql) + " rows";
    } catch (SQLException e) {
      return e.getSQLState();
    } finally {
      connection.rollback(before);
    }
  }
}
