package dev.mandate.server;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The house's floors: a package imports only floors below its own. */
class FloorsTest {
  /** Lowest first. Packages of one floor do not know each other. */
  private static final List<List<String>> FLOORS =
      List.of(
          List.of("kernel"),
          List.of("suspensions"),
          List.of("identity"),
          List.of("organizations"),
          List.of("authorization", "policies"),
          List.of("audit", "metering", "secrets", "files", "tracing", "search", "approvals"),
          List.of("governance"),
          List.of("models", "connectors", "runners"),
          List.of("tools", "context", "prompts"),
          List.of("agents"),
          List.of("threads"),
          List.of("runs"),
          List.of("evaluations", "automation", "channels", "workloads"),
          List.of("server"));

  private static JavaClasses classes;

  @BeforeAll
  static void read() {
    classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.mandate");
  }

  @Test
  void everyPackageImportsLowerFloorsOnly() {
    Map<String, Integer> floors = new HashMap<>();
    for (int i = 0; i < FLOORS.size(); i++) {
      for (String domain : FLOORS.get(i)) {
        floors.put(domain, i);
      }
    }
    TreeSet<String> wrong = new TreeSet<>();
    List<String> seen = new ArrayList<>();
    for (JavaClass from : classes) {
      String domain = domain(from);
      if (isOutside(domain)) {
        continue;
      }
      seen.add(domain);
      Integer floor = floors.get(domain);
      if (floor == null) {
        wrong.add(domain + " stands on no floor");
        continue;
      }
      for (Dependency dependency : from.getDirectDependenciesFromSelf()) {
        String target = domain(dependency.getTargetClass().getBaseComponentType());
        Integer below = floors.get(target);
        if (below != null && !target.equals(domain) && below >= floor) {
          wrong.add(domain + " imports " + target + ": " + dependency.getDescription());
        }
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(seen).contains("kernel", "governance", "runs");
  }

  @Test
  void packagesOfTheKernelAreFreeOfCycles() {
    slices().matching("dev.mandate.kernel.(*)..").should().beFreeOfCycles().check(classes);
  }

  /** {@code agents} for {@code dev.mandate.agents.Agent}. */
  private static String domain(JavaClass type) {
    String name = type.getPackageName();
    if (!name.startsWith("dev.mandate.")) {
      return "";
    }
    String rest = name.substring("dev.mandate.".length());
    int dot = rest.indexOf('.');
    return dot < 0 ? rest : rest.substring(0, dot);
  }

  /**
   * Generated contract, the policy library, the client and the fixtures have rules of their own.
   */
  private static boolean isOutside(String domain) {
    return List.of("", "api", "rego", "cli", "testing").contains(domain);
  }
}
