package dev.mandate.identity;

import static dev.mandate.identity.People.OWNER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.testing.TestClock;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TokensTest {
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
  void aTokenActsForItsUserWithinItsScopes() {
    Tokens.Made made =
        people.tokens.create(owner, " robot ", List.of("agents.*", "threads.list"), 7, null);

    assertThat(made.secret()).matches("mdt_[0-9A-Za-z]{44}");
    assertThat(made.token().name()).isEqualTo("robot");
    assertThat(made.secret()).startsWith(made.token().prefix());
    assertThat(made.toString()).doesNotContain(made.secret());
    Mandate mandate = people.authenticate(made.secret());
    assertThat(mandate.chain())
        .containsExactly(Principal.token(made.token().id().value()), owner.actor());
    assertThat(mandate.expiresAt()).isEqualTo(clock.instant().plus(Duration.ofDays(7)));
    people.roles.require(mandate, "agents.create");
    people.roles.require(mandate, "threads.list");
    people.roles.require(mandate, "me.get");
    assertThat(People.failure(() -> people.roles.require(mandate, "audit.list")).reason())
        .isEqualTo("TOKEN_SCOPE");
    assertThat(People.failure(() -> people.roles.require(mandate, "me.update")).reason())
        .isEqualTo("TOKEN_SCOPE");
  }

  @Test
  void aRevokedTokenIsRefusedAtOnceHereAndWithinASecondElsewhere() {
    Tokens.Made made = people.tokens.create(owner, "robot", List.of("*"), 0, null);
    try (People elsewhere = new People(database, clock)) {
      Mandate mandate = elsewhere.authenticate(made.secret());
      elsewhere.roles.require(mandate, "agents.list");

      people.tokens.revoke(owner, made.token().id());

      assertThat(People.failure(() -> elsewhere.authenticate(made.secret())).code())
          .isEqualTo(Failure.Code.UNAUTHENTICATED);
      Awaitility.await()
          .atMost(Duration.ofSeconds(5))
          .pollInterval(Duration.ofMillis(5))
          .untilAsserted(() ->
              assertThat(
                      People.failure(() -> elsewhere.roles.require(mandate, "agents.list"))
                          .reason())
                  .isEqualTo("TOKEN_OVER"));
    }
  }

  @Test
  void anExpiredTokenIsRefused() {
    Tokens.Made made = people.tokens.create(owner, "robot", List.of("*"), 1, null);
    Mandate mandate = people.authenticate(made.secret());
    clock.advance(Duration.ofDays(1));

    assertThat(People.failure(() -> people.authenticate(made.secret())).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
    assertThat(People.failure(() -> people.roles.require(mandate, "agents.list")).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
  }

  @Test
  void anAgentsTokenPutsTheAgentInTheChainAndDiesWithIt() {
    UUID agent = Ids.next();
    people.agents.add(agent);
    Tokens.Made made = people.tokens.create(owner, "robot", List.of("*"), 0, agent);

    Mandate mandate = people.authenticate(made.secret());
    assertThat(mandate.chain())
        .containsExactly(
            Principal.token(made.token().id().value()), Principal.agent(agent), owner.actor());
    assertThat(mandate.includesAgent()).isTrue();
    people.roles.require(mandate, "agents.list");

    people.agents.remove(agent);
    people.db.write(
        owner,
        tx -> {
          tx.wake(AuthChannel.of(tx.org()));
          return agent;
        });
    Awaitility.await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() ->
            assertThat(People.failure(() -> people.roles.require(mandate, "agents.list")).reason())
                .isEqualTo("AGENT_GONE"));
  }

  @Test
  void aTokenForAnAgentThatIsNotHereIsRefusedLikeOneThatDoesNotExist() {
    assertThat(
            People.failure(() -> people.tokens.create(owner, "x", List.of("*"), 0, Ids.next()))
                .code())
        .isEqualTo(Failure.Code.NOT_FOUND);
  }

  @Test
  void aTokenCannotMakeTokens() {
    Mandate robot = people.authenticate(people.token(owner));
    assertThat(
            People.failure(() -> people.tokens.create(robot, "x", List.of("*"), 0, null)).reason())
        .isEqualTo("SIGN_IN_REQUIRED");
  }

  @Test
  void membersSeeAndRevokeTheirOwnTokensAndOwnersAll() {
    Mandate member = people.join(owner, "member@example.com", "member");
    Tokens.Made own = people.tokens.create(member, "mine", List.of("*"), 0, null);
    Tokens.Made owners = people.tokens.create(owner, "theirs", List.of("*"), 0, null);

    assertThat(list(member)).containsExactly(own.token().id());
    assertThat(list(owner)).containsExactly(owners.token().id(), own.token().id());
    assertThat(People.failure(() -> people.tokens.revoke(member, owners.token().id())).code())
        .isEqualTo(Failure.Code.NOT_FOUND);
    people.tokens.revoke(owner, own.token().id());
    assertThatCode(() -> people.tokens.revoke(owner, own.token().id())).doesNotThrowAnyException();
    assertThat(people.audited(owner.org(), "tokens.delete", "allowed", "")).isEqualTo(1);
  }

  @Test
  void anotherOrganizationsTokenAnswersLikeOneThatDoesNotExist() {
    Mandate stranger = people.otherOrganization("stranger@example.com");
    Tokens.Made made = people.tokens.create(owner, "robot", List.of("*"), 0, null);

    Failure foreign = People.failure(() -> people.tokens.revoke(stranger, made.token().id()));
    Failure unknown = People.failure(() -> people.tokens.revoke(stranger, new TokenId(Ids.next())));
    assertThat(foreign.code()).isEqualTo(unknown.code()).isEqualTo(Failure.Code.NOT_FOUND);
    assertThat(foreign).hasMessage(unknown.publicMessage());
    assertThat(list(stranger)).isEmpty();
    people.authenticate(made.secret());
  }

  @Test
  void pagesStayStableWhileTokensAreMade() {
    List<TokenId> made = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      made.add(people.tokens.create(owner, "t" + i, List.of("*"), 0, null).token().id());
    }
    Page<Token> page = people.tokens.list(owner, Page.Request.of(2, ""));
    people.tokens.create(owner, "late", List.of("*"), 0, null);
    List<TokenId> seen = new ArrayList<>(page.items().stream().map(Token::id).toList());
    while (!page.nextToken().isEmpty()) {
      page = people.tokens.list(owner, Page.Request.of(2, page.nextToken()));
      seen.addAll(page.items().stream().map(Token::id).toList());
    }
    assertThat(seen).containsExactlyElementsOf(made.reversed());
  }

  @Test
  void saysWhatIsWrongWithARequest() {
    assertThat(People.failure(() -> create("", List.of("*"), 0))).hasMessageStartingWith("name: ");
    assertThat(People.failure(() -> create("x", List.of(), 0))).hasMessageStartingWith("scopes: ");
    assertThat(People.failure(() -> create("x", List.of("*", "Agents Create"), 0)))
        .hasMessage("scopes[1]: not an action pattern such as 'agents.*': 'Agents Create'");
    assertThat(People.failure(() -> create("x", List.of("*"), 366)))
        .hasMessage("expires_in_days: must be 1 to 365");
  }

  @Test
  void itsLastUseIsKnownToAMinute() {
    Tokens.Made made = people.tokens.create(owner, "robot", List.of("*"), 0, null);
    people.authenticate(made.secret());
    var first = clock.instant();
    Awaitility.await().untilAsserted(() -> assertThat(lastUse(made)).isEqualTo(first));
    clock.advance(Duration.ofSeconds(30));
    people.authenticate(made.secret());
    assertThat(lastUse(made)).isEqualTo(first);
    clock.advance(Duration.ofSeconds(31));
    people.authenticate(made.secret());
    Awaitility.await().untilAsserted(() -> assertThat(lastUse(made)).isEqualTo(clock.instant()));
  }

  private @Nullable Instant lastUse(Tokens.Made made) {
    return people
        .db
        .read(owner, tx -> Tokens.find(tx, made.token().id()))
        .orElseThrow()
        .lastUsedAt();
  }

  private Tokens.Made create(String name, List<String> scopes, int days) {
    return people.tokens.create(owner, name, scopes, days, null);
  }

  private List<TokenId> list(Mandate mandate) {
    return people.tokens.list(mandate, Page.Request.of(0, "")).items().stream()
        .map(Token::id)
        .toList();
  }
}
