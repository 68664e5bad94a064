package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run may be asked to stop at any time, also just when it ends. */
class CancelTest {
  @Test
  void cancellingARunWhileItEndsIsNoError() {
    try (ScriptedProvider provider = ScriptedProvider.start(0, new Script());
        TestServer server = TestServer.start(Script.environment(provider))) {
      TestServer.Client owner = server.owner();
      for (int i = 0; i < 20; i++) {
        JsonNode run = owner.run(owner.say("Reader", "Hello."));
        String path = "/api/v1/runs/" + run.get("id").textValue() + ":cancel";
        String status = "";
        while (!Set.of("SUCCEEDED", "CANCELLED").contains(status)) {
          status = owner.post(path, "{}").ok().get("status").textValue();
        }
      }
    }
  }

  /** A run whose write has left, and gets no answer. */
  private static String hanging(TestServer.Client owner, Script script, Path folder) {
    Counters.add(owner, "counter", folder.resolve("effects.jsonl"));
    owner
        .post(
            "/api/v1/agents",
            """
            {"name": "Writer", "instructions": "Writer",
             "tools": [{"tool": "counter/hang", "approval": "NEVER"}]}
            """)
        .ok();
    script.says("Writer", ScriptedReply.call("c1", "counter_hang", "{}"));
    String run = owner.run(owner.say("Writer", "Go.")).get("id").textValue();
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> !RunWaits.steps(owner, run, "tool_started").isEmpty());
    return run;
  }

  @Test
  void aCallInDoubtOfARunThatIsOverIsSaidToBeLate(@TempDir Path folder) {
    Script script = new Script();
    try (ScriptedProvider provider = ScriptedProvider.start(0, script);
        TestServer server = TestServer.start(Script.environment(provider))) {
      TestServer.Client owner = server.owner();
      String run = hanging(owner, script, folder);
      JsonNode hangs = owner.get("/api/v1/runs/" + run).ok();
      owner.post("/api/v1/agents/" + hangs.get("agentId").textValue() + ":suspend", "{}").ok();
      RunWaits.until(owner, hangs.get("threadId").textValue(), "PAUSED");
      owner.post("/api/v1/runs/" + run + ":cancel", "{}").ok();
      assertThat(RunWaits.runOver(owner, run).get("status").textValue()).isEqualTo("CANCELLED");
      assertThat(RunWaits.steps(owner, run, "tool_in_doubt")).hasSize(1);

      assertThat(
              owner
                  .post(
                      "/api/v1/runs/" + run + ":settle",
                      "{\"callId\": \"c1\", \"settlement\": \"DID_NOT_HAPPEN\"}")
                  .reason())
          .isEqualTo("RUN_OVER");
    }
  }

  @Test
  void aWriteThatACancelBreaksOffMayHaveHappened(@TempDir Path folder) {
    Script script = new Script();
    try (ScriptedProvider provider = ScriptedProvider.start(0, script);
        TestServer server = TestServer.start(Script.environment(provider))) {
      TestServer.Client owner = server.owner();
      String run = hanging(owner, script, folder);

      owner.post("/api/v1/runs/" + run + ":cancel", "{}").ok();

      assertThat(RunWaits.runOver(owner, run).get("status").textValue()).isEqualTo("CANCELLED");
      assertThat(RunWaits.steps(owner, run, "tool_in_doubt")).hasSize(1);
      assertThat(RunWaits.steps(owner, run, "tool_finished")).isEmpty();
    }
  }
}
