package dev.mandate.policies;

import dev.mandate.kernel.Failure;
import dev.mandate.rego.CompileException;
import dev.mandate.rego.RegoError;
import dev.mandate.rego.RegoModule;
import dev.mandate.rego.tool.TestRunner;
import dev.mandate.rego.value.ObjectValue;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Compiles a policy together with what is active beside it, and runs its tests. Keeps nothing. */
final class Workbench {
  private static final int MAX_ERRORS = 10;

  private Workbench() {}

  /**
   * A text in the place of its policy among the active ones.
   *
   * @param others the other active modules
   */
  record Draft(PolicySet.Source source, String tests, List<PolicySet.Source> others) {
    static Draft of(PolicyId id, String name, PolicyText text, List<PolicySet.Source> active) {
      return new Draft(
          new PolicySet.Source(id, name, text.module()),
          text.tests(),
          active.stream().filter(source -> !source.policy().equals(id)).toList());
    }

    private List<PolicySet.Source> set() {
      List<PolicySet.Source> set = new ArrayList<>(others);
      set.add(source);
      return set;
    }

    private String testFile() {
      return source.name() + "_test.rego";
    }
  }

  /**
   * The set that is in force once the draft is.
   *
   * @throws Failure {@code INVALID_ARGUMENT} naming file, line, column and what is wrong
   */
  static PolicySet compile(Draft draft, long version) {
    try {
      return PolicySet.compile(version, draft.set());
    } catch (CompileException e) {
      throw refused(draft, e);
    } catch (IllegalArgumentException | StackOverflowError e) {
      throw Failure.invalid(
          "module", "cannot be compiled: " + Failure.excerpt("" + e.getMessage()));
    }
  }

  /**
   * Runs the tests beside the draft; none if there are none.
   *
   * @throws Failure {@code INVALID_ARGUMENT} if they do not compile
   */
  static List<TestRunner.TestResult> test(Draft draft) {
    if (draft.tests().isBlank()) {
      return List.of();
    }
    List<RegoModule> modules = new ArrayList<>();
    draft.set().forEach(source -> modules.add(RegoModule.of(source.file(), source.module())));
    modules.add(RegoModule.of(draft.testFile(), draft.tests()));
    try {
      return TestRunner.run(modules, ObjectValue.EMPTY, false).results().stream()
          .filter(result -> result.location().file().equals(draft.testFile()))
          .toList();
    } catch (CompileException e) {
      throw refused(draft, e);
    } catch (RuntimeException | StackOverflowError e) {
      throw Failure.invalid("tests", "cannot be run: " + Failure.excerpt("" + e.getMessage()));
    }
  }

  /**
   * @throws Failure {@code FAILED_PRECONDITION POLICY_TESTS_FAILED} naming the tests that fail
   */
  static void requireTests(Draft draft) {
    String failed =
        test(draft).stream()
            .filter(result ->
                result.status() == TestRunner.Status.FAIL
                    || result.status() == TestRunner.Status.ERROR)
            .limit(MAX_ERRORS)
            .map(result ->
                result.path()
                    + " at "
                    + result.location()
                    + (result.message() == null ? "" : " (" + result.message() + ")"))
            .collect(Collectors.joining("; "));
    if (!failed.isEmpty()) {
      throw Failure.precondition("POLICY_TESTS_FAILED", "tests that fail: " + failed);
    }
  }

  private static Failure refused(Draft draft, CompileException e) {
    RegoError first = e.errors().getFirst();
    boolean inTests = first.location().file().equals(draft.testFile());
    String errors =
        e.errors().stream()
            .limit(MAX_ERRORS)
            .map(RegoError::toString)
            .collect(Collectors.joining("; "));
    return Failure.of(
            Failure.Code.INVALID_ARGUMENT,
            "POLICY_INVALID",
            (inTests ? "tests: " : "module: ") + errors)
        .with("field", inTests ? "tests" : "module")
        .with("file", first.location().file())
        .with("line", Integer.toString(first.location().line()))
        .with("column", Integer.toString(first.location().column()));
  }
}
