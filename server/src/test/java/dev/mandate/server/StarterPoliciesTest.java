package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.rego.CompileOptions;
import dev.mandate.rego.Policy;
import dev.mandate.rego.Rego;
import dev.mandate.rego.RegoModule;
import dev.mandate.rego.syntax.Annotation;
import dev.mandate.rego.syntax.Formatter;
import dev.mandate.rego.syntax.ModuleAst;
import dev.mandate.rego.syntax.RegoVersion;
import dev.mandate.rego.tool.TestRunner;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The starter library passes its own tests and keeps to what its page says. */
class StarterPoliciesTest {
  private static final Path FOLDER = Path.of("src/main/resources/policies/starter");
  private static final Path PAGE = Path.of("../docs/policies-starter.md");

  static List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(n -> !n.endsWith("_test.rego"))
          .map(n -> n.replace(".rego", ""))
          .sorted()
          .toList();
    }
  }

  private static RegoModule module(String name) throws IOException {
    return RegoModule.of(name + ".rego", Files.readString(FOLDER.resolve(name + ".rego")));
  }

  @ParameterizedTest
  @MethodSource("names")
  @DisplayName("a policy passes its tests, which reach nine tenths of it, and is formatted")
  void tests(String name) throws IOException {
    List<RegoModule> modules = List.of(module(name), module(name + "_test"));
    TestRunner.Report report = TestRunner.run(modules, ObjectValue.EMPTY, true);
    assertThat(report.results()).isNotEmpty();
    assertThat(report.results()).allMatch(r -> r.status() == TestRunner.Status.PASS);
    assertThat(report.coverage())
        .filteredOn(c -> c.file().equals(name + ".rego"))
        .hasSize(1)
        .allMatch(c -> c.covered().size() >= 9 * c.missed().size());
    for (RegoModule m : modules) {
      assertThat(Formatter.format(m.file(), m.source(), RegoVersion.V1)).isEqualTo(m.source());
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  @DisplayName("a policy says what it is and what to adapt, in the package of its name")
  void header(String name) throws IOException {
    ModuleAst ast = Rego.parse(module(name));
    assertThat(ast.path()).containsExactly("mandate", "policies", name);
    Annotation header = ast.annotations().getFirst();
    assertThat(header.scope()).isEqualTo("package");
    assertThat(text(header.content(), "title")).isNotBlank();
    assertThat(text(header.content(), "description")).isNotBlank();
    assertThat(header.content().get(new StringValue("custom"))).isNotNull();
    assertThat(Files.readString(PAGE)).contains("`" + name + "`");
  }

  @Test
  @DisplayName("all of them compile together, strictly, with nothing but known entry points")
  void together() throws IOException {
    List<RegoModule> modules =
        names().stream()
            .map(n -> {
              try {
                return module(n);
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            })
            .toList();
    Policy all = Rego.compile(modules, CompileOptions.DEFAULT.asStrict());
    for (String name : names()) {
      String path = "data.mandate.policies." + name;
      assertThat(all.rulePaths())
          .as(name)
          .containsAnyOf(path + ".deny", path + ".require_approval", path + ".obligations");
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  @DisplayName("a policy has no opinion on signing in, and none fails on an empty input")
  void silence(String name) throws IOException {
    Policy policy = Rego.compile(List.of(module(name)), CompileOptions.DEFAULT);
    Value person =
        Value.of(
            java.util.Map.of(
                "action",
                "sessions.delete",
                "subject",
                java.util.Map.of(
                    "kind",
                    "user",
                    "chain",
                    List.of(java.util.Map.of("kind", "user", "id", "1")))));
    for (String entry : Set.of("deny", "require_approval")) {
      var query = policy.prepare("data.mandate.policies." + name + "." + entry);
      for (Value input : List.of(person, ObjectValue.EMPTY)) {
        Value answer = query.evaluate(input).value();
        assertThat(answer == null ? "set()" : answer.toString()).isIn("set()", "[]", "{}");
      }
    }
  }

  private static String text(ObjectValue content, String key) {
    return content.get(new StringValue(key)) instanceof StringValue s ? s.value() : "";
  }
}
