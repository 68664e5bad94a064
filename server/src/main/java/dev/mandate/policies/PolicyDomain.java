package dev.mandate.policies;

import dev.mandate.identity.Users;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.jobs.Jobs;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.organizations.MembershipDirectory;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.time.Clock;
import java.util.function.Predicate;

/** The domain, put together: {@link #active} is what others ask. */
public final class PolicyDomain implements AutoCloseable {
  private final PolicySets sets;
  private final Subjects subjects;
  private final DecisionLog log;
  private final ActivePolicies active;
  private final Decisions decisions;
  private final PoliciesApi policiesApi;
  private final DecisionsApi decisionsApi;

  /**
   * What it stands on.
   *
   * @param first whether it is the installation's first organization
   */
  public record Ground(
      Db db,
      Authorizer authorizer,
      Wakeups wakeups,
      Jobs jobs,
      Cipher cipher,
      EgressClient egress,
      Users users,
      MembershipDirectory members,
      AgentNames agents,
      Predicate<OrgId> first,
      MeterRegistry meters,
      Clock clock) {}

  public PolicyDomain(Ground on, PolicySettings settings) {
    this.sets = new PolicySets(on.db(), on.wakeups(), on.clock());
    this.subjects =
        new Subjects(on.db(), on.wakeups(), on.users(), on.members(), on.agents(), on.clock());
    InputDocument inputs = new InputDocument(subjects);
    this.log = new DecisionLog(on.db(), on.cipher(), inputs, on.meters());
    URI opa = settings.opa();
    this.active =
        new ActivePolicies(
            on.db(),
            sets,
            inputs,
            log,
            opa == null ? null : new OpaServer(on.egress(), opa, settings.opaTimeout()),
            on.first(),
            on.clock());
    this.decisions =
        new Decisions(on.db(), on.authorizer(), on.jobs(), log, settings.retention(), on.clock());
    Policies policies = new Policies(on.db(), on.authorizer(), sets, on.first(), on.clock());
    Simulation simulation =
        new Simulation(on.db(), on.authorizer(), policies, sets, log, on.first(), on.clock());
    this.policiesApi = new PoliciesApi(policies, simulation);
    this.decisionsApi = new DecisionsApi(decisions);
  }

  /** What policies say of calls. */
  public ActivePolicies active() {
    return active;
  }

  public void bind(Binder binder) {
    policiesApi.bind(binder);
    decisionsApi.bind(binder);
  }

  /** Call before {@code jobs.start()}. */
  public void start() {
    sets.start();
    subjects.start();
    log.start();
    decisions.start();
  }

  @Override
  public void close() {
    sets.close();
    subjects.close();
    log.close();
  }
}
