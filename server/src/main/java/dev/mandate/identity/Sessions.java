package dev.mandate.identity;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The rules of signing in, staying signed in and signing out. */
public final class Sessions {
  static final Duration ACCESS_LIFETIME = Duration.ofMinutes(15);
  static final Duration LIFETIME = Duration.ofDays(30);

  private final Db db;
  private final Authorizer authorizer;
  private final Memberships memberships;
  private final SignInLinks links;
  private final InstantSource clock;
  private final SessionStore store = new SessionStore();
  private final UserStore users = new UserStore();
  private final TokenStore tokens = new TokenStore();
  private final PasswordProof proof;
  private final ShownTokens shown;

  public Sessions(
      Db db,
      Authorizer authorizer,
      Memberships memberships,
      SignInLinks links,
      InstantSource clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.memberships = memberships;
    this.links = links;
    this.clock = clock;
    this.proof = new PasswordProof(db, clock);
    this.shown = new ShownTokens(db, clock);
  }

  /**
   * @param asked the organization to sign in to; the one used last if absent
   * @throws Failure {@code UNAUTHENTICATED WRONG_CREDENTIALS}, the same after the same work whether
   *     or not there is such an account; {@code RESOURCE_EXHAUSTED SIGN_IN_THROTTLED}; and, after
   *     the right password, {@code NOT_FOUND} for an organization that the user does not belong to
   */
  SignedIn signIn(Mandate.Origin origin, String email, String password, @Nullable OrgId asked) {
    if (email.isEmpty()) {
      throw Failure.invalid("email", "is required");
    }
    if (password.isEmpty()) {
      throw Failure.invalid("password", "is required");
    }
    Passwords.checkLength("password", password);
    PasswordProof.Result result = proof.of(origin, email, password);
    Account account =
        result
            .proven()
            .orElseThrow(() ->
                refused(
                    origin,
                    result.account(),
                    Failure.of(
                        Failure.Code.UNAUTHENTICATED,
                        "WRONG_CREDENTIALS",
                        "the email address or the password is wrong")));
    return begin(origin, account, asked, "password");
  }

  /**
   * @throws Failure {@code UNAUTHENTICATED SIGN_IN_LINK_INVALID} if the link was used, has expired
   *     or never was
   */
  public SignedIn signInByLink(Mandate.Origin origin, String token, @Nullable OrgId asked) {
    Account account = links.redeem(token, origin).orElseThrow(() -> badLink(origin, token));
    return begin(origin, account, asked, "link");
  }

  private Failure badLink(Mandate.Origin origin, String token) {
    Failure failure =
        Failure.of(
            Failure.Code.UNAUTHENTICATED,
            "SIGN_IN_LINK_INVALID",
            "this sign-in link was used before, has expired, or is not one of ours");
    return shown.refused(
        Own.installation(origin, clock.instant()),
        token,
        AuditFact.failed("sessions.create", "user:unknown", failure.reason(), "{}"),
        failure);
  }

  /**
   * Exchanges a refresh token for a new pair. Each is good once: one that comes again was stolen,
   * or copied, so whoever has its successor loses the session too.
   *
   * @throws Failure {@code UNAUTHENTICATED}
   */
  SignedIn refresh(Mandate.Origin origin, String refreshToken) {
    if (!Secrets.shaped(Secrets.REFRESH, refreshToken)) {
      throw sessionOver();
    }
    byte[] hash = Secrets.hash(refreshToken);
    SessionStore.Place place =
        db.dispatch(handle -> store.findRefresh(handle, hash)).orElseThrow(Sessions::sessionOver);
    Instant now = clock.instant();
    Account account =
        db.read(Own.installation(origin, now), tx -> users.find(tx, place.user()))
            .filter(found -> found.keeps(place.session(), place.epoch()))
            .orElseThrow(Sessions::sessionOver);
    Optional<SignedIn> renewed =
        db.write(
            Own.user(place.org(), place.user(), origin, now),
            tx -> {
              SessionStore.Row row = store.lock(tx, place.session(), now).orElse(null);
              if (row == null || row.over()) {
                return Optional.empty();
              }
              if (!store.use(tx, hash, now)) {
                end(tx, row.id(), now);
                tx.audit(
                    "sessions.refresh",
                    "session:" + row.id(),
                    Tx.Outcome.DENIED,
                    "REFRESH_TOKEN_REUSED",
                    "{}");
                return Optional.empty();
              }
              store.extend(tx, row.id(), now.plus(LIFETIME));
              store.purge(tx, row.user(), now);
              return Optional.of(issue(tx, row.id(), account.user(), row.createdAt(), now));
            });
    return renewed.orElseThrow(Sessions::sessionOver);
  }

  /** The session of this request, or its API token seen as one. */
  Session current(Mandate mandate) {
    authorizer.require(mandate, "sessions.get");
    Instant now = clock.instant();
    Session session =
        db.read(mandate, tx -> find(tx, now))
            .orElseThrow(
                () -> Failure.precondition("NO_SESSION", "this request carries no session"));
    User user =
        db.read(Own.installation(mandate.origin(), now), tx -> users.find(tx, session.user().id()))
            .map(Account::user)
            .orElseThrow(() -> Failure.notFound("user"));
    return new Session(session.id(), session.org(), user, session.createdAt(), session.expiresAt());
  }

  /** Ends the session of this request: in every process within a second. */
  void signOut(Mandate mandate) {
    authorizer.require(mandate, "sessions.delete");
    if (mandate.origin().session() == null) {
      throw Failure.precondition(
          "NO_SESSION",
          "this request carries no session; an API token is revoked with DeleteToken");
    }
    SessionId id = new SessionId(mandate.origin().session());
    db.write(
        mandate,
        tx -> {
          boolean ended = end(tx, id, clock.instant());
          if (ended) {
            tx.audit("sessions.delete", "session:" + id, "{}");
          }
          return ended;
        });
  }

  /**
   * For the organizations: ends what a user holds for the transaction's organization, sessions and
   * API tokens, because it is no longer a member.
   */
  public void endMembership(Tx tx, UserId user) {
    Instant now = clock.instant();
    store.revokeAll(tx, user, now);
    tokens.revokeAll(tx, user, now);
    tx.wake(AuthChannel.of(tx.org()));
  }

  private Optional<Session> find(Tx tx, Instant now) {
    Mandate mandate = tx.mandate();
    if (mandate.origin().session() != null) {
      return store
          .find(tx, new SessionId(mandate.origin().session()), now)
          .map(row ->
              new Session(
                  row.id().value(),
                  tx.org(),
                  new User(row.user(), "", ""),
                  row.createdAt(),
                  row.expiresAt()));
    }
    return Tokens.of(mandate)
        .flatMap(id -> tokens.find(tx, id))
        .map(token ->
            new Session(
                token.id().value(),
                tx.org(),
                new User(token.user(), "", ""),
                token.createdAt(),
                token.expiresAt()));
  }

  private OrgId choose(Mandate.Origin origin, Account account, @Nullable OrgId asked) {
    List<OrgId> orgs = memberships.of(account.id());
    if (asked != null) {
      if (!orgs.contains(asked)) {
        throw refused(origin, account, Failure.notFound("organization"));
      }
      return asked;
    }
    if (orgs.isEmpty()) {
      throw refused(
          origin,
          account,
          Failure.precondition(
              "NO_ORGANIZATION", "this account does not belong to any organization"));
    }
    OrgId last = account.lastOrg();
    return last != null && orgs.contains(last) ? last : orgs.getFirst();
  }

  private SignedIn begin(
      Mandate.Origin origin, Account account, @Nullable OrgId asked, String method) {
    OrgId org = choose(origin, account, asked);
    Instant now = clock.instant();
    db.run(Own.installation(origin, now), tx -> users.setLastOrg(tx, account.id(), org));
    SessionId id = new SessionId(Ids.next());
    return db.write(
        Own.user(org, account.id(), origin, now),
        tx -> {
          if (memberships.find(tx, account.id()).isEmpty()) {
            throw Failure.notFound("organization");
          }
          store.purge(tx, account.id(), now);
          store.insert(tx, id, account.id(), account.sessionEpoch(), now, now.plus(LIFETIME));
          tx.audit(
              "sessions.create", "session:" + id, Json.object().put("method", method).toString());
          return issue(tx, id, account.user(), now, now);
        });
  }

  private SignedIn issue(Tx tx, SessionId id, User user, Instant createdAt, Instant now) {
    String access = Secrets.next(Secrets.ACCESS);
    String refresh = Secrets.next(Secrets.REFRESH);
    Instant accessExpiresAt = now.plus(ACCESS_LIFETIME);
    Instant expiresAt = now.plus(LIFETIME);
    store.insertKey(tx, id, Secrets.hash(access), false, accessExpiresAt);
    store.insertKey(tx, id, Secrets.hash(refresh), true, expiresAt);
    return new SignedIn(
        access,
        accessExpiresAt,
        refresh,
        new Session(id.value(), tx.org(), user, createdAt, expiresAt));
  }

  private boolean end(Tx tx, SessionId id, Instant now) {
    boolean ended = store.revoke(tx, id, now);
    tx.wake(AuthChannel.of(tx.org()));
    return ended;
  }

  /**
   * Audits a refused sign-in: with the organization the account used last, else with the
   * installation. The same work in any case, so that the time tells nothing.
   */
  private Failure refused(Mandate.Origin origin, @Nullable Account account, Failure failure) {
    OrgId last = account == null ? null : account.lastOrg();
    OrgId org = last == null ? OrgId.INSTALLATION : last;
    String resource = account == null ? "user:unknown" : "user:" + account.id();
    db.audit(
        Own.organization(org, origin, clock.instant()),
        AuditFact.failed("sessions.create", resource, failure.reason(), "{}"));
    return failure;
  }

  private static Failure sessionOver() {
    return Failure.of(
        Failure.Code.UNAUTHENTICATED,
        "SESSION_OVER",
        "this refresh token is not good (any more): sign in again");
  }
}
