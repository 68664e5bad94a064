package dev.mandate.server;

import dev.mandate.agents.AgentLiveness;
import dev.mandate.agents.Agents;
import dev.mandate.agents.AgentsApi;
import dev.mandate.approvals.Approvals;
import dev.mandate.approvals.ApprovalsApi;
import dev.mandate.audit.AuditApi;
import dev.mandate.audit.AuditLog;
import dev.mandate.audit.Sealer;
import dev.mandate.authorization.Roles;
import dev.mandate.files.Files;
import dev.mandate.files.FilesApi;
import dev.mandate.governance.Gate;
import dev.mandate.identity.IdentityAuthenticator;
import dev.mandate.identity.MeApi;
import dev.mandate.identity.Sessions;
import dev.mandate.identity.SessionsApi;
import dev.mandate.identity.SignInLinks;
import dev.mandate.identity.Tokens;
import dev.mandate.identity.TokensApi;
import dev.mandate.identity.UserId;
import dev.mandate.identity.Users;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.DatabaseClock;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.IdempotencyKeys;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressSettings;
import dev.mandate.kernel.egress.Trust;
import dev.mandate.kernel.events.Events;
import dev.mandate.kernel.events.Fanouts;
import dev.mandate.kernel.events.TopicHeads;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.jobs.JobSettings;
import dev.mandate.kernel.jobs.Jobs;
import dev.mandate.kernel.rpc.Authentication;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.CallAudit;
import dev.mandate.kernel.rpc.CallPorts;
import dev.mandate.kernel.rpc.HttpServer;
import dev.mandate.kernel.rpc.MethodTable;
import dev.mandate.kernel.telemetry.Spans;
import dev.mandate.models.EnvironmentModels;
import dev.mandate.models.Models;
import dev.mandate.models.ModelsApi;
import dev.mandate.models.Rehearsal;
import dev.mandate.organizations.Installation;
import dev.mandate.organizations.Invitations;
import dev.mandate.organizations.InvitationsApi;
import dev.mandate.organizations.Members;
import dev.mandate.organizations.MembersApi;
import dev.mandate.organizations.MembershipDirectory;
import dev.mandate.organizations.Organizations;
import dev.mandate.organizations.OrganizationsApi;
import dev.mandate.policies.PolicyDomain;
import dev.mandate.runs.RunDecisions;
import dev.mandate.runs.RunResumes;
import dev.mandate.runs.RunStarter;
import dev.mandate.runs.RunWorker;
import dev.mandate.runs.Runs;
import dev.mandate.runs.RunsApi;
import dev.mandate.runs.ThreadWatch;
import dev.mandate.secrets.Secrets;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspensions;
import dev.mandate.threads.CarriedFiles;
import dev.mandate.threads.Threads;
import dev.mandate.threads.ThreadsApi;
import dev.mandate.tools.ToolSourcesApi;
import dev.mandate.tools.Tools;
import dev.mandate.tools.ToolsApi;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One process of Mandate on a prepared database: every domain, wired by hand from the lowest floor
 * up. {@link #start} returns when requests are answered.
 */
public final class Platform implements AutoCloseable {
  public static final String VERSION = "0.1.0";

  private final PlatformSettings settings;
  private final boolean embedded;
  private final Spans spans;
  private final Wakeups wakeups;
  private final TopicHeads heads;
  private final DatabaseClock clock;
  private final Db db;
  private final Jobs jobs;
  private final EgressClient egress;
  private final Suspensions suspensions;
  private final Roles roles;
  private final Authentication authentication;
  private final SignInLinks links;
  private final Tokens tokens;
  private final IdentityAuthenticator authenticator;
  private final Users users;
  private final Installation installation;
  private final PolicyDomain policies;
  private final Approvals approvals;
  private final Sealer sealer;
  private final Files files;
  private final Purge purge;
  private final EnvironmentModels environmentModels;
  private final Agents agents;
  private final Tools tools;
  private final RunWorker worker;
  private final Gauges gauges;
  private final HttpServer http;
  private Installation.@Nullable First first;

  /**
   * @param embedded whether this process is the only one that the database will ever have
   */
  public Platform(PlatformSettings settings, Endpoint endpoint, KeyRing keys, boolean embedded) {
    this.settings = settings;
    this.embedded = embedded;

    // 0 kernel
    EgressSettings outside = EgressSettings.fromEnvironment(settings.environment());
    PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    Path authorities = outside.caFile();
    spans =
        Spans.of(
            settings.telemetry(),
            authorities == null || !settings.telemetry().on() ? null : Trust.withFile(authorities),
            VERSION,
            meters);
    wakeups =
        new Wakeups(
            Fanouts.of(
                settings.process().fanout().value(), endpoint, Trust.sockets(outside.caFile())));
    // Of all that runs on this database: what has expired for one has expired for each.
    clock = new DatabaseClock();
    db = new Db(endpoint, settings.process().database(), clock, wakeups::signal);
    Events events = new Events();
    heads = new TopicHeads(db, Duration.ofSeconds(5));
    jobs = new Jobs(db, wakeups, JobSettings.DEFAULTS, spans);
    Cipher cipher = new Cipher(keys);
    egress = new EgressClient(outside);

    // 1 and 2: who, and what they may do. Agents stand higher: only their liveness is asked here.
    AgentLiveness liveness = new AgentLiveness();
    MembershipDirectory memberships = new MembershipDirectory(db);
    suspensions = new Suspensions(db, wakeups, clock);
    roles = new Roles(db, wakeups, memberships, liveness, suspensions, clock);
    Suspending suspending = new Suspending(db, roles, suspensions, new RunResumes());
    users = new Users(db, roles, memberships, clock);
    links = new SignInLinks(db, clock);
    Sessions sessions = new Sessions(db, roles, memberships, links, clock);
    tokens = new Tokens(db, roles, memberships, liveness, clock);
    authenticator = new IdentityAuthenticator(db, liveness, clock);
    authentication = new Authentication(authenticator);
    Organizations organizations = new Organizations(db, roles);
    Members members = new Members(db, roles, users, sessions);
    Invitations invitations = new Invitations(db, roles, users, clock);
    installation = new Installation(db, users, organizations, clock);
    policies =
        new PolicyDomain(
            new PolicyDomain.Ground(
                db,
                roles,
                wakeups,
                jobs,
                cipher,
                egress,
                users,
                memberships,
                liveness,
                org -> org.equals(ownership().org()),
                meters,
                clock),
            settings.policies());

    // 3 and 4
    AuditLog auditLog = new AuditLog(db, roles, cipher);
    purge = new Purge(db);
    sealer = new Sealer(db, cipher, endpoint, settings.keepAudit());
    Secrets secrets = new Secrets(cipher);
    files = new Files(settings.files(), db, roles, jobs, keys, egress, new CarriedFiles(), clock);
    Gate gate = new Gate(db, roles, policies.active(), List.of(), clock);

    // 5 and 6. Tools offer the contract's own methods, which are bound below.
    Binder binder = new Binder();
    environmentModels = EnvironmentModels.read(settings.environment());
    Models models =
        new Models(db, roles, secrets, egress, environmentModels, Rehearsal.load(Rehearsal.PACE));
    tools =
        new Tools(
            // Anybody may found an organization, but programs run as this server's user.
            Tools.Options.of(org -> org.equals(ownership().org())),
            db,
            roles,
            secrets,
            egress,
            wakeups,
            gate,
            suspensions,
            binder::table,
            clock);
    // Stands on floor 3: what it asks of the tools comes to it through the port of the runs.
    approvals =
        new Approvals(
            db,
            roles,
            jobs,
            (tx, user) ->
                memberships.role(tx, new UserId(user)).map(role -> role.wireName()).orElse(null),
            new RunDecisions(tools),
            clock);

    // 7 to 9
    agents = new Agents(db, roles);
    RunStarter starter = new RunStarter(agents, clock);
    Threads threads =
        new Threads(
            db,
            roles,
            agents,
            files,
            (tx, user) -> memberships.role(tx, new UserId(user)).isPresent(),
            starter);
    Runs runs = new Runs(db, roles, threads, agents, starter);
    worker =
        new RunWorker(
            db,
            wakeups,
            clock,
            runs,
            starter,
            agents,
            threads,
            files,
            models,
            tools,
            gate,
            approvals,
            suspensions,
            spans,
            settings.runs());
    ThreadWatch watch = new ThreadWatch(db, roles, events, wakeups, heads, threads, runs);

    gauges = new Gauges(meters, db, worker, sealer, gate.decisions());

    // 11: the contract on one port
    new SessionsApi(sessions).bind(binder);
    new MeApi(users).bind(binder);
    new TokensApi(tokens, suspending).bind(binder);
    new OrganizationsApi(organizations, suspending).bind(binder);
    new MembersApi(members, suspending).bind(binder);
    new InvitationsApi(invitations).bind(binder);
    new AuditApi(auditLog).bind(binder);
    new JobsApi(db, roles, jobs).bind(binder);
    new ApprovalsApi(approvals).bind(binder);
    new FilesApi(files).bind(binder);
    policies.bind(binder);
    new ModelsApi(models).bind(binder);
    new ToolSourcesApi(tools).bind(binder);
    new ToolsApi(tools, suspending).bind(binder);
    new AgentsApi(agents, suspending).bind(binder);
    new ThreadsApi(threads).bind(binder);
    new RunsApi(runs, watch).bind(binder);
    IdempotencyKeys idempotency = new IdempotencyKeys(db);
    MethodTable table =
        binder.build(
            new CallPorts(
                authentication,
                roles,
                policies.active(),
                idempotency,
                CallAudit.into(db),
                meters,
                spans,
                clock));
    ProcessSettings process = settings.process();
    Health health =
        new Health(
            db,
            worker,
            environmentModels.announcements(),
            process,
            embedded,
            settings.files().shared(),
            VERSION,
            this::draining);
    Home home = new Home(sessions, clock);
    http =
        new HttpServer(
            new HttpServer.Options(
                settings.host(),
                settings.port(),
                settings.searchPort(),
                HttpServer.Options.MAX_BODY,
                HttpServer.Options.BODY_TIME,
                HttpServer.Options.connectionsAllowed(),
                VERSION,
                process.api(),
                settings.edge()),
            table,
            wakeups,
            meters,
            process.api() ? List.of(home, health, files.face()) : List.of(health));
  }

  /** Starts everything; what was started is closed again if something cannot be. */
  public void start() {
    try {
      spans.start();
      wakeups.start();
      db.start();
      clock.start(db);
      heads.start();
      suspensions.start();
      roles.start();
      first =
          installation.ensure(
              settings.adminEmail(), settings.adminPassword(), "Sample organization");
      if (settings.seed() && ownership().created()) {
        new SampleOrganization(agents).seed(owner("seed"));
      }
      policies.start();
      approvals.start();
      files.start();
      tools.start();
      if (settings.process().worker()) {
        sealer.start();
        purge.start();
        jobs.start();
        if (embedded) {
          worker.takeOverAll();
        }
        worker.start();
      }
      gauges.start();
      http.start();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Where people reach it: the public address if there is one, else {@link #localUrl}. */
  public String url() {
    String publicUrl = settings.edge().publicUrl();
    return publicUrl != null ? publicUrl : localUrl();
  }

  /** Where this very process listens, e.g. {@code http://127.0.0.1:6263}. */
  String localUrl() {
    String host = settings.host().equals("0.0.0.0") ? "127.0.0.1" : settings.host();
    return (settings.edge().tls() == null ? "http" : "https")
        + "://"
        + (host.contains(":") ? "[" + host + "]" : host)
        + ":"
        + http.port();
  }

  public int port() {
    return http.port();
  }

  private boolean draining() {
    return http.draining();
  }

  /** The first organization and its owner. After {@link #start}. */
  public Installation.First ownership() {
    Installation.First known = first;
    if (known == null) {
      throw new IllegalStateException("not started");
    }
    return known;
  }

  /** Models that the environment's keys make usable, one line each, without a key. */
  public List<String> announcedModels() {
    return environmentModels.announcements();
  }

  /** A link that signs the first owner in, once, for 15 minutes. */
  public String signInLink() {
    return url() + "/sign-in#" + links.create(ownership().owner().id());
  }

  /** Whether a token is still good. */
  boolean accepts(String token) {
    try {
      authentication.require(
          new dev.mandate.kernel.rpc.Credential(
              dev.mandate.kernel.rpc.Credential.Kind.BEARER, token),
          new Mandate.Origin("profile", "", ""));
      return true;
    } catch (dev.mandate.kernel.Failure e) {
      return false;
    }
  }

  /** An API token of the first owner's, for the command line on this machine. */
  String commandLineToken() {
    return tokens
        .create(owner("profile"), "command line on this machine", List.of("*"), 365, null)
        .secret();
  }

  Users users() {
    return users;
  }

  /** The first owner's own authority, for what a start does in its name. */
  private Mandate owner(String why) {
    Installation.First known = ownership();
    return new Mandate(
        known.org(),
        List.of(Principal.user(known.owner().id().value())),
        List.of(Bound.ALL),
        null,
        clock.instant().plus(Duration.ofMinutes(1)),
        new Mandate.Origin(why, "", ""));
  }

  @Override
  public void close() {
    // No new work first, then what works, then what it stands on. Runs go to another process
    // before the last requests have ended: those may take their time.
    http.drain();
    worker.close();
    http.close();
    jobs.close();
    sealer.close();
    purge.close();
    gauges.close();
    tools.close();
    spans.close();
    policies.close();
    roles.close();
    suspensions.close();
    egress.close();
    heads.close();
    clock.close();
    db.close();
    wakeups.close();
  }
}
