package dev.mandate.server.ops;

import com.fasterxml.jackson.databind.node.TextNode;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Removes a person: the account's name and address, every way in, what the person said and what
 * runs made of it, and the personal data of the record, whose chain stays valid. The account's id
 * stays, so that the record goes on saying that it was one and the same who did all this.
 *
 * <p>Run again after it was stopped, it goes on.
 */
public final class UserErasure {
  private static final int BATCH = 1_000;

  private final Db db;
  private final Consumer<String> progress;

  public UserErasure(Db db, Consumer<String> progress) {
    this.db = db;
    this.progress = progress;
  }

  /**
   * @param organizations all there are
   * @param keepMessages what the person said stays, and what came of it, under the id of nobody
   *     known
   * @throws Failure {@code NOT_FOUND}, or {@code FAILED_PRECONDITION} if an organization would be
   *     left without an owner, or if runs do not stop
   */
  public void erase(String email, List<OrgId> organizations, boolean keepMessages) {
    UUID user =
        db.read(system(OrgId.INSTALLATION), tx -> user(tx, email))
            .orElseThrow(() -> Failure.notFound("account " + email));
    for (OrgId org : organizations) {
      if (db.read(system(org), tx -> onlyOwner(tx, user))) {
        throw Failure.precondition(
            "LAST_OWNER",
            "organization " + org + " has no other owner: make somebody else one first");
      }
    }
    int active = 0;
    for (OrgId org : organizations) {
      Set<String> actors = db.read(system(org), tx -> actors(tx, user));
      boolean member = db.write(system(org), tx -> leave(tx, user, email));
      db.run(system(org), tx -> suspensions(tx, user, actors));
      ContentErasure.@Nullable Erased content =
          keepMessages ? null : new ContentErasure(db, user, actors).erase(system(org));
      int decisions = db.write(system(org), tx -> decisions(tx, user, keepMessages));
      int entries = record(org, user, email);
      if (member || decisions + entries > 0 || (content != null && content.total() > 0)) {
        tell(org, content, decisions, entries);
      }
      active += content == null ? 0 : content.active();
    }
    if (active > 0) {
      throw Failure.precondition(
          "RUNS_GO_ON",
          active
              + " runs in the person's name, or with what the person decided in them, are not over"
              + " yet, so not all of it is erased: start the server if it is not running, wait until"
              + " they are, and run this again");
    }
    // Last: as long as the address is there, a run that was stopped can be begun again.
    db.run(system(OrgId.INSTALLATION), tx -> account(tx, user));
  }

  private void tell(
      OrgId org, ContentErasure.@Nullable Erased content, int decisions, int entries) {
    progress.accept("organization " + org);
    if (content != null) {
      progress.accept(
          "  erased: %,d messages, %,d steps of %,d runs, %,d approvals, %,d files"
              .formatted(
                  content.messages(),
                  content.steps(),
                  content.runs(),
                  content.approvals(),
                  content.files()));
    }
    progress.accept(
        "  erased: %,d decisions of policies, personal data of %,d entries of the record"
            .formatted(decisions, entries));
    if (content == null) {
      progress.accept("  kept: messages, runs and files, because of --keep-messages");
    } else if (content.shared() > 0) {
      progress.accept(
          "  kept: what agents and others said on %,d threads that others take part in"
              .formatted(content.shared()));
    }
    progress.accept("  kept: who did what and when, by ids: the record must stay whole");
  }

  private static Optional<UUID> user(Tx tx, String email) {
    return tx.sql()
        .createQuery("select id from users where org_id = :org and email = :email")
        .bind("org", tx.org())
        .bind("email", email.toLowerCase(Locale.ROOT))
        .mapTo(UUID.class)
        .findOne();
  }

  private static boolean onlyOwner(Tx tx, UUID user) {
    return tx.sql()
        .createQuery(
            """
            select bool_and(user_id = :user) from memberships
             where org_id = :org and role = 'owner'
            """)
        .bind("org", tx.org())
        .bind("user", user)
        .mapTo(Boolean.class)
        .findOne()
        .orElse(false);
  }

  /** Membership and every way in. */
  private static boolean leave(Tx tx, UUID user, String email) {
    for (String statement :
        List.of(
            // What calls were answered is kept for a day.
            """
            delete from idempotency_keys
             where org_id = :org
               and (principal = 'user:' || :user or principal in (
                 select 'token:' || id from api_tokens where org_id = :org and user_id = :user))
            """,
            "delete from sessions where org_id = :org and user_id = :user",
            "delete from api_tokens where org_id = :org and user_id = :user")) {
      tx.sql().createUpdate(statement).bind("org", tx.org()).bind("user", user).execute();
    }
    tx.sql()
        .createUpdate("delete from invitations where org_id = :org and lower(email) = :email")
        .bind("org", tx.org())
        .bind("email", email.toLowerCase(Locale.ROOT))
        .execute();
    boolean member =
        tx.sql()
                .createUpdate("delete from memberships where org_id = :org and user_id = :user")
                .bind("org", tx.org())
                .bind("user", user)
                .execute()
            > 0;
    if (member) {
      tx.audit("users.erase", "user:" + user, "{}");
    }
    return member;
  }

  /**
   * As what the person acted in an organization: the account and its tokens. The record knows of
   * tokens that are gone.
   */
  private static Set<String> actors(Tx tx, UUID user) {
    return new HashSet<>(
        tx.sql()
            .createQuery(
                """
                select :person
                union
                select 'token:' || id from api_tokens where org_id = :org and user_id = :user
                union
                select chain ->> 0 from audit_entries
                 where org_id = :org and chain ->> -1 = :person and starts_with(chain ->> 0, 'token:')
                """)
            .bind("org", tx.org())
            .bind("user", user)
            .bind("person", "user:" + user)
            .mapTo(String.class)
            .list());
  }

  /** Why the person suspended something, and why the person was suspended. */
  private static void suspensions(Tx tx, UUID user, Set<String> actors) {
    tx.sql()
        .createUpdate(
            """
            update suspensions set reason = '[erased]'
             where org_id = :org and reason <> ''
               and (suspended_by = any(:actors) or (kind = 'MEMBER' and subject = :user)
                 or 'token:' || subject = any(:actors))
            """)
        .bind("org", tx.org())
        .bind("user", user.toString())
        .bindArray("actors", String.class, actors)
        .execute();
  }

  /**
   * What policies were asked about calls on the person's behalf, and about calls of others' runs
   * after the person wrote arguments for one.
   */
  private static int decisions(Tx tx, UUID user, boolean keepMessages) {
    return tx.sql()
        .createUpdate(
            """
            delete from decisions d
             where org_id = :org
               and (user_id = :user or (not :keep and exists (
                 select from run_steps s
                  where s.org_id = d.org_id and s.run_id = d.run_id and s.kind = 'approval_edited'
                    and s.payload ->> 'decided_by' = :person and s.created_at <= d.at)))
            """)
        .bind("org", tx.org())
        .bind("user", user)
        .bind("person", "user:" + user)
        .bind("keep", keepMessages)
        .execute();
  }

  /** Personal data of entries by or about the person; what they say of the deed stays. */
  private int record(OrgId org, UUID user, String email) {
    int total = 0;
    List<UUID> found;
    do {
      found = db.read(system(org), tx -> entries(tx, user, email));
      List<UUID> ids = found;
      // The application may not; this role may erase and nothing else.
      total +=
          db.<Integer>dispatch(sql ->
              sql.createUpdate(
                      """
                      update audit_entries set personal = null, salt = null
                       where org_id = :org and id = any(:ids)
                      """)
                  .bind("org", org)
                  .bindArray("ids", UUID.class, ids)
                  .execute());
    } while (found.size() == BATCH);
    return total;
  }

  private static List<UUID> entries(Tx tx, UUID user, String email) {
    return tx.sql()
        .createQuery(
            """
            select id from audit_entries
             where org_id = :org and personal is not null
               and (jsonb_exists(chain, :principal) or resource = :principal
                    or lower(cast(personal as text)) like :email)
             limit :limit
            """)
        .bind("org", tx.org())
        .bind("principal", "user:" + user)
        // Quoted as in the JSON, so that it is this address and not the end of another.
        .bind(
            "email",
            "%"
                + TextNode.valueOf(email.toLowerCase(Locale.ROOT))
                    .toString()
                    .replace("\\", "\\\\")
                    .replace("_", "\\_")
                    .replace("%", "\\%")
                + "%")
        .bind("limit", BATCH)
        .mapTo(UUID.class)
        .list();
  }

  private static void account(Tx tx, UUID user) {
    tx.sql()
        .createUpdate("delete from sign_in_links where org_id = :org and user_id = :user")
        .bind("org", tx.org())
        .bind("user", user)
        .execute();
    tx.sql()
        .createUpdate(
            """
            update users set email = :email, name = 'Erased', password_hash = null,
                   session_epoch = session_epoch + 1, kept_session = null, last_org_id = null
             where org_id = :org and id = :user
            """)
        .bind("email", user + "@erased.invalid")
        .bind("org", tx.org())
        .bind("user", user)
        .execute();
  }

  private Mandate system(OrgId org) {
    return Mandate.system(
        org, Set.of("users.erase"), "erase-user", db.clock().instant().plus(Duration.ofMinutes(5)));
  }
}
