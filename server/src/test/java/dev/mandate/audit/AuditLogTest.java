package dev.mandate.audit;

import static dev.mandate.identity.People.OWNER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.identity.People;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.testing.TestClock;
import dev.mandate.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class AuditLogTest {
  private static final TestClock clock = new TestClock();
  private static final AuditFilter ALL = new AuditFilter("", "", "");
  private static TestDatabase database;
  private static People people;
  private static AuditLog log;
  private static Mandate owner;

  @BeforeAll
  static void install() {
    database = TestDatabase.create(clock);
    people = new People(database, clock);
    log = new AuditLog(people.db, people.roles, database.cipher());
    people.install();
    owner = people.signIn(OWNER);
  }

  @AfterAll
  static void close() {
    people.close();
    database.close();
  }

  @Test
  void anEntrySaysWhoDidWhatFromWhere() {
    people.token(owner);

    AuditEntry entry = list(new AuditFilter("tokens.create", "", "")).getFirst();
    assertThat(entry.outcome()).isEqualTo("allowed");
    assertThat(entry.resource()).startsWith("token:");
    assertThat(entry.chain()).containsExactly(owner.actor().toString());
    assertThat(entry.channel()).isEqualTo("rest");
    assertThat(entry.address()).isEqualTo("192.0.2.7");
    assertThat(entry.traceId()).isEqualTo(People.ORIGIN.traceId());
    assertThat(entry.details()).contains("scopes");
  }

  @Test
  void filtersByActionPrefixResourceAndOutcome() {
    people.db.audit(owner, AuditFact.denied("agents.create", "agent:a", "ROLE_FORBIDS", "{}"));
    people.db.audit(owner, AuditFact.denied("agents.delete", "agent:b", "ROLE_FORBIDS", "{}"));

    assertThat(list(new AuditFilter("agents.*", "", "denied")))
        .extracting(AuditEntry::action)
        .containsExactly("agents.delete", "agents.create");
    assertThat(list(new AuditFilter("agents.", "", ""))).isEmpty();
    assertThat(list(new AuditFilter("", "agent:a", "")))
        .extracting(AuditEntry::reason)
        .containsExactly("ROLE_FORBIDS");
    assertThat(People.failure(() -> new AuditFilter("", "", "maybe")))
        .hasMessage("outcome: must be allowed, denied or failed");
  }

  @Test
  void pagesGoFromNewestToOldestWithoutGapsWhileEntriesAreAdded() {
    for (int i = 0; i < 5; i++) {
      people.db.audit(owner, AuditFact.allowed("pages.test", "page:" + i, "{}"));
    }
    AuditFilter filter = new AuditFilter("pages.test", "", "");
    List<String> seen = new ArrayList<>();
    String token = "";
    do {
      Page<AuditEntry> page = log.list(owner, filter, Page.Request.of(2, token));
      page.items().forEach(entry -> seen.add(entry.resource()));
      token = page.nextToken();
      people.db.audit(owner, AuditFact.allowed("pages.test", "page:later", "{}"));
    } while (!token.isEmpty());
    assertThat(seen).containsExactly("page:4", "page:3", "page:2", "page:1", "page:0");
    assertThat(People.failure(() -> log.list(owner, ALL, Page.Request.of(2, "x" + "cDE6"))).code())
        .isEqualTo(Failure.Code.INVALID_ARGUMENT);
  }

  @Test
  void isForOwnersAndOneOrganizationOnly() {
    Mandate stranger = people.otherOrganization("stranger@example.com");
    assertThat(log.list(stranger, ALL, Page.Request.of(0, "")).items())
        .extracting(AuditEntry::action)
        .containsOnly("organizations.create", "sessions.create");
    Mandate member = people.join(owner, "member@example.com", "member");
    assertThat(People.failure(() -> log.list(member, ALL, Page.Request.of(0, ""))).reason())
        .isEqualTo("ROLE_FORBIDS");
  }

  private static List<AuditEntry> list(AuditFilter filter) {
    return log.list(owner, filter, Page.Request.of(0, "")).items();
  }
}
