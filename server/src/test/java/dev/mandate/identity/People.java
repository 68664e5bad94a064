package dev.mandate.identity;

import dev.mandate.authorization.Roles;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.DbSettings;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.events.PostgresFanout;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.rpc.Credential;
import dev.mandate.organizations.Installation;
import dev.mandate.organizations.Invitations;
import dev.mandate.organizations.Joining;
import dev.mandate.organizations.Members;
import dev.mandate.organizations.MembershipDirectory;
import dev.mandate.organizations.Organizations;
import dev.mandate.suspensions.Suspensions;
import dev.mandate.testing.TestDatabase;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert;
import org.jspecify.annotations.Nullable;

/**
 * Accounts, organizations and rights wired as in the server, on a real database: one process of
 * possibly several.
 */
public final class People implements AutoCloseable {
  public static final String OWNER = "owner@example.com";
  public static final String PASSWORD = "correct horse battery";
  public static final Mandate.Origin ORIGIN =
      new Mandate.Origin("rest", "192.0.2.7", "0af7651916cd43dd8448eb211c80319c");

  public final Db db;
  public final Suspensions suspensions;
  public final Roles roles;
  public final MembershipDirectory memberships;
  public final SignInLinks links;
  public final Sessions sessions;
  public final Users users;
  public final Tokens tokens;
  public final Organizations organizations;
  public final Invitations invitations;
  public final Members members;
  public final Installation installation;
  public final IdentityAuthenticator authenticator;

  /** The agents that there are. */
  public final Set<UUID> agents = ConcurrentHashMap.newKeySet();

  private final Wakeups wakeups;

  public People(TestDatabase database, InstantSource clock) {
    this(database.endpoint(), clock);
  }

  public People(Endpoint endpoint, InstantSource clock) {
    wakeups = new Wakeups(new PostgresFanout(endpoint));
    db = new Db(endpoint, DbSettings.DEFAULTS.withPools(6, 2), clock, wakeups::signal);
    memberships = new MembershipDirectory(db);
    AgentDirectory directory = (tx, agent) -> agents.contains(agent);
    suspensions = new Suspensions(db, wakeups, clock);
    roles = new Roles(db, wakeups, memberships, directory, suspensions, clock);
    links = new SignInLinks(db, clock);
    sessions = new Sessions(db, roles, memberships, links, clock);
    users = new Users(db, roles, memberships, clock);
    tokens = new Tokens(db, roles, memberships, directory, clock);
    organizations = new Organizations(db, roles);
    invitations = new Invitations(db, roles, users, clock);
    members = new Members(db, roles, users, sessions);
    installation = new Installation(db, users, organizations, clock);
    authenticator = new IdentityAuthenticator(db, directory, clock);
    wakeups.start();
    db.start();
    suspensions.start();
    roles.start();
  }

  /** The first organization, owned by {@link #OWNER}. */
  public Installation.First install() {
    return installation.ensure(OWNER, PASSWORD, "Acme");
  }

  public Mandate signIn(String email) {
    return signIn(email, PASSWORD, null);
  }

  public Mandate signIn(String email, String password, @Nullable OrgId org) {
    return authenticate(sessions.signIn(ORIGIN, email, password, org).accessToken());
  }

  public Mandate authenticate(String secret) {
    return authenticator.authenticate(new Credential(Credential.Kind.BEARER, secret), ORIGIN);
  }

  /** A token of the mandate's user for everything. */
  public String token(Mandate mandate, String... scopes) {
    return tokens
        .create(mandate, "robot", scopes.length == 0 ? List.of("*") : List.of(scopes), 0, null)
        .secret();
  }

  /** The mandate of an agent that runs on behalf of another. */
  public Mandate agentOf(Mandate mandate) {
    UUID agent = Ids.next();
    agents.add(agent);
    return mandate.delegate(
        dev.mandate.kernel.Principal.agent(agent), Bound.ALL, mandate.expiresAt());
  }

  /** Invites somebody into the mandate's organization, who accepts and signs in to it. */
  public Mandate join(Mandate owner, String email, String role) {
    Joining.join(this, owner, email, role);
    return signIn(email, PASSWORD, owner.org());
  }

  /** A new account that owns an organization of its own, signed in to it. */
  public Mandate otherOrganization(String email) {
    Mandate guest = join(signIn(OWNER), email, "viewer");
    OrgId own = Joining.organization(this, guest);
    return signIn(email, PASSWORD, own);
  }

  public static Failure failure(ThrowableAssert.ThrowingCallable call) {
    Failure failure = Assertions.catchThrowableOfType(Failure.class, call);
    Assertions.assertThat(failure).as("a failure").isNotNull();
    return failure;
  }

  /** How many audit entries of an organization match. */
  public long audited(OrgId org, String action, String outcome, String reason) {
    return db.read(
        Own.organization(org, InstantSource.system().instant()),
        tx ->
            tx.sql()
                .createQuery(
                    """
                    select count(*) from audit_entries
                    where org_id = :org and action = :action and outcome = :outcome
                      and reason = :reason
                    """)
                .bind("org", org.value())
                .bind("action", action)
                .bind("outcome", outcome)
                .bind("reason", reason)
                .mapTo(Long.class)
                .one());
  }

  @Override
  public void close() {
    roles.close();
    suspensions.close();
    db.close();
    wakeups.close();
  }
}
