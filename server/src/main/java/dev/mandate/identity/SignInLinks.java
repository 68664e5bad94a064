package dev.mandate.identity;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Db;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/**
 * One-time ways in without a password, for whoever sits at the server: printed at start, opened in
 * a browser. Redeemed by {@code CreateSession} with {@code link_token}. A new password voids them.
 */
public final class SignInLinks {
  /** How long a link is good. */
  public static final Duration LIFETIME = Duration.ofMinutes(15);

  private final Db db;
  private final InstantSource clock;
  private final UserStore store = new UserStore();

  public SignInLinks(Db db, InstantSource clock) {
    this.db = db;
    this.clock = clock;
  }

  /** Makes a link's token, {@code mdl_…}, good once for 15 minutes. For the server itself only. */
  public String create(UserId user) {
    Instant now = clock.instant();
    String token = Secrets.next(Secrets.LINK);
    return db.write(
        Own.installation(now),
        tx -> {
          store.insertLink(tx, Secrets.hash(token), user, now.plus(LIFETIME));
          tx.audit("sign_in_links.create", "user:" + user, "{}");
          return token;
        });
  }

  /** Uses the link up. Of two that try at once, one gets the account. */
  Optional<Account> redeem(String token, Mandate.Origin origin) {
    if (!Secrets.shaped(Secrets.LINK, token)) {
      return Optional.empty();
    }
    Instant now = clock.instant();
    return db.write(
        Own.installation(origin, now),
        tx -> store.redeemLink(tx, Secrets.hash(token), now).flatMap(user -> store.find(tx, user)));
  }
}
