package dev.mandate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressSettings;
import dev.mandate.models.ModelFailure.Kind;
import dev.mandate.models.ModelRequest.ToolSpec;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Providers that mean harm, or are broken: a call ends as a failure of a known kind, and soon. */
final class HostileModelsTest {
  private static final String KEY = "sk-very-secret-0123456789-0123456789";

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

  private ModelFailure fails(Face face, ScriptedReply reply) {
    return fails(
        face, reply, new HttpModelClient.Limits(Duration.ofSeconds(30), Duration.ofMinutes(1)));
  }

  private ModelFailure fails(Face face, ScriptedReply reply, HttpModelClient.Limits limits) {
    provider.enqueue(reply);
    Throwable thrown = catchThrowable(() -> call(face, limits));
    assertThat(thrown).as("%s", reply).isInstanceOf(ModelFailure.class);
    return (ModelFailure) thrown;
  }

  private ModelResponse call(Face face, HttpModelClient.Limits limits) {
    return new HttpModelClient(
            egress,
            codec(face),
            face == Face.OPENAI ? provider.openAiBaseUrl() : provider.anthropicBaseUrl(),
            KEY,
            true,
            limits)
        .stream(request(), event -> {}, new CancelSignal());
  }

  private static Codec codec(Face face) {
    return face == Face.OPENAI ? new OpenAiChatCodec(Provider.OPENAI) : new AnthropicCodec();
  }

  private static ModelRequest request() {
    String schema = "{\"type\":\"object\",\"properties\":{}}";
    return ModelRequest.of(
        "scripted",
        "You are Guide.",
        List.of(ModelMessage.user("hello")),
        List.of(new ToolSpec("agents_create", "Adds.", schema)));
  }

  private static ScriptedReply flood(String type, String first, String again, int times) {
    return ScriptedReply.text("").with(new ScriptedReply.Flood(type, first, again, times));
  }

  private static ScriptedReply once(String body) {
    return flood("text/event-stream", body, "", 0);
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void anAnswerThatEndsAnywhereIsCutOffAndNeverTakenForWhole(Face face) {
    var limits = new HttpModelClient.Limits(Duration.ofSeconds(30), Duration.ofMinutes(1));
    ScriptedReply reply =
        new ScriptedReply(
            "Grüße 世界 🙂",
            List.of(new ScriptedReply.Call("call_1", "agents_create", "{\"name\":\"Größe\"}")),
            new ScriptedReply.None(),
            Duration.ZERO,
            "");
    provider.enqueue(reply);
    ModelResponse whole = call(face, limits);
    int cut = 0;
    int complete = 0;
    // Some steps beyond its end, wherever that is.
    for (int bytes = 1; complete < 3; bytes += 23) {
      assertThat(bytes).isLessThan(10_000);
      provider.enqueue(reply.with(new ScriptedReply.CutAfter(bytes)));
      try {
        ModelResponse response = call(face, limits);
        assertThat(response.parts()).as("after %s bytes", bytes).isEqualTo(whole.parts());
        assertThat(response.stopReason()).isEqualTo(whole.stopReason());
        complete++;
      } catch (ModelFailure failure) {
        assertThat(failure.kind()).as("after %s bytes", bytes).isIn(Kind.NETWORK, Kind.PROTOCOL);
        assertThat(failure.retryable()).isTrue();
        assertThat(complete).as("whole answers that were shorter").isZero();
        cut++;
      }
    }
    assertThat(cut).isGreaterThan(60);
  }

  @Test
  void anAnswerHasBounds() {
    String text =
        "data: {\"choices\":[{\"delta\":{\"content\":\"" + "x".repeat(1 << 16) + "\"}}]}\n\n";
    ModelFailure gigabyte = fails(Face.OPENAI, flood("text/event-stream", "", text, 16_000));
    assertThat(gigabyte.kind()).isEqualTo(Kind.PROTOCOL);
    assertThat(gigabyte.publicMessage()).contains("longer than 4194304 characters");

    String thought =
        "data:"
            + " {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\""
            + "x".repeat(1 << 16)
            + "\"}}\n\n";
    String begin =
        "data:"
            + " {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n";
    assertThat(fails(Face.ANTHROPIC, flood("text/event-stream", begin, thought, 16_000)).kind())
        .isEqualTo(Kind.PROTOCOL);

    String calls =
        "data:"
            + " {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n";
    assertThat(fails(Face.OPENAI, flood("text/event-stream", "", calls, 100_000)).publicMessage())
        .contains("more than 128 tool calls");
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void aLineAnEventOrAStreamWithoutEndIsGivenUp(Face face) {
    assertThat(
            fails(face, flood("text/event-stream", "data: ", "x".repeat(1 << 16), 1_000_000))
                .publicMessage())
        .contains("a line of more than 8 MiB");
    assertThat(
            fails(
                    face,
                    flood(
                        "text/event-stream", "", "data: " + "x".repeat(1 << 16) + "\n", 1_000_000))
                .publicMessage())
        .contains("an event of more than 8 MiB");
    assertThat(
            fails(face, flood("text/event-stream", "", ": comment\n\n".repeat(6_000), 1_000_000))
                .publicMessage())
        .contains("more than 67108864 bytes");
    HttpModelClient.Limits brief =
        new HttpModelClient.Limits(Duration.ofSeconds(30), Duration.ofSeconds(1));
    assertThat(
            fails(
                    face,
                    flood("text/event-stream", "", ": still here\n\n", 1_000_000)
                        .slowly(Duration.ofMillis(10)),
                    brief)
                .kind())
        .isEqualTo(Kind.STALLED);
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void whatIsNoStreamIsNotTakenForOne(Face face) {
    assertThat(fails(face, flood("application/json", "{\"choices\":[]}", "", 0)).kind())
        .isEqualTo(Kind.PROTOCOL);
    assertThat(fails(face, flood("text/html", "<h1>Sign in</h1>", "", 0)).kind())
        .isEqualTo(Kind.PROTOCOL);
    assertThat(fails(face, once("")).kind()).isEqualTo(Kind.NETWORK);
    assertThat(fails(face, once("data: [1,2]\n\n")).kind()).isEqualTo(Kind.PROTOCOL);
    assertThat(fails(face, once("data: {\"a\":" + "[".repeat(5000) + "\n\n")).kind())
        .isEqualTo(Kind.PROTOCOL);
    assertThat(
            fails(
                    face,
                    once(
                        "event: error\n"
                            + "data:"
                            + " {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n"))
                .kind())
        .isEqualTo(Kind.OVERLOADED);
  }

  @Test
  void callsThatContradictThemselvesAreNoAnswer() {
    String begin =
        "data:"
            + " {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\"}}\n\n";
    assertThat(fails(Face.ANTHROPIC, once(begin + begin)).publicMessage())
        .contains("inside another");
    assertThat(fails(Face.ANTHROPIC, once(begin + "data: {\"type\":\"message_stop\"}\n\n")).kind())
        .isEqualTo(Kind.PROTOCOL);
    assertThat(
            fails(
                    Face.OPENAI,
                    once(
                        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\""
                            + "i".repeat(600)
                            + "\",\"function\":{\"name\":\"f\"}}]}}]}\n\n"))
                .publicMessage())
        .contains("endless id");
  }

  @Test
  void nobodyEarnsByCalling() {
    provider.enqueue(
        once(
            """
            data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}

            data: {"usage":{"prompt_tokens":-5000000000,"completion_tokens":9223372036854775807,\
            "prompt_tokens_details":{"cached_tokens":77}},"choices":[]}

            data: [DONE]

            """));
    TokenUsage usage =
        call(Face.OPENAI, new HttpModelClient.Limits(Duration.ofSeconds(30), Duration.ofMinutes(1)))
            .usage();
    assertThat(usage.input()).isEqualTo(0);
    assertThat(usage.cachedInput()).isEqualTo(0);
    assertThat(usage.output()).isEqualTo(1_000_000_000);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      textBlock =
          """
          -5 | none
          NaN | none
          1e999 | none
          soon | none
          99999999999999999999 | 3600
          Wed, 21 Oct 2015 07:28:00 GMT | 0
          Fri, 01 Jan 9999 00:00:00 GMT | 3600
          7 | 7
          """)
  void howLongToWaitIsAskedForInReason(String header, Long seconds) {
    ModelFailure failure =
        fails(
            Face.OPENAI,
            ScriptedReply.text("")
                .with(
                    new ScriptedReply.Status(
                        429, Map.of("retry-after", header), "rate_limit_error", "slow down")));
    assertThat(failure.kind()).isEqualTo(Kind.RATE_LIMITED);
    assertThat(failure.retryAfter())
        .isEqualTo(seconds == null ? null : Duration.ofSeconds(seconds));
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void aKeyThatIsQuotedIsNotPassedOnEvenWhereTheMessageIsCut(Face face) {
    for (int before = 330; before < 400; before += 7) {
      String message = "y".repeat(before) + " " + KEY + " " + "z".repeat(200);
      ModelFailure failure =
          fails(face, ScriptedReply.status(400, "invalid_request_error", message));
      assertThat(failure.publicMessage()).doesNotContain(KEY.substring(0, 6));
      assertThat(failure.publicMessage().length()).isLessThan(500);
      ModelFailure inStream =
          fails(
              face,
              ScriptedReply.text("some")
                  .with(new ScriptedReply.ErrorInStream("overloaded_error", message)));
      assertThat(inStream.publicMessage()).doesNotContain(KEY.substring(0, 6));
    }
  }

  @ParameterizedTest
  @EnumSource(Face.class)
  void whateverArrivesIsAnAnswerOrAFailureOfAKnownKind(Face face) {
    String whole =
        face == Face.OPENAI
            ? """
            data: {"model":"m","choices":[{"delta":{"content":"Hi","reasoning":"why"}}]}

            data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{"}}]}}]}

            data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]},"finish_reason":"tool_calls"}]}

            data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}

            data: [DONE]

            """
            : """
            event: message_start
            data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":3}}}

            data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}

            data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"why"}}

            data: {"type":"content_block_stop","index":0}

            data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"c1","name":"f","input":{}}}

            data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}

            data: {"type":"content_block_stop","index":1}

            data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":4}}

            data: {"type":"message_stop"}

            """;
    byte[] good = whole.getBytes(StandardCharsets.UTF_8);
    String[] swaps = {"null", "[]", "{}", "-1", "\"x\"", "1e400", "true", "\"\""};
    for (int seed = 0; seed < 3000; seed++) {
      Random random = new Random(seed);
      String text = whole;
      for (int i = random.nextInt(3); i >= 0; i--) {
        // Another value for one of a kind, or bytes turned round.
        int colon = text.indexOf(':', random.nextInt(text.length()));
        int end = colon < 0 ? -1 : text.indexOf(random.nextBoolean() ? ',' : '}', colon);
        if (end > 0) {
          text =
              text.substring(0, colon + 1)
                  + swaps[random.nextInt(swaps.length)]
                  + text.substring(end);
        }
      }
      byte[] bytes = random.nextInt(4) == 0 ? good.clone() : text.getBytes(StandardCharsets.UTF_8);
      for (int i = random.nextInt(4); i > 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      AnswerBuilder answer = new AnswerBuilder(event -> {});
      Codec.Decoder decoder = codec(face).decoder(request(), answer);
      Throwable thrown =
          catchThrowable(() -> {
            new SseParser(decoder::accept).accept(bytes);
            decoder.end();
            ModelJson.write(answer.response(request(), decoder.model()));
          });
      assertThat(thrown == null || thrown instanceof ModelFailure)
          .as("seed %s: %s", seed, thrown)
          .isTrue();
    }
  }
}
