package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PurgeTest {
  @Test
  void whatHasHadItsTimeIsForgottenAndNothingElse() throws SQLException {
    try (TestDatabase database = TestDatabase.create();
        Purge purge = new Purge(database.db())) {
      try (Connection admin = database.admin();
          Statement statement = admin.createStatement()) {
        for (String age : List.of("1 day", "400 days")) {
          statement.execute(
              """
              insert into events (org_id, topic, seq, type, data, at)
              select gen_random_uuid(), 't', n, 'x', '{}', now() - interval '%1$s'
                from generate_series(1, 6000) n;
              insert into jobs (org_id, id, kind, payload, state, due_at, finished_at)
              values (gen_random_uuid(), gen_random_uuid(), 'k', '{}', 'dead', now(),
                      now() - interval '%1$s');
              with s as (
                insert into sessions (org_id, id, user_id, epoch, created_at, expires_at)
                values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, now(),
                        now() - interval '%1$s') returning *)
              insert into session_keys (org_id, hash, session_id, refresh, expires_at)
              select org_id, 'h', id, true, expires_at from s;
              insert into sign_in_attempts (org_id, key, attempts, last_at, wait_until)
              values (gen_random_uuid(), 'k', 1, now() - interval '%1$s', now());
              """
                  .formatted(age));
        }
        for (String age : List.of("23 hours", "25 hours")) {
          statement.execute(
              """
              insert into jobs (org_id, id, kind, payload, state, due_at, finished_at)
              select gen_random_uuid(), gen_random_uuid(), 'k', '{}', 'done', now(),
                     now() - interval '%1$s' from generate_series(1, 6000);
              insert into idempotency_keys (org_id, principal, method, key, body_hash, created_at)
              select gen_random_uuid(), 'p', 'm', 'k', '',
                     now() - interval '%1$s' - n * interval '1 millisecond'
                from generate_series(1, 6000) n;
              """
                  .formatted(age));
        }
        purge.run();
        List<String> left = new ArrayList<>();
        for (String table :
            List.of(
                "events",
                "jobs",
                "sessions",
                "session_keys",
                "sign_in_attempts",
                "idempotency_keys")) {
          try (ResultSet rows = statement.executeQuery("select count(*) from " + table)) {
            rows.next();
            left.add(table + " " + rows.getLong(1));
          }
        }
        assertThat(left)
            .containsExactly(
                "events 6000",
                "jobs 6001",
                "sessions 1",
                "session_keys 1",
                "sign_in_attempts 1",
                "idempotency_keys 6000");
      }
    }
  }
}
