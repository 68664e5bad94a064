package dev.mandate.kernel.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.KernelDatabase;
import dev.mandate.kernel.telemetry.Spans;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JobsTest {
  private static final KernelDatabase database = new KernelDatabase();

  private final Mandate mandate = KernelDatabase.mandate();
  private final JobSettings quick = settings(4, Duration.ofMillis(600), Duration.ofMillis(200));
  private final Jobs jobs = new Jobs(database.db(), database.wakeups(), quick, Spans.OFF);

  private static JobSettings settings(int concurrency, Duration lease, Duration grace) {
    return new JobSettings(
        concurrency, lease, Duration.ofMillis(200), Duration.ofMillis(10), grace);
  }

  @AfterAll
  static void closeDatabase() {
    database.close();
  }

  @AfterEach
  void close() throws Exception {
    jobs.close();
    try (var admin = database.admin();
        var statement = admin.createStatement()) {
      statement.execute("delete from " + KernelDatabase.SCHEMA + ".jobs");
    }
  }

  private void enqueue(String kind, String payload) {
    database.db().run(mandate, tx -> jobs.enqueue(tx, kind, payload, Instant.now(), null));
  }

  private List<JobStatus> all() {
    return database.db().read(mandate, tx -> jobs.list(tx, null, Page.Request.of(0, ""))).items();
  }

  private void awaitStates(JobStatus.State... states) {
    await()
        .untilAsserted(() -> assertThat(all()).extracting(JobStatus::state).containsOnly(states));
  }

  @Test
  void a_job_runs_under_a_system_mandate_limited_to_its_actions() {
    ConcurrentLinkedQueue<Mandate> mandates = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<String> payloads = new ConcurrentLinkedQueue<>();
    jobs.handle(
        "seal",
        Set.of("audit.*"),
        3,
        (under, job) -> {
          mandates.add(under);
          payloads.add(job.payload());
        });
    jobs.start();
    enqueue("seal", "{\"a\": 1}");
    awaitStates(JobStatus.State.DONE);
    Mandate under = mandates.element();
    assertThat(under.org()).isEqualTo(mandate.org());
    assertThat(under.actor().kind()).isEqualTo(Principal.Kind.SYSTEM);
    assertThat(under.boundsPermitAction("audit.seal")).isTrue();
    assertThat(under.boundsPermitAction("agents.create")).isFalse();
    assertThat(under.origin().channel()).isEqualTo("job:seal");
    assertThat(payloads).containsExactly("{\"a\": 1}");
  }

  @Test
  void a_failing_job_is_tried_again_then_is_a_dead_letter_that_can_be_retried() {
    AtomicInteger attempts = new AtomicInteger();
    AtomicBoolean works = new AtomicBoolean();
    jobs.handle(
        "flaky",
        Set.of(),
        3,
        (under, job) -> {
          attempts.incrementAndGet();
          if (!works.get()) {
            throw Failure.precondition("NOT_YET", "not yet");
          }
        });
    jobs.start();
    enqueue("flaky", "{}");
    awaitStates(JobStatus.State.DEAD);
    assertThat(attempts.get()).isEqualTo(3);
    JobStatus dead = all().getFirst();
    assertThat(dead.error()).isEqualTo("NOT_YET: not yet");
    assertThat(dead.attempt()).isEqualTo(3);

    works.set(true);
    database.db().run(mandate, tx -> jobs.retry(tx, dead.id()));
    awaitStates(JobStatus.State.DONE);
    assertThat(attempts.get()).isEqualTo(4);
    assertThatThrownBy(() -> database.db().write(mandate, tx -> jobs.retry(tx, dead.id())))
        .isInstanceOfSatisfying(
            Failure.class, e -> assertThat(e.reason()).isEqualTo("JOB_NOT_DEAD"));
    assertThatThrownBy(
            () -> database.db().write(KernelDatabase.mandate(), tx -> jobs.retry(tx, dead.id())))
        .isInstanceOfSatisfying(
            Failure.class, e -> assertThat(e.code()).isEqualTo(Failure.Code.NOT_FOUND));
  }

  @Test
  void one_job_waits_for_each_unique_key() {
    database
        .db()
        .run(
            mandate,
            tx -> {
              for (int i = 0; i < 3; i++) {
                jobs.enqueue(tx, "once", "{}", Instant.now(), "k");
              }
              jobs.enqueue(tx, "once", "{}", Instant.now(), "other");
            });
    assertThat(all()).hasSize(2);
  }

  @Test
  void a_failed_job_whose_successor_waits_already_leaves_the_work_to_it() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger runs = new AtomicInteger();
    JobSettings oneHand = settings(1, quick.lease(), Duration.ofSeconds(10));
    Jobs single = new Jobs(database.db(), database.wakeups(), oneHand, Spans.OFF);
    single.handle(
        "index",
        Set.of(),
        2,
        (under, job) -> {
          begun.countDown();
          go.await();
          if (runs.incrementAndGet() == 1) {
            throw new IllegalStateException("the first fails, and its successor is there already");
          }
        });
    single.start();
    database.db().run(mandate, tx -> single.enqueue(tx, "index", "{}", Instant.now(), "k"));
    begun.await();
    database.db().run(mandate, tx -> single.enqueue(tx, "index", "{}", Instant.now(), "k"));
    go.countDown();
    awaitStates(JobStatus.State.DONE);
    assertThat(all()).hasSize(2);
    single.close();
    assertThat(runs.get()).isEqualTo(2);
  }

  @Test
  void jobs_that_an_end_interrupts_wait_again_or_leave_the_work_to_their_successor()
      throws Exception {
    CountDownLatch begun = new CountDownLatch(2);
    jobs.handle(
        "long",
        Set.of(),
        2,
        (under, job) -> {
          begun.countDown();
          new CountDownLatch(1).await();
        });
    Instant later = Instant.now().plusSeconds(3600);
    database.db().run(mandate, tx -> jobs.enqueue(tx, "long", "{\"n\": 1}", Instant.now(), "k"));
    database.db().run(mandate, tx -> jobs.enqueue(tx, "long", "{\"n\": 2}", Instant.now(), null));
    jobs.start();
    begun.await();
    database.db().run(mandate, tx -> jobs.enqueue(tx, "long", "{\"n\": 3}", later, "k"));
    jobs.close();
    // They may take longer to give themselves back than the end waits for them.
    await()
        .untilAsserted(() -> {
          List<JobStatus> left = all().reversed();
          assertThat(left)
              .extracting(JobStatus::state)
              .containsExactly(
                  JobStatus.State.DONE, JobStatus.State.WAITING, JobStatus.State.WAITING);
          assertThat(left.get(1).attempt()).isZero();
        });
  }

  @Test
  void two_of_the_same_key_that_an_end_interrupts_become_one() throws Exception {
    CountDownLatch begun = new CountDownLatch(2);
    jobs.handle(
        "long",
        Set.of(),
        2,
        (under, job) -> {
          begun.countDown();
          new CountDownLatch(1).await();
        });
    jobs.start();
    database.db().run(mandate, tx -> jobs.enqueue(tx, "long", "{}", Instant.now(), "k"));
    await().until(() -> begun.getCount() == 1);
    database.db().run(mandate, tx -> jobs.enqueue(tx, "long", "{}", Instant.now(), "k"));
    begun.await();
    jobs.close();
    await()
        .untilAsserted(() ->
            assertThat(all())
                .extracting(JobStatus::state)
                .containsExactlyInAnyOrder(JobStatus.State.DONE, JobStatus.State.WAITING));
  }

  @Test
  void an_end_waits_for_all_late_jobs_together() throws Exception {
    int many = 20;
    CountDownLatch begun = new CountDownLatch(many);
    CountDownLatch end = new CountDownLatch(1);
    Jobs stubborn =
        new Jobs(
            database.db(),
            database.wakeups(),
            settings(many, Duration.ofSeconds(30), Duration.ofSeconds(1)),
            Spans.OFF);
    stubborn.handle(
        "stubborn",
        Set.of(),
        1,
        (under, job) -> {
          begun.countDown();
          boolean over = false;
          while (!over) {
            try {
              end.await();
              over = true;
            } catch (InterruptedException e) {
              // Does not let itself be interrupted.
            }
          }
        });
    stubborn.start();
    for (int i = 0; i < many; i++) {
      enqueue("stubborn", "{}");
    }
    begun.await();
    Thread closing = Thread.ofPlatform().daemon().start(stubborn::close);
    // One after the other it would take more than twenty seconds.
    await().atMost(Duration.ofSeconds(15)).until(() -> !closing.isAlive());
    end.countDown();
    awaitStates(JobStatus.State.DONE);
  }

  @Test
  void an_attempt_that_ends_late_takes_no_sign_of_life_from_the_next() throws Exception {
    CountDownLatch firstEnds = new CountDownLatch(1);
    CountDownLatch secondEnds = new CountDownLatch(1);
    CountDownLatch secondBegun = new CountDownLatch(1);
    CountDownLatch firstEnded = new CountDownLatch(1);
    AtomicInteger attempts = new AtomicInteger();
    Jobs patient =
        new Jobs(
            database.db(),
            database.wakeups(),
            settings(4, Duration.ofSeconds(2), Duration.ofSeconds(10)),
            Spans.OFF);
    patient.handle(
        "slow",
        Set.of(),
        5,
        (under, job) -> {
          attempts.accumulateAndGet(job.attempt(), Math::max);
          if (job.attempt() == 1) {
            firstEnds.await();
            firstEnded.countDown();
          } else {
            secondBegun.countDown();
            secondEnds.await();
          }
        });
    enqueue("slow", "{}");
    patient.start();
    try (var admin = database.admin();
        var statement = admin.createStatement()) {
      String table = KernelDatabase.SCHEMA + ".jobs";
      // Until this very process takes it for abandoned.
      await()
          .pollInterval(Duration.ofMillis(10))
          .until(() -> {
            statement.execute(
                "update "
                    + table
                    + " set lease_until = now() - interval '1 second'"
                    + " where state = 'running' and attempt = 1");
            return secondBegun.getCount() == 0;
          });
      firstEnds.countDown();
      firstEnded.await();
      // More than a lease from now.
      String until = "select lease_until > ?::timestamptz from " + table;
      try (var asked = admin.prepareStatement(until)) {
        asked.setString(1, Instant.now().plusSeconds(5).toString());
        await()
            .atMost(Duration.ofSeconds(30))
            .until(() -> {
              try (var row = asked.executeQuery()) {
                return row.next() && row.getBoolean(1);
              }
            });
      }
    }
    assertThat(attempts).hasValue(2);
    secondEnds.countDown();
    awaitStates(JobStatus.State.DONE);
    patient.close();
  }

  @Test
  void a_recurring_job_goes_on_after_its_failures() {
    AtomicInteger runs = new AtomicInteger();
    jobs.handle(
        "tick",
        Set.of(),
        1,
        (under, job) -> {
          runs.incrementAndGet();
          throw new IllegalStateException("always");
        });
    // Far off: it must not come by itself while this test runs.
    database.db().run(mandate, tx -> jobs.schedule(tx, "tick", "{}", "@yearly", "", "tick"));
    assertThat(all()).extracting(JobStatus::state).containsExactly(JobStatus.State.WAITING);
    Instant now = Instant.now();
    assertThat(all().getFirst().due()).isBetween(now, now.plus(Duration.ofDays(366)));
    jobs.start();
    database.db().run(mandate, tx -> jobs.enqueue(tx, "tick", "{}", Instant.now(), "tick"));
    await()
        .untilAsserted(() ->
            assertThat(all())
                .extracting(JobStatus::state)
                .containsExactlyInAnyOrder(JobStatus.State.WAITING, JobStatus.State.DEAD));
    assertThat(runs.get()).isEqualTo(1);
    database.db().run(mandate, tx -> jobs.cancel(tx, "tick", "tick"));
    assertThat(all()).extracting(JobStatus::state).containsExactly(JobStatus.State.DEAD);
  }

  @Test
  void a_recurring_job_hands_its_schedule_to_what_came_to_wait_meanwhile() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    jobs.handle(
        "tick",
        Set.of(),
        1,
        (under, job) -> {
          begun.countDown();
          go.await();
        });
    Instant later = Instant.now().plusSeconds(3600);
    database.db().run(mandate, tx -> jobs.schedule(tx, "tick", "{}", "* * * * *", "", "tick"));
    database.db().run(mandate, tx -> jobs.enqueue(tx, "tick", "{}", Instant.now(), "tick"));
    jobs.start();
    begun.await();
    database.db().run(mandate, tx -> jobs.enqueue(tx, "tick", "{}", later, "tick"));
    go.countDown();
    await()
        .untilAsserted(() ->
            assertThat(all())
                .extracting(JobStatus::state)
                .containsExactly(JobStatus.State.WAITING, JobStatus.State.DONE));
    assertThat(all().getFirst().due()).isBefore(later.minusSeconds(3000));
  }

  @Test
  void a_job_of_a_process_that_fell_silent_is_taken_over() throws Exception {
    enqueue("lost", "{}");
    try (var admin = database.admin();
        var statement = admin.createStatement()) {
      statement.execute(
          "update "
              + KernelDatabase.SCHEMA
              + ".jobs set state = 'running', attempt = 1,"
              + " lease_holder = gen_random_uuid(), lease_until = now() - interval '1 second'");
    }
    AtomicInteger attempt = new AtomicInteger();
    jobs.handle("lost", Set.of(), 3, (under, job) -> attempt.set(job.attempt()));
    jobs.start();
    awaitStates(JobStatus.State.DONE);
    assertThat(attempt.get()).isEqualTo(2);
  }

  @Test
  void a_job_that_ended_every_process_that_ran_it_is_buried() throws Exception {
    enqueue("poison", "{}");
    try (var admin = database.admin();
        var statement = admin.createStatement()) {
      statement.execute(
          "update "
              + KernelDatabase.SCHEMA
              + ".jobs set state = 'running', attempt = 3,"
              + " lease_holder = gen_random_uuid(), lease_until = now() - interval '1 second'");
    }
    AtomicInteger runs = new AtomicInteger();
    jobs.handle("poison", Set.of(), 3, (under, job) -> runs.incrementAndGet());
    jobs.start();
    awaitStates(JobStatus.State.DEAD);
    assertThat(runs.get()).isZero();
  }

  private static String leaseUntil(Mandate under, Job job) {
    return database
        .db()
        .<String>read(
            under,
            tx ->
                tx.sql()
                    .createQuery("select lease_until::text from jobs where id = ?")
                    .bind(0, job.id())
                    .mapTo(String.class)
                    .one());
  }

  /** Whether a time is past for long enough that whoever looks has looked since. */
  private static boolean isLongPast(Mandate under, String time) {
    return database
        .db()
        .<Boolean>read(
            under,
            tx ->
                tx.sql()
                    .createQuery("select now() > ?::timestamptz + interval '1 second'")
                    .bind(0, time)
                    .mapTo(Boolean.class)
                    .one());
  }

  @Test
  void a_long_job_keeps_its_lease_and_two_processes_run_each_job_once() {
    AtomicInteger runs = new AtomicInteger();
    JobHandler slow =
        (under, job) -> {
          runs.incrementAndGet();
          // Longer than the lease: without heartbeats the other process would begin it too.
          String lease = leaseUntil(under, job);
          await().atMost(Duration.ofSeconds(20)).until(() -> isLongPast(under, lease));
        };
    // A lease that a busy machine does not let pass between two heartbeats.
    JobSettings patient = settings(4, Duration.ofSeconds(3), Duration.ofMillis(200));
    try (Jobs first = new Jobs(database.db(), database.wakeups(), patient, Spans.OFF);
        Jobs second = new Jobs(database.db(), database.wakeups(), patient, Spans.OFF)) {
      first.handle("slow", Set.of(), 3, slow);
      second.handle("slow", Set.of(), 3, slow);
      first.start();
      second.start();
      for (int i = 0; i < 6; i++) {
        enqueue("slow", "{}");
      }
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() ->
              assertThat(all()).extracting(JobStatus::state).containsOnly(JobStatus.State.DONE));
    }
    assertThat(runs.get()).isEqualTo(6);
  }

  @Test
  void one_leader_at_a_time_and_another_takes_over() {
    ConcurrentLinkedQueue<Long> epochs = new ConcurrentLinkedQueue<>();
    AtomicInteger leading = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Leases.Task task =
        leadership -> {
          epochs.add(leadership.epoch());
          most.accumulateAndGet(leading.incrementAndGet(), Math::max);
          try {
            new CountDownLatch(1).await();
          } finally {
            leading.decrementAndGet();
          }
        };
    try (Leases second = new Leases(database.db())) {
      Leases first = new Leases(database.db());
      // Long: it ends because it is given up.
      first.lead("test", Duration.ofSeconds(10), task);
      await().until(() -> epochs.size() == 1);
      second.lead("test", Duration.ofMillis(900), task);
      first.close();
      await().until(() -> epochs.size() == 2);
    }
    assertThat(most.get()).isEqualTo(1);
    assertThat(epochs).containsExactly(1L, 2L);
  }
}
