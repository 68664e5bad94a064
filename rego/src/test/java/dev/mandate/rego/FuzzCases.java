package dev.mandate.rego;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.mandate.rego.builtins.Builtins;
import dev.mandate.rego.builtins.Types;
import dev.mandate.rego.value.ArrayValue;
import dev.mandate.rego.value.BooleanValue;
import dev.mandate.rego.value.NullValue;
import dev.mandate.rego.value.NumberValue;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.SetValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the cases of {@link FuzzTest}. A seed makes the same case again, whatever came before it.
 */
final class FuzzCases {
  /** What is tried: a module, or one that is known to compile, and an input. */
  record Case(String kind, String source, @Nullable Value input, Limits limits) {}

  private static final Limits LIMITS =
      new Limits(20_000, java.time.Duration.ofMillis(500), 50_000, 50_000, 200);
  private static final Pattern TOKEN =
      Pattern.compile(
          "\"(?:[^\"\\\\\\n]|\\\\.)*+\"|`[^`]*+`|[\\p{L}_][\\w]*|\\d[\\w.]*|#[^\\n]*|\\s+|:=|[=!<>]=|.",
          Pattern.DOTALL);
  private static final List<String> WORDS =
      List.of(
          "p",
          "q",
          "f",
          "x",
          "y",
          "_",
          "input",
          "data",
          "data.t.p",
          "input.a",
          "1",
          "2.5",
          "1e400",
          "\"a\"",
          "`b`",
          "true",
          "false",
          "null",
          "[",
          "]",
          "{",
          "}",
          "(",
          ")",
          ",",
          ":",
          ";",
          ":=",
          "=",
          "==",
          "!=",
          "<",
          ">=",
          "+",
          "-",
          "*",
          "/",
          "%",
          "&",
          "|",
          ".",
          "\n",
          " ",
          "if",
          "contains",
          "else",
          "default",
          "not",
          "some",
          "every",
          "in",
          "with",
          "as",
          "import",
          "package",
          "count(",
          "sprintf(",
          "set()",
          "walk(",
          "numbers.range(",
          "json.patch(",
          "regex.match(",
          "time.format(",
          "$\"{",
          "}\"",
          "object.union(",
          "net.cidr_expand(",
          "units.parse(",
          "io.jwt.decode(",
          "split(",
          "graph.reachable_paths(",
          "# METADATA\n",
          "import rego.v1\n",
          "\u0000",
          "é",
          "\uD800",
          "\"\\u",
          "'");
  private static final List<String> NESTED =
      List.of(
          "[ ]",
          "{ }",
          "{\"a\": }",
          "( )",
          "-( )",
          "not ",
          "f( )",
          "count( )",
          "[x | x := ]",
          "{x | x := }",
          "{1: x | x := }",
          "input[ ]",
          "$\"{ }\"",
          "1 + ",
          "x | y := ",
          "every z in [1] { }",
          "{1} | ",
          "data.t.p[ ]",
          "sprintf(\"%v\", [ ])",
          "a.");
  private static final List<String> PROGRAMS =
      List.of(
          "p := [[a, b, c] | some a in numbers.range(1, N); some b in numbers.range(1, N); some c in [a]]",
          "p := concat(\"\", [x | some i in numbers.range(1, N); x := sprintf(\"%0*d\", [i, i])])",
          "f(x) := y if { y := x + 1 }\np := f(f(f(N)))",
          "p := {x | walk(input, [_, x])}\nq := count(p) * N",
          "p := sum([x * N | some x in numbers.range(1, N)])",
          "p := json.unmarshal(json.marshal([y | some x in numbers.range(1, N); y := [x, input]]))",
          "a := b\nb := c\nc := [x | some x in numbers.range(N, 1)]\np := [a, b, c, object.union_n([{\"x\": x} | some x in a])]",
          "p := regex.find_all_string_submatch_n(`(a*)*b`, concat(\"a\", [\"b\" | some _ in numbers.range(1, N)]), -1)",
          "p := replace(concat(\"\", [\"ab\" | some _ in numbers.range(1, N)]), \"a\", \"bbbbbbbbbbbbbbbb\")",
          "p := bits.lsh(1, N)\nq := p * p * p",
          "g[x] := [y | some y in numbers.range(1, 5); y != x] if some x in numbers.range(1, N)\np := graph.reachable_paths(g, {1})",
          "p := to_number(sprintf(\"1e%d\", [N])) + 1",
          "p contains [x, y] if { some x in input; some y in input; x != y; N > 1 }",
          "p := round(N * 1e300) % 7\nq := 2 / N\nr := abs(-N) ",
          "p := net.cidr_expand(sprintf(\"10.0.0.0/%d\", [N]))",
          "p := strings.render_template(`{{range .x}}{{range $.x}}{{.}}{{end}}{{end}}`, {\"x\": numbers.range(1, N)})");
  private static final List<String> TEXTS =
      List.of(
          "",
          "a",
          "A.b/c",
          "*",
          "**/{a,b}[!x]",
          "(a*)*$",
          "(?i)[[:alpha:]]{1,1000}",
          "\\",
          "%d %s %v %!x",
          "%999999999d",
          "10.0.0.0/8",
          "::/0",
          "999.1.1.1/99",
          "2026-11-21T12:00:00Z",
          "1h3m",
          "-9223372036854775808ns",
          "Mon Jan 2",
          "1e999999999",
          "0x1p-2",
          "-0",
          "NaN",
          "1Ki",
          "10E",
          "{\"a\": [1]}",
          "[[[[",
          "a: &x [*x]",
          "!!java/x y",
          "eyJhbGciOiJub25lIn0.e30.",
          "..",
          "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
          "/a/0/~1",
          "{{.x}}",
          "{{range .}}",
          "1.2.3-rc.1+b",
          "v1",
          "\uD800",
          "\u0000",
          "é\u0301",
          "\u202Eabc",
          "%zz&a=b;c",
          "Europe/Berlin",
          "Nowhere/X",
          "sha256",
          "HS256",
          "AAAA====",
          "package x\np := 1",
          "data.x[_]",
          "#/definitions/a",
          "urn:uuid:x");

  private static final List<String> NUMBERS =
      List.of(
          "0.1",
          "-0.0",
          "1e308",
          "1e-400",
          "123456789012345678901234567890",
          "-9223372036854775808",
          "1e20",
          "64",
          "1795262400000000000");
  private static final List<String> KEYS = List.of("a", "op", "path", "value", "x", "alg", "k");

  private final List<List<String>> corpus = new ArrayList<>();
  private final List<String> policies = new ArrayList<>();

  /** Reads the modules to start from: those of the conformance suite, and the starter library. */
  FuzzCases() throws IOException {
    var mapper = new ObjectMapper();
    try (Stream<Path> files = Files.list(Path.of("src/test/resources/conformance"))) {
      for (Path f : files.filter(p -> p.toString().endsWith(".json")).sorted().toList()) {
        for (JsonNode c : mapper.readTree(f.toFile()).get("cases")) {
          for (JsonNode m : c.path("modules")) {
            corpus.add(tokens(m.textValue()));
          }
        }
      }
    }
    try (Stream<Path> files =
        Files.list(Path.of("../server/src/main/resources/policies/starter"))) {
      for (Path f : files.sorted().toList()) {
        String source = Files.readString(f);
        corpus.add(tokens(source));
        if (!f.toString().endsWith("_test.rego")) {
          policies.add(source);
        }
      }
    }
  }

  Case of(long seed) {
    var r = new Random(seed * 0x9E3779B97F4A7C15L);
    return switch (r.nextInt(20)) {
      case 0, 1, 2 -> new Case("words", words(r), value(r, 3), LIMITS);
      case 3, 4, 5, 6, 7 -> new Case("mutation", mutation(r), value(r, 3), LIMITS);
      case 8 -> new Case("nesting", nesting(r), nested(r), LIMITS);
      case 9, 10, 11, 12, 13, 14 -> builtin(r);
      case 15, 16, 17 -> new Case("hostile input", pick(r, policies), request(r), LIMITS);
      default -> new Case("limits", program(r), value(r, 3), limits(r));
    };
  }

  private static String words(Random r) {
    var s = new StringBuilder(r.nextInt(20) == 0 ? "" : "package t\n");
    int n = r.nextInt(40);
    for (int k = 0; k < n; k++) {
      s.append(pick(r, WORDS)).append(r.nextInt(3) > 0 ? " " : "");
    }
    return s.toString();
  }

  // Works on tokens, so that most of a module stays what it was and the parser gets far into it.
  private String mutation(Random r) {
    List<String> tokens = new ArrayList<>(pick(r, corpus));
    List<String> others = pick(r, corpus);
    for (int k = 1 + r.nextInt(3); k > 0 && !tokens.isEmpty(); k--) {
      int at = r.nextInt(tokens.size());
      int to = Math.min(tokens.size(), at + 1 + r.nextInt(8));
      switch (r.nextInt(20)) {
        case 0 -> tokens.subList(at, to).clear();
        case 1 -> tokens.addAll(at, List.copyOf(tokens.subList(at, to)));
        case 2 -> tokens.set(at, pick(r, WORDS));
        case 3 -> tokens.add(at, pick(r, WORDS));
        case 4 -> tokens.set(at, tokens.get(r.nextInt(tokens.size())));
        case 5 -> {
          int from = r.nextInt(Math.max(1, others.size()));
          tokens.addAll(
              at,
              List.copyOf(others.subList(from, Math.min(others.size(), from + 1 + r.nextInt(20)))));
        }
        case 6 -> {
          String t = tokens.get(at);
          int i = r.nextInt(t.length());
          tokens.set(
              at,
              t.substring(0, i)
                  + (char) (r.nextInt(4) == 0 ? r.nextInt(0x10000) : 32 + r.nextInt(95))
                  + t.substring(i + 1));
        }
        default -> alike(r, tokens, others);
      }
    }
    return String.join("", tokens);
  }

  // One token for another of its kind: a name for a name, a literal for a literal.
  private static void alike(Random r, List<String> tokens, List<String> others) {
    for (int tries = 0; tries < 50 && !others.isEmpty(); tries++) {
      int at = r.nextInt(tokens.size());
      String other = r.nextBoolean() ? pick(r, tokens) : pick(r, others);
      if (kind(tokens.get(at)) == kind(other)
          && !tokens.get(at).equals(other)
          && !other.isBlank()) {
        tokens.set(at, other);
        return;
      }
    }
  }

  private static int kind(String token) {
    char c = token.charAt(0);
    if (Character.isLetter(c) || c == '_') {
      return 0;
    }
    if (Character.isDigit(c) || c == '"' || c == '`') {
      return 1;
    }
    return "=!<>+-*/%&|".indexOf(c) >= 0 ? 2 : "[{(".indexOf(c) >= 0 ? 3 : 4 + c;
  }

  private static List<String> tokens(String source) {
    var out = new ArrayList<String>();
    Matcher m = TOKEN.matcher(source);
    while (m.find()) {
      out.add(m.group());
    }
    return out;
  }

  private static String nesting(Random r) {
    int depth = 1 << r.nextInt(15);
    boolean mixed = r.nextBoolean();
    String one = pick(r, NESTED);
    var open = new StringBuilder("package t\np := ");
    var close = new StringBuilder();
    for (int k = 0; k < depth; k++) {
      String n = mixed ? pick(r, NESTED) : one;
      int gap = n.lastIndexOf(' ');
      open.append(n, 0, gap < 0 ? n.length() : gap);
      if (gap >= 0 && r.nextInt(depth) > 0) {
        close.append(new StringBuilder(n.substring(gap + 1)).reverse());
      }
    }
    return open.append(r.nextBoolean() ? "1" : "").append(close.reverse()).append('\n').toString();
  }

  private static Value nested(Random r) {
    Value v = NumberValue.of(1);
    int depth = 1 << r.nextInt(9);
    for (int k = 0; k < depth; k++) {
      v = r.nextBoolean() ? ArrayValue.of(v) : ObjectValue.builder().put("a", v).build();
    }
    return v;
  }

  // Typed: literals, so that the compiler looks at them. Untyped: from the input, past its checks.
  private static Case builtin(Random r) {
    String name = pick(r, Builtins.provided());
    var s =
        new StringBuilder("package t\np contains z if { some x in [1, \"a\", [2]]; z := ")
            .append(name)
            .append('(');
    var inputs = new ArrayList<Value>();
    Builtins.Def def = Objects.requireNonNull(Builtins.find(name, CompileOptions.DEFAULT));
    int n = r.nextInt(20) == 0 ? r.nextInt(5) : def.arity();
    for (int k = 0; k < n; k++) {
      Value v = value(r, 3);
      // Mostly of a type that it takes: what it does not take, it never sees.
      for (int t = 0; t < 8 && k < def.arity() && (def.argument(k) & Types.of(v)) == 0; t++) {
        v = value(r, 3);
      }
      s.append(k > 0 ? ", " : "");
      if (r.nextInt(4) == 0) {
        s.append(r.nextBoolean() ? "x" : v.toString());
      } else {
        s.append("input[").append(inputs.size()).append(']');
        inputs.add(v);
      }
    }
    return new Case("builtin " + name, s.append(") }\n").toString(), ArrayValue.of(inputs), LIMITS);
  }

  // The document of the policy contract with values of any kind, or none, in the places they read.
  private static Value request(Random r) {
    var b = ObjectValue.builder();
    put(
        r,
        b,
        "action",
        new StringValue(pick(r, List.of("tools.call", "models.use", "agents.create", ""))));
    var subject = ObjectValue.builder();
    put(r, subject, "kind", new StringValue("agent"));
    put(r, subject, "id", value(r, 1));
    put(r, subject, "roles", value(r, 2));
    put(
        r,
        subject,
        "chain",
        ArrayValue.of(ObjectValue.builder().put("kind", value(r, 1)).build(), value(r, 2)));
    put(r, b, "subject", subject.build());
    var resource = ObjectValue.builder();
    put(r, resource, "type", new StringValue(pick(r, List.of("tool", "method", "model"))));
    put(
        r,
        resource,
        "name",
        new StringValue(
            pick(r, List.of("code/bash", "bank/transfer", "mail/send", "shop/refund", "x/y"))));
    for (String key : List.of("source", "risk", "labels", "tokens", "cost_micros")) {
      put(r, resource, key, value(r, 2));
    }
    var arguments = ObjectValue.builder();
    for (String key : List.of("command", "argv", "amount", "currency", "to", "total", "subject")) {
      put(r, arguments, key, r.nextBoolean() ? new StringValue(shell(r)) : value(r, 3));
    }
    put(r, resource, "arguments", arguments.build());
    put(r, b, "resource", resource.build());
    var env = ObjectValue.builder();
    put(r, env, "time_ns", value(r, 1));
    var run = ObjectValue.builder();
    put(r, run, "id", value(r, 1));
    put(r, run, "labels", value(r, 2));
    put(r, env, "run", run.build());
    put(r, b, "env", env.build());
    return b.build();
  }

  private static void put(Random r, ObjectValue.Builder b, String key, Value likely) {
    if (r.nextInt(8) > 0) {
      b.put(key, r.nextInt(10) == 0 ? value(r, 3) : likely);
    }
  }

  private static String shell(Random r) {
    List<String> words =
        List.of(
            "rm",
            "-rf",
            "/",
            "~",
            "git",
            "push",
            "--force",
            "config",
            "-c",
            "curl",
            "|",
            "sh",
            "&&",
            ";",
            "$(",
            ")",
            "`",
            "'",
            "\"",
            "\\",
            "env",
            "A=b",
            ":(){ :|:& };:",
            "\n",
            ">",
            "/dev/sda",
            "sudo",
            "{",
            "}");
    var s = new StringBuilder();
    int n = r.nextInt(40) == 0 ? 2_000 : r.nextInt(20);
    for (int k = 0; k < n; k++) {
      s.append(pick(r, words)).append(r.nextInt(3) > 0 ? " " : "");
    }
    return s.toString();
  }

  private static String program(Random r) {
    String n = String.valueOf(r.nextInt(4) == 0 ? r.nextLong() : 1L << r.nextInt(24));
    return "package t\n" + pick(r, PROGRAMS).replace("N", n) + "\n";
  }

  private static Limits limits(Random r) {
    return new Limits(
        1L << r.nextInt(24),
        java.time.Duration.ofMillis(1L + r.nextInt(500)),
        1L << r.nextInt(20),
        1L << r.nextInt(20),
        1 << r.nextInt(11));
  }

  private static Value value(Random r, int depth) {
    return switch (r.nextInt(depth > 0 ? 12 : 8)) {
      case 0 -> NullValue.NULL;
      case 1 -> r.nextBoolean() ? BooleanValue.TRUE : BooleanValue.FALSE;
      case 2 -> NumberValue.of(r.nextInt(2) == 0 ? r.nextInt(20) - 5 : r.nextLong());
      case 3 -> NumberValue.of(pick(r, NUMBERS));
      case 4 -> new StringValue(pick(r, TEXTS).repeat(r.nextInt(50) == 0 ? 500 : 1));
      case 5, 6, 7 -> new StringValue(pick(r, TEXTS));
      default -> collection(r, depth - 1);
    };
  }

  private static Value collection(Random r, int depth) {
    var items = new ArrayList<Value>();
    int n = r.nextInt(100) == 0 ? 300 : r.nextInt(4);
    for (int k = 0; k < n; k++) {
      items.add(value(r, depth));
    }
    if (r.nextInt(3) == 0) {
      return SetValue.of(items);
    }
    if (r.nextBoolean()) {
      return ArrayValue.of(items);
    }
    var b = ObjectValue.builder();
    for (Value item : items) {
      b.put(r.nextInt(5) == 0 ? value(r, 1) : new StringValue(pick(r, KEYS)), item);
    }
    return b.build();
  }

  private static <T> T pick(Random r, List<T> from) {
    return from.get(r.nextInt(from.size()));
  }
}
