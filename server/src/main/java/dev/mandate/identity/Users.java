package dev.mandate.identity;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The rules of accounts. */
public final class Users {
  private static final int MAX_NAME = 100;

  private final Db db;
  private final Authorizer authorizer;
  private final Memberships memberships;
  private final InstantSource clock;
  private final UserStore store = new UserStore();
  private final Passwords passwords = new Passwords();
  private final Throttle throttle = new Throttle();
  private final PasswordProof proof;

  public Users(Db db, Authorizer authorizer, Memberships memberships, InstantSource clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.memberships = memberships;
    this.clock = clock;
    this.proof = new PasswordProof(db, clock);
  }

  /** The caller, as {@code GetMe} shows it. */
  record Me(User user, Memberships.Membership membership) {}

  Me me(Mandate mandate) {
    authorizer.require(mandate, "me.get");
    return me(mandate, user(mandate));
  }

  /**
   * Changes the caller's name or password; what is null stays. A new password ends all other
   * sessions and voids sign-in links.
   *
   * @throws Failure {@code PERMISSION_DENIED WRONG_PASSWORD} if the current one is not right;
   *     throttled like signing in
   */
  Me update(Mandate mandate, @Nullable String name, String current, @Nullable String newPassword) {
    authorizer.require(mandate, "me.update");
    UserId user = user(mandate);
    String newName = name == null ? null : checkedName("name", name);
    if (newPassword != null) {
      Passwords.check("new_password", newPassword);
      requirePassword(mandate, user, current);
    }
    String hash = newPassword == null ? null : passwords.hash(newPassword);
    UUID session = mandate.origin().session();
    db.write(
        Own.installation(mandate.origin(), clock.instant()),
        tx -> {
          if (newName != null) {
            store.setName(tx, user, newName);
          }
          if (hash != null) {
            store.setPassword(tx, user, hash, session == null ? null : new SessionId(session));
            tx.wake(AuthChannel.EVERYBODY);
          }
          return user;
        });
    db.write(
        mandate,
        tx -> {
          if (newName != null) {
            tx.audit("me.update", "user:" + user, "{\"changed\":\"name\"}");
          }
          if (hash != null) {
            tx.audit("me.update", "user:" + user, "{\"changed\":\"password\"}");
          }
          return user;
        });
    return me(mandate, user);
  }

  /** For the organizations: an account by its address, whatever its case. */
  public Optional<User> findByEmail(String email) {
    return db.read(
            Own.installation(clock.instant()), tx -> store.findByEmail(tx, Emails.spelling(email)))
        .map(Account::user);
  }

  /**
   * For the organizations: the account of an address, if this is its password. Throttled and as
   * slow as signing in.
   */
  public Optional<User> prove(Mandate.Origin origin, String email, String password) {
    Passwords.checkLength("password", password);
    return proof.of(origin, email, password).proven().map(Account::user);
  }

  /** For the organizations: the accounts of members. */
  public Map<UserId, User> findAll(Collection<UserId> ids) {
    Map<UserId, User> found = new HashMap<>();
    if (!ids.isEmpty()) {
      db.read(Own.installation(clock.instant()), tx -> store.findAll(tx, ids))
          .forEach(user -> found.put(user.id(), user));
    }
    return found;
  }

  /**
   * For the organizations: makes the account of somebody who was invited.
   *
   * @throws Failure {@code ALREADY_EXISTS ACCOUNT_EXISTS}; {@code INVALID_ARGUMENT}
   */
  public User create(Mandate.Origin origin, String email, String name, String password) {
    User user =
        new User(new UserId(Ids.next()), Emails.parse("email", email), checkedName("name", name));
    Passwords.check("password", password);
    String hash = passwords.hash(password);
    if (!db.write(Own.installation(origin, clock.instant()), tx -> insert(tx, user, hash))) {
      throw Failure.exists("ACCOUNT_EXISTS", "this address has an account already");
    }
    return user;
  }

  /** For the first start: makes the account unless it is there; whether it did. */
  public boolean createFirst(UserId id, String email, String password) {
    checkPassword("password", password);
    Mandate installation = Own.installation(clock.instant());
    if (db.read(installation, tx -> store.find(tx, id)).isPresent()) {
      return false;
    }
    String hash = passwords.hash(password);
    return db.write(installation, tx -> insert(tx, new User(id, email, email), hash));
  }

  /** The rule that a new password is measured by. */
  public static void checkPassword(String field, String password) {
    Passwords.check(field, password);
  }

  /** For the floors above: an account. */
  public User find(UserId id) {
    return db.read(Own.installation(clock.instant()), tx -> store.find(tx, id))
        .map(Account::user)
        .orElseThrow(() -> Failure.notFound("user"));
  }

  /**
   * For the command {@code password EMAIL} on the server's own machine: sets the password, ends all
   * sessions of the account and voids its sign-in links.
   *
   * @throws Failure {@code NOT_FOUND} if no account has this address
   */
  public void resetPassword(String email, String password) {
    Passwords.check("password", password);
    String hash = passwords.hash(password);
    db.write(
        Own.installation(clock.instant()),
        tx -> {
          Account account =
              store
                  .findByEmail(tx, Emails.spelling(email))
                  .orElseThrow(() -> Failure.notFound("account"));
          store.setPassword(tx, account.id(), hash, null);
          throttle.succeeded(tx, account.user().email(), "");
          tx.audit("users.reset_password", "user:" + account.id(), "{}");
          tx.wake(AuthChannel.EVERYBODY);
          return account;
        });
  }

  /** A password for an account that is made or reset without anybody choosing one. */
  public static String generatePassword() {
    return Secrets.next("").substring(0, 20);
  }

  private boolean insert(Tx tx, User user, String hash) {
    boolean inserted = store.insert(tx, user, hash);
    if (inserted) {
      tx.audit("users.create", "user:" + user.id(), "{}");
    }
    return inserted;
  }

  private Me me(Mandate mandate, UserId user) {
    Memberships.Membership membership =
        db.read(mandate, tx -> memberships.find(tx, user))
            .orElseThrow(() -> Failure.notFound("user"));
    return new Me(find(user), membership);
  }

  private void requirePassword(Mandate mandate, UserId user, String password) {
    Passwords.checkLength("current_password", password);
    if (!proof.of(mandate.origin(), find(user).email(), password).right()) {
      throw Failure.denied("WRONG_PASSWORD", "current_password: is not your password");
    }
  }

  private static UserId user(Mandate mandate) {
    UUID user = mandate.user();
    if (user == null) {
      throw Failure.denied("NO_USER", "nobody acts here: only a user has an account");
    }
    return new UserId(user);
  }

  private static String checkedName(String field, String name) {
    String trimmed = name.strip();
    if (trimmed.isEmpty() || trimmed.codePointCount(0, trimmed.length()) > MAX_NAME) {
      throw Failure.invalid(field, "must have 1 to " + MAX_NAME + " characters");
    }
    return trimmed;
  }
}
