package dev.mandate.identity;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.db.Tx;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Slows down the guessing of passwords. Counts stand in the database, so they hold across processes
 * and restarts.
 *
 * <p>An account has 10 free attempts, a network address (an IPv6 /64) 30. Each further one makes
 * the next wait: 1 s, 2 s, 4 s … 60 s. An attempt counts before its password is compared, so many
 * at once gain nothing; one that succeeds clears the account's count and is taken off the
 * address's. While waiting, attempts are refused without a comparison and do not count. After 15
 * minutes without an attempt a count begins anew. Addresses without an account are counted the same
 * way: the answer tells nothing.
 *
 * <p>Bad one-time tokens are counted apart, in the same way ({@link ShownTokens}); good ones are
 * not: they are the way in for an owner whom somebody else's guessing keeps waiting.
 *
 * <p>The address is looked at first, and nothing else once it waits: whoever must wait adds no
 * rows.
 */
final class Throttle {
  private static final int FREE_PER_ACCOUNT = 10;
  private static final int FREE_PER_TOKEN = 10;
  private static final int FREE_PER_ADDRESS = 30;
  private static final Duration FORGOTTEN = Duration.ofMinutes(15);
  private static final long LONGEST_WAIT_SECONDS = 60;

  /** One thing that is counted; {@code key} is a hash in hexadecimal. */
  private record Subject(String key, int free) {}

  private final ThrottleStore store = new ThrottleStore();

  /**
   * Counts an attempt, or says how long to wait before one.
   *
   * @param email as looked up; whether it has an account does not matter
   * @return empty if the attempt may be made
   */
  Optional<Duration> enterAccount(Tx tx, String email, String address, Instant now) {
    return enter(tx, account(email, address), now);
  }

  /** The same for a one-time token that is not good. */
  Optional<Duration> enterToken(Tx tx, String token, String address, Instant now) {
    List<Subject> subjects = new ArrayList<>(2);
    if (!address.isEmpty()) {
      subjects.add(new Subject(key("tokens of", network(address)), FREE_PER_ADDRESS));
    }
    subjects.add(new Subject(key("token", token), FREE_PER_TOKEN));
    return enter(tx, subjects, now);
  }

  private Optional<Duration> enter(Tx tx, List<Subject> subjects, Instant now) {
    List<ThrottleStore.Count> counts = new ArrayList<>(subjects.size());
    for (Subject subject : subjects) {
      ThrottleStore.Count count = store.lock(tx, subject.key, now);
      if (count.waitUntil().isAfter(now)) {
        return Optional.of(Duration.between(now, count.waitUntil()));
      }
      counts.add(count);
    }
    for (int i = 0; i < subjects.size(); i++) {
      Subject subject = subjects.get(i);
      ThrottleStore.Count count = counts.get(i);
      boolean old = count.lastAt().isBefore(now.minus(FORGOTTEN));
      int attempts = old ? 1 : count.attempts() + 1;
      store.put(
          tx,
          subject.key,
          new ThrottleStore.Count(attempts, now, now.plus(delay(attempts - subject.free))));
    }
    store.forget(tx, now.minus(FORGOTTEN));
    return Optional.empty();
  }

  /** The attempt on an account was right. */
  void succeeded(Tx tx, String email, String address) {
    for (Subject subject : account(email, address)) {
      if (subject.free == FREE_PER_ACCOUNT) {
        store.reset(tx, subject.key);
      } else {
        store.takeBack(tx, subject.key);
      }
    }
  }

  static Failure refusal(Duration wait) {
    long seconds = wait.toSeconds() + 1;
    return Failure.of(
            Failure.Code.RESOURCE_EXHAUSTED,
            "SIGN_IN_THROTTLED",
            "too many attempts: try again in " + seconds + " s")
        .with("retry_after_seconds", Long.toString(seconds));
  }

  private static Duration delay(int beyondFree) {
    if (beyondFree <= 0) {
      return Duration.ZERO;
    }
    return Duration.ofSeconds(Math.min(LONGEST_WAIT_SECONDS, 1L << Math.min(beyondFree - 1, 30)));
  }

  /** Addresses before accounts, in every transaction: rows are locked in this order. */
  private static List<Subject> account(String email, String address) {
    List<Subject> subjects = new ArrayList<>(2);
    if (!address.isEmpty()) {
      subjects.add(new Subject(key("address", network(address)), FREE_PER_ADDRESS));
    }
    subjects.add(new Subject(key("account", email), FREE_PER_ACCOUNT));
    return subjects;
  }

  /** Hashed: what somebody typed into the email field may well be a password. */
  private static String key(String kind, String text) {
    return HexFormat.of().formatHex(Secrets.hash(kind + ":" + text));
  }

  private static String network(String address) {
    byte[] bytes;
    try {
      bytes = InetAddress.ofLiteral(address).getAddress();
    } catch (IllegalArgumentException e) {
      return address;
    }
    byte[] network = bytes.length == 16 ? Arrays.copyOf(bytes, 8) : bytes;
    return new String(network, StandardCharsets.ISO_8859_1);
  }
}
