package dev.mandate.policies;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The tables {@code policies}, {@code policy_versions} and {@code policy_sets}. */
final class PolicyStore {
  void insert(Tx tx, PolicyId id, String name, String description, Instant at) {
    tx.sql()
        .createUpdate(
            """
            insert into policies
              (org_id, id, name, description, latest_version, created_at, updated_at)
            values (:org, :id, :name, :description, 1, :at, :at)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("name", name)
        .bind("description", description)
        .bind("at", at)
        .execute();
  }

  void insertVersion(Tx tx, PolicyId id, PolicyVersion version) {
    tx.sql()
        .createUpdate(
            """
            insert into policy_versions
              (org_id, policy_id, version, module, tests, note, hash, author, created_at)
            values (:org, :id, :version, :module, :tests, :note, :hash, :author, :at)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("version", version.version())
        .bind("module", version.text().module())
        .bind("tests", version.text().tests())
        .bind("note", version.note())
        .bind("hash", version.hash())
        .bind("author", version.author())
        .bind("at", version.createdAt())
        .execute();
  }

  /** Counts the latest version up; false if it is not {@code version}. */
  boolean advance(Tx tx, PolicyId id, long version, Instant at) {
    return tx.sql()
            .createUpdate(
                """
                update policies set latest_version = latest_version + 1, updated_at = :at
                where org_id = :org and id = :id and latest_version = :version
                """)
            .bind("org", tx.org().value())
            .bind("id", id.value())
            .bind("version", version)
            .bind("at", at)
            .execute()
        == 1;
  }

  /** Puts a version in force, or none. */
  void setActive(Tx tx, PolicyId id, @Nullable Long version, Instant at) {
    tx.sql()
        .createUpdate(
            """
            update policies set active_version = :version, updated_at = :at
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("version", version)
        .bind("at", at)
        .execute();
  }

  void delete(Tx tx, PolicyId id) {
    tx.sql()
        .createUpdate("delete from policies where org_id = :org and id = :id")
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .execute();
  }

  Optional<Policy> find(Tx tx, PolicyId id) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, name, description, latest_version, active_version, created_at,
              updated_at
            from policies
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .map(PolicyStore::policy)
        .findOne();
  }

  /** By name. */
  List<Policy> list(Tx tx, String name, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select org_id, id, name, description, latest_version, active_version, created_at,
              updated_at
            from policies
            where org_id = :org and (:name = '' or name = :name)
              and (cast(:after as text) is null or name > :after)
            order by name
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("name", name)
        .bind("after", page.after())
        .bind("limit", page.size() + 1)
        .map(PolicyStore::policy)
        .list();
  }

  Optional<PolicyVersion> findVersion(Tx tx, PolicyId id, long version) {
    return tx.sql()
        .createQuery(
            """
            select version, module, tests, note, hash, author, created_at
            from policy_versions
            where org_id = :org and policy_id = :id and version = :version
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("version", version)
        .map(PolicyStore::version)
        .findOne();
  }

  /** Newest first. */
  List<PolicyVersion> versions(Tx tx, PolicyId id, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select version, module, tests, note, hash, author, created_at
            from policy_versions
            where org_id = :org and policy_id = :id
              and (cast(:after as bigint) is null or version < :after)
            order by version desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("after", page.afterNumber())
        .bind("limit", page.size() + 1)
        .map(PolicyStore::version)
        .list();
  }

  /** The modules in force, by name. */
  List<PolicySet.Source> active(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select p.id, p.name, v.module
            from policies p
              join policy_versions v
                on v.org_id = p.org_id and v.policy_id = p.id and v.version = p.active_version
            where p.org_id = :org
            order by p.name
            """)
        .bind("org", tx.org().value())
        .map((row, context) ->
            new PolicySet.Source(
                new PolicyId(Sql.uuid(row, "id")), row.getString("name"), row.getString("module")))
        .list();
  }

  /** Counts the changes of what is in force; 0 before the first. */
  long setVersion(Tx tx) {
    return tx.sql()
        .createQuery("select version from policy_sets where org_id = :org")
        .bind("org", tx.org().value())
        .mapTo(long.class)
        .findOne()
        .orElse(0L);
  }

  /** Counts one more change; false if there were others since {@code version}. */
  boolean advanceSet(Tx tx, long version) {
    return tx.sql()
            .createUpdate(
                """
                insert into policy_sets as s (org_id, version) values (:org, :version + 1)
                on conflict (org_id) do update set version = s.version + 1
                where s.version = :version
                """)
            .bind("org", tx.org().value())
            .bind("version", version)
            .execute()
        == 1;
  }

  private static Policy policy(ResultSet row, StatementContext context) throws SQLException {
    return new Policy(
        new OrgId(Sql.uuid(row, "org_id")),
        new PolicyId(Sql.uuid(row, "id")),
        row.getString("name"),
        row.getString("description"),
        row.getLong("latest_version"),
        row.getObject("active_version", Long.class),
        Sql.instant(row, "created_at"),
        Sql.instant(row, "updated_at"));
  }

  private static PolicyVersion version(ResultSet row, StatementContext context)
      throws SQLException {
    return new PolicyVersion(
        row.getLong("version"),
        new PolicyText(row.getString("module"), row.getString("tests")),
        row.getString("note"),
        row.getString("hash"),
        row.getString("author"),
        Sql.instant(row, "created_at"));
  }
}
