package dev.mandate.rego;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.rego.value.Json;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.Value;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What evaluation answers, and how it ends when it cannot. */
class EvaluationTest {

  private static @Nullable String json(String module, String query, String input) {
    Value v = Rego.compile("t.rego", module).prepare(query).evaluate(Json.parse(input)).value();
    return v == null ? null : Json.write(v);
  }

  @ParameterizedTest(name = "{0} is {1}")
  @DisplayName("a rule named p has the value expected")
  @CsvSource(
      delimiter = '^',
      quoteCharacter = '~',
      textBlock =
          """
          p if not input.nothing == 1 ^ true
          p := 1 if { not input.nothing } else := 2 ^ 1
          p := 1 if { false } else := 2 if { false } else := 3 ^ 3
          p := [x, y] if { [x, [y]] = [1, [2]] } ^ [1,2]
          p contains x if { some x in [3, 1, 3] } ^ [1,3]
          p[k] := v if { some k, v in {"a": 1} } ^ {"a":1}
          p.a.b := 1 ^ {"a":{"b":1}}
          p.x[y] contains z if { some y, z in {"k": 1} } ^ {"x":{"k":[1]}}
          p := {x: y | some x, y in [7, 8]} ^ {"0":7,"1":8}
          p if { every x in [1, 2] { x > 0 } } ^ true
          p := x if { x := count(input) with input as [1, 2] } ^ 2
          p := x if { x := q with data.b as 5 }; q := data.b ^ 5
          p := f(2); f(x) := x * 2 ^ 4
          p := f("b"); f("a") := 1; f("b") := 2 ^ 2
          default p := 7; p := 1 if false ^ 7
          p := [path | walk({"a": [1]}, [path, 1])] ^ [["a",0]]
          p := $"{1 + 1} and {input.nothing}" ^ "2 and \\u003cundefined\\u003e"
          p := 1e3 + 1 ^ 1001
          p := 0.1 + 0.2 ^ 0.3
          p := 12345678901234567890123 * 10 ^ 123456789012345678901230
          p := {1: 2}[1] ^ 2
          p := {[1]: "x"}[[1]] ^ "x"
          p := x if { x := [y | y := input.xs[_]; y > 1] } ^ [2,3]
          p if { x := 1; y := x + 1; y == 2 } ^ true
          p if { y == x + 1; x = 1; y = 2 } ^ true
          p := data.test.q; q := 3 ^ 3
          p := x if { some i; input.xs[i] == 2; x := i } ^ 1
          """)
  void value(String rules, String expected) {
    String module =
        "package test\n"
            + rules.replace("; q :=", "\nq :=").replace("; f(", "\nf(").replace("; p :=", "\np :=");
    assertThat(json(module, "data.test.p", "{\"xs\": [1, 2, 3]}")).isEqualTo(expected);
  }

  @Test
  @DisplayName("negation looks arguments up before it negates, unless the module asks otherwise")
  void negation() {
    String body = "f(x) if x == 1\np if not f(input.nothing)\n";
    assertThat(json("package t\n" + body, "data.t.p", "{}")).isNull();
    assertThat(json("package t\nimport future.keywords.not\n" + body, "data.t.p", "{}"))
        .isEqualTo("true");
  }

  @Test
  @DisplayName("with replaces what a name of the package or of an import stands for")
  void withByName() {
    String module =
        """
        package t
        import data.t as me
        import input.a as i
        r := 1
        q := [r, input.a.b]
        p contains x if x := q with r as 2
        p contains x if x := q with me.r as 3
        p contains x if x := q with i.b as 4
        """;
    assertThat(json(module, "data.t.p", "{\"a\": {\"b\": 0}}")).isEqualTo("[[1,4],[2,0],[3,0]]");
  }

  @Test
  @DisplayName("a v0 module defines a set with deny[msg] beside v1 modules")
  void bothDialects() {
    var modules =
        List.of(
            RegoModule.v0(
                "old.rego", "package old\ndeny[msg] { msg := \"no\" }\nallow { input.x == 1 }"),
            RegoModule.of("new.rego", "package new\ndeny contains m if some m in data.old.deny"));
    Policy p = Rego.compile(modules, CompileOptions.DEFAULT);
    assertThat(String.valueOf(p.prepare("data.new.deny").evaluate(null).value()))
        .isEqualTo("{\"no\"}");
  }

  @Test
  @DisplayName("an explanation names the rules that contributed, with file and line")
  void explanation() {
    Policy p =
        Rego.compile(
            "authz.rego",
            """
            package authz
            deny contains "a" if input.x == 1
            deny contains msg if {
              input.y == 2
              msg := "b"
            }
            deny contains "c" if input.x == 3
            """);
    Result r = p.prepare("data.authz.deny").evaluate(Value.of(Map.of("x", 1, "y", 2)));
    assertThat(r.contributions().stream().map(c -> c.location().line() + " " + c.value()))
        .containsExactly("2 \"a\"", "3 \"b\"");
    assertThat(r.rules().get(0)).hasToString("data.authz.deny at authz.rego:2:1");
    assertThat(r.steps()).isPositive();
  }

  @Test
  @DisplayName("doors to the outside are closed until the embedder opens them")
  void doors() {
    String source = "package t\np := http.send({\"method\": \"get\", \"url\": \"http://x\"})";
    Policy shut = Rego.compile("t.rego", source);
    assertThatThrownBy(() -> shut.prepare("data.t.p").evaluate(null))
        .hasMessageContaining("not enabled");
    CompileOptions.Door door = args -> Value.of(Map.of("status_code", 200));
    Policy open =
        Rego.compile(
            List.of(RegoModule.of("t.rego", source)),
            CompileOptions.DEFAULT.withDoors(Map.of("http.send", door)));
    assertThat(String.valueOf(open.prepare("data.t.p").evaluate(null).value()))
        .isEqualTo("{\"status_code\": 200}");
  }

  @Test
  @DisplayName("steps, time, memory and output are limited")
  void limits() {
    String loop =
        "package t\np := count([1 | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000); x == y])";
    Query q = Rego.compile("t.rego", loop).prepare("data.t.p");
    Query.Options o = Query.Options.DEFAULT;
    assertThatThrownBy(() -> q.evaluate(null, o.withLimits(Limits.DEFAULT.withSteps(10_000))))
        .isInstanceOf(EvalException.class)
        .hasMessageContaining("eval_limit_error")
        .hasMessageContaining("steps");
    assertThatThrownBy(
            () -> q.evaluate(null, o.withLimits(Limits.DEFAULT.withTime(Duration.ofMillis(5)))))
        .hasMessageContaining("longer than 5 ms");
    Query range =
        Rego.compile("t.rego", "package t\np := numbers.range(1, 100000)").prepare("data.t.p");
    assertThatThrownBy(() -> range.evaluate(null, o.withLimits(Limits.DEFAULT.withCells(1000))))
        .hasMessageContaining("cells of memory");
    assertThatThrownBy(
            () -> range.evaluate(null, o.withLimits(Limits.DEFAULT.withOutputCells(1000))))
        .hasMessageContaining("result is larger");
    assertThatThrownBy(() ->
            Rego.compile("t.rego", "package t\np := numbers.range(1, 1e15)")
                .prepare("data.t.p")
                .evaluate(null))
        .hasMessageContaining("cells of memory");
  }

  @Test
  @DisplayName("a long chain of rules ends in the engine's own error")
  void deepCalls() {
    var source = new StringBuilder("package t\np0 := [1]\n");
    for (int i = 1; i < 5000; i++) {
      source.append('p').append(i).append(" := [p").append(i - 1).append("]\n");
    }
    Query q = Rego.compile("t.rego", source.toString()).prepare("data.t.p4999");
    assertThatThrownBy(() -> q.evaluate(null))
        .isInstanceOf(EvalException.class)
        .hasMessageContaining("limit");
  }

  @Test
  @DisplayName("a long body and a long chain of loops run or end in the engine's own error")
  void longBodies() {
    String tests = "package t\np if {\n" + "input.x == 1\n".repeat(20_000) + "}";
    assertThat(json(tests, "data.t.p", "{\"x\": 1}")).isEqualTo("true");
    String loops = "package t\np if {\n" + "some x in [1]\n".replace("x", "x$").repeat(1) + "}";
    var source = new StringBuilder("package t\np if {\n");
    for (int i = 0; i < 20_000; i++) {
      source.append("some x").append(i).append(" in [1]\n");
    }
    source.append("}");
    assertThat(loops).isNotEmpty();
    try {
      Rego.compile("t.rego", source.toString()).prepare("data.t.p").evaluate(null);
    } catch (RegoException e) {
      assertThat(e.code()).isIn("eval_limit_error", "rego_compile_error");
    }
  }

  @Test
  @DisplayName("one policy serves many threads with the same answers")
  void threads() throws Exception {
    Policy p =
        Rego.compile(
            "t.rego",
            """
            package t
            sum[x] := y if { some x in input.xs; y := x * 2 }
            total := count([1 | some _ in sum])
            """);
    Query q = p.prepare("data.t");
    try (var pool = Executors.newFixedThreadPool(4)) {
      var futures = new ArrayList<java.util.concurrent.Future<String>>();
      for (int i = 0; i < 200; i++) {
        Value input = Value.of(Map.of("xs", List.of(i, i + 1, 5000)));
        futures.add(pool.submit(() -> String.valueOf(q.evaluate(input).value())));
      }
      for (int i = 0; i < 200; i++) {
        assertThat(futures.get(i).get()).contains("\"total\": 3").contains(i + ": " + 2 * i);
      }
    }
  }

  @Test
  @DisplayName("the clock is the caller's and stands still during an evaluation")
  void clock() {
    Clock clock = Clock.fixed(Instant.ofEpochSecond(1), ZoneOffset.UTC);
    Query q = Rego.compile("t.rego", "package t\np := time.now_ns()").prepare("data.t.p");
    assertThat(String.valueOf(q.evaluate(null, ObjectValue.EMPTY, Limits.DEFAULT, clock).value()))
        .isEqualTo("1000000000");
  }

  @Test
  @DisplayName("an index never changes the answer")
  void index() {
    var source = new StringBuilder("package t\n");
    for (int i = 0; i < 100; i++) {
      source
          .append("p contains ")
          .append(i)
          .append(" if { input.a == ")
          .append(i % 10)
          .append("; input.b == \"")
          .append(i % 3)
          .append("\" }\n");
    }
    source.append(
        "p contains \"in\" if input.a in {1, 2}\np contains \"any\" if true\np contains \"f\" if input.a == 1.0\n");
    String got = json(source.toString(), "data.t.p", "{\"a\": 1, \"b\": \"1\"}");
    assertThat(got).isEqualTo("[1,31,61,91,\"any\",\"f\",\"in\"]");
  }

  @Test
  @DisplayName("conflicting values of a complete rule are an error with its place")
  void conflict() {
    assertThatThrownBy(() ->
            json("package t\np := 1 if input.x\np := 2 if input.x", "data.t.p", "{\"x\": true}"))
        .isInstanceOfSatisfying(
            EvalException.class, e -> assertThat(e.code()).isEqualTo(EvalException.CONFLICT))
        .hasMessageContaining("t.rego:3:1");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("a pattern that would fill the memory is refused at once")
  @ValueSource(strings = {"((a{1000}){1000}){1000}", "((((x{10}){10}){10}){10})", "(a|b){1001}"})
  void hugePatterns(String regex) {
    Query q =
        Rego.compile("t.rego", "package t\np := regex.match(input, \"aaa\")").prepare("data.t.p");
    assertThatThrownBy(() -> q.evaluate(Value.of(regex), Query.Options.DEFAULT.strict()))
        .isInstanceOf(EvalException.class)
        .hasMessageContaining("regexp");
  }

  @ParameterizedTest(name = "{0}")
  @DisplayName("a value that doubles with each rule meets a limit before the memory does")
  @ValueSource(
      strings = {
        "[P, P]",
        "concat(\"\", [P, P])",
        "{\"a\": P, \"b\": P}",
        "json.marshal([P, P])",
        "sprintf(\"%s%s\", [P, P])"
      })
  void doubling(String step) {
    var source = new StringBuilder("package t\np0 := \"abc\"\n");
    for (int i = 1; i < 60; i++) {
      source
          .append('p')
          .append(i)
          .append(" := ")
          .append(step.replace("P", "p" + (i - 1)))
          .append('\n');
    }
    Query q = Rego.compile("t.rego", source.toString()).prepare("data.t.p59");
    assertThatThrownBy(() -> q.evaluate(null)).hasMessageContaining("eval_limit_error");
  }

  @Test
  @DisplayName("a Java value nested without end is refused, not followed")
  void deepInput() {
    Object deep = 1;
    for (int i = 0; i < 100_000; i++) {
      deep = List.of(deep);
    }
    Object value = deep;
    assertThatThrownBy(() -> Value.of(value)).isInstanceOf(Value.ValueTooLargeException.class);
  }
}
