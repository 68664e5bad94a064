package dev.mandate.server.ops;

import com.fasterxml.jackson.databind.node.TextNode;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Removes a person: the account's name and address, every way in, what the person wrote, and the
 * personal data of the record, whose chain stays valid. The account's id stays, so that the record
 * goes on saying that it was one and the same who did all this.
 *
 * <p>Run again after it was stopped, it goes on. What a model made of the person's words (its
 * answers, its tools' arguments) is not told apart from other text, and stays.
 */
public final class UserErasure {
  private static final int BATCH = 1_000;
  private static final String ERASED = "[erased]";

  private final Db db;
  private final Consumer<String> progress;

  public UserErasure(Db db, Consumer<String> progress) {
    this.db = db;
    this.progress = progress;
  }

  /**
   * @param organizations all there are
   * @param keepMessages what the person wrote stays, under the id of nobody known
   * @throws Failure {@code NOT_FOUND}, or {@code FAILED_PRECONDITION} if an organization would be
   *     left without an owner
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
    for (OrgId org : organizations) {
      boolean member = db.write(system(org), tx -> leave(tx, user, email));
      int messages = keepMessages ? 0 : messages(org, user);
      int entries = record(org, user, email);
      if (member || messages + entries > 0) {
        progress.accept(
            "organization %s: %,d messages, %,d entries of the record"
                .formatted(org, messages, entries));
      }
    }
    // Last: as long as the address is there, a run that was stopped can be begun again.
    db.run(system(OrgId.INSTALLATION), tx -> account(tx, user));
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

  /** What the person wrote, also where it was made part of a prompt. */
  private int messages(OrgId org, UUID user) {
    int total = 0;
    int some;
    do {
      some = db.write(system(org), tx -> messages(tx, user));
      total += some;
    } while (some == BATCH);
    return total;
  }

  private static int messages(Tx tx, UUID user) {
    List<String> texts =
        tx.sql()
            .createQuery(
                """
                with found as (
                  select id, text from messages
                   where org_id = :org and author = :author and text <> :erased
                   limit :limit for update)
                update messages m set text = :erased
                  from found where m.org_id = :org and m.id = found.id
                returning found.text
                """)
            .bind("org", tx.org())
            .bind("author", "user:" + user)
            .bind("erased", ERASED)
            .bind("limit", BATCH)
            .mapTo(String.class)
            .list();
    for (String text : Set.copyOf(texts)) {
      String json = TextNode.valueOf(text).toString();
      String inside = json.substring(1, json.length() - 1);
      tx.sql()
          .createUpdate(
              """
              update payloads set body = replace(body, :text, :erased)
               where org_id = :org and position(:text in body) > 0 and :text <> ''
              """)
          .bind("org", tx.org())
          .bind("text", inside)
          .bind("erased", ERASED)
          .execute();
    }
    return texts.size();
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

  private static Mandate system(OrgId org) {
    return Mandate.system(
        org, Set.of("users.erase"), "erase-user", Instant.now().plus(Duration.ofMinutes(5)));
  }
}
