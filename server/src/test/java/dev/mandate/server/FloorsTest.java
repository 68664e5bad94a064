package dev.mandate.server;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The house's floors: a package imports only floors below its own. */
class FloorsTest {
  /** Who may ask this machine for the time: none of them decides by it. */
  private static final Set<String> OWN_CLOCK =
      Set.of(
          // Until its first look at the database's.
          "dev.mandate.kernel.db.DatabaseClock",
          // Order, not time.
          "dev.mandate.kernel.Ids",
          // Defaults for others.
          "dev.mandate.kernel.rpc.CallPorts",
          "dev.mandate.rego.Query$Options",
          // How far a provider's date is from now: an hour at most.
          "dev.mandate.models.ProviderErrors",
          // Names and notes for people.
          "dev.mandate.server.ops.Backup",
          "dev.mandate.server.BackupCommands",
          "dev.mandate.server.demo.EffectLedger");

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
  void nothingIsDecidedByTheMachinesOwnClock() {
    TreeSet<String> wrong = new TreeSet<>();
    TreeSet<String> own = new TreeSet<>();
    for (JavaClass each : classes) {
      if (isOutside(domain(each)) && !each.getPackageName().startsWith("dev.mandate.rego")) {
        continue;
      }
      for (JavaMethodCall call : each.getMethodCallsFromSelf()) {
        String asked = call.getTargetOwner().getSimpleName() + "." + call.getName();
        boolean time =
            switch (asked) {
              case "Instant.now",
                  "LocalDate.now",
                  "LocalDateTime.now",
                  "OffsetDateTime.now",
                  "ZonedDateTime.now",
                  "Clock.systemUTC",
                  "Clock.systemDefaultZone",
                  "Clock.system",
                  "InstantSource.system",
                  "System.currentTimeMillis" ->
                  true;
              default -> false;
            };
        if (time) {
          own.add(each.getName());
          if (!OWN_CLOCK.contains(each.getName())) {
            wrong.add(call.getDescription());
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(own).isEqualTo(new TreeSet<>(OWN_CLOCK));
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
