package dev.mandate.authorization;

import dev.mandate.identity.AgentDirectory;
import dev.mandate.identity.AuthChannel;
import dev.mandate.identity.Token;
import dev.mandate.identity.TokenId;
import dev.mandate.identity.Tokens;
import dev.mandate.identity.UserId;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.FreshCache;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.organizations.MembershipDirectory;
import dev.mandate.organizations.Role;
import dev.mandate.suspensions.Suspension;
import dev.mandate.suspensions.Suspensions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides by expiry, bounds and the present rights of every member of the chain, in this order. A
 * decision on remembered rights takes about a microsecond and blocks nothing; others read the
 * database once.
 */
public final class Roles implements Authorizer, AutoCloseable {
  private static final Duration MAX_AGE = Duration.ofSeconds(1);
  private static final Duration BRIEF = Duration.ofMinutes(1);
  private static final int REMEMBERED = 50_000;

  /** A principal in an organization. */
  private record Subject(OrgId org, Principal principal) {}

  /** What a principal may do at present. */
  private sealed interface Standing {
    record Member(Role role) implements Standing {}

    record Credential(Bound scopes, Instant expiresAt) implements Standing {}

    record Alive() implements Standing {}

    /** No member, revoked or deleted, or of another organization: one and the same. */
    record Gone() implements Standing {}
  }

  private final Db db;
  private final Wakeups wakeups;
  private final MembershipDirectory members;
  private final AgentDirectory agents;
  private final Suspensions suspensions;
  private final InstantSource clock;
  private final FreshCache<Subject, Standing> standings =
      new FreshCache<>(MAX_AGE, REMEMBERED, this::read);
  private Wakeups.@Nullable Subscription subscription;

  public Roles(
      Db db,
      Wakeups wakeups,
      MembershipDirectory members,
      AgentDirectory agents,
      Suspensions suspensions,
      InstantSource clock) {
    this.db = db;
    this.wakeups = wakeups;
    this.members = members;
    this.agents = agents;
    this.suspensions = suspensions;
    this.clock = clock;
  }

  /** Listens for changes of rights. Without it they are seen within a second. */
  public void start() {
    subscription = wakeups.subscribe(AuthChannel.ALL, this::changed);
  }

  @Override
  public void close() {
    if (subscription != null) {
      subscription.close();
    }
  }

  @Override
  public void require(Mandate mandate, String action) {
    Instant now = clock.instant();
    if (!now.isBefore(mandate.expiresAt())) {
      throw Failure.unauthenticated("this authority has expired");
    }
    if (!mandate.boundsPermitAction(action)) {
      throw Failure.denied("OUT_OF_BOUNDS", "this authority does not extend to " + action);
    }
    requireNotSuspended(mandate, action);
    for (Principal principal : mandate.chain()) {
      if (principal.kind() == Principal.Kind.SYSTEM) {
        requireBounded(mandate);
      } else {
        require(standing(mandate.org(), principal), principal, action, now);
      }
    }
  }

  private void requireNotSuspended(Mandate mandate, String action) {
    Suspension suspension = suspensions.of(mandate);
    if (suspension == null) {
      return;
    }
    boolean looks =
        suspension.kind() == Suspension.Kind.ORGANIZATION
            && !mandate.includesAgent()
            && RolePermissions.whileSuspended(action);
    if (!looks) {
      throw suspension.refusal();
    }
  }

  @Override
  public void requireTool(Mandate mandate, String tool) {
    Suspension suspension = suspensions.of(mandate.org(), Suspension.Kind.TOOL, tool);
    if (suspension != null) {
      throw suspension.refusal();
    }
  }

  @Override
  public void requireDirect(Mandate mandate, String action, boolean readOnly) {
    if (action.equals("tools.call")) {
      // Takes the governed path itself, under the name of the tool.
      return;
    }
    String tool = "self/" + action.replace('.', '_');
    if (!mandate.boundsPermitTool(tool)) {
      throw Failure.denied("OUT_OF_BOUNDS", "the agent is not granted " + tool);
    }
    requireTool(mandate, tool);
    if (mandate.needsApproval(tool, readOnly)) {
      throw Failure.precondition(
          "APPROVAL_REQUIRED", tool + " needs an approval, which only a run can wait for");
    }
  }

  private static void requireBounded(Mandate mandate) {
    // The system has no rights of its own: without bounds it would have all.
    if (mandate.bounds().isEmpty()) {
      throw Failure.denied("SYSTEM_UNBOUNDED", "the system acts only within stated actions");
    }
  }

  private static void require(Standing standing, Principal principal, String action, Instant now) {
    switch (standing) {
      case Standing.Member(Role role) -> {
        if (!RolePermissions.permits(role, action)) {
          throw Failure.denied(
              "ROLE_FORBIDS", "the role " + role.wireName() + " does not permit " + action);
        }
      }
      case Standing.Credential(Bound scopes, Instant expiresAt) -> {
        if (!now.isBefore(expiresAt)) {
          throw gone(principal);
        }
        if (!scopes.permitsAction(action) && !RolePermissions.unscoped(action)) {
          throw Failure.denied("TOKEN_SCOPE", "the API token's scopes do not include " + action);
        }
      }
      case Standing.Alive() -> {}
      case Standing.Gone() -> throw gone(principal);
    }
  }

  private static Failure gone(Principal principal) {
    return switch (principal.kind()) {
      case USER ->
          Failure.denied("NOT_A_MEMBER", principal + " is not a member of this organization");
      case TOKEN -> Failure.denied("TOKEN_OVER", principal + " was revoked or has expired");
      case AGENT -> Failure.denied("AGENT_GONE", principal + " was deleted");
      case SYSTEM -> Failure.denied("SYSTEM_UNBOUNDED", "the system has no rights of its own");
    };
  }

  private Standing standing(OrgId org, Principal principal) {
    Standing standing = standings.get(new Subject(org, principal));
    return standing == null ? new Standing.Gone() : standing;
  }

  private Standing read(Subject subject) {
    Mandate own =
        Mandate.system(
            subject.org(), Set.of("authorization"), "authorization", clock.instant().plus(BRIEF));
    return db.read(own, tx -> read(tx, subject.principal()));
  }

  private Standing read(Tx tx, Principal principal) {
    return switch (principal.kind()) {
      case USER ->
          members
              .role(tx, new UserId(principal.id()))
              .<Standing>map(Standing.Member::new)
              .orElseGet(Standing.Gone::new);
      case TOKEN ->
          Tokens.find(tx, new TokenId(principal.id()))
              .filter(token -> token.revokedAt() == null)
              .map(Roles::credential)
              .orElseGet(Standing.Gone::new);
      case AGENT -> agents.alive(tx, principal.id()) ? new Standing.Alive() : new Standing.Gone();
      case SYSTEM -> new Standing.Gone();
    };
  }

  private static Standing credential(Token token) {
    return new Standing.Credential(Bound.actions(Set.copyOf(token.scopes())), token.expiresAt());
  }

  private void changed(String channel) {
    boolean everybody = channel.equals(AuthChannel.EVERYBODY);
    standings.invalidate(subject -> everybody || AuthChannel.of(subject.org()).equals(channel));
  }
}
