package dev.mandate.approvals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.mandate.approvals.Approval.Status;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.jobs.JobStatus;
import dev.mandate.testing.TestClock;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ApprovalsTest {
  private static final String ARGUMENTS = "{\"name\": \"Scribe\", \"n\": 1.50}";

  private final OrgId org = new OrgId(Ids.next());
  private final UUID alice = Ids.next();
  private final UUID bob = Ids.next();
  private final UUID olga = Ids.next();
  private final UUID victor = Ids.next();
  private final Map<UUID, String> roles =
      new HashMap<>(Map.of(alice, "member", bob, "member", olga, "owner", victor, "viewer"));
  private final UUID agent = Ids.next();
  private final UUID run = Ids.next();
  private final UUID thread = Ids.next();
  private final TestClock clock = new TestClock();
  private final List<Approval> heard = Collections.synchronizedList(new ArrayList<>());
  private DecisionListener listener = (tx, approval) -> heard.add(approval);

  private TestDatabase database;
  private Approvals approvals;

  @BeforeEach
  void start() {
    database = TestDatabase.create();
    approvals =
        new Approvals(
            database.db(),
            (mandate, action) -> {},
            database.jobs(),
            (tx, user) -> tx.org().equals(org) ? roles.get(user) : null,
            (tx, approval) -> listener.decided(tx, approval),
            clock);
    approvals.start();
  }

  @AfterEach
  void stop() {
    database.close();
  }

  private Mandate of(UUID user) {
    return mandate(org, List.of(Principal.user(user)));
  }

  private Mandate ofRun(UUID user) {
    return mandate(org, List.of(Principal.agent(agent), Principal.user(user)));
  }

  private static Mandate mandate(OrgId org, List<Principal> chain) {
    return new Mandate(
        org,
        chain,
        List.of(),
        null,
        Instant.now().plusSeconds(3600),
        new Mandate.Origin("test", "", ""));
  }

  private Approval ask(String decider) {
    return ask(decider, "call-" + Ids.next());
  }

  private Approval ask(String decider, String call) {
    return database
        .db()
        .write(
            ofRun(alice),
            tx ->
                approvals.request(
                    tx,
                    new NewApproval(
                        run,
                        thread,
                        call,
                        "self/agents_create",
                        ARGUMENTS,
                        decider,
                        "it changes something",
                        Duration.ofHours(1))));
  }

  private static Failure failure(ThrowingCallable work) {
    Failure failure = catchThrowableOfType(Failure.class, work);
    assertThat(failure).isNotNull();
    return failure;
  }

  private Approval stored(ApprovalId id) {
    return database.db().read(of(alice), tx -> approvals.find(tx, id)).orElseThrow();
  }

  private List<String> audited(Approval approval) {
    return database
        .db()
        .read(
            of(alice),
            tx ->
                tx.sql()
                    .createQuery(
                        "select action from audit_entries where resource = :resource order by id")
                    .bind("resource", "approval:" + approval.id())
                    .mapTo(String.class)
                    .list());
  }

  @Test
  void the_requester_approves_exactly_these_arguments_once() {
    Approval asked = ask("requester");
    assertThat(asked.status()).isEqualTo(Status.PENDING);
    assertThat(asked.argumentsJson()).isEqualTo(ARGUMENTS);
    assertThat(asked.chain()).containsExactly("agent:" + agent, "user:" + alice);

    assertThat(failure(() -> approvals.decide(of(alice), asked.id(), true, "0".repeat(64), "")))
        .returns("ARGUMENTS_CHANGED", Failure::reason);
    assertThat(stored(asked.id()).status()).isEqualTo(Status.PENDING);

    Approval approved =
        approvals.decide(of(alice), asked.id(), true, asked.argumentsHash(), "go on");
    assertThat(approved.status()).isEqualTo(Status.APPROVED);
    assertThat(approved.decidedBy()).isEqualTo("user:" + alice);
    assertThat(approved.comment()).isEqualTo("go on");
    assertThat(stored(asked.id())).isEqualTo(approved);
    assertThat(heard).containsExactly(approved);

    assertThat(failure(() -> approvals.decide(of(alice), asked.id(), false, null, "")))
        .returns("ALREADY_DECIDED", Failure::reason)
        .returns(Failure.Code.FAILED_PRECONDITION, Failure::code);
    assertThat(heard).hasSize(1);
    assertThat(audited(asked)).containsExactly("approvals.request", "approvals.approve");
  }

  @Test
  void of_many_who_decide_at_once_one_does() throws Exception {
    Approval asked = ask("other");
    List<Future<Approval>> tries = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 8; i++) {
        boolean approve = i % 2 == 0;
        tries.add(threads.submit(() -> approvals.decide(of(bob), asked.id(), approve, null, "")));
      }
    }
    assertThat(tries.stream().filter(future -> future.state() == Future.State.SUCCESS)).hasSize(1);
    assertThat(heard).hasSize(1);
  }

  @Test
  void nobody_but_the_requester_approves_what_is_asked_of_the_requester() {
    Approval asked = ask("requester");
    assertThat(failure(() -> approvals.decide(of(bob), asked.id(), true, null, "")))
        .returns(Failure.Code.NOT_FOUND, Failure::code);
    assertThat(failure(() -> approvals.decide(of(olga), asked.id(), true, null, "")))
        .returns("NOT_THE_DECIDER", Failure::reason);
    assertThat(approvals.decide(of(olga), asked.id(), false, null, "no").status())
        .isEqualTo(Status.DENIED);
  }

  @Test
  void someone_other_than_the_requester_decides_when_that_is_asked_for() {
    Approval asked = ask("other");
    assertThat(failure(() -> approvals.decide(of(alice), asked.id(), true, null, "")))
        .returns("NOT_THE_DECIDER", Failure::reason);
    assertThat(failure(() -> approvals.decide(of(victor), asked.id(), true, null, "")))
        .returns(Failure.Code.NOT_FOUND, Failure::code);
    assertThat(approvals.decide(of(bob), asked.id(), true, null, "").status())
        .isEqualTo(Status.APPROVED);
  }

  @Test
  void all_conditions_of_a_decider_must_be_met() {
    Approval asked = ask("role:owner,other");
    assertThat(failure(() -> approvals.decide(of(alice), asked.id(), true, null, "")))
        .returns("NOT_THE_DECIDER", Failure::reason);
    assertThat(failure(() -> approvals.decide(of(bob), asked.id(), true, null, "")))
        .returns(Failure.Code.NOT_FOUND, Failure::code);
    roles.put(olga, "member");
    assertThat(failure(() -> approvals.decide(of(olga), asked.id(), true, null, "")))
        .returns(Failure.Code.NOT_FOUND, Failure::code);
    roles.put(olga, "owner");
    assertThat(approvals.decide(of(olga), asked.id(), true, null, "").status())
        .isEqualTo(Status.APPROVED);
  }

  @Test
  void a_requester_who_left_the_organization_approves_nothing() {
    Approval asked = ask("requester");
    roles.remove(alice);
    assertThat(failure(() -> approvals.decide(of(alice), asked.id(), true, null, "")))
        .returns("NOT_THE_DECIDER", Failure::reason);
  }

  @Test
  void no_chain_with_an_agent_decides() {
    Approval asked = ask("requester");
    assertThat(failure(() -> approvals.decide(ofRun(alice), asked.id(), true, null, "")))
        .returns("HUMAN_ONLY", Failure::reason);
    assertThat(stored(asked.id()).status()).isEqualTo(Status.PENDING);
  }

  @Test
  void a_decision_and_what_its_listener_writes_happen_together_or_not_at_all() {
    Approval asked = ask("requester");
    listener =
        (tx, approval) -> {
          throw new IllegalStateException("the run cannot take it");
        };
    assertThat(
            catchThrowableOfType(
                RuntimeException.class,
                () -> approvals.decide(of(alice), asked.id(), true, null, "")))
        .isNotNull();
    assertThat(stored(asked.id()).status()).isEqualTo(Status.PENDING);
    assertThat(audited(asked)).containsExactly("approvals.request");
  }

  @Test
  void after_its_time_it_is_expired_for_whoever_comes() {
    Approval asked = ask("requester");
    clock.advance(Duration.ofHours(1));
    assertThat(failure(() -> approvals.decide(of(alice), asked.id(), true, null, "")))
        .returns("APPROVAL_EXPIRED", Failure::reason);
    assertThat(stored(asked.id()).status()).isEqualTo(Status.EXPIRED);
    assertThat(heard).singleElement().returns(Status.EXPIRED, Approval::status);
    assertThat(failure(() -> approvals.decide(of(alice), asked.id(), true, null, "")))
        .returns("APPROVAL_EXPIRED", Failure::reason);
    assertThat(heard).hasSize(1);
  }

  @Test
  void it_expires_by_itself() {
    Approval asked =
        database
            .db()
            .write(
                ofRun(alice),
                tx ->
                    approvals.request(
                        tx,
                        new NewApproval(
                            run,
                            thread,
                            "call",
                            "counter/increment",
                            "{}",
                            "requester",
                            "",
                            Duration.ofMillis(10))));
    database.jobs().start();
    // Its job is due by the real time; by the time that decides it is still good.
    await()
        .atMost(Duration.ofSeconds(15))
        .until(() ->
            database
                .db()
                .<Boolean>read(
                    of(alice),
                    tx ->
                        database
                            .jobs()
                            .list(tx, JobStatus.State.DONE, Page.Request.of(0, ""))
                            .items()
                            .stream()
                            .anyMatch(job -> job.kind().equals("approvals.expire"))));
    assertThat(stored(asked.id()).status()).isEqualTo(Status.PENDING);
    clock.advance(Duration.ofSeconds(1));
    await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> stored(asked.id()).status() == Status.EXPIRED);
    assertThat(heard).singleElement().returns(Status.EXPIRED, Approval::status);
  }

  @Test
  void a_run_that_ends_withdraws_what_it_asks() {
    Approval decided = ask("requester");
    approvals.decide(of(alice), decided.id(), true, null, "");
    Approval open = ask("requester");
    database.db().run(ofRun(alice), tx -> approvals.withdraw(tx, run));
    assertThat(stored(open.id()).status()).isEqualTo(Status.WITHDRAWN);
    assertThat(stored(decided.id()).status()).isEqualTo(Status.APPROVED);
    assertThat(failure(() -> approvals.decide(of(alice), open.id(), true, null, "")))
        .returns("ALREADY_DECIDED", Failure::reason);
  }

  @Test
  void another_organization_sees_what_is_not_there() {
    Approval asked = ask("other");
    Mandate stranger = mandate(new OrgId(Ids.next()), List.of(Principal.user(olga)));
    ApprovalId missing = ApprovalId.next();
    assertThat(failure(() -> approvals.get(stranger, asked.id())))
        .hasMessage(failure(() -> approvals.get(stranger, missing)).getMessage())
        .returns(Failure.Code.NOT_FOUND, Failure::code);
    assertThat(failure(() -> approvals.decide(stranger, asked.id(), true, null, "")))
        .hasMessage(
            failure(() -> approvals.decide(stranger, missing, true, null, "")).getMessage());
    assertThat(approvals.list(stranger, null, Page.Request.of(0, "")).items()).isEmpty();
  }

  @Test
  void a_list_shows_what_concerns_the_caller() {
    Approval own = ask("requester");
    Approval shared = ask("other");
    Approval owners = ask("role:owner");
    assertThat(listed(alice)).containsExactly(owners.id(), shared.id(), own.id());
    assertThat(listed(bob)).containsExactly(shared.id());
    assertThat(listed(victor)).isEmpty();
    assertThat(listed(olga)).containsExactly(owners.id(), shared.id(), own.id());

    approvals.decide(of(bob), shared.id(), false, null, "");
    Page.Request one = Page.Request.of(1, "");
    Page<Approval> first = approvals.list(of(olga), Status.PENDING, one);
    assertThat(first.items()).extracting(Approval::id).containsExactly(owners.id());
    Page<Approval> second =
        approvals.list(of(olga), Status.PENDING, Page.Request.of(1, first.nextToken()));
    assertThat(second.items()).extracting(Approval::id).containsExactly(own.id());
    assertThat(second.nextToken()).isEmpty();
  }

  private List<ApprovalId> listed(UUID user) {
    return approvals.list(of(user), null, Page.Request.of(0, "")).items().stream()
        .map(Approval::id)
        .toList();
  }

  @Test
  void a_call_asks_one_question_at_a_time() {
    ask("requester", "same-call");
    assertThat(catchThrowableOfType(RuntimeException.class, () -> ask("requester", "same-call")))
        .isNotNull();
    Tx[] seen = new Tx[1];
    database
        .db()
        .run(
            ofRun(alice),
            tx -> {
              approvals.withdraw(tx, run);
              seen[0] = tx;
            });
    assertThat(ask("requester", "same-call").status()).isEqualTo(Status.PENDING);
  }
}
