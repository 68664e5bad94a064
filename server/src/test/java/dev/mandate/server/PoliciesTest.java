package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How policies are kept, put in force and taken back, and what happens when they go wrong. */
class PoliciesTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final TestServer server = TestServer.start();
  private static final TestServer.Client owner = server.owner();

  private static final String DENY_THREADS =
      """
      deny contains "no threads" if input.action == "threads.create"
      """;

  @AfterEach
  void noPolicies() {
    for (String list : List.of("/api/v1/policies", "/api/v1/policies?installation=true")) {
      for (JsonNode policy : owner.get(list).ok().get("policies")) {
        Rules.delete(owner, policy.get("id").textValue());
      }
    }
  }

  @AfterAll
  static void close() {
    server.close();
  }

  private static TestServer.Answer makeThread(TestServer.Client client) {
    return client.post("/api/v1/threads", "{}");
  }

  private static String message(TestServer.Answer answer) {
    return Objects.requireNonNull(answer.body()).get("message").textValue();
  }

  @Test
  void aDraftDecidesNothingUntilItIsActivatedAndNothingAfterwards() {
    ObjectNode draft = Rules.draft("threads", DENY_THREADS).put("note", "first");
    JsonNode policy = owner.post("/api/v1/policies", draft.toString()).ok();
    String path = "/api/v1/policies/" + policy.get("id").textValue();
    assertThat(policy.get("activeVersion").asLong()).isZero();
    assertThat(makeThread(owner).status()).isEqualTo(200);

    assertThat(owner.post(path + ":activate", "{}").ok().get("activeVersion").asLong())
        .isEqualTo(1);
    assertThat(message(makeThread(owner))).isEqualTo("no threads");

    ObjectNode next =
        Rules.draft("threads", DENY_THREADS.replace("no threads", "none")).put("version", 1);
    next.remove("name");
    JsonNode second = owner.post(path + "/versions", next.toString()).ok();
    assertThat(second.get("version").asLong()).isEqualTo(2);
    assertThat(second.get("author").textValue()).startsWith("user:");
    assertThat(second.get("hash").textValue()).matches("[0-9a-f]{64}");
    assertThat(message(makeThread(owner))).isEqualTo("no threads");
    assertThat(owner.post(path + "/versions", next.toString()).reason()).isEqualTo("STALE_VERSION");
    owner.post(path + ":activate", "{}").ok();
    assertThat(message(makeThread(owner))).isEqualTo("none");
    owner.post(path + ":activate", "{\"version\": 1}").ok();
    assertThat(message(makeThread(owner))).isEqualTo("no threads");

    owner.post(path + ":deactivate", "{}").ok();
    assertThat(makeThread(owner).status()).isEqualTo(200);
    JsonNode versions = owner.get(path + "/versions").ok().get("versions");
    assertThat(versions.findValuesAsText("version")).containsExactly("2", "1");
    assertThat(versions.get(1).get("note").textValue()).isEqualTo("first");
    JsonNode entries = owner.get("/api/v1/audit?action=policies.*").ok().get("entries");
    assertThat(entries.findValuesAsText("action"))
        .contains("policies.create", "policies.update", "policies.activate", "policies.deactivate");
    assertThat(entries.toString()).contains("hash", "threads");
  }

  @Test
  void aSlipIsNamedWithItsPlaceWhenItIsSaved() {
    TestServer.Answer syntax =
        owner.post("/api/v1/policies", Rules.draft("slip", "deny contains \"x\" if {").toString());
    assertThat(syntax.status()).isEqualTo(400);
    assertThat(syntax.reason()).isEqualTo("POLICY_INVALID");
    assertThat(message(syntax)).contains("slip.rego:", "rego_parse_error");

    TestServer.Answer unsafe =
        owner.post("/api/v1/policies", Rules.draft("slip", "deny contains x if y == 1").toString());
    assertThat(message(unsafe)).contains("slip.rego:3:", "unsafe");

    TestServer.Answer bool =
        owner.post(
            "/api/v1/policies",
            Rules.draft("slip", "deny if input.action == \"threads.create\"").toString());
    assertThat(message(bool)).contains("slip.rego:3:", "deny contains");

    ObjectNode tests = Rules.draft("slip", DENY_THREADS).put("tests", "package x\n\n{");
    assertThat(message(owner.post("/api/v1/policies", tests.toString())))
        .contains("slip_test.rego:3:");
    ObjectNode name = Rules.draft("Bad Name", DENY_THREADS);
    assertThat(message(owner.post("/api/v1/policies", name.toString()))).startsWith("name:");
  }

  @Test
  void aFailingTestOrAConflictWithWhatIsActiveRefusesTheActivation() {
    ObjectNode draft = Rules.draft("tested", DENY_THREADS);
    draft.put(
        "tests",
        """
        package mandate.policies.tested_test

        import data.mandate.policies.tested

        test_holds if count(tested.deny) == 1 with input as {"action": "threads.create"}

        test_fails if count(tested.deny) == 1 with input as {"action": "agents.create"}
        """);
    String id = owner.post("/api/v1/policies", draft.toString()).ok().get("id").textValue();
    TestServer.Answer refused = owner.post("/api/v1/policies/" + id + ":activate", "{}");
    assertThat(refused.reason()).isEqualTo("POLICY_TESTS_FAILED");
    assertThat(message(refused))
        .contains("test_fails", "tested_test.rego:7")
        .doesNotContain("holds");
    JsonNode tested =
        owner.post("/api/v1/policies:test", "{\"draft\": {\"policyId\": \"" + id + "\"}}").ok();
    assertThat(tested.get("passed").booleanValue()).isFalse();
    assertThat(tested.get("tests").findValuesAsText("outcome"))
        .containsExactlyInAnyOrder("passed", "failed");
    assertThat(makeThread(owner).status()).isEqualTo(200);

    Rules.activate(owner, "helper", "f(x) := x + 1");
    ObjectNode clash =
        Rules.draft("clash", "").put("module", "package mandate.policies.helper\n\nf := 3");
    assertThat(owner.post("/api/v1/policies", clash.toString()).reason())
        .isEqualTo("POLICY_INVALID");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // A conflict, a wrong type, an error of a built-in, a loop that does not end in time.
        "deny contains msg if { msg := conflict }\n\nconflict := 1 if true\n\nconflict := 2 if true",
        "deny contains 7",
        "deny contains \"x\" if to_number(input.action) == 1",
        """
        deny contains "x" if {
        	some i in numbers.range(1, 3000)
        	some j in numbers.range(1, 3000)
        	i * j == -1
        }
        """,
        "obligations contains {\"type\": \"forget\"}",
        "obligations contains {\"type\": \"redact\", \"pattern\": \"(\"}",
        "require_approval contains {\"decider\": \"anybody\", \"reason\": \"x\"}",
        "require_approval contains {\"decider\": \"other\", \"raeson\": \"x\"}",
        "deny := {\"x\": 1}"
      })
  void aPolicyThatGoesWrongDenies(String rules) {
    Rules.activate(owner, "wrong", rules);

    TestServer.Answer refused = makeThread(owner);

    assertThat(refused.status()).as("%s", refused.body()).isEqualTo(403);
    assertThat(refused.reason()).isEqualTo("POLICY_ERROR");
    assertThat(message(refused)).contains("mandate.policies.wrong.");
  }

  @Test
  void aStoredModuleThatNoLongerCompilesDeniesAndCanStillBeTakenBack() throws SQLException {
    String id = Rules.activate(owner, "stored", DENY_THREADS);
    try (Connection admin = server.database().admin();
        PreparedStatement damage =
            admin.prepareStatement(
                "update policy_versions set module = 'package x deny {' where policy_id = ?")) {
      damage.setObject(1, UUID.fromString(id));
      assertThat(damage.executeUpdate()).isEqualTo(1);
    }
    // Another process, which has not compiled the set yet.
    try (TestServer second = server.beside()) {
      TestServer.Answer refused = makeThread(second.client(owner.token()));
      assertThat(refused.reason()).isEqualTo("POLICY_ERROR");
      assertThat(message(refused)).contains("no longer compile");
      second.client(owner.token()).post("/api/v1/policies/" + id + ":deactivate", "{}").ok();
      assertThat(makeThread(second.client(owner.token())).status()).isEqualTo(200);
    }
  }

  @Test
  void nobodyIsLockedOutByTheOrganizationsOwnPolicies() {
    String id = Rules.activate(owner, "everything", "deny contains \"nothing goes\"");
    assertThat(makeThread(owner).reason()).isEqualTo("POLICY");
    assertThat(owner.get("/api/v1/agents").reason()).isEqualTo("POLICY");
    owner.get("/api/v1/me").ok();
    String organization = owner.get("/api/v1/me").ok().get("organizationId").textValue();
    TestServer.Client again =
        server.client(
            server
                .client("")
                .post(
                    "/api/v1/sessions",
                    "{\"email\": \"%s\", \"password\": \"%s\", \"organizationId\": \"%s\"}"
                        .formatted(TestServer.EMAIL, TestServer.PASSWORD, organization))
                .ok()
                .get("accessToken")
                .textValue());
    again.get("/api/v1/policies/" + id).ok();
    again.post("/api/v1/policies/" + id + ":deactivate", "{}").ok();
    assertThat(makeThread(owner).status()).isEqualTo(200);
  }

  @Test
  void theInstallationsPoliciesHoldEverywhereAndBelongToItsFirstOrganization() {
    TestServer.Client other = server.newOrganization("Other");
    ObjectNode forAll = Rules.draft("forall", DENY_THREADS).put("installation", true);
    assertThat(other.post("/api/v1/policies", forAll.toString()).reason())
        .isEqualTo("NOT_THE_INSTALLATION");
    assertThat(other.get("/api/v1/policies?installation=true").reason())
        .isEqualTo("NOT_THE_INSTALLATION");

    String id = Rules.activate(owner, forAll);
    assertThat(message(makeThread(owner))).isEqualTo("no threads");
    assertThat(message(makeThread(other))).isEqualTo("no threads");
    assertThat(owner.get("/api/v1/policies").ok().get("policies")).isEmpty();
    assertThat(other.get("/api/v1/policies/" + id).status()).isEqualTo(404);
    assertThat(other.post("/api/v1/policies/" + id + ":deactivate", "{}").status()).isEqualTo(404);
    assertThat(owner.get("/api/v1/audit?resource=policy:" + id).ok().get("entries")).hasSize(2);

    Rules.delete(owner, id);
    assertThat(makeThread(other).status()).isEqualTo(200);
  }

  @Test
  void anotherProcessSeesTheChange() {
    try (TestServer second = server.beside()) {
      TestServer.Client there = second.client(owner.token());
      assertThat(makeThread(there).status()).isEqualTo(200);
      String id = Rules.activate(owner, "threads", DENY_THREADS);
      await().atMost(LONG).until(() -> makeThread(there).reason().equals("POLICY"));
      Rules.delete(owner, id);
      await().atMost(LONG).until(() -> makeThread(there).status() == 200);
    }
  }

  @Test
  void whatAPolicySeesOfACall() {
    String rules =
        """
        deny contains msg if {
        	input.action == "agents.create"
        	facts := {
        		"kind": input.subject.kind == "user",
        		"email": input.subject.user.email == "owner@example.org",
        		"name": input.subject.name == "owner@example.org",
        		"roles": input.subject.roles == ["owner"],
        		"groups": input.subject.groups == [],
        		"chain": input.subject.chain[0].kind == "user",
        		"expires": time.parse_rfc3339_ns(input.subject.mandate.expires_at) > input.env.time_ns,
        		"type": input.resource.type == "method",
        		"resource": input.resource.name == "agents.create",
        		"risk": input.resource.risk == "write",
        		"argument": input.resource.arguments.name == "Seen",
        		"number": input.resource.arguments.maxModelCalls == 3,
        		"empty": input.resource.arguments.tools == [],
        		"channel": input.env.channel == "rest",
        		"address": input.env.address == "127.0.0.1",
        		"now": time.now_ns() == input.env.time_ns,
        		"outside a run": object.get(input.env, "run", "none") == "none",
        	}
        	msg := concat(", ", sort([fact | some fact, holds in facts; holds]))
        }
        """;
    Rules.activate(owner, "seen", rules);
    TestServer.Answer refused =
        owner.post("/api/v1/agents", "{\"name\": \"Seen\", \"maxModelCalls\": 3}");
    assertThat(message(refused))
        .isEqualTo(
            "address, argument, chain, channel, email, empty, expires, groups, kind, name, now,"
                + " number, outside a run, resource, risk, roles, type");
  }
}
