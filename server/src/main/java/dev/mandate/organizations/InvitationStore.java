package dev.mandate.organizations;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/**
 * The SQL of invitations. One that an owner made is good while it is an owner's: nobody comes back
 * by an invitation made in time.
 */
final class InvitationStore {
  /** Where an invitation belongs. */
  record Place(OrgId org, InvitationId invitation) {}

  void insert(Tx tx, Invitation invitation, byte[] tokenHash) {
    tx.sql()
        .createUpdate(
            """
            insert into invitations
              (org_id, id, email, role, token_hash, invited_by, created_at, expires_at)
            values (:org, :id, :email, :role, :hash, :by, :createdAt, :expiresAt)
            """)
        .bind("org", tx.org().value())
        .bind("id", invitation.id().value())
        .bind("email", invitation.email())
        .bind("role", invitation.role().wireName())
        .bind("hash", tokenHash)
        .bind("by", "user:" + tx.mandate().user())
        .bind("createdAt", invitation.createdAt())
        .bind("expiresAt", invitation.expiresAt())
        .execute();
  }

  /** Newest first. */
  List<Invitation> list(Tx tx, Page.Request page, Instant now) {
    return tx.sql()
        .createQuery(
            """
            select id, email, role, created_at, expires_at
            from invitations i
            where org_id = :org and i.expires_at > :now
              and exists (
                select 1 from memberships m
                where m.org_id = i.org_id and m.role = 'owner'
                  and i.invited_by = 'user:' || m.user_id)
              and (cast(:before as uuid) is null or id < cast(:before as uuid))
            order by id desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("now", now)
        .bind("before", page.afterId())
        .bind("limit", page.size() + 1)
        .map(InvitationStore::invitation)
        .list();
  }

  Optional<Invitation> find(Tx tx, InvitationId id, Instant now) {
    return tx.sql()
        .createQuery(
            """
            select id, email, role, created_at, expires_at
            from invitations i
            where org_id = :org and id = :id and i.expires_at > :now
              and exists (
                select 1 from memberships m
                where m.org_id = i.org_id and m.role = 'owner'
                  and i.invited_by = 'user:' || m.user_id)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("now", now)
        .map(InvitationStore::invitation)
        .findOne();
  }

  /** Uses an invitation up; false if it is not good (any more): of two at once, one gets it. */
  boolean take(Tx tx, InvitationId id, Instant now) {
    return tx.sql()
            .createUpdate(
                """
                delete from invitations i
                where org_id = :org and id = :id and i.expires_at > :now
                  and exists (
                    select 1 from memberships m
                    where m.org_id = i.org_id and m.role = 'owner'
                      and i.invited_by = 'user:' || m.user_id)
                """)
            .bind("org", tx.org().value())
            .bind("id", id.value())
            .bind("now", now)
            .execute()
        == 1;
  }

  /** False if there is none. */
  boolean delete(Tx tx, InvitationId id) {
    return tx.sql()
            .createUpdate("delete from invitations where org_id = :org and id = :id")
            .bind("org", tx.org().value())
            .bind("id", id.value())
            .execute()
        == 1;
  }

  void purge(Tx tx, Instant now) {
    tx.sql()
        .createUpdate("delete from invitations where org_id = :org and expires_at <= :now")
        .bind("org", tx.org().value())
        .bind("now", now)
        .execute();
  }

  /** Across organizations: where the invitation with this token belongs. */
  Optional<Place> findPlace(Handle dispatch, byte[] tokenHash) {
    return dispatch
        .createQuery("select org_id, id from invitations where token_hash = :hash")
        .bind("hash", tokenHash)
        .map((row, context) ->
            new Place(
                new OrgId(row.getObject("org_id", UUID.class)),
                new InvitationId(row.getObject("id", UUID.class))))
        .findOne();
  }

  private static Invitation invitation(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    return new Invitation(
        new InvitationId(row.getObject("id", UUID.class)),
        row.getString("email"),
        Role.ofWireName(row.getString("role")),
        row.getTimestamp("created_at").toInstant(),
        row.getTimestamp("expires_at").toInstant());
  }
}
