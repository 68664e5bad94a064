package dev.mandate.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.OrgId;
import dev.mandate.server.TestServer;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A decision and the end of the run that asked take their locks in one order. */
class DecisionLocksTest {
  @Test
  void aDecisionThatComesWhileTheRunEndsWaitsAndNobodyIsInADeadlock() throws Exception {
    TestDatabase database = TestDatabase.create();
    try (TestServer server = TestServer.on(database, Map.of());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      TestServer.Client owner = server.owner();
      String thread = owner.say("Operator", "Which agents do we have? Then add one named Late.");
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> owner.run(thread).get("status").asText().equals("AWAITING_APPROVAL"));
      JsonNode approval = owner.get("/api/v1/approvals").ok().get("approvals").get(0);
      RunId run = new RunId(Ids.parse("run", approval.get("runId").textValue()));
      String org = owner.get("/api/v1/me").ok().get("organizationId").textValue();
      OrgId orgId = new OrgId(Ids.parse("org", org));
      CountDownLatch locked = new CountDownLatch(1);
      AtomicInteger attempts = new AtomicInteger();

      Future<?> ending =
          threads.submit(() ->
              database
                  .db()
                  .run(
                      TestDatabase.mandate(orgId),
                      tx -> {
                        attempts.incrementAndGet();
                        new RunStore().lockRun(tx, run);
                        locked.countDown();
                        // Longer than PostgreSQL waits before it looks for a deadlock: were
                        // there one now, it would end this transaction.
                        await()
                            .atMost(Duration.ofSeconds(60))
                            .pollInSameThread()
                            .until(() ->
                                tx.sql()
                                    .createQuery(
                                        """
                                        select exists (
                                          select 1 from pg_stat_activity
                                          where datname = current_database()
                                            and wait_event_type = 'Lock'
                                            and query_start
                                              < clock_timestamp() - interval '1500 ms')
                                        """)
                                    .mapTo(boolean.class)
                                    .one());
                        tx.sql()
                            .execute(
                                """
                                update approvals set status = 'WITHDRAWN', decided_at = now()
                                where org_id = ? and run_id = ? and status = 'PENDING'
                                """,
                                orgId.value(),
                                run.value());
                      }));
      locked.await();
      TestServer.Answer decided =
          owner.post("/api/v1/approvals/" + approval.get("id").textValue() + ":approve", "{}");
      ending.get();

      assertThat(decided.reason())
          .as("%s %s", decided.status(), decided.body())
          .isEqualTo("ALREADY_DECIDED");
      assertThat(attempts).hasValue(1);
    }
  }
}
