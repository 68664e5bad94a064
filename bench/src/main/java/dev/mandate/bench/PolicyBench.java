package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.styra.opa.wasm.OpaPolicy;
import dev.mandate.rego.CompileOptions;
import dev.mandate.rego.Policy;
import dev.mandate.rego.Query;
import dev.mandate.rego.Rego;
import dev.mandate.rego.RegoModule;
import dev.mandate.rego.Result;
import dev.mandate.rego.value.Json;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Decisions of our engine; in the same run, of OPA's WebAssembly route on the one policy it brings,
 * and of Cedar on a translation of our rules. All start from a parsed request where the library
 * takes one, and from its JSON text where it says so.
 */
final class PolicyBench {
  private static final int RULES = 25;
  private static final int MANY = 200;
  private static final String PATH = "data.mandate.policies.bench.deny";
  private static final String DEMO =
      """
      package opa.wasm.test
      default allowed := false
      allowed if {
        user := input.user
        data.role[user] == "admin"
      }
      """;
  private static final String DEMO_DATA = "{\"role\": {\"ada\": \"admin\", \"eve\": \"guest\"}}";

  private final Duration time;
  private final Report report = new Report("policy");

  PolicyBench(Duration time) {
    this.time = time;
  }

  Report run() {
    Query deny = Rego.compile("bench.rego", PolicyCases.rego(RULES)).prepare(PATH);
    PolicyCases.Case allowed = PolicyCases.allowed();
    PolicyCases.Case refused = PolicyCases.refused(RULES);

    Samples ours = measure(ours(deny, allowed));
    report.latency("25 rules, allowed:", ours);
    report.atMost("25 rules, allowed: p50 against the budget", ours.micros(0.5), "µs", 100);
    report.latency("25 rules, refused by 5:", measure(ours(deny, refused)));
    Samples oursFromText = measure(oursFromText(deny, allowed));
    report.latency("25 rules, from JSON text:", oursFromText);

    Query many = Rego.compile("bench.rego", PolicyCases.rego(MANY)).prepare(PATH);
    report.latency("200 rules, allowed:", measure(ours(many, allowed)));
    Query indexed = Rego.compile("bench.rego", PolicyCases.regoByAction(MANY)).prepare(PATH);
    var one = new PolicyCases.Case(allowed.json(), allowed.input(), Set.of(MANY / 2));
    report.latency("200 rules on different actions:", measure(ours(indexed, one)));

    compiling();
    opa(allowed);
    cedar(oursFromText);
    report.note("checksum " + Samples.consumed());
    return report;
  }

  private Samples measure(LongSupplier operation) {
    return Samples.measure(time, time, operation);
  }

  private static LongSupplier ours(Query query, PolicyCases.Case c) {
    Value expected = messages(c.refusing());
    return () -> {
      Result r = query.evaluate(c.input());
      WrongAnswer.unless(expected.equals(r.value()), "our engine", r.value());
      return r.steps();
    };
  }

  private static LongSupplier oursFromText(Query query, PolicyCases.Case c) {
    Value expected = messages(c.refusing());
    return () -> {
      Result r = query.evaluate(Json.parse(c.json()));
      WrongAnswer.unless(expected.equals(r.value()), "our engine", r.value());
      return r.steps();
    };
  }

  private static Value messages(Set<Integer> rules) {
    return Objects.requireNonNull(
        Rego.compile(
                "expected.rego",
                "package e\np contains m if { some n in input; m := sprintf(\"rule %d\", [n]) }")
            .prepare("data.e.p")
            .evaluate(Value.of(List.copyOf(rules)))
            .value());
  }

  private void compiling() {
    for (int rules : new int[] {RULES, MANY}) {
      List<RegoModule> modules = List.of(RegoModule.of("bench.rego", PolicyCases.rego(rules)));
      Samples s =
          measure(() -> {
            Policy p = Rego.compile(modules, CompileOptions.DEFAULT);
            WrongAnswer.unless(p.rulePaths().size() == 1, "compiling", p.rulePaths());
            return p.modules().size();
          });
      report.latency("compiling " + rules + " rules:", s);
    }
  }

  private void opa(PolicyCases.Case large) {
    OpaPolicy wasm = wasm();
    Query demo = Rego.compile("demo.rego", DEMO).prepare("data.opa.wasm.test.allowed");
    var mapper = new ObjectMapper();
    ObjectValue data = (ObjectValue) Json.parse(DEMO_DATA);
    Query.Options options = Query.Options.DEFAULT.withData(data);
    String small = "{\"user\": \"ada\"}";
    String big = large.json().replaceFirst("\\{", "{\"user\": \"ada\", ");
    for (String input : List.of(small, big)) {
      String size =
          input.equals(small) ? "small request" : "our request (" + big.length() + " bytes)";
      JsonNode tree;
      try {
        tree = mapper.readTree(input);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      Samples theirs =
          measure(() -> {
            String answer = wasm.evaluate(tree);
            WrongAnswer.unless(answer.equals("[{\"result\":true}]"), "OPA WASM", answer);
            return answer.length();
          });
      Samples ours =
          measure(() -> {
            Result r = demo.evaluate(Json.parse(input), options);
            WrongAnswer.unless("true".equals(String.valueOf(r.value())), "our engine", r);
            return r.steps();
          });
      report.latency("OPA WASM, its demo policy, " + size + ":", theirs);
      report.latency("ours, the same policy, from JSON text, " + size + ":", ours);
      report.figure(
          "OPA WASM / ours, p50, " + size, theirs.micros(0.5) / ours.micros(0.5), "times");
    }
    String no = wasm.evaluate("{\"user\": \"eve\"}");
    WrongAnswer.unless(no.equals("[{\"result\":false}]"), "OPA WASM, refusing", no);
    report.note(
        "OPA WASM runs the policy its library brings (one rule): rules of ours would need OPA's own"
            + " compiler. It is therefore compared on that policy, not on 25 rules.");
  }

  private static OpaPolicy wasm() {
    try (InputStream in = OpaPolicy.class.getResourceAsStream("/demo-policy.wasm")) {
      return OpaPolicy.builder()
          .withPolicy(Objects.requireNonNull(in, "demo-policy.wasm").readAllBytes())
          .build()
          .data(DEMO_DATA);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void cedar(Samples ours) {
    var engine = new CedarEngine(PolicyCases.cedar(RULES));
    for (PolicyCases.Case c : List.of(PolicyCases.allowed(), PolicyCases.refused(RULES))) {
      Set<Integer> expected = c.refusing();
      CedarEngine.Request request = engine.request(c.json());
      Samples s =
          measure(() -> {
            Set<Integer> got = engine.refusing(request);
            WrongAnswer.unless(got.equals(expected), "Cedar", got);
            return got.size();
          });
      String name = "Cedar, 25 rules, " + (expected.isEmpty() ? "allowed" : "refused") + ":";
      report.latency(name, s);
      if (expected.isEmpty()) {
        report.figure(
            "Cedar / ours from JSON text, p50, 25 rules",
            s.micros(0.5) / ours.micros(0.5),
            "times");
      }
    }
    report.note(
        "Cedar is called through its Java library with the policies parsed once (its cache); each"
            + " request goes to native code as JSON. OPA WASM takes a parsed request, and writes it"
            + " as JSON into its memory.");
  }
}
