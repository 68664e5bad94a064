package dev.mandate.identity;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/**
 * What becomes of one-time tokens that are not good: sign-in links and invitations. Nobody guesses
 * 262 bits, so a good token is taken however many bad ones came before it; but each bad one is
 * audited, and what anybody may send must not fill the audit. So they are throttled by address and
 * by token, and what is refused for that is not audited.
 */
public final class ShownTokens {
  private final Db db;
  private final InstantSource clock;
  private final Throttle throttle = new Throttle();

  public ShownTokens(Db db, InstantSource clock) {
    this.db = db;
    this.clock = clock;
  }

  /**
   * Counts a bad token and audits it, unless there were too many.
   *
   * @param place under which it is audited
   * @return {@code failure}, or {@code RESOURCE_EXHAUSTED SIGN_IN_THROTTLED}
   */
  public Failure refused(Mandate place, String token, AuditFact fact, Failure failure) {
    Mandate.Origin origin = place.origin();
    Instant now = clock.instant();
    Optional<Duration> wait =
        db.write(
            Own.installation(origin, now),
            tx -> throttle.enterToken(tx, token, origin.address(), now));
    if (wait.isPresent()) {
      return Throttle.refusal(wait.get());
    }
    db.audit(place, fact);
    return failure;
  }
}
