package dev.mandate.kernel;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The authority that a request or a run acts under: the first parameter of every service method.
 *
 * <p>It is an upper bound, never a snapshot of rights: each decision intersects it with what every
 * member of the chain may do at that moment ({@link Authorizer}), so a revocation bites at the next
 * step. {@link #narrow} only takes away: a sub-agent never holds more than its parent.
 *
 * @param org the one organization it is good for
 * @param chain who acts, then on whose behalf, and so on; never empty
 * @param bounds all of them must permit; empty means the chain's own rights are the only limit
 * @param budget the root run whose budget everything under this mandate draws on, if a run's
 * @param expiresAt when it is worth nothing any more
 * @param origin where the request came from: shown in audit, read by policies
 */
public record Mandate(
    OrgId org,
    List<Principal> chain,
    List<Bound> bounds,
    @Nullable UUID budget,
    Instant expiresAt,
    Origin origin) {

  /** Longest chain of delegation; a deeper one is refused, not truncated. */
  public static final int MAX_CHAIN = 16;

  /**
   * Where a request came from.
   *
   * @param channel the face: {@code rest}, {@code connect}, {@code grpc}, {@code run}, {@code job}
   *     …
   * @param address the caller's network address, empty inside the program
   * @param traceId 32 lower-case hexadecimal digits (W3C trace context)
   * @param session the sign-in session whose access token the request carried; absent for API
   *     tokens and inside the program. Authentication sets it, signing out reads it.
   * @param traceparent the span that this is a part of, in W3C's form; absent if nobody named one
   */
  public record Origin(
      String channel,
      String address,
      String traceId,
      @Nullable UUID session,
      @Nullable String traceparent) {
    public Origin(String channel, String address, String traceId) {
      this(channel, address, traceId, null, null);
    }

    public Origin withSession(UUID id) {
      return new Origin(channel, address, traceId, id, traceparent);
    }

    /** The same as a part of a span; as it is if there is none. */
    public Origin within(@Nullable String parent) {
      return parent == null ? this : new Origin(channel, address, traceId, session, parent);
    }
  }

  public Mandate {
    chain = List.copyOf(chain);
    bounds = List.copyOf(bounds);
    if (chain.isEmpty()) {
      throw Failure.unauthenticated("nobody acts here");
    }
    if (chain.size() > MAX_CHAIN) {
      throw Failure.denied(
          "CHAIN_TOO_LONG", "authority was delegated more than " + MAX_CHAIN + " times");
    }
  }

  /**
   * The authority of Mandate itself. Only the job runner, start-up, signing in (where nobody is
   * known yet) and the look-ups of authentication and authorization call this.
   *
   * @param actions the patterns it is limited to
   * @param reason why the system acts; stands in the audit entry's channel
   */
  public static Mandate system(OrgId org, Set<String> actions, String reason, Instant expiresAt) {
    return new Mandate(
        org,
        List.of(new Principal(Principal.Kind.SYSTEM, OrgId.INSTALLATION.value())),
        List.of(Bound.actions(actions)),
        null,
        expiresAt,
        new Origin("job:" + reason, "", ""));
  }

  /** Who acts. */
  public Principal actor() {
    return chain.getFirst();
  }

  /** The user at the root of the chain, whose behalf all of this is; absent for the system. */
  public @Nullable UUID user() {
    Principal root = chain.getLast();
    return root.kind() == Principal.Kind.USER ? root.id() : null;
  }

  /** Whether an agent is anywhere in the chain. */
  public boolean includesAgent() {
    for (Principal principal : chain) {
      if (principal.kind() == Principal.Kind.AGENT) {
        return true;
      }
    }
    return false;
  }

  /** The same authority with one more limit. */
  public Mandate narrow(Bound bound) {
    List<Bound> more = new ArrayList<>(bounds);
    more.add(bound);
    return new Mandate(org, chain, more, budget, expiresAt, origin);
  }

  /** The same authority, exercised by {@code actor} on this chain's behalf, never longer. */
  public Mandate delegate(Principal actor, Bound bound, Instant until) {
    List<Principal> longer = new ArrayList<>(chain.size() + 1);
    longer.add(actor);
    longer.addAll(chain);
    List<Bound> more = new ArrayList<>(bounds);
    more.add(bound);
    return new Mandate(
        org, longer, more, budget, until.isBefore(expiresAt) ? until : expiresAt, origin);
  }

  public Mandate withBudget(UUID rootRun) {
    return new Mandate(org, chain, bounds, rootRun, expiresAt, origin);
  }

  public Mandate withOrigin(Origin from) {
    return new Mandate(org, chain, bounds, budget, expiresAt, from);
  }

  /** Whether the bounds leave this action; says nothing about what the chain may do now. */
  public boolean boundsPermitAction(String action) {
    for (Bound bound : bounds) {
      if (!bound.permitsAction(action)) {
        return false;
      }
    }
    return true;
  }

  /** Whether the bounds leave this tool, named {@code <source>/<tool>}. */
  public boolean boundsPermitTool(String tool) {
    for (Bound bound : bounds) {
      if (!bound.permitsTool(tool)) {
        return false;
      }
    }
    return true;
  }

  /**
   * When a call of a tool needs an approval: the strictest of what the bounds say. So nobody can
   * have another agent do without an approval what it may not do without one itself.
   */
  public ApprovalMode approval(String tool) {
    if (bounds.isEmpty()) {
      return ApprovalMode.BY_EFFECT;
    }
    ApprovalMode strictest = ApprovalMode.NEVER;
    for (Bound bound : bounds) {
      ApprovalMode mode = bound.approval(tool);
      if (strictest.weakerThan(mode)) {
        strictest = mode;
      }
    }
    return strictest;
  }

  /** Whether a call of a tool needs an approval, as far as the chain's grants decide it. */
  public boolean needsApproval(String tool, boolean readOnly) {
    return switch (approval(tool)) {
      case ALWAYS -> true;
      case NEVER -> false;
      // A person (or a person's own program) that makes the call is its own approval.
      case BY_EFFECT -> !readOnly && includesAgent();
    };
  }
}
