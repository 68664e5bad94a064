package dev.mandate.authorization;

import static dev.mandate.identity.People.OWNER;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.mandate.api.agents.v1.AgentsProto;
import dev.mandate.api.approvals.v1.ApprovalsProto;
import dev.mandate.api.audit.v1.AuditProto;
import dev.mandate.api.files.v1.FilesProto;
import dev.mandate.api.identity.v1.IdentityProto;
import dev.mandate.api.jobs.v1.JobsProto;
import dev.mandate.api.models.v1.ModelsProto;
import dev.mandate.api.organizations.v1.OrganizationsProto;
import dev.mandate.api.policies.v1.PoliciesProto;
import dev.mandate.api.runs.v1.RunsProto;
import dev.mandate.api.threads.v1.ThreadsProto;
import dev.mandate.api.tools.v1.ToolsProto;
import dev.mandate.api.v1.Options;
import dev.mandate.api.v1.Rule;
import dev.mandate.identity.People;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.organizations.Role;
import dev.mandate.testing.TestClock;
import dev.mandate.testing.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RolesTest {
  private static final TestClock clock = new TestClock();
  private static TestDatabase database;
  private static People people;
  private static Mandate owner;
  private static Mandate member;
  private static Mandate viewer;

  @BeforeAll
  static void install() {
    database = TestDatabase.create(clock);
    people = new People(database, clock);
    people.install();
    owner = people.signIn(OWNER);
    member = people.join(owner, "member@example.com", "member");
    viewer = people.join(owner, "viewer@example.com", "viewer");
  }

  @AfterAll
  static void close() {
    people.close();
    database.close();
  }

  @Test
  void theOwnerMayDoEverythingAndTheOthersWhatTheirRoleSays() {
    people.roles.require(owner, "audit.list");
    people.roles.require(owner, "agents.waive_approval");
    people.roles.require(member, "agents.create");
    people.roles.require(member, "approvals.approve");
    people.roles.require(viewer, "threads.watch");
    for (String action :
        List.of("audit.list", "jobs.list", "members.update", "agents.waive_approval")) {
      assertThat(reason(member, action)).isEqualTo("ROLE_FORBIDS");
    }
    for (String action : List.of("agents.create", "messages.create", "tools.call")) {
      assertThat(reason(viewer, action)).isEqualTo("ROLE_FORBIDS");
    }
  }

  @Test
  void aChainMayWhatAllOfItMay() {
    Mandate agent = people.agentOf(viewer);
    people.roles.require(agent, "agents.list");
    assertThat(reason(agent, "agents.create")).isEqualTo("ROLE_FORBIDS");

    Mandate robot = people.authenticate(people.token(member, "agents.list"));
    people.roles.require(people.agentOf(robot), "agents.list");
    assertThat(reason(people.agentOf(robot), "agents.create")).isEqualTo("TOKEN_SCOPE");
  }

  @Test
  void boundsOnlyTakeAway() {
    Mandate narrow = owner.narrow(Bound.actions(Set.of("agents.*")));
    people.roles.require(narrow, "agents.delete");
    assertThat(reason(narrow, "threads.list")).isEqualTo("OUT_OF_BOUNDS");
    Mandate wide = viewer.narrow(Bound.ALL);
    assertThat(reason(wide, "agents.create")).isEqualTo("ROLE_FORBIDS");
  }

  @Test
  void anExpiredMandateIsNobodys() {
    Mandate expired =
        new Mandate(
            owner.org(), owner.chain(), owner.bounds(), null, clock.instant(), owner.origin());
    assertThat(People.failure(() -> people.roles.require(expired, "agents.list")).code())
        .isEqualTo(Failure.Code.UNAUTHENTICATED);
  }

  @Test
  void aPrincipalOfAnotherOrganizationIsNobodyHere() {
    OrgId elsewhere = new OrgId(Ids.next());
    Mandate strayed =
        new Mandate(elsewhere, owner.chain(), List.of(), null, owner.expiresAt(), owner.origin());
    assertThat(reason(strayed, "agents.list")).isEqualTo("NOT_A_MEMBER");
    Mandate reserved =
        new Mandate(
            OrgId.INSTALLATION, owner.chain(), List.of(), null, owner.expiresAt(), owner.origin());
    assertThat(reason(reserved, "agents.list")).isEqualTo("NOT_A_MEMBER");
    Mandate unknownAgent =
        owner.delegate(Principal.agent(Ids.next()), Bound.ALL, owner.expiresAt());
    assertThat(reason(unknownAgent, "agents.list")).isEqualTo("AGENT_GONE");
  }

  @Test
  void theSystemActsOnlyWithinStatedActions() {
    Mandate job =
        Mandate.system(
            owner.org(), Set.of("runs.*"), "test", clock.instant().plus(Duration.ofMinutes(1)));
    people.roles.require(job, "runs.cancel");
    assertThat(reason(job, "agents.list")).isEqualTo("OUT_OF_BOUNDS");
    Mandate unbounded =
        new Mandate(job.org(), job.chain(), List.of(), null, job.expiresAt(), job.origin());
    assertThat(reason(unbounded, "agents.list")).isEqualTo("SYSTEM_UNBOUNDED");
  }

  @Test
  void viewersOnlyRead() {
    Set<String> writes = new TreeSet<>();
    for (MethodDescriptor method : methods()) {
      Rule rule = method.getOptions().getExtension(Options.rule);
      boolean own =
          rule.getSelfService() || rule.getPublic() || rule.getAction().startsWith("tokens.");
      if (!own && RolePermissions.permits(Role.VIEWER, rule.getAction()) && writes(method)) {
        writes.add(rule.getAction());
      }
    }
    // Marking a thread as read changes only what the reader itself has seen.
    assertThat(writes).containsExactly("threads.read");
  }

  @Test
  void everyActionOfTheTableIsTheContractsOrAServices() {
    // Asked by a service within a method, not by the transport before it.
    Set<String> actions = new TreeSet<>(Set.of("models.use"));
    methods()
        .forEach(method -> actions.add(method.getOptions().getExtension(Options.rule).getAction()));
    assertThat(actions).containsAll(RolePermissions.named());
  }

  @Test
  void aRoleCheckOnRememberedRightsTakesAboutAMicrosecond() {
    long best = Long.MAX_VALUE;
    for (int round = 0; round < 20; round++) {
      people.roles.require(member, "agents.create");
      long start = System.nanoTime();
      for (int i = 0; i < 10_000; i++) {
        people.roles.require(member, "agents.create");
      }
      best = Math.min(best, System.nanoTime() - start);
    }
    // Ten times the budget: this catches a lookup that blocks, not a slow machine.
    assertThat(best / 10_000).isLessThan(10_000);
  }

  private static boolean writes(MethodDescriptor method) {
    return !method.getName().startsWith("Get")
        && !method.getName().startsWith("List")
        && !method.getName().startsWith("Watch");
  }

  private static List<MethodDescriptor> methods() {
    return List.of(
            AgentsProto.getDescriptor(),
            ApprovalsProto.getDescriptor(),
            AuditProto.getDescriptor(),
            FilesProto.getDescriptor(),
            IdentityProto.getDescriptor(),
            JobsProto.getDescriptor(),
            ModelsProto.getDescriptor(),
            OrganizationsProto.getDescriptor(),
            PoliciesProto.getDescriptor(),
            RunsProto.getDescriptor(),
            ThreadsProto.getDescriptor(),
            ToolsProto.getDescriptor())
        .stream()
        .map(FileDescriptor::getServices)
        .flatMap(List::stream)
        .map(ServiceDescriptor::getMethods)
        .flatMap(List::stream)
        .toList();
  }

  private static String reason(Mandate mandate, String action) {
    return People.failure(() -> people.roles.require(mandate, action)).reason();
  }
}
