package dev.mandate.organizations;

import dev.mandate.identity.AuthChannel;
import dev.mandate.identity.Emails;
import dev.mandate.identity.Secrets;
import dev.mandate.identity.ShownTokens;
import dev.mandate.identity.User;
import dev.mandate.identity.Users;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The rules of invitations. Whoever holds one's token may become a member under its address: with a
 * new account, or with the password of the account that the address has. An invitation is good only
 * while whoever made it owns the organization.
 */
public final class Invitations {
  private static final Duration LIFETIME = Duration.ofDays(7);
  private static final Duration BRIEF = Duration.ofMinutes(1);
  private static final String PREFIX = "mdi_";

  private final Db db;
  private final Authorizer authorizer;
  private final Users users;
  private final InstantSource clock;
  private final ShownTokens shown;
  private final InvitationStore store = new InvitationStore();
  private final OrganizationStore organizations = new OrganizationStore();

  public Invitations(Db db, Authorizer authorizer, Users users, InstantSource clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.users = users;
    this.clock = clock;
    this.shown = new ShownTokens(db, clock);
  }

  /** An invitation and the token that accepts it, which is told once. */
  record Made(Invitation invitation, String token) {
    @Override
    public String toString() {
      return "Made[" + invitation.id() + "]";
    }
  }

  /** A new member. */
  record Accepted(OrgId org, User user) {}

  Page<Invitation> list(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "invitations.list");
    return db.read(
        mandate,
        tx ->
            Page.cut(
                store.list(tx, page, clock.instant()),
                page,
                invitation -> invitation.id().toString()));
  }

  /**
   * @throws Failure {@code ALREADY_EXISTS MEMBER_EXISTS} if the address is a member's
   */
  Made create(Mandate mandate, String email, Role role) {
    authorizer.require(mandate, "invitations.create");
    String address = Emails.parse("email", email);
    Optional<User> account = users.findByEmail(address);
    Instant now = clock.instant();
    String token = Secrets.next(PREFIX);
    Invitation invitation =
        new Invitation(new InvitationId(Ids.next()), address, role, now, now.plus(LIFETIME));
    return db.write(
        mandate,
        tx -> {
          if (account.isPresent() && organizations.findMember(tx, account.get().id()).isPresent()) {
            throw memberExists();
          }
          store.purge(tx, now);
          store.insert(tx, invitation, Secrets.hash(token));
          tx.audit(
              "invitations.create",
              "invitation:" + invitation.id(),
              Json.object().put("role", role.wireName()).toString());
          return new Made(invitation, token);
        });
  }

  void delete(Mandate mandate, InvitationId id) {
    authorizer.require(mandate, "invitations.delete");
    db.write(
        mandate,
        tx -> {
          if (!store.delete(tx, id)) {
            throw Failure.notFound("invitation");
          }
          tx.audit("invitations.delete", "invitation:" + id, "{}");
          return id;
        });
  }

  /**
   * @param password of the address's account; if it has none, of the new one
   * @param name of the new account; the address if empty
   * @throws Failure {@code NOT_FOUND} if the token is not (any more) an invitation's; {@code
   *     UNAUTHENTICATED WRONG_CREDENTIALS} and {@code RESOURCE_EXHAUSTED SIGN_IN_THROTTLED} as in
   *     signing in; {@code INVALID_ARGUMENT} for a password that is missing or too short
   */
  Accepted accept(Mandate.Origin origin, String token, String password, String name) {
    Instant now = clock.instant();
    InvitationStore.Place place =
        db.dispatch(handle -> store.findPlace(handle, Secrets.hash(token)))
            .orElseThrow(() -> refused(OrgId.INSTALLATION, origin, token, now));
    Invitation invitation =
        db.read(nobody(place.org(), origin, now), tx -> store.find(tx, place.invitation(), now))
            .orElseThrow(() -> refused(place.org(), origin, token, now));
    User user = account(place.org(), origin, invitation, password, name);
    Mandate member =
        new Mandate(
            place.org(),
            List.of(Principal.user(user.id().value())),
            List.of(),
            null,
            now.plus(BRIEF),
            origin);
    return db.write(
        member,
        tx -> {
          if (!store.take(tx, invitation.id(), now)) {
            throw Failure.notFound("invitation");
          }
          if (!organizations.insertMember(tx, user.id(), invitation.role())) {
            throw memberExists();
          }
          tx.audit(
              "invitations.accept",
              "invitation:" + invitation.id(),
              Json.object().put("role", invitation.role().wireName()).toString());
          tx.wake(AuthChannel.of(tx.org()));
          return new Accepted(tx.org(), user);
        });
  }

  private User account(
      OrgId org, Mandate.Origin origin, Invitation invitation, String password, String name) {
    if (password.isEmpty()) {
      throw Failure.invalid(
          "password",
          "is required: that of this address's account, or a new one if it has no account yet");
    }
    if (users.findByEmail(invitation.email()).isEmpty()) {
      String shown = name.isBlank() ? invitation.email() : name;
      return users.create(origin, invitation.email(), shown, password);
    }
    // The token proves that somebody was invited; only the password, that it is the account's own.
    User user =
        users
            .prove(origin, invitation.email(), password)
            .orElseThrow(() -> wrongPassword(org, origin, invitation));
    if (!name.isEmpty()) {
      throw Failure.invalid("name", "must be empty: the account has one already");
    }
    return user;
  }

  private Failure wrongPassword(OrgId org, Mandate.Origin origin, Invitation invitation) {
    Failure failure =
        Failure.of(
            Failure.Code.UNAUTHENTICATED,
            "WRONG_CREDENTIALS",
            "this address has an account already, and this is not its password");
    db.audit(
        nobody(org, origin, clock.instant()),
        AuditFact.failed(
            "invitations.accept", "invitation:" + invitation.id(), failure.reason(), "{}"));
    return failure;
  }

  private Failure refused(OrgId org, Mandate.Origin origin, String token, Instant now) {
    Failure failure = Failure.notFound("invitation");
    return shown.refused(
        nobody(org, origin, now),
        token,
        AuditFact.failed("invitations.accept", "invitation:unknown", failure.reason(), "{}"),
        failure);
  }

  /** For somebody who shows a token and is not a member yet. */
  private static Mandate nobody(OrgId org, Mandate.Origin origin, Instant now) {
    return Mandate.system(org, Set.of("invitations.accept"), "invitation", now.plus(BRIEF))
        .withOrigin(origin);
  }

  private static Failure memberExists() {
    return Failure.exists("MEMBER_EXISTS", "this address belongs to a member already");
  }
}
