package dev.mandate.governance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.mandate.approvals.ArgumentsHash;
import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.policies.Obligation;
import dev.mandate.policies.PolicyCheck;
import dev.mandate.policies.Verdict;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GateTest {
  private static final String ARGUMENTS = "{\"a\": 1, \"b\": [2]}";
  private static TestDatabase database;

  private PolicyCheck policies = PolicyCheck.NONE;
  private final List<Meter> meters = new ArrayList<>();
  private @Nullable Failure roles;
  private final OrgId org = new OrgId(Ids.next());

  @BeforeAll
  static void start() {
    database = TestDatabase.create();
  }

  @AfterAll
  static void stop() {
    database.close();
  }

  private Gate gate() {
    return new Gate(
        database.db(),
        (mandate, action) -> {
          if (roles != null) {
            throw roles;
          }
        },
        policies,
        meters,
        InstantSource.system());
  }

  private Mandate person() {
    return mandate(List.of(Principal.user(Ids.next())), Instant.now().plusSeconds(60));
  }

  private Mandate agent() {
    return mandate(
        List.of(Principal.agent(Ids.next()), Principal.user(Ids.next())),
        Instant.now().plusSeconds(60));
  }

  private Mandate mandate(List<Principal> chain, Instant until) {
    return new Mandate(org, chain, List.of(), null, until, new Mandate.Origin("test", "", ""));
  }

  private static Resource tool(Effect effect) {
    return Resource.tool("counter/increment", effect, ARGUMENTS);
  }

  private static Mandate granted(Mandate mandate, ApprovalMode mode) {
    return mandate.narrow(Bound.tools(Map.of("counter/*", mode)));
  }

  private static Facts facts(Facts.@Nullable Granted granted) {
    return new Facts(Ids.next(), Ids.next(), granted, List.of(), List.of());
  }

  private record Entry(String outcome, String reason, String details) {}

  private List<Entry> audited() {
    return database
        .db()
        .read(
            person(),
            tx ->
                tx.sql()
                    .createQuery(
                        """
                        select outcome, reason, details::text as details
                        from audit_entries where resource = 'tool:counter/increment' order by id
                        """)
                    .map((row, context) ->
                        new Entry(row.getString(1), row.getString(2), row.getString(3)))
                    .list());
  }

  @ParameterizedTest
  @CsvSource({
    "agent,  BY_EFFECT, READ_ONLY,   Admitted",
    "agent,  BY_EFFECT, IDEMPOTENT,  NeedsApproval",
    "agent,  BY_EFFECT, WRITE,       NeedsApproval",
    "agent,  BY_EFFECT, DESTRUCTIVE, NeedsApproval",
    "agent,  ALWAYS,    READ_ONLY,   NeedsApproval",
    "agent,  NEVER,     WRITE,       Admitted",
    "agent,  NEVER,     DESTRUCTIVE, Admitted",
    "agent,  none,      READ_ONLY,   Admitted",
    "agent,  none,      WRITE,       NeedsApproval",
    "person, none,      DESTRUCTIVE, Admitted",
    "person, BY_EFFECT, DESTRUCTIVE, Admitted",
    "person, ALWAYS,    READ_ONLY,   NeedsApproval",
  })
  void effect_and_grant_decide_about_approvals(
      String who, String grant, Effect effect, String answer) {
    Mandate chain = who.equals("agent") ? agent() : person();
    Mandate mandate = grant.equals("none") ? chain : granted(chain, ApprovalMode.valueOf(grant));
    Decision decision = gate().admit(mandate, "tools.call", tool(effect), facts(null));
    assertThat(decision.getClass().getSimpleName()).isEqualTo(answer);
    if (decision instanceof NeedsApproval needed) {
      assertThat(needed.decider()).isEqualTo("requester");
      assertThat(needed.argumentsHash()).isEqualTo(ArgumentsHash.of(ARGUMENTS));
    }
    assertThat(audited()).isEmpty();
  }

  @Test
  void an_approval_admits_exactly_the_arguments_it_was_given_for() {
    Facts.Granted granted = new Facts.Granted(ArgumentsHash.of("{\"b\":[2],\"a\":1}"), "requester");
    Facts facts = facts(granted);
    assertThat(gate().admit(agent(), "tools.call", tool(Effect.WRITE), facts))
        .isInstanceOf(Admitted.class);
    Resource edited = Resource.tool("counter/increment", Effect.WRITE, "{\"a\":1,\"b\":[3]}");
    assertThat(gate().admit(agent(), "tools.call", edited, facts))
        .isInstanceOf(NeedsApproval.class);
  }

  @Test
  void the_strictest_agent_of_the_chain_says_and_of_its_grants_the_closest() {
    Mandate loose =
        agent()
            .narrow(
                Bound.tools(
                    Map.of(
                        "*", ApprovalMode.ALWAYS,
                        "counter/*", ApprovalMode.BY_EFFECT,
                        "counter/increment", ApprovalMode.NEVER)));
    assertThat(gate().admit(loose, "tools.call", tool(Effect.WRITE), Facts.direct()))
        .isInstanceOf(Admitted.class);
    for (ApprovalMode mode : List.of(ApprovalMode.BY_EFFECT, ApprovalMode.ALWAYS)) {
      assertThat(
              gate().admit(granted(loose, mode), "tools.call", tool(Effect.WRITE), Facts.direct()))
          .isInstanceOf(NeedsApproval.class);
    }
  }

  @Test
  void a_policy_can_demand_more_than_the_requester_s_consent() {
    policies =
        (mandate, question) ->
            new Verdict(
                List.of(),
                List.of(
                    new Verdict.Demand("other", "four eyes", "p@1"),
                    new Verdict.Demand("role:owner", "money", "p@2")),
                List.of(new Obligation.Limit(3)),
                null);
    String hash = ArgumentsHash.of(ARGUMENTS);
    Facts consent = facts(new Facts.Granted(hash, "requester"));
    NeedsApproval needed =
        (NeedsApproval) gate().admit(person(), "tools.call", tool(Effect.READ_ONLY), consent);
    assertThat(needed.decider()).isEqualTo("other,role:owner");
    assertThat(needed.reason()).isEqualTo("four eyes; money");

    Facts enough = facts(new Facts.Granted(hash, "other,role:owner"));
    assertThat(
            gate()
                .admit(
                    granted(agent(), ApprovalMode.ALWAYS),
                    "tools.call",
                    tool(Effect.WRITE),
                    enough))
        .isInstanceOfSatisfying(
            Admitted.class,
            admitted ->
                assertThat(admitted.obligations()).containsExactly(new Obligation.Limit(3)));
  }

  @Test
  void an_expired_mandate_admits_nothing() {
    Mandate expired = mandate(List.of(Principal.user(Ids.next())), Instant.now().minusSeconds(1));
    assertDenied(expired, "MANDATE_EXPIRED");
  }

  @Test
  void a_tool_outside_the_bounds_is_denied() {
    assertDenied(
        person().narrow(Bound.tools(Map.of("self/*", ApprovalMode.NEVER))), "OUT_OF_BOUNDS");
  }

  @Test
  void an_action_outside_the_bounds_is_denied() {
    assertDenied(person().narrow(Bound.actions(Set.of("agents.*"))), "OUT_OF_BOUNDS");
  }

  @Test
  void what_the_chain_may_not_do_now_is_denied() {
    roles = Failure.denied("ROLE", "viewers do not call tools");
    assertDenied(person(), "ROLE");
  }

  @Test
  void a_policy_denies_in_its_own_words() {
    policies =
        (mandate, question) ->
            new Verdict(
                List.of(
                    new Verdict.Denial("not on Sundays", "p@1", false),
                    new Verdict.Denial("not twice", "p@2", false)),
                List.of(),
                List.of(),
                null);
    Denied denied = assertDenied(person(), "POLICY");
    assertThat(denied.message()).isEqualTo("not on Sundays; not twice");
  }

  @Test
  void a_policy_that_fails_denies() {
    policies =
        (mandate, question) -> {
          throw new IllegalStateException("broken rule");
        };
    assertThat(assertDenied(person(), "POLICY_ERROR").message()).doesNotContain("broken rule");
  }

  private Denied assertDenied(Mandate mandate, String reason) {
    Decision decision = gate().admit(mandate, "tools.call", tool(Effect.READ_ONLY), Facts.direct());
    assertThat(decision).isInstanceOf(Denied.class);
    assertThat(((Denied) decision).reason()).isEqualTo(reason);
    assertThat(audited())
        .singleElement()
        .satisfies(entry -> {
          assertThat(entry.outcome()).isEqualTo("denied");
          assertThat(entry.reason()).isEqualTo(reason);
          assertThat(entry.details()).doesNotContain("\"a\"");
        });
    return (Denied) decision;
  }

  /** Counts what is reserved. */
  private static final class Counting implements Meter {
    final List<String> calls = new ArrayList<>();
    final @Nullable String answer;

    Counting(@Nullable String answer) {
      this.answer = answer;
    }

    @Override
    public @Nullable String reserve(
        Mandate mandate, String action, Resource resource, Facts facts) {
      calls.add("reserve");
      return answer;
    }

    @Override
    public void released(Mandate mandate, String action, Resource resource, Facts facts) {
      calls.add("release");
    }

    @Override
    public void settled(Mandate mandate, Admitted admitted, Outcome outcome, Duration took) {
      calls.add("settle " + outcome.wireName());
    }
  }

  @Test
  void what_is_reserved_is_settled_or_released() {
    Counting first = new Counting(null);
    meters.add(first);
    Admitted admitted =
        (Admitted) gate().admit(person(), "tools.call", tool(Effect.WRITE), Facts.direct());
    gate().settle(person(), admitted, Outcome.OK, Duration.ofMillis(7));
    assertThat(first.calls).containsExactly("reserve", "settle ok");

    gate().admit(agent(), "tools.call", tool(Effect.WRITE), Facts.direct());
    assertThat(first.calls).endsWith("reserve", "release");

    meters.add(new Counting("the budget is used up"));
    Decision exhausted = gate().admit(person(), "tools.call", tool(Effect.WRITE), Facts.direct());
    assertThat(exhausted).isEqualTo(new Denied("QUOTA_EXHAUSTED", "the budget is used up"));
    assertThat(first.calls).endsWith("reserve", "release");
  }

  @Test
  void a_settled_call_leaves_one_entry_without_its_arguments() {
    Mandate mandate = granted(agent(), ApprovalMode.NEVER);
    Facts facts = facts(null);
    Resource secret =
        Resource.tool("counter/increment", Effect.WRITE, "{\"password\": \"hunter2\"}");
    Admitted admitted = (Admitted) gate().admit(mandate, "tools.call", secret, facts);
    gate().settle(mandate, admitted, Outcome.OK, Duration.ofMillis(7));
    database
        .db()
        .run(mandate, tx -> gate().settle(tx, admitted, Outcome.TIMEOUT, Duration.ofMillis(9)));
    assertThat(audited()).hasSize(2);
    assertThat(audited().get(0).outcome()).isEqualTo("allowed");
    assertThat(audited().get(0).details())
        .contains("\"duration_ms\": 7", "arguments_hash", String.valueOf(facts.runId()))
        .doesNotContain("hunter2");
    assertThat(audited().get(1))
        .extracting(Entry::outcome, Entry::reason)
        .containsExactly("failed", "TIMEOUT");
  }

  @Test
  void arguments_that_are_no_plain_object_are_refused() {
    Resource twice = Resource.tool("counter/increment", Effect.WRITE, "{\"a\":1,\"a\":2}");
    assertThat(
            catchThrowableOfType(
                Failure.class, () -> gate().admit(person(), "tools.call", twice, Facts.direct())))
        .returns(Failure.Code.INVALID_ARGUMENT, Failure::code);
  }
}
