package dev.mandate.identity;

import static dev.mandate.identity.People.ORIGIN;
import static dev.mandate.identity.People.OWNER;
import static dev.mandate.identity.People.PASSWORD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.organizations.Installation;
import dev.mandate.testing.TestClock;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SessionsTest {
  private final TestClock clock = new TestClock();
  private TestDatabase database;
  private People people;
  private Installation.First first;

  @BeforeEach
  void install() {
    database = TestDatabase.create(clock);
    people = new People(database, clock);
    first = people.install();
  }

  @AfterEach
  void close() {
    people.close();
    database.close();
  }

  @Test
  void signsInWhateverTheAddressesCase() {
    SignedIn in = people.sessions.signIn(ORIGIN, "  Owner@Example.COM ", PASSWORD, null);

    assertThat(in.accessToken()).matches("mds_[0-9A-Za-z]{44}");
    assertThat(in.refreshToken()).matches("mdr_[0-9A-Za-z]{44}");
    Mandate mandate = people.authenticate(in.accessToken());
    assertThat(mandate.org()).isEqualTo(first.org());
    assertThat(mandate.user()).isEqualTo(first.owner().id().value());
    assertThat(mandate.expiresAt()).isEqualTo(clock.instant().plus(Duration.ofMinutes(15)));
    assertThat(people.sessions.current(mandate).user().email()).isEqualTo(OWNER);
    assertThat(people.audited(first.org(), "sessions.create", "allowed", "")).isEqualTo(1);
  }

  @Test
  void answersTheSameForAnUnknownAccountAndAWrongPassword() {
    Failure unknown = People.failure(() -> people.signIn("nobody@example.com", PASSWORD, null));
    Failure wrong = People.failure(() -> people.signIn(OWNER, "wrong horse battery", null));

    assertThat(unknown.code()).isEqualTo(Failure.Code.UNAUTHENTICATED);
    assertThat(unknown.reason()).isEqualTo(wrong.reason()).isEqualTo("WRONG_CREDENTIALS");
    assertThat(unknown.publicMessage()).isEqualTo(wrong.publicMessage());
    assertThat(unknown.details()).isEqualTo(wrong.details());
  }

  @Test
  void auditsAFailedSignInWhereItBelongs() {
    people.signIn(OWNER);
    People.failure(() -> people.signIn(OWNER, "wrong horse battery", null));
    People.failure(() -> people.signIn("nobody@example.com", PASSWORD, null));

    assertThat(people.audited(first.org(), "sessions.create", "failed", "WRONG_CREDENTIALS"))
        .isEqualTo(1);
    assertThat(people.audited(OrgId.INSTALLATION, "sessions.create", "failed", "WRONG_CREDENTIALS"))
        .isEqualTo(1);
  }

  @Test
  void anAbsentHashIsComparedWithTheSameWorkAndNeverMatches() {
    Passwords passwords = new Passwords();
    String hash = passwords.hash(PASSWORD);

    assertThat(passwords.matches(PASSWORD, hash)).isTrue();
    assertThat(passwords.matches("wrong horse battery", hash)).isFalse();
    assertThat(passwords.matches(PASSWORD, null)).isFalse();
    assertThat(hash).startsWith("$argon2id$v=19$m=19456,t=2,p=1$");
  }

  @Test
  void throttlesAnAccountAfterTenAttemptsAndForgetsAfterAQuarterOfAnHour() {
    for (int i = 0; i < 11; i++) {
      assertThat(People.failure(() -> people.signIn(OWNER, "wrong horse battery", null)).reason())
          .isEqualTo("WRONG_CREDENTIALS");
    }

    Failure refused = People.failure(() -> people.signIn(OWNER));
    assertThat(refused.code()).isEqualTo(Failure.Code.RESOURCE_EXHAUSTED);
    assertThat(refused.reason()).isEqualTo("SIGN_IN_THROTTLED");
    assertThat(refused.details()).containsKey("retry_after_seconds");

    clock.advance(Duration.ofSeconds(2));
    people.signIn(OWNER);
    clock.advance(Duration.ofMinutes(16));
    people.signIn(OWNER);
  }

  @Test
  void throttlesAnAddressWithoutAnAccountJustTheSame() {
    for (int i = 0; i < 11; i++) {
      People.failure(() -> people.signIn("nobody@example.com", PASSWORD, null));
    }
    assertThat(People.failure(() -> people.signIn("nobody@example.com", PASSWORD, null)).reason())
        .isEqualTo("SIGN_IN_THROTTLED");
    people.signIn(OWNER);
  }

  @Test
  void throttlesOneNetworkAcrossAccounts() {
    Mandate.Origin guesser = new Mandate.Origin("rest", "2001:db8:1:2::1", "");
    Mandate.Origin neighbour = new Mandate.Origin("rest", "2001:db8:1:2::2", "");
    for (int i = 0; i < 31; i++) {
      String email = "user" + i + "@example.com";
      People.failure(() -> people.sessions.signIn(guesser, email, PASSWORD, null));
    }
    assertThat(
            People.failure(() -> people.sessions.signIn(neighbour, OWNER, PASSWORD, null)).reason())
        .isEqualTo("SIGN_IN_THROTTLED");
    people.signIn(OWNER);
  }

  @Test
  void attemptsAtTheSameTimeAreCountedBeforeTheyAreCompared() throws Exception {
    List<Callable<String>> attempts = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      attempts.add(
          () -> People.failure(() -> people.signIn(OWNER, "wrong horse battery", null)).reason());
    }
    List<String> reasons = new ArrayList<>();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<String> each : executor.invokeAll(attempts)) {
        reasons.add(each.get());
      }
    }
    assertThat(reasons).filteredOn("WRONG_CREDENTIALS"::equals).hasSize(11);
    assertThat(reasons).filteredOn("SIGN_IN_THROTTLED"::equals).hasSize(13);
  }

  @Test
  void renewsASessionAndRefusesTheOldAccessTokenWhenItsTimeIsUp() {
    SignedIn in = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    clock.advance(Duration.ofMinutes(16));
    assertThat(People.failure(() -> people.authenticate(in.accessToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);

    SignedIn renewed = people.sessions.refresh(ORIGIN, in.refreshToken());

    assertThat(renewed.session().id()).isEqualTo(in.session().id());
    assertThat(people.authenticate(renewed.accessToken()).user())
        .isEqualTo(first.owner().id().value());
  }

  @Test
  void aRefreshTokenUsedAgainEndsTheWholeSession() {
    SignedIn in = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    SignedIn renewed = people.sessions.refresh(ORIGIN, in.refreshToken());

    assertThat(People.failure(() -> people.sessions.refresh(ORIGIN, in.refreshToken())).reason())
        .isEqualTo("SESSION_OVER");

    assertThat(People.failure(() -> people.authenticate(renewed.accessToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
    assertThat(
            People.failure(() -> people.sessions.refresh(ORIGIN, renewed.refreshToken())).reason())
        .isEqualTo("SESSION_OVER");
    assertThat(people.audited(first.org(), "sessions.refresh", "denied", "REFRESH_TOKEN_REUSED"))
        .isEqualTo(1);
  }

  @Test
  void signingOutEndsThisSessionOnly() {
    SignedIn one = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    SignedIn other = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);

    people.sessions.signOut(people.authenticate(one.accessToken()));

    assertThat(People.failure(() -> people.authenticate(one.accessToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
    assertThat(People.failure(() -> people.sessions.refresh(ORIGIN, one.refreshToken())).reason())
        .isEqualTo("SESSION_OVER");
    people.authenticate(other.accessToken());
  }

  @Test
  void aRefreshTokenIsNoAccessTokenAndTheOtherWayRound() {
    SignedIn in = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    assertThat(People.failure(() -> people.authenticate(in.refreshToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
    assertThat(People.failure(() -> people.sessions.refresh(ORIGIN, in.accessToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
  }

  @Test
  void aSignInLinkIsGoodOnceAndForAQuarterOfAnHour() {
    String link = people.links.create(first.owner().id());
    SignedIn in = people.sessions.signInByLink(ORIGIN, link, null);
    assertThat(people.authenticate(in.accessToken()).org()).isEqualTo(first.org());
    assertThat(People.failure(() -> people.sessions.signInByLink(ORIGIN, link, null)).reason())
        .isEqualTo("SIGN_IN_LINK_INVALID");

    String late = people.links.create(first.owner().id());
    clock.advance(Duration.ofMinutes(15));
    assertThat(People.failure(() -> people.sessions.signInByLink(ORIGIN, late, null)).reason())
        .isEqualTo("SIGN_IN_LINK_INVALID");
  }

  @Test
  void badLinksAreThrottledAndDoNotFillTheAuditAndAGoodOneIsTakenAllTheSame() {
    String good = people.links.create(first.owner().id());
    for (int i = 0; i < 40; i++) {
      String bad = Secrets.next(Secrets.LINK);
      People.failure(() -> people.sessions.signInByLink(ORIGIN, bad, null));
    }
    Failure refused = People.failure(() -> people.sessions.signInByLink(ORIGIN, "mdl_short", null));
    assertThat(refused.reason()).isEqualTo("SIGN_IN_THROTTLED");
    assertThat(refused.details()).containsKey("retry_after_seconds");
    assertThat(auditedBadLinks()).isEqualTo(31);
    people.signIn(OWNER);
    people.sessions.signInByLink(ORIGIN, good, null);
  }

  @Test
  void aUsedLinkFromManyAddressesDoesNotFillTheAuditEither() {
    String link = people.links.create(first.owner().id());
    people.sessions.signInByLink(ORIGIN, link, null);
    for (int i = 0; i < 20; i++) {
      Mandate.Origin elsewhere = new Mandate.Origin("rest", "198.51.100." + i, "");
      People.failure(() -> people.sessions.signInByLink(elsewhere, link, null));
    }
    assertThat(auditedBadLinks()).isEqualTo(11);
  }

  private long auditedBadLinks() {
    return people.audited(OrgId.INSTALLATION, "sessions.create", "failed", "SIGN_IN_LINK_INVALID");
  }

  @Test
  void whoeverMustWaitAddsNoRows() {
    for (int i = 0; i < 31; i++) {
      String email = "user" + i + "@example.com";
      People.failure(() -> people.signIn(email, PASSWORD, null));
    }
    long rows = throttled();
    for (int i = 0; i < 20; i++) {
      String email = "other" + i + "@example.com";
      assertThat(People.failure(() -> people.signIn(email, PASSWORD, null)).reason())
          .isEqualTo("SIGN_IN_THROTTLED");
    }
    assertThat(throttled()).isEqualTo(rows);
  }

  private long throttled() {
    return people.db.read(
        Own.installation(clock.instant()),
        tx ->
            tx.sql()
                .createQuery("select count(*) from sign_in_attempts where org_id = :org")
                .bind("org", tx.org().value())
                .mapTo(Long.class)
                .one());
  }

  @Test
  void ofManyWhoRefreshAtOnceWithOneTokenAtMostOneGetsAPairAndItDoesNotLast() throws Exception {
    SignedIn in = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    List<Callable<Optional<SignedIn>>> thieves = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      thieves.add(() -> {
        try {
          return Optional.of(people.sessions.refresh(ORIGIN, in.refreshToken()));
        } catch (Failure e) {
          assertThat(e.reason()).isEqualTo("SESSION_OVER");
          return Optional.empty();
        }
      });
    }
    List<SignedIn> renewed = new ArrayList<>();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Optional<SignedIn>> each : executor.invokeAll(thieves)) {
        each.get().ifPresent(renewed::add);
      }
    }
    assertThat(renewed).hasSize(1);
    SignedIn pair = renewed.getFirst();
    assertThat(People.failure(() -> people.authenticate(pair.accessToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
    assertThat(People.failure(() -> people.sessions.refresh(ORIGIN, pair.refreshToken())).reason())
        .isEqualTo("SESSION_OVER");
    assertThat(people.audited(first.org(), "sessions.refresh", "denied", "REFRESH_TOKEN_REUSED"))
        .isEqualTo(1);
  }

  @Test
  void aRefreshTokenOfLongAgoEndsTheSessionToo() {
    SignedIn in = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    SignedIn now = in;
    for (int i = 0; i < 5; i++) {
      clock.advance(Duration.ofDays(5));
      now = people.sessions.refresh(ORIGIN, now.refreshToken());
    }
    SignedIn newest = now;
    assertThat(People.failure(() -> people.sessions.refresh(ORIGIN, in.refreshToken())).reason())
        .isEqualTo("SESSION_OVER");
    assertThat(
            People.failure(() -> people.sessions.refresh(ORIGIN, newest.refreshToken())).reason())
        .isEqualTo("SESSION_OVER");
  }

  @Test
  void aRefreshAtTheSameTimeAsANewPasswordLeavesNoSession() throws Exception {
    for (int i = 0; i < 5; i++) {
      String password = "horse battery number " + i;
      people.users.resetPassword(OWNER, password);
      SignedIn in = people.sessions.signIn(ORIGIN, OWNER, password, null);
      List<String> good = new ArrayList<>(List.of(in.accessToken()));
      try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
        Future<?> reset =
            executor.submit(() -> people.users.resetPassword(OWNER, "the last horse battery"));
        Future<SignedIn> refresh =
            executor.submit(() -> people.sessions.refresh(ORIGIN, in.refreshToken()));
        reset.get();
        try {
          good.add(refresh.get().accessToken());
        } catch (ExecutionException e) {
          assertThat(e).hasCauseInstanceOf(Failure.class);
        }
      }
      for (String access : good) {
        assertThat(People.failure(() -> people.authenticate(access)).code())
            .isEqualTo(Failure.Code.UNAUTHENTICATED);
      }
    }
  }

  @Test
  void aResetPasswordEndsEverySessionAndVoidsLinks() {
    SignedIn in = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    String link = people.links.create(first.owner().id());

    people.users.resetPassword("OWNER@example.com", "another horse battery");

    assertThat(People.failure(() -> people.authenticate(in.accessToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
    assertThat(People.failure(() -> people.sessions.refresh(ORIGIN, in.refreshToken())).reason())
        .isEqualTo("SESSION_OVER");
    assertThat(People.failure(() -> people.sessions.signInByLink(ORIGIN, link, null)).reason())
        .isEqualTo("SIGN_IN_LINK_INVALID");
    people.signIn(OWNER, "another horse battery", null);
    assertThatExceptionOfType(Failure.class)
        .isThrownBy(() -> people.users.resetPassword("nobody@example.com", PASSWORD))
        .matches(e -> e.code() == Failure.Code.NOT_FOUND);
  }

  @Test
  void aNewPasswordEndsAllOtherSessions() {
    SignedIn here = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    SignedIn there = people.sessions.signIn(ORIGIN, OWNER, PASSWORD, null);
    Mandate mandate = people.authenticate(here.accessToken());

    assertThat(
            People.failure(() ->
                    people.users.update(
                        mandate, null, "wrong horse battery", "another horse battery"))
                .reason())
        .isEqualTo("WRONG_PASSWORD");
    Users.Me me = people.users.update(mandate, "Olga", PASSWORD, "another horse battery");

    assertThat(me.user().name()).isEqualTo("Olga");
    assertThat(me.membership().role()).isEqualTo("owner");
    people.authenticate(here.accessToken());
    people.sessions.refresh(ORIGIN, here.refreshToken());
    assertThat(People.failure(() -> people.authenticate(there.accessToken())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
  }

  @Test
  void aPasswordHasTwelveCharactersAndAtMost256Bytes() {
    Mandate mandate = people.signIn(OWNER);
    assertThat(People.failure(() -> people.users.update(mandate, null, PASSWORD, "elevenchars")))
        .hasMessage("new_password: must have at least 12 characters");
    assertThat(People.failure(() -> people.users.update(mandate, null, PASSWORD, "x".repeat(257))))
        .hasMessage("new_password: must have at most 256 bytes");
  }

  @Test
  void anOrganizationOfOthersAnswersLikeOneThatDoesNotExist() {
    Failure unknown = People.failure(() -> people.signIn(OWNER, PASSWORD, new OrgId(Ids.next())));
    Failure reserved = People.failure(() -> people.signIn(OWNER, PASSWORD, OrgId.INSTALLATION));
    assertThat(unknown.code()).isEqualTo(Failure.Code.NOT_FOUND);
    assertThat(reserved).hasMessage(unknown.publicMessage());
  }

  @Test
  void theFirstStartIsDoneOnce() {
    Installation.First again = people.installation.ensure("other@example.com", null, "Other");
    assertThat(again.created()).isFalse();
    assertThat(again.generatedPassword()).isNull();
    assertThat(again.org()).isEqualTo(first.org());
    assertThat(again.owner()).isEqualTo(first.owner());
  }

  @Test
  void aFirstStartWithoutAPasswordGeneratesOne() {
    try (TestDatabase fresh = TestDatabase.create(clock);
        People others = new People(fresh, clock)) {
      Installation.First made = others.installation.ensure(null, null, "Acme");
      assertThat(made.owner().email()).isEqualTo("owner@localhost");
      others.signIn("owner@localhost", Objects.requireNonNull(made.generatedPassword()), null);
    }
  }
}
