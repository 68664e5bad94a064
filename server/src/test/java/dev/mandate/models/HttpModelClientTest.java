package dev.mandate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressSettings;
import dev.mandate.models.ModelFailure.Kind;
import dev.mandate.models.ModelMessage.Opaque;
import dev.mandate.models.ModelMessage.ToolResult;
import dev.mandate.models.ModelMessage.ToolUse;
import dev.mandate.models.ModelRequest.ToolSpec;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both protocols over real sockets, with a provider that misbehaves. */
final class HttpModelClientTest {
  private static final String KEY = "sk-very-secret-0123456789";

  private ScriptedProvider provider;
  private EgressClient egress;

  /** The protocols. */
  enum Face {
    OPENAI,
    ANTHROPIC
  }

  @BeforeEach
  void start() {
    provider = ScriptedProvider.start();
    egress = new EgressClient(EgressSettings.defaults());
  }

  @AfterEach
  void stop() {
    egress.close();
    provider.close();
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void leadsAConversationWithToolsInAnyPieces(Face face) {
    for (int piece : new int[] {0, 1, 7}) {
      provider.writeInPiecesOf(piece);
      List<ModelMessage> messages = new ArrayList<>();
      messages.add(
          ModelMessage.user("Which agents do we have? Then add one named Scribe that writes."));
      List<String> called = new ArrayList<>();
      ModelResponse response = call(face, messages);
      while (!response.toolCalls().isEmpty()) {
        messages.add(response.toMessage());
        List<ToolResult> results = new ArrayList<>();
        for (ToolUse call : response.toolCalls()) {
          called.add(call.name());
          results.add(new ToolResult(call.id(), "{\"agents\":[{\"name\":\"Guide\"}]}", false));
        }
        messages.add(ModelMessage.results(results));
        response = call(face, messages);
      }
      assertThat(called).containsExactly("agents_list", "agents_create");
      assertThat(response.text()).isEqualTo("There are 1 agents: Guide. Added Scribe.");
      assertThat(response.stopReason()).isEqualTo(StopReason.END);
      assertThat(response.usage().estimated()).isFalse();
    }
  }

  @Test
  void bringsSignedReasoningBackWithTheToolsResult() {
    provider.enqueue(
        ScriptedReply.call("toolu_1", "agents_list", "{}").thinking("I should look first."));
    List<ModelMessage> messages = new ArrayList<>();
    messages.add(ModelMessage.user("hello"));
    ModelResponse response = call(Face.ANTHROPIC, messages);
    assertThat(response.parts().getFirst()).isInstanceOf(Opaque.class);
    // Through the stored form, as the step log keeps it.
    messages.add(ModelJson.readResponse(ModelJson.write(response)).toMessage());
    messages.add(ModelMessage.results(List.of(new ToolResult("toolu_1", "[]", false))));
    provider.enqueue(ScriptedReply.text("done"));
    assertThat(call(Face.ANTHROPIC, messages).text()).isEqualTo("done");
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void tellsErrorsApart(Face face) {
    assertThat(fails(face, ScriptedReply.rateLimited(7)))
        .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.RATE_LIMITED))
        .satisfies(e -> assertThat(e.retryAfter()).isEqualTo(Duration.ofSeconds(7)))
        .satisfies(e -> assertThat(e.retryable()).isTrue());
    assertThat(fails(face, ScriptedReply.overloaded()).kind()).isEqualTo(Kind.OVERLOADED);
    assertThat(fails(face, ScriptedReply.status(500, "api_error", "oops")).kind())
        .isEqualTo(Kind.OVERLOADED);
    ModelFailure invalid =
        fails(face, ScriptedReply.status(400, "invalid_request_error", "no such field: x"));
    assertThat(invalid.kind()).isEqualTo(Kind.INVALID_REQUEST);
    assertThat(invalid.publicMessage()).contains("no such field: x");
    assertThat(
            fails(
                    face,
                    ScriptedReply.status(
                        400, "invalid_request_error", "prompt is too long: 300 tokens > 200"))
                .kind())
        .isEqualTo(Kind.CONTEXT_TOO_LONG);
    assertThat(fails(face, ScriptedReply.status(429, "insufficient_quota", "no money")).kind())
        .isEqualTo(Kind.QUOTA);
    assertThat(fails(face, ScriptedReply.status(404, "not_found_error", "model: m")).kind())
        .isEqualTo(Kind.INVALID_REQUEST);
    assertThat(
            fails(
                    face,
                    ScriptedReply.text("some")
                        .with(new ScriptedReply.ErrorInStream("overloaded_error", "Overloaded")))
                .kind())
        .isEqualTo(Kind.OVERLOADED);
    assertThat(fails(face, ScriptedReply.text("").with(new ScriptedReply.Garbage())).kind())
        .isEqualTo(Kind.PROTOCOL);
    assertThat(
            fails(face, ScriptedReply.text("Grüße 世界").with(new ScriptedReply.CutAfter(333)))
                .kind())
        .isEqualTo(Kind.NETWORK);
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void neverPassesTheKeyOn(Face face) {
    provider.requireKey("another");
    ModelFailure refused =
        catchThrowableOfType(ModelFailure.class, () -> call(face, List.of(ModelMessage.user("x"))));
    assertThat(refused.kind()).isEqualTo(Kind.AUTH);
    assertThat(refused.publicMessage()).doesNotContain("secret");
    provider.requireKey(KEY);
    ModelFailure quoting =
        fails(face, ScriptedReply.status(400, "invalid_request_error", "bad: " + KEY));
    assertThat(quoting.publicMessage()).contains("[key]").doesNotContain("secret");
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void noticesAStallAndHangsUp(Face face) {
    provider.enqueue(ScriptedReply.text("some text").with(new ScriptedReply.StallAfter(400)));
    ModelFailure failure =
        catchThrowableOfType(
            ModelFailure.class,
            () ->
                client(face, Duration.ofSeconds(2)).stream(
                    request(ModelMessage.user("x")), event -> {}, new CancelSignal()));
    assertThat(failure.kind()).isEqualTo(Kind.STALLED);
    assertThat(failure.retryable()).isTrue();
    await().untilAsserted(() -> assertThat(provider.abandoned()).isEqualTo(1));
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void aCancelEndsTheCallAndTheConnectionWithinAMoment(Face face) throws Exception {
    provider.enqueue(ScriptedReply.text("word ".repeat(2000)).slowly(Duration.ofMillis(20)));
    CancelSignal cancel = new CancelSignal();
    CountDownLatch began = new CountDownLatch(1);
    CompletableFuture<ModelResponse> running =
        CompletableFuture.supplyAsync(
            () ->
                client(face, Duration.ofSeconds(30)).stream(
                    request(ModelMessage.user("x")), event -> began.countDown(), cancel),
            task -> Thread.ofVirtual().start(task));
    assertThat(began.await(10, TimeUnit.SECONDS)).isTrue();
    cancel.cancel();
    assertThatThrownBy(() -> running.get(10, TimeUnit.SECONDS))
        .cause()
        .isInstanceOf(ModelFailure.class)
        .extracting(e -> ((ModelFailure) e).kind())
        .isEqualTo(Kind.CANCELLED);
    await().untilAsserted(() -> assertThat(provider.abandoned()).isEqualTo(1));
  }

  @Test
  void whatTheSinkThrowsEndsTheCall() {
    provider.enqueue(ScriptedReply.text("word ".repeat(500)).slowly(Duration.ofMillis(5)));
    assertThatThrownBy(() ->
            client(Face.OPENAI, Duration.ofSeconds(30)).stream(
                request(ModelMessage.user("x")),
                event -> {
                  throw new IllegalStateException("enough");
                },
                new CancelSignal()))
        .hasMessage("enough");
    await().untilAsserted(() -> assertThat(provider.abandoned()).isEqualTo(1));
  }

  @Test
  void aPrivateAddressIsBlockedUnlessItIsTheInstallations() {
    ModelClient guarded =
        new HttpModelClient(
            egress,
            new OpenAiChatCodec(Provider.OPENAI),
            provider.openAiBaseUrl(),
            KEY,
            false,
            HttpModelClient.Limits.DEFAULT);
    ModelFailure failure =
        catchThrowableOfType(
            ModelFailure.class,
            () -> guarded.stream(request(ModelMessage.user("x")), event -> {}, new CancelSignal()));
    assertThat(failure.kind()).isEqualTo(Kind.BLOCKED);
    assertThat(failure.publicMessage()).contains("MANDATE_EGRESS_ALLOW");
  }

  private ModelFailure fails(Face face, ScriptedReply reply) {
    provider.enqueue(reply);
    return catchThrowableOfType(
        ModelFailure.class, () -> call(face, List.of(ModelMessage.user("x"))));
  }

  private ModelResponse call(Face face, List<ModelMessage> messages) {
    return client(face, Duration.ofSeconds(30)).stream(
        request(messages.toArray(new ModelMessage[0])), event -> {}, new CancelSignal());
  }

  private ModelClient client(Face face, Duration stall) {
    return new HttpModelClient(
        egress,
        face == Face.OPENAI ? new OpenAiChatCodec(Provider.OPENAI) : new AnthropicCodec(),
        face == Face.OPENAI ? provider.openAiBaseUrl() : provider.anthropicBaseUrl(),
        KEY,
        true,
        new HttpModelClient.Limits(stall, Duration.ofMinutes(1)));
  }

  private static ModelRequest request(ModelMessage... messages) {
    String schema = "{\"type\":\"object\",\"properties\":{}}";
    return ModelRequest.of(
        "scripted",
        "You are Guide.",
        List.of(messages),
        List.of(
            new ToolSpec("agents_list", "Lists.", schema),
            new ToolSpec("agents_create", "Adds.", schema)));
  }
}
