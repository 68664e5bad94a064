package dev.mandate.server.ops;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What tables there are, as the database's own catalogue has them. */
final class Catalog {
  /** Who leads which task, and which migrations ran: both are the database's own, not its data. */
  private static final Set<String> LEFT_OUT = Set.of("leases", "migrations");

  /**
   * A table with the columns that hold data.
   *
   * @param tenant whether its rows belong to organizations
   * @param key the primary key's columns
   */
  record Table(String name, List<String> columns, boolean tenant, List<String> key) {
    String columnList() {
      return String.join(", ", columns.stream().map(Catalog::quoted).toList());
    }

    String keyList() {
      return String.join(", ", key.stream().map(Catalog::quoted).toList());
    }
  }

  /** A foreign key, in the words that make it again. */
  record ForeignKey(String table, String name, String definition) {}

  private Catalog() {}

  static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  /** Tables that outlive a crash; partitions are part of theirs. */
  static List<Table> tables(Connection sql, String schema) throws SQLException {
    List<Table> tables = new ArrayList<>();
    try (PreparedStatement statement =
        sql.prepareStatement(
            """
            select c.relname,
                   (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
                     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                       and a.attgenerated = '') as columns,
                   coalesce((select array_agg(a.attname::text order by k.place)
                      from pg_index i
                      cross join lateral unnest(i.indkey::smallint[])
                        with ordinality as k (number, place)
                      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
                     where i.indrelid = c.oid and i.indisprimary), '{}') as key
              from pg_class c
             where c.relnamespace = ?::regnamespace and c.relkind in ('r', 'p')
               and not c.relispartition and c.relpersistence = 'p'
             order by c.relname
            """)) {
      statement.setString(1, schema);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          List<String> columns = List.of((String[]) rows.getArray(2).getArray());
          if (!LEFT_OUT.contains(rows.getString(1))) {
            tables.add(
                new Table(
                    rows.getString(1),
                    columns,
                    columns.contains("org_id"),
                    List.of((String[]) rows.getArray(3).getArray())));
          }
        }
      }
    }
    return tables;
  }

  static List<ForeignKey> foreignKeys(Connection sql, String schema) throws SQLException {
    List<ForeignKey> keys = new ArrayList<>();
    try (PreparedStatement statement =
        sql.prepareStatement(
            """
            select c.relname, k.conname, pg_get_constraintdef(k.oid)
              from pg_constraint k join pg_class c on c.oid = k.conrelid
             where k.connamespace = ?::regnamespace and k.contype = 'f' and k.conparentid = 0
             order by 1, 2
            """)) {
      statement.setString(1, schema);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          keys.add(new ForeignKey(rows.getString(1), rows.getString(2), rows.getString(3)));
        }
      }
    }
    return keys;
  }

  /** The migrations that ran, each {@code <version> <checksum>}, in the order of their versions. */
  static List<String> migrations(Connection sql) throws SQLException {
    List<String> versions = new ArrayList<>();
    try (PreparedStatement statement =
            sql.prepareStatement(
                """
                select version || ' ' || checksum from migrations
                 where success and version is not null order by version
                """);
        ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        versions.add(rows.getString(1));
      }
    }
    return versions;
  }
}
