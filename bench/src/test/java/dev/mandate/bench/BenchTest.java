package dev.mandate.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** That the benchmarks run and print what they promise; never how fast anything is. */
class BenchTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  private int run(String... args) {
    return Main.run(List.of(args), new PrintStream(bytes, true, StandardCharsets.UTF_8));
  }

  private String out() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  @DisplayName("the policy benchmark gives figures of all three engines, and the machine")
  void policy() throws Exception {
    int exit = run("policy", "--json", "--seconds", "0.05");
    JsonNode report = new ObjectMapper().readTree(out());
    // A machine under load may miss a budget; that is no wrong answer.
    assertThat(exit).isEqualTo(report.get("within_budgets").asBoolean() ? 0 : 1);
    List<String> names = report.get("figures").findValuesAsText("name");
    assertThat(names).anyMatch(n -> n.startsWith("25 rules, allowed: p50"));
    assertThat(names).anyMatch(n -> n.startsWith("200 rules"));
    assertThat(names).anyMatch(n -> n.startsWith("OPA WASM / ours"));
    assertThat(names).anyMatch(n -> n.startsWith("Cedar / ours"));
    assertThat(report.get("machine").get("cores").asInt()).isPositive();
  }

  @Test
  @DisplayName("what it does not know it refuses, and says what it knows")
  void usage() {
    assertThat(run("nothing")).isEqualTo(2);
    assertThat(run("policy", "--seconds", "none")).isEqualTo(2);
    assertThat(run("policy", "--fast")).isEqualTo(2);
    assertThat(out())
        .contains("nothing: no such benchmark", "--seconds:", "--fast: unknown option");
  }

  @Test
  @DisplayName("a wrong answer ends a benchmark")
  void wrongAnswer() {
    assertThat(
            org.assertj.core.api.Assertions.catchThrowable(
                () -> WrongAnswer.unless(false, "engine", "x")))
        .hasMessage("engine: got x");
  }

  @Test
  @DisplayName("percentiles are those of the sorted samples")
  void percentiles() {
    var nanos = new long[1_000];
    for (int i = 0; i < nanos.length; i++) {
      nanos[i] = (nanos.length - i) * 1_000L;
    }
    Samples s = Samples.of(nanos);
    assertThat(s.micros(0.5)).isEqualTo(501);
    assertThat(s.micros(0.99)).isEqualTo(991);
    assertThat(s.micros(1)).isEqualTo(1_000);
  }
}
