package dev.mandate.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.server.TestServer;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** A text that nobody refers to any more may just be said again. */
class PayloadErasureTest {
  private static final TestDatabase database = TestDatabase.create();

  /** Without workers: nobody but this test writes to a log. */
  private static final TestServer server =
      TestServer.on(
          database,
          Map.of(),
          new RunSettings(
              RunSettings.DEFAULTS.modelCalls(),
              RunSettings.DEFAULTS.modelFailures(),
              RunSettings.DEFAULTS.toolCalls(),
              RunSettings.DEFAULTS.lease(),
              RunSettings.DEFAULTS.grace(),
              RunSettings.DEFAULTS.maxFruitlessClaims(),
              RunSettings.DEFAULTS.approvalExpiry(),
              0));

  private final Db db = database.db();
  private final RunErasureStore erasure = new RunErasureStore();
  private final RunStore store = new RunStore();
  private final RunLog log = new RunLog(store);

  @AfterAll
  static void stop() {
    server.close();
  }

  private record Begun(Mandate mandate, RunId id) {}

  private static Begun run() {
    TestServer.Client owner = server.owner();
    String run = owner.run(owner.say("Operator", "Hello.")).get("id").textValue();
    String org = owner.get("/api/v1/me").ok().get("organizationId").textValue();
    return new Begun(
        TestDatabase.mandate(new OrgId(Ids.parse("org", org))), RunId.parse("run", run));
  }

  private void refer(Tx tx, RunId id, String hash) {
    Run run = store.find(tx, id).orElseThrow();
    log.append(
        tx,
        id,
        run.threadId(),
        Fence.NONE,
        List.of(new Step.ToolSettled("c", "happened", hash, "", "user:x")));
  }

  private boolean isThere(Mandate mandate, String hash) {
    return db.read(
        mandate,
        tx ->
            tx.sql()
                .createQuery(
                    """
                    select exists (
                      select from payloads where org_id = :org and encode(hash, 'hex') = :hash)
                    """)
                .bind("org", tx.org().value())
                .bind("hash", hash)
                .mapTo(boolean.class)
                .one());
  }

  @Test
  void whatARunComesToReferToIsNotDeletedWhicheverIsFirst() throws Exception {
    Begun run = run();
    String before = db.write(run.mandate(), tx -> Payloads.put(tx, "Said before it looks."));
    String between = db.write(run.mandate(), tx -> Payloads.put(tx, "Said when it has looked."));
    String meanwhile = db.write(run.mandate(), tx -> Payloads.put(tx, "Said while it deletes."));
    String never = db.write(run.mandate(), tx -> Payloads.put(tx, "Said by nobody."));
    List<String> all = List.of(before, between, meanwhile, never);
    db.run(run.mandate(), tx -> refer(tx, run.id(), before));
    RunErasureStore.Unused unused =
        db.read(run.mandate(), tx -> erasure.unused(tx, Set.copyOf(all)));
    assertThat(unused.hashes()).containsExactlyInAnyOrder(between, meanwhile, never);
    assertThat(unused.active()).contains(run.id().value());
    db.run(
        run.mandate(),
        tx -> {
          Payloads.put(tx, "Said when it has looked.");
          refer(tx, run.id(), between);
        });

    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      CountDownLatch kept = new CountDownLatch(1);
      CountDownLatch deleting = new CountDownLatch(1);
      Future<?> saying =
          threads.submit(() ->
              db.run(
                  run.mandate(),
                  tx -> {
                    Payloads.put(tx, "Said while it deletes.");
                    // Sends what is deferred: the text is there already, so this changes nothing.
                    tx.sql().createQuery("select 1").mapTo(int.class).one();
                    kept.countDown();
                    uninterrupted(deleting);
                    refer(tx, run.id(), meanwhile);
                  }));
      kept.await();
      Future<?> deletion =
          threads.submit(() -> db.run(run.mandate(), tx -> erasure.delete(tx, all, unused)));
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> deletion.isDone() || waitsForPayloads(run.mandate()));
      deleting.countDown();
      saying.get();
      deletion.get();
    }

    assertThat(isThere(run.mandate(), before)).isTrue();
    assertThat(isThere(run.mandate(), between)).isTrue();
    assertThat(isThere(run.mandate(), meanwhile)).isTrue();
    assertThat(isThere(run.mandate(), never)).isFalse();
  }

  @Test
  void aRunThatIsNewSinceItLookedIsSeen() {
    Begun run = run();
    String hash = db.write(run.mandate(), tx -> Payloads.put(tx, "Said by a newcomer."));
    RunErasureStore.Unused unused = db.read(run.mandate(), tx -> erasure.unused(tx, Set.of(hash)));
    db.run(run.mandate(), tx -> refer(tx, run.id(), hash));
    RunErasureStore.Unused earlier =
        new RunErasureStore.Unused(unused.hashes(), List.of(), unused.at());

    db.run(run.mandate(), tx -> erasure.delete(tx, List.of(hash), earlier));

    assertThat(isThere(run.mandate(), hash)).isTrue();
  }

  private boolean waitsForPayloads(Mandate mandate) {
    return db.read(
        mandate,
        tx ->
            tx.sql()
                .createQuery(
                    """
                    select exists (
                      select from pg_locks
                       where relation = 'payloads'::regclass and not granted
                         and database = (
                           select oid from pg_database where datname = current_database()))
                    """)
                .mapTo(boolean.class)
                .one());
  }

  private static void uninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
