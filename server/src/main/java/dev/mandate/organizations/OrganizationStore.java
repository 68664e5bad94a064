package dev.mandate.organizations;

import dev.mandate.identity.UserId;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The SQL of organizations and memberships. */
final class OrganizationStore {
  /** False if it is there already. */
  boolean insert(Tx tx, String name) {
    return tx.sql()
            .createUpdate(
                """
                insert into organizations (org_id, name) values (:org, :name)
                on conflict do nothing
                """)
            .bind("org", tx.org().value())
            .bind("name", name)
            .execute()
        == 1;
  }

  Optional<Organization> find(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select org_id, name, version, created_at from organizations where org_id = :org
            """)
        .bind("org", tx.org().value())
        .map(OrganizationStore::organization)
        .findOne();
  }

  /** Locks the organization's row: changes of its members go one by one. */
  void lock(Tx tx) {
    tx.sql()
        .createQuery("select org_id from organizations where org_id = :org for update")
        .bind("org", tx.org().value())
        .mapTo(UUID.class)
        .one();
  }

  /** False if {@code version} is not the current one. */
  boolean rename(Tx tx, long version, String name) {
    return tx.sql()
            .createUpdate(
                """
                update organizations set name = :name, version = version + 1
                where org_id = :org and version = :version
                """)
            .bind("org", tx.org().value())
            .bind("version", version)
            .bind("name", name)
            .execute()
        == 1;
  }

  /** False if the user is a member already. */
  boolean insertMember(Tx tx, UserId user, Role role) {
    return tx.sql()
            .createUpdate(
                """
                insert into memberships (org_id, user_id, role) values (:org, :user, :role)
                on conflict do nothing
                """)
            .bind("org", tx.org().value())
            .bind("user", user.value())
            .bind("role", role.wireName())
            .execute()
        == 1;
  }

  Optional<Membership> findMember(Tx tx, UserId user) {
    return tx.sql()
        .createQuery(
            """
            select user_id, role, joined_at
            from memberships
            where org_id = :org and user_id = :user
            """)
        .bind("org", tx.org().value())
        .bind("user", user.value())
        .map(OrganizationStore::membership)
        .findOne();
  }

  /** By user, so in the order of their accounts. */
  List<Membership> members(Tx tx, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select user_id, role, joined_at
            from memberships
            where org_id = :org
              and (cast(:after as uuid) is null or user_id > cast(:after as uuid))
            order by user_id
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("after", page.afterId())
        .bind("limit", page.size() + 1)
        .map(OrganizationStore::membership)
        .list();
  }

  /** Whether somebody else owns the organization who is not suspended. */
  boolean hasOtherOwner(Tx tx, UserId user) {
    return tx.sql()
        .createQuery(
            """
            select exists (
              select 1 from memberships m
              where m.org_id = :org and m.role = 'owner' and m.user_id <> :user
                and not exists (
                  select 1 from suspensions s
                  where s.org_id = m.org_id and s.kind = 'MEMBER'
                    and s.subject = cast(m.user_id as text)))
            """)
        .bind("org", tx.org().value())
        .bind("user", user.value())
        .mapTo(Boolean.class)
        .one();
  }

  void setRole(Tx tx, UserId user, Role role) {
    tx.sql()
        .createUpdate("update memberships set role = :role where org_id = :org and user_id = :user")
        .bind("org", tx.org().value())
        .bind("user", user.value())
        .bind("role", role.wireName())
        .execute();
  }

  void deleteMember(Tx tx, UserId user) {
    tx.sql()
        .createUpdate("delete from memberships where org_id = :org and user_id = :user")
        .bind("org", tx.org().value())
        .bind("user", user.value())
        .execute();
  }

  /** Across organizations: where a user is a member, the one joined first before the others. */
  List<OrgId> organizationsOf(Handle dispatch, UserId user) {
    return dispatch
        .createQuery(
            """
            select org_id from memberships where user_id = :user order by joined_at, org_id
            """)
        .bind("user", user.value())
        .map((row, context) -> new OrgId(row.getObject("org_id", UUID.class)))
        .list();
  }

  /** The owner who joined first. */
  UserId firstOwner(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select user_id
            from memberships
            where org_id = :org and role = 'owner'
            order by joined_at, user_id
            limit 1
            """)
        .bind("org", tx.org().value())
        .map((row, context) -> new UserId(row.getObject("user_id", UUID.class)))
        .one();
  }

  /** In a transaction of the installation: chooses its first organization, unless that was done. */
  void claimFirst(Tx tx, OrgId first, UserId owner) {
    tx.sql()
        .createUpdate(
            """
            insert into installation (org_id, first_org_id, first_owner_id)
            values (:org, :first, :owner)
            on conflict do nothing
            """)
        .bind("org", tx.org().value())
        .bind("first", first.value())
        .bind("owner", owner.value())
        .execute();
  }

  Installation.Place first(Tx tx) {
    return tx.sql()
        .createQuery("select first_org_id, first_owner_id from installation where org_id = :org")
        .bind("org", tx.org().value())
        .map((row, context) ->
            new Installation.Place(
                new OrgId(row.getObject("first_org_id", UUID.class)),
                new UserId(row.getObject("first_owner_id", UUID.class))))
        .one();
  }

  private static Organization organization(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    return new Organization(
        new OrgId(row.getObject("org_id", UUID.class)),
        row.getString("name"),
        row.getLong("version"),
        row.getTimestamp("created_at").toInstant());
  }

  private static Membership membership(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    return new Membership(
        new UserId(row.getObject("user_id", UUID.class)),
        Role.ofWireName(row.getString("role")),
        row.getTimestamp("joined_at").toInstant());
  }
}
