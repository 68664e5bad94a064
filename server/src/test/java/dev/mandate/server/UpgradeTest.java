package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.audit.AuditChain;
import dev.mandate.audit.AuditReport;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Preparation;
import dev.mandate.kernel.db.Server;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** An installation of an earlier version, in the middle of its work, goes on in this one. */
class UpgradeTest {
  private static final String VERSION = "20261121150000";
  private static final OrgId ORG =
      new OrgId(UUID.fromString("01a221f4-6493-7000-9537-97fd6c9e3f98"));
  private static final String DONE = "01a221f4-b8d9-7000-ac26-0a8ce943a2d0";
  private static final String WAITING = "01a221f5-8bdf-7000-9cf7-c028ce4856bd";

  @Test
  void whatAnEarlierVersionLeftIsThereAndGoesOn() throws Exception {
    Server target = TestDatabase.createEmpty();
    Preparation.run(target, TestDatabase.SCHEMA, TestDatabase.keys(), VERSION);
    load(target);

    try (TestDatabase database = TestDatabase.on(target);
        TestServer server = TestServer.on(database, Map.of())) {
      TestServer.Client owner = server.owner();
      assertThat(owner.get("/api/v1/agents").ok().get("agents").findValuesAsText("name"))
          .containsExactlyInAnyOrder("Operator", "Reader", "Scribe");
      JsonNode done = owner.get("/api/v1/runs/" + DONE).ok();
      assertThat(done.get("status").textValue()).isEqualTo("SUCCEEDED");
      assertThat(owner.steps(DONE)).hasSize(17);
      assertThat(owner.steps(DONE).findValuesAsText("tool"))
          .contains("self/agents_list", "self/agents_create");
      String messages =
          owner
              .get("/api/v1/threads/" + done.get("threadId").textValue() + "/messages")
              .ok()
              .toString();
      assertThat(messages).contains("Then add one named Scribe that writes minutes.");
      assertThat(owner.get("/api/v1/models").ok().get("models").findValuesAsText("name"))
          .contains("house");
      // It is called over the internet, and agents without a model of their own would use it.
      owner.call("DELETE", "/api/v1/models/house", null).ok();
      AuditReport report = new AuditChain(database.db(), database.cipher()).check(ORG);
      assertThat(report.problems()).isEmpty();
      assertThat(report.entries()).isGreaterThanOrEqualTo(27);

      // What waited is decided here, and what was forbidden or suspended still is.
      JsonNode waiting = owner.get("/api/v1/runs/" + WAITING).ok();
      assertThat(waiting.get("status").textValue()).isEqualTo("AWAITING_APPROVAL");
      JsonNode over = owner.approveUntilOver(waiting.get("threadId").textValue());
      assertThat(over.get("id").textValue()).isEqualTo(WAITING);
      assertThat(over.get("status").textValue())
          .as(over.get("reason").textValue())
          .isEqualTo("SUCCEEDED");
      assertThat(owner.agent("Herald")).isNotEmpty();
      TestServer.Answer pirate = Rules.call(owner, "self/agents_create", "{\"name\": \"Pirate\"}");
      assertThat(pirate.reason()).isEqualTo("POLICY");
      String reader = owner.agent("Reader");
      assertThat(
              owner.get("/api/v1/agents/" + reader).ok().path("suspension").path("reason").asText())
          .isEqualTo("looked at too much");
      owner.post("/api/v1/agents/" + reader + ":resume", "{}").ok();
      JsonNode read = owner.approveUntilOver(owner.say("Reader", "Which agents do we have?"));
      assertThat(read.get("status").textValue()).isEqualTo("SUCCEEDED");
    }
  }

  private static void load(Server target) throws SQLException, IOException {
    try (InputStream dump =
            Objects.requireNonNull(
                UpgradeTest.class.getResourceAsStream("/upgrade/" + VERSION + ".sql"));
        Connection admin =
            DriverManager.getConnection(
                "jdbc:postgresql://" + target.hosts() + "/" + target.database(),
                target.admin().user(),
                target.admin().password());
        Statement statement = admin.createStatement()) {
      for (String each :
          List.of(
              // Tables that refer to each other, in the order of their names.
              "set session_replication_role = replica",
              new String(dump.readAllBytes(), StandardCharsets.UTF_8),
              // All of this was good when this was written.
              "update mandate.approvals set expires_at = now() + interval '1 day'",
              "update mandate.api_tokens set expires_at = now() + interval '1 day'",
              "update mandate.runs set mandate = jsonb_set(mandate, '{expires_at}',"
                  + " to_jsonb(to_char(now() at time zone 'utc' + interval '1 day',"
                  + " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')))")) {
        statement.execute(each);
      }
    }
  }
}
