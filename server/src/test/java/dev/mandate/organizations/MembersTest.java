package dev.mandate.organizations;

import static dev.mandate.identity.People.ORIGIN;
import static dev.mandate.identity.People.OWNER;
import static dev.mandate.identity.People.PASSWORD;
import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.identity.People;
import dev.mandate.identity.Secrets;
import dev.mandate.identity.UserId;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.testing.TestClock;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MembersTest {
  private final TestClock clock = new TestClock();
  private TestDatabase database;
  private People people;
  private Mandate owner;

  @BeforeEach
  void install() {
    database = TestDatabase.create(clock);
    people = new People(database, clock);
    people.install();
    owner = people.signIn(OWNER);
  }

  @AfterEach
  void close() {
    people.close();
    database.close();
  }

  @Test
  void anInvitationMakesTheAccountAndTheMembershipOnce() {
    Invitations.Made made = people.invitations.create(owner, "Anna@Example.com", Role.MEMBER);
    assertThat(made.invitation().email()).isEqualTo("anna@example.com");

    assertThat(People.failure(() -> people.invitations.accept(ORIGIN, made.token(), "", "")))
        .hasMessage(
            "password: is required: that of this address's account, or a new one if it has no"
                + " account yet");
    people.invitations.accept(ORIGIN, made.token(), PASSWORD, "Anna");
    assertThat(
            People.failure(() -> people.invitations.accept(ORIGIN, made.token(), PASSWORD, ""))
                .code())
        .isEqualTo(Failure.Code.NOT_FOUND);

    Mandate anna = people.signIn("anna@example.com");
    assertThat(people.members.list(anna, Page.Request.of(0, "")).items())
        .extracting(member -> member.user().email() + " " + member.role())
        .containsExactly("owner@example.com OWNER", "anna@example.com MEMBER");
    assertThat(people.invitations.list(owner, Page.Request.of(0, "")).items()).isEmpty();
    assertThat(people.audited(owner.org(), "invitations.accept", "allowed", "")).isEqualTo(1);
  }

  @Test
  void anInvitationsTokenAloneDoesNotActForAnAccountThatExists() {
    Mandate stranger = people.otherOrganization("anna@example.com");
    people.members.remove(owner, user(stranger));
    Invitations.Made made = people.invitations.create(owner, "anna@example.com", Role.MEMBER);

    assertThat(People.failure(() -> people.invitations.accept(ORIGIN, made.token(), "", "")))
        .hasMessageStartingWith("password: is required");
    assertThat(
            People.failure(
                    () -> people.invitations.accept(ORIGIN, made.token(), "another password", ""))
                .reason())
        .isEqualTo("WRONG_CREDENTIALS");
    assertThat(people.audited(owner.org(), "invitations.accept", "failed", "WRONG_CREDENTIALS"))
        .isEqualTo(1);
    assertThat(
            People.failure(
                () -> people.invitations.accept(ORIGIN, made.token(), PASSWORD, "Somebody")))
        .hasMessageStartingWith("name: must be empty");
    assertThat(people.members.list(owner, Page.Request.of(0, "")).items()).hasSize(1);

    people.invitations.accept(ORIGIN, made.token(), PASSWORD, "");

    assertThat(people.signIn("anna@example.com", PASSWORD, owner.org()).org())
        .isEqualTo(owner.org());
    assertThat(people.organizations.list(stranger))
        .extracting(view -> view.organization().name())
        .containsExactlyInAnyOrder("Acme", "Elsewhere");
    assertThat(
            People.failure(() -> people.invitations.create(owner, "anna@example.com", Role.MEMBER))
                .reason())
        .isEqualTo("MEMBER_EXISTS");
  }

  @Test
  void anInvitationEndsAfterAWeekOrWhenItIsDeleted() {
    Invitations.Made late = people.invitations.create(owner, "late@example.com", Role.VIEWER);
    clock.advance(Duration.ofDays(7));
    Mandate again = people.signIn(OWNER);
    Invitations.Made gone = people.invitations.create(again, "gone@example.com", Role.VIEWER);
    people.invitations.delete(again, gone.invitation().id());

    for (Invitations.Made made : List.of(late, gone)) {
      assertThat(
              People.failure(() -> people.invitations.accept(ORIGIN, made.token(), PASSWORD, ""))
                  .code())
          .isEqualTo(Failure.Code.NOT_FOUND);
    }
    assertThat(people.audited(OrgId.INSTALLATION, "invitations.accept", "failed", "NOT_FOUND"))
        .isEqualTo(2);
  }

  @Test
  void anInvitationIsNoCheaperPlaceToGuessAPasswordThanSigningIn() {
    Mandate stranger = people.otherOrganization("stranger@example.com");
    Invitations.Made made = people.invitations.create(stranger, OWNER, Role.VIEWER);
    for (int i = 0; i < 11; i++) {
      String guess = "guess number " + i;
      assertThat(
              People.failure(() -> people.invitations.accept(ORIGIN, made.token(), guess, ""))
                  .reason())
          .isEqualTo("WRONG_CREDENTIALS");
    }
    assertThat(
            People.failure(() -> people.invitations.accept(ORIGIN, made.token(), PASSWORD, ""))
                .reason())
        .isEqualTo("SIGN_IN_THROTTLED");
    assertThat(People.failure(() -> people.signIn(OWNER)).reason()).isEqualTo("SIGN_IN_THROTTLED");
  }

  @Test
  void nobodyComesBackByAnInvitationMadeInTime() {
    Mandate removed = people.join(owner, "removed@example.com", "owner");
    Mandate demoted = people.join(owner, "demoted@example.com", "owner");
    String back = people.invitations.create(removed, "back@example.com", Role.OWNER).token();
    String up = people.invitations.create(demoted, "up@example.com", Role.OWNER).token();
    assertThat(people.invitations.list(owner, Page.Request.of(0, "")).items()).hasSize(2);

    people.members.remove(owner, user(removed));
    people.members.setRole(owner, user(demoted), Role.MEMBER);

    for (String token : List.of(back, up)) {
      assertThat(
              People.failure(() -> people.invitations.accept(ORIGIN, token, PASSWORD, "")).code())
          .isEqualTo(Failure.Code.NOT_FOUND);
    }
    assertThat(people.invitations.list(owner, Page.Request.of(0, "")).items()).isEmpty();
  }

  @Test
  void badInvitationTokensAreThrottledAndDoNotFillTheAudit() {
    String good = people.invitations.create(owner, "anna@example.com", Role.MEMBER).token();
    for (int i = 0; i < 40; i++) {
      String bad = Secrets.next("mdi_");
      People.failure(() -> people.invitations.accept(ORIGIN, bad, PASSWORD, ""));
    }
    assertThat(
            People.failure(() -> people.invitations.accept(ORIGIN, "mdi_bad", PASSWORD, ""))
                .reason())
        .isEqualTo("SIGN_IN_THROTTLED");
    assertThat(people.audited(OrgId.INSTALLATION, "invitations.accept", "failed", "NOT_FOUND"))
        .isEqualTo(31);
    people.invitations.accept(ORIGIN, good, PASSWORD, "");
  }

  @Test
  void anAddressThatLooksLikeAnotherIsRefused() {
    for (String address :
        List.of(
            "owner@example.com\u200b",
            "owner\u00a0@example.com",
            "\u202eowner@example.com",
            "ow\u00adner@example.com",
            "owner\u0000@example.com",
            "owner@example.com\u2028x")) {
      assertThat(People.failure(() -> people.invitations.create(owner, address, Role.MEMBER)))
          .as(address)
          .hasMessageStartingWith("email: not an email address");
    }
  }

  @Test
  void theLastOwnerCannotStepDownOrLeave() {
    assertThat(
            People.failure(() -> people.members.setRole(owner, user(owner), Role.MEMBER)).reason())
        .isEqualTo("LAST_OWNER");
    assertThat(People.failure(() -> people.members.remove(owner, user(owner))).reason())
        .isEqualTo("LAST_OWNER");
  }

  @Test
  void twoOwnersWhoRemoveEachOtherAtTheSameTimeLeaveOne() throws Exception {
    Mandate other = people.join(owner, "other@example.com", "owner");
    List<Callable<Boolean>> both =
        List.of(
            () -> succeeds(() -> people.members.remove(owner, user(other))),
            () -> succeeds(() -> people.members.remove(other, user(owner))));
    int done = 0;
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Boolean> each : executor.invokeAll(both)) {
        done += each.get() ? 1 : 0;
      }
    }
    assertThat(done).isEqualTo(1);
  }

  @Test
  void aRemovedMemberLosesSessionsTokensAndRightsEverywhereWithinASecond() {
    Mandate member = people.join(owner, "member@example.com", "member");
    String token = people.token(member);
    try (People elsewhere = new People(database, clock)) {
      elsewhere.roles.require(member, "agents.list");
      Mandate robot = elsewhere.authenticate(token);
      elsewhere.roles.require(robot, "agents.list");

      people.members.remove(owner, user(member));

      assertThat(People.failure(() -> elsewhere.authenticate(token)).code())
          .isEqualTo(Failure.Code.UNAUTHENTICATED);
      Awaitility.await()
          .atMost(Duration.ofSeconds(5))
          .pollInterval(Duration.ofMillis(5))
          .untilAsserted(() ->
              assertThat(
                      People.failure(() -> elsewhere.roles.require(member, "agents.list")).reason())
                  .isEqualTo("NOT_A_MEMBER"));
    }
    assertThat(People.failure(() -> people.signIn("member@example.com")).reason())
        .isEqualTo("NO_ORGANIZATION");
  }

  @Test
  void aChangedRoleBitesEverywhereWithinASecond() {
    Mandate member = people.join(owner, "member@example.com", "member");
    try (People elsewhere = new People(database, clock)) {
      elsewhere.roles.require(member, "agents.create");
      people.members.setRole(owner, user(member), Role.VIEWER);
      Awaitility.await()
          .atMost(Duration.ofSeconds(5))
          .pollInterval(Duration.ofMillis(5))
          .untilAsserted(() ->
              assertThat(People.failure(() -> elsewhere.roles.require(member, "agents.create")))
                  .hasMessage("the role viewer does not permit agents.create"));
      elsewhere.roles.require(member, "agents.list");
    }
  }

  @Test
  void anotherOrganizationsIdsAnswerLikeOnesThatDoNotExist() {
    Mandate stranger = people.otherOrganization("stranger@example.com");
    Invitations.Made made = people.invitations.create(owner, "anna@example.com", Role.MEMBER);
    UserId nobody = new UserId(Ids.next());

    same(
        () -> people.members.setRole(stranger, user(owner), Role.VIEWER),
        () -> people.members.setRole(stranger, nobody, Role.VIEWER));
    same(
        () -> people.members.remove(stranger, user(owner)),
        () -> people.members.remove(stranger, nobody));
    same(
        () -> people.invitations.delete(stranger, made.invitation().id()),
        () -> people.invitations.delete(stranger, new InvitationId(Ids.next())));
    same(
        () -> people.organizations.get(stranger, owner.org()),
        () -> people.organizations.get(stranger, new OrgId(Ids.next())));
    same(
        () -> people.organizations.rename(stranger, owner.org(), 1, "Mine"),
        () -> people.organizations.rename(stranger, new OrgId(Ids.next()), 1, "Mine"));
    assertThat(people.members.list(stranger, Page.Request.of(0, "")).items()).hasSize(1);
    assertThat(people.invitations.list(stranger, Page.Request.of(0, "")).items()).isEmpty();
  }

  @Test
  void aTokenOrAnAgentSeesOnlyTheOrganizationItIsGoodFor() {
    Mandate stranger = people.otherOrganization("stranger@example.com");
    Mandate robot = people.authenticate(people.token(stranger));
    for (Mandate mandate : List.of(robot, people.agentOf(stranger))) {
      assertThat(people.organizations.list(mandate))
          .extracting(view -> view.organization().id())
          .containsExactly(stranger.org());
    }
    assertThat(people.organizations.list(stranger)).hasSize(2);
  }

  @Test
  void anOldVersionDoesNotRenameAnOrganization() {
    assertThat(people.organizations.rename(owner, owner.org(), 1, "Acme & Co").organization())
        .matches(now -> now.name().equals("Acme & Co") && now.version() == 2);
    Failure stale =
        People.failure(() -> people.organizations.rename(owner, owner.org(), 1, "Acme"));
    assertThat(stale.reason()).isEqualTo("STALE_VERSION");
    assertThat(stale.details()).containsEntry("version", "2");
  }

  private static void same(Runnable foreign, Runnable unknown) {
    Failure one = People.failure(foreign::run);
    Failure other = People.failure(unknown::run);
    assertThat(one.code()).isEqualTo(other.code()).isEqualTo(Failure.Code.NOT_FOUND);
    assertThat(one.reason()).isEqualTo(other.reason());
    assertThat(one).hasMessage(other.publicMessage());
    assertThat(one.details()).isEqualTo(other.details());
  }

  private static boolean succeeds(Runnable work) {
    try {
      work.run();
      return true;
    } catch (Failure e) {
      return false;
    }
  }

  private static UserId user(Mandate mandate) {
    return new UserId(Objects.requireNonNull(mandate.user()));
  }
}
