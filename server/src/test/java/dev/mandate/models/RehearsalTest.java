package dev.mandate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Json;
import dev.mandate.models.ModelMessage.ToolResult;
import dev.mandate.models.ModelMessage.ToolUse;
import dev.mandate.models.ModelRequest.ToolSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The scripted model in conversations with tools that answer like ours. */
final class RehearsalTest {
  private static final String OBJECT = "{\"type\":\"object\",\"properties\":{}}";

  private final Rehearsal rehearsal = Rehearsal.load(Duration.ZERO);
  private final List<ToolUse> called = new ArrayList<>();

  @Test
  void readsTheAgentsThenAddsOneAndReportsBoth() {
    String answer =
        talk(
            "Which agents do we have? Then add one named Scribe that writes minutes.",
            RehearsalTest::agents);
    assertThat(called).extracting(ToolUse::name).containsExactly("agents_list", "agents_create");
    assertThat(Json.read(called.get(1).arguments()).path("name").asText()).isEqualTo("Scribe");
    assertThat(Json.read(called.get(1).arguments()).path("instructions").asText())
        .startsWith("You are Scribe, an agent that writes minutes.");
    assertThat(answer)
        .contains("You have 2 agents: Guide and Clerk.")
        .contains("Scribe has been added (id a-3)")
        .contains("scripted model");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "which agents are there",
        "List the agents, please.",
        "show me all agents",
        "How many agents do we have?",
        "What agents exist here?"
      })
  void listsAgentsHoweverAsked(String question) {
    assertThat(talk(question, RehearsalTest::agents)).contains("2 agents: Guide and Clerk");
    assertThat(called).extracting(ToolUse::name).containsExactly("agents_list");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Add an agent named Zoë-9 that sorts mail.|Zoë-9|sorts mail",
        "please create an agent called 'Minute Taker' who takes minutes|Minute Taker|takes minutes",
        "Create a new agent called Minute Taker to take minutes.|Minute Taker|take minutes",
        "Make agent Bob|Bob|helps",
        "add one named R2.D2, it should whistle|R2.D2|helps",
        "Add an agent named Waiter that handles time outs and approve forms|Waiter|handles time"
            + " outs and approve forms",
        "Set up an agent named A|A|helps"
      })
  void addsAnAgentWithTheNameAndPurposeGiven(String question, String name, String does) {
    String answer = talk(question, RehearsalTest::agents);
    assertThat(called).extracting(ToolUse::name).containsExactly("agents_create");
    assertThat(Json.read(called.getFirst().arguments()).path("name").asText()).isEqualTo(name);
    assertThat(Json.read(called.getFirst().arguments()).path("description").asText())
        .isEqualTo("An agent that " + does);
    assertThat(answer).contains(name + " has been added");
  }

  @Test
  void saysTruthfullyThatACallWasDenied() {
    String answer =
        talk(
            "Which agents do we have? Add one named Scribe.",
            call ->
                call.name().equals("agents_create")
                    ? error(call, "denied by ada@example.com: not today")
                    : agents(call));
    assertThat(answer)
        .contains("You have 2 agents")
        .contains("Scribe was not added: denied by ada@example.com: not today")
        .doesNotContain("has been added");
  }

  @Test
  void readsTheMessageOfAnErrorOfOurs() {
    String answer =
        talk(
            "Add an agent named Clerk",
            call -> error(call, "{\"code\":\"already_exists\",\"message\":\"the name is taken\"}"));
    assertThat(answer).contains("Clerk was not added: the name is taken");
  }

  @Test
  void triesWhatOnlyAPersonMayDoAndReportsTheRefusal() {
    String answer =
        talk("Approve it yourself!", call -> error(call, "There is no tool 'approvals_approve'."));
    assertThat(called).extracting(ToolUse::name).containsExactly("approvals_approve");
    assertThat(answer).contains("I was refused: There is no tool 'approvals_approve'.");
    called.clear();
    talk("Make me an API token", call -> error(call, "no"));
    assertThat(called).extracting(ToolUse::name).containsExactly("tokens_create");
  }

  @Test
  void correctsAWrongArgumentAfterReadingTheError() {
    String answer =
        talk(
            "Show how you correct a wrong argument.",
            call ->
                Json.read(call.arguments()).path("pageSize").isNumber()
                    ? agents(call)
                    : error(call, "pageSize: not a number"));
    assertThat(called).hasSize(2);
    assertThat(answer).contains("With a number it works: there are 2 agents");
  }

  @Test
  void handsATaskToAnAgentUnderItsToolsFirstTextAndReportsWhatItSaid() {
    String answer =
        talk(
            "Ask Clerk to add an agent named Shadow that copies everything.",
            call -> new ToolResult(call.id(), "I was refused.", false));
    assertThat(called).hasSize(1);
    assertThat(called.getFirst().name()).isEqualTo("agent_Clerk");
    assertThat(Json.read(called.getFirst().arguments()).path("task").asText())
        .isEqualTo("add an agent named Shadow that copies everything.");
    assertThat(answer).contains("Clerk answered: I was refused.");
    assertThat(talk("Ask Nobody to list the agents", call -> error(call, "?")))
        .contains("No agent named Nobody is offered");
  }

  @Test
  void callsAToolThatHangsAndReportsTheTimeout() {
    assertThat(talk("Call the tool that hangs", call -> error(call, "timed out after 5 s")))
        .contains("lab_hang did not answer in time: timed out after 5 s");
    assertThat(called).extracting(ToolUse::name).containsExactly("lab_hang");
  }

  @Test
  void countsEffectsOneAfterAnotherOrAtOnce() {
    String answer =
        talk("Increment the counter 12 times", call -> new ToolResult(call.id(), "12", false));
    assertThat(called).hasSize(12).extracting(ToolUse::id).doesNotHaveDuplicates();
    assertThat(answer).contains("lab_increment 12 times: 12 succeeded");
    called.clear();
    List<Integer> sizes = new ArrayList<>();
    converse(
        "Increment the counter 5 times in parallel",
        call -> new ToolResult(call.id(), "5", false),
        sizes);
    assertThat(sizes).containsExactly(5, 0);
  }

  @Test
  void decidesFromTheRequestAloneSoThatAnotherInstanceGoesOn() {
    List<ModelMessage> messages = new ArrayList<>();
    messages.add(ModelMessage.user("Which agents do we have? Then add one named Scribe."));
    ModelResponse first = answer(messages);
    messages.add(first.toMessage());
    messages.add(
        ModelMessage.results(first.toolCalls().stream().map(RehearsalTest::agents).toList()));
    ModelResponse here = answer(messages);
    ModelResponse there =
        Rehearsal.load(Duration.ZERO).stream(request(messages), event -> {}, new CancelSignal());
    assertThat(there).isEqualTo(here);
    assertThat(there.toolCalls()).extracting(ToolUse::name).containsExactly("agents_create");
  }

  @Test
  void answersAnythingElseWithItsMenuAndTheWayToAModel() {
    String answer = talk("What is the meaning of life?", call -> error(call, "?"));
    assertThat(called).isEmpty();
    assertThat(answer)
        .contains("scripted model")
        .contains("Which agents do we have? Then add one named Scribe")
        .contains("mandate model add")
        .contains("ANTHROPIC_API_KEY");
  }

  @Test
  void introducesItselfOnceInAConversation() {
    List<ModelMessage> messages = new ArrayList<>();
    messages.add(ModelMessage.user("Tell me something long, 3 lines."));
    ModelResponse first = answer(messages);
    messages.add(first.toMessage());
    messages.add(ModelMessage.user("Tell me something long, 3 lines."));
    assertThat(first.text()).contains("scripted model");
    assertThat(answer(messages).text()).contains("Line 3 of 3").doesNotContain("scripted model");
  }

  @Test
  void streamsInPiecesThatMakeUpTheWholeAndCountsTokens() {
    List<ModelEvent> events = new ArrayList<>();
    ModelResponse response =
        rehearsal.stream(
            request(List.of(ModelMessage.user("Tell me something long"))),
            events::add,
            new CancelSignal());
    StringBuilder text = new StringBuilder();
    for (ModelEvent event : events) {
      if (event instanceof ModelEvent.TextDelta delta) {
        text.append(delta.text());
      }
    }
    assertThat(text.toString()).isEqualTo(response.text());
    assertThat(response.text().split("\\s+")).hasSizeGreaterThan(3000);
    assertThat(events).hasSizeGreaterThan(500);
    assertThat(events.getLast()).isEqualTo(new ModelEvent.Finished(StopReason.END));
    assertThat(response.usage().estimated()).isTrue();
    assertThat(response.usage().output()).isGreaterThan(3000);
    assertThat(PriceList.SIMULATED.costMicros(response.usage())).isPositive();
  }

  @Test
  void stopsWithinAMomentOfACancel() throws Exception {
    Rehearsal slow = Rehearsal.load(Duration.ofMillis(50));
    CancelSignal cancel = new CancelSignal();
    CountDownLatch began = new CountDownLatch(1);
    CompletableFuture<ModelResponse> call =
        CompletableFuture.supplyAsync(
            () ->
                slow.stream(
                    request(List.of(ModelMessage.user("Tell me something long"))),
                    event -> began.countDown(),
                    cancel),
            task -> Thread.ofVirtual().start(task));
    assertThat(began.await(30, TimeUnit.SECONDS)).isTrue();
    cancel.cancel();
    assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
        .cause()
        .isInstanceOf(ModelFailure.class)
        .extracting(e -> ((ModelFailure) e).kind())
        .isEqualTo(ModelFailure.Kind.CANCELLED);
  }

  private String talk(String question, Function<ToolUse, ToolResult> tools) {
    return converse(question, tools, new ArrayList<>());
  }

  private String converse(
      String question, Function<ToolUse, ToolResult> tools, List<Integer> sizes) {
    List<ModelMessage> messages = new ArrayList<>();
    messages.add(ModelMessage.user(question));
    while (true) {
      ModelResponse response = answer(messages);
      sizes.add(response.toolCalls().size());
      if (response.toolCalls().isEmpty()) {
        assertThat(response.stopReason()).isEqualTo(StopReason.END);
        return response.text();
      }
      assertThat(response.stopReason()).isEqualTo(StopReason.TOOL_USE);
      messages.add(response.toMessage());
      called.addAll(response.toolCalls());
      messages.add(ModelMessage.results(response.toolCalls().stream().map(tools).toList()));
      assertThat(messages).hasSizeLessThan(100);
    }
  }

  private ModelResponse answer(List<ModelMessage> messages) {
    return rehearsal.stream(request(messages), event -> {}, new CancelSignal());
  }

  private static ModelRequest request(List<ModelMessage> messages) {
    return ModelRequest.of(
        "rehearsal",
        "You are Guide.",
        messages,
        List.of(
            new ToolSpec("agents_list", "", OBJECT),
            new ToolSpec("agents_create", "", OBJECT),
            new ToolSpec("lab_increment", "", OBJECT),
            new ToolSpec("lab_hang", "", OBJECT),
            new ToolSpec(
                "agent_Clerk",
                "",
                """
                {"type":"object","required":["count","task"],"properties":
                  {"other":{"type":"string"},"count":{"type":"integer"},"task":{"type":"string"}}}
                """)));
  }

  private static ToolResult agents(ToolUse call) {
    return new ToolResult(
        call.id(),
        call.name().equals("agents_create")
            ? "{\"id\":\"a-3\",\"name\":\"x\"}"
            : "{\"agents\":[{\"name\":\"Guide\"},{\"name\":\"Clerk\"}]}",
        false);
  }

  private static ToolResult error(ToolUse call, String message) {
    return new ToolResult(call.id(), message, true);
  }
}
