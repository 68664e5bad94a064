package dev.mandate.identity;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Db;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Compares passwords, wherever one is asked for: under one throttle, so that no question is a
 * cheaper place to guess than another.
 */
final class PasswordProof {
  private final Db db;
  private final InstantSource clock;
  private final UserStore users = new UserStore();
  private final Passwords passwords = new Passwords();
  private final Throttle throttle = new Throttle();

  PasswordProof(Db db, InstantSource clock) {
    this.db = db;
    this.clock = clock;
  }

  /**
   * What came of it.
   *
   * @param account of the address, whether or not the password was its; null if there is none
   */
  record Result(boolean right, @Nullable Account account) {
    /** The account, if the password was its. */
    Optional<Account> proven() {
      return right ? Optional.ofNullable(account) : Optional.empty();
    }
  }

  /** What an attempt found before its password was compared. */
  private record Attempt(Optional<Duration> refusedFor, Optional<Account> account) {}

  /**
   * Takes as long for an address without an account as for a wrong password.
   *
   * @throws dev.mandate.kernel.Failure {@code RESOURCE_EXHAUSTED SIGN_IN_THROTTLED}
   */
  Result of(Mandate.Origin origin, String email, String password) {
    String spelling = Emails.spelling(email);
    Instant now = clock.instant();
    Mandate installation = Own.installation(origin, now);
    Attempt attempt =
        db.write(
            installation,
            tx -> {
              Optional<Duration> refusedFor =
                  throttle.enterAccount(tx, spelling, origin.address(), now);
              return new Attempt(
                  refusedFor,
                  refusedFor.isPresent() ? Optional.empty() : users.findByEmail(tx, spelling));
            });
    if (attempt.refusedFor.isPresent()) {
      throw Throttle.refusal(attempt.refusedFor.get());
    }
    Account account = attempt.account.orElse(null);
    boolean right = passwords.matches(password, account == null ? null : account.passwordHash());
    if (right) {
      db.run(installation, tx -> throttle.succeeded(tx, spelling, origin.address()));
    }
    return new Result(right, account);
  }
}
