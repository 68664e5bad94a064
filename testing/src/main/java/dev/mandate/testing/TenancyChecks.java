package dev.mandate.testing;

import dev.mandate.kernel.db.Endpoint;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Looks at a migrated schema, as the catalogue has it, for anything that could let one organization
 * see or touch another's rows. A test compares the answer with the exceptions that were decided, so
 * that a new one cannot slip in.
 */
public final class TenancyChecks {
  /** What the kernel itself decided: tables of the installation, which hold no organization's. */
  public static final Set<String> KERNEL_EXCEPTIONS =
      Set.of(
          "leases: no column org_id",
          "leases: whole-table privileges of dispatch: DELETE, INSERT, SELECT, UPDATE",
          "master_keys: no column org_id",
          "migrations: no column org_id");

  /** Yields texts {@code <object>: <what is wrong>}. {@code $1} is the schema. */
  private static final List<String> QUERIES =
      List.of(
          // A tenant table has the column; without it nothing else below applies.
          """
          select c.relname || ': no column org_id'
            from pg_class c
           where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
             and not exists (
               select 1 from pg_attribute a
                where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped)
          """,
          """
          select c.relname || ': org_id may be null or is no uuid'
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
           where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
             and (not a.attnotnull or a.atttypid <> 'uuid'::regtype)
          """,
          """
          select c.relname || ': row-level security is not enabled and forced'
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
           where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
             and not (c.relrowsecurity and c.relforcerowsecurity)
          """,
          """
          select c.relname || ': no primary key'
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
           where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
             and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary)
          """,
          // A unique key across organizations tells one that another's row exists.
          """
          select c.relname || ': unique key ' || i.indexrelid::regclass::text
                 || ' does not begin with org_id'
            from pg_index i
            join pg_class c on c.oid = i.indrelid
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
           where c.relnamespace = $1::regnamespace and i.indisunique
             and i.indkey[0] <> a.attnum
          """,
          // Foreign keys are checked without row-level security.
          """
          select c.relname || ': foreign key ' || k.conname || ' does not begin with org_id'
            from pg_constraint k
            join pg_class c on c.oid = k.conrelid
            join pg_attribute t on t.attrelid = k.confrelid and t.attname = 'org_id'
            left join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
           where c.relnamespace = $1::regnamespace and k.contype = 'f'
             and (k.conkey[1] is distinct from a.attnum or k.confkey[1] <> t.attnum)
          """,
          """
          select p.tablename || ': policy ' || p.policyname || ' for '
                 || array_to_string(p.roles, ', ') || ' is neither the tenant''s nor the dispatcher''s'
            from pg_policies p
           where p.schemaname = $1
             and not (p.policyname = 'tenant' and p.roles = array[$2]::name[] and p.cmd = 'ALL'
                      and p.permissive = 'PERMISSIVE' and p.with_check is null
                      and p.qual = '(org_id = (NULLIF(current_setting(''mandate.org''::text, true),'
                                   || ' ''''::text))::uuid)')
             and not (p.policyname = 'dispatch_' || lower(p.cmd) and p.roles = array[$3]::name[])
          """,
          """
          select c.relname || ': no tenant policy'
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
           where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
             and not c.relispartition
             and not exists (
               select 1 from pg_policies p
                where p.schemaname = $1 and p.tablename = c.relname and p.policyname = 'tenant')
          """,
          // A partition is reached through its table, whose policies then hold, and not itself.
          """
          select distinct c.relname || ': a partition on which ' || g.grantee || ' has rights'
            from pg_class c
            join information_schema.column_privileges g
              on g.table_schema = $1 and g.table_name = c.relname
           where c.relnamespace = $1::regnamespace and c.relispartition and c.relkind in ('r', 'p')
             and g.grantee <> $4
          """,
          // The dispatcher is given columns, never a table; deleting has no columns.
          """
          select g.table_name || ': whole-table privileges of dispatch: '
                 || string_agg(g.privilege_type, ', ' order by g.privilege_type)
            from information_schema.role_table_grants g
           where g.table_schema = $1 and g.grantee = $3
             and (g.privilege_type <> 'DELETE'
                  or not exists (select 1 from information_schema.columns c
                                  where c.table_schema = $1 and c.table_name = g.table_name
                                    and c.column_name = 'org_id'))
           group by g.table_name
          """,
          """
          select g.table_name || ': privileges of app on a table of the installation'
            from information_schema.role_table_grants g
           where g.table_schema = $1 and g.grantee = $2
             and not exists (select 1 from information_schema.columns c
                              where c.table_schema = $1 and c.table_name = g.table_name
                                and c.column_name = 'org_id')
           group by g.table_name
          """,
          """
          select g.table_name || ': privileges of ' || g.grantee
            from information_schema.role_table_grants g
           where g.table_schema = $1 and g.grantee not in ($2, $3, $4)
           group by g.table_name, g.grantee
          """,
          """
          select c.relname || ': belongs to ' || c.relowner::regrole::text
            from pg_class c
           where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
             and c.relowner <> $4::regrole
          """,
          """
          select c.relname || ': a view reads as its owner, whom policies do not bind'
            from pg_class c
           where c.relnamespace = $1::regnamespace and c.relkind in ('v', 'm')
          """,
          """
          select p.proname || ': a function that runs as its owner'
            from pg_proc p
           where p.pronamespace = $1::regnamespace and p.prosecdef
          """,
          """
          select r.rolname || ': a role that row-level security does not bind'
            from pg_roles r
           where r.rolname in ($2, $3, $4) and (r.rolsuper or r.rolbypassrls)
             and $1 is not null
          """,
          """
          select 'audit_entries: ' || $2 || ' may ' || privilege
            from unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) privilege
           where has_table_privilege($2, $1 || '.audit_entries', privilege)
          """);

  private TenancyChecks() {}

  /**
   * What is out of order in the database's schema.
   *
   * @return texts {@code <object>: <what is wrong>}, sorted
   */
  public static Set<String> findings(TestDatabase database) throws SQLException {
    try (Connection connection = database.admin()) {
      return findings(connection, database.endpoint());
    }
  }

  /**
   * @param connection of a superuser
   */
  public static Set<String> findings(Connection connection, Endpoint endpoint) throws SQLException {
    Set<String> findings = new TreeSet<>();
    for (String query : QUERIES) {
      findings.addAll(run(connection, query, endpoint));
    }
    return findings;
  }

  private static List<String> run(Connection connection, String query, Endpoint endpoint)
      throws SQLException {
    List<String> names =
        Arrays.asList(
            endpoint.schema(),
            endpoint.app().user(),
            endpoint.dispatch().user(),
            endpoint.owner().user());
    // The statements name their parameters by number, some more than once and some not at all.
    String prepared =
        "with given (s, a, d, o) as (values (?::text, ?::text, ?::text, ?::text)) select * from given,"
            + " lateral ("
            + query
                .replace("$1", "given.s")
                .replace("$2", "given.a")
                .replace("$3", "given.d")
                .replace("$4", "given.o")
            + ") as found (finding)";
    List<String> found = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(prepared)) {
      for (int i = 0; i < names.size(); i++) {
        statement.setString(i + 1, names.get(i));
      }
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.add(rows.getString("finding"));
        }
      }
    }
    return found;
  }
}
