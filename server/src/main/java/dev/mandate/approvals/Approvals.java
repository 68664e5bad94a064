package dev.mandate.approvals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.approvals.Approval.Status;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.jobs.Job;
import dev.mandate.kernel.jobs.Jobs;
import dev.mandate.policies.Decider;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Asks, decides and expires approvals. Thread-safe. */
public final class Approvals {
  private static final String EXPIRE = "approvals.expire";
  private static final int MAX_COMMENT = 2000;

  /** Until a job that came before its approval's time comes again, at the least. */
  private static final Duration EARLY = Duration.ofSeconds(1);

  private final Db db;
  private final Authorizer authorizer;
  private final Jobs jobs;
  private final RoleLookup roles;
  private final DecisionListener listener;
  private final InstantSource clock;
  private final ApprovalStore store = new ApprovalStore();

  /** What role a user has in an organization now. Filled by the composition. */
  @FunctionalInterface
  public interface RoleLookup {
    /** {@code owner}, {@code member}, {@code viewer}; null for somebody who is no active member. */
    @Nullable String roleOf(Tx tx, UUID user);
  }

  public Approvals(
      Db db,
      Authorizer authorizer,
      Jobs jobs,
      RoleLookup roles,
      DecisionListener listener,
      InstantSource clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.jobs = jobs;
    this.roles = roles;
    this.listener = listener;
    this.clock = clock;
  }

  /** Declares the expiry job. Call before {@code jobs.start()}. */
  public void start() {
    jobs.handle(EXPIRE, Set.of(EXPIRE), 10, this::expire);
  }

  /** Asks a question, in the transaction that records the asking. It expires by itself. */
  public Approval request(Tx tx, NewApproval asked) {
    Mandate mandate = tx.mandate();
    Instant now = clock.instant();
    UUID requester = mandate.user();
    String decider = String.join(",", Decider.conditions(asked.decider()));
    Approval approval =
        new Approval(
            ApprovalId.next(),
            Status.PENDING,
            asked.runId(),
            asked.threadId(),
            asked.callId(),
            asked.tool(),
            asked.argumentsJson(),
            ArgumentsHash.of(asked.argumentsJson()),
            mandate.chain().stream().map(Principal::toString).toList(),
            requester,
            // Without a person at its root a chain has no requester who could answer.
            requester == null && decider.equals(Decider.REQUESTER) ? Decider.OWNER : decider,
            asked.reason(),
            now,
            now.plus(asked.timeToLive()),
            "",
            null,
            "",
            null,
            null);
    store.insert(tx, approval);
    ObjectNode payload = Json.object().put("approvalId", approval.id().toString());
    jobs.enqueue(tx, EXPIRE, payload.toString(), approval.expiresAt(), null);
    tx.audit("approvals.request", resource(approval), details(approval).toString());
    return approval;
  }

  /**
   * Decides one approval, once.
   *
   * @param argumentsHash what the decider looked at; null if not said
   * @throws Failure {@code NOT_FOUND} also for one that the caller may not see; {@code
   *     PERMISSION_DENIED} for one that it may not decide; {@code FAILED_PRECONDITION} with reason
   *     {@code ALREADY_DECIDED}, {@code APPROVAL_EXPIRED} or {@code ARGUMENTS_CHANGED}
   */
  public Approval decide(
      Mandate mandate,
      ApprovalId id,
      boolean approve,
      @Nullable String argumentsHash,
      String comment) {
    return decide(mandate, id, approve, argumentsHash, comment, null);
  }

  /**
   * Approves the call with other arguments: denies what was asked and approves what a person wrote
   * instead. The same arguments are approved as they were asked.
   *
   * @return the approval that is good for the new arguments
   * @throws Failure like {@link #decide}; {@code INVALID_ARGUMENT} if the tool does not take them;
   *     {@code PERMISSION_DENIED} if the caller may not make the call itself
   */
  public Approval approveEdited(
      Mandate mandate,
      ApprovalId id,
      String argumentsJson,
      @Nullable String argumentsHash,
      String comment) {
    String tool = get(mandate, id).tool();
    try {
      ArgumentsHash.canonical(argumentsJson);
    } catch (Failure e) {
      throw Failure.invalid("arguments_json", e.publicMessage());
    }
    listener.requireEditable(mandate, tool, argumentsJson);
    return decide(mandate, id, true, argumentsHash, comment, argumentsJson);
  }

  private Approval decide(
      Mandate mandate,
      ApprovalId id,
      boolean approve,
      @Nullable String argumentsHash,
      String comment,
      @Nullable String edited) {
    String action = approve ? "approvals.approve" : "approvals.deny";
    authorizer.require(mandate, action);
    UUID user = mandate.user();
    if (user == null || mandate.includesAgent()) {
      throw Failure.denied("HUMAN_ONLY", "only a person decides about an approval");
    }
    if (comment.length() > MAX_COMMENT) {
      throw Failure.invalid("comment", "at most " + MAX_COMMENT + " characters");
    }
    if (comment.indexOf('\0') >= 0) {
      throw Failure.invalid("comment", "must not hold the character NUL");
    }
    Approval decided =
        db.write(
            mandate,
            tx -> {
              Approval approval = lock(tx, id).orElseThrow(() -> Failure.notFound("approval"));
              String role = roles.roleOf(tx, user);
              if (!maySee(approval, user, role)) {
                throw Failure.notFound("approval");
              }
              if (!(approve ? mayApprove(approval, user, role) : mayDeny(approval, user, role))) {
                throw Failure.denied(
                    "NOT_THE_DECIDER",
                    "this approval is for " + describe(approval.decider()) + " to decide");
              }
              if (approval.status() == Status.EXPIRED) {
                return approval;
              }
              if (approval.status() != Status.PENDING) {
                throw Failure.precondition(
                        "ALREADY_DECIDED",
                        "this approval is already "
                            + approval.status().name().toLowerCase(Locale.ROOT))
                    .with("status", approval.status().name());
              }
              if (!clock.instant().isBefore(approval.expiresAt())) {
                return finish(tx, approval, Status.EXPIRED, "", "", "approvals.expire");
              }
              if (argumentsHash != null && !argumentsHash.equals(approval.argumentsHash())) {
                throw Failure.precondition(
                    "ARGUMENTS_CHANGED",
                    "arguments_hash is not that of this approval's arguments: look at them again");
              }
              Status status = approve ? Status.APPROVED : Status.DENIED;
              String by = Principal.user(user).toString();
              if (edited != null && !ArgumentsHash.of(edited).equals(approval.argumentsHash())) {
                return replace(tx, approval, edited, by, comment);
              }
              return finish(tx, approval, status, by, comment, action);
            });
    // Thrown after the commit: that it expired is a fact, the refusal is only its answer.
    if (decided.status() == Status.EXPIRED) {
      throw Failure.precondition("APPROVAL_EXPIRED", "nobody decided in time: it has expired");
    }
    return decided;
  }

  /** Ends what a run still asks, because the run has ended. */
  public void withdraw(Tx tx, UUID runId) {
    store.withdraw(tx, runId, clock.instant());
  }

  public Optional<Approval> find(Tx tx, ApprovalId id) {
    return store.find(tx, id);
  }

  /**
   * @throws Failure {@code NOT_FOUND} also for one that the caller may not see
   */
  public Approval get(Mandate mandate, ApprovalId id) {
    authorizer.require(mandate, "approvals.get");
    return db.read(
        mandate,
        tx -> {
          Approval approval = store.find(tx, id).orElseThrow(() -> Failure.notFound("approval"));
          UUID user = mandate.user();
          if (user == null || !maySee(approval, user, roles.roleOf(tx, user))) {
            throw Failure.notFound("approval");
          }
          return approval;
        });
  }

  /**
   * What the caller may see, newest first: what was asked in its name, what it may decide, and for
   * an owner everything.
   */
  public Page<Approval> list(Mandate mandate, @Nullable Status status, Page.Request page) {
    authorizer.require(mandate, "approvals.list");
    UUID user = mandate.user();
    if (user == null) {
      return new Page<>(java.util.List.of(), "");
    }
    return db.read(
        mandate,
        tx -> {
          String role = roles.roleOf(tx, user);
          var rows =
              store.list(tx, user, "owner".equals(role), "member".equals(role), status, page);
          return Page.cut(rows, page, approval -> approval.id().toString());
        });
  }

  private void expire(Mandate mandate, Job job) {
    UUID id = Ids.parse("approvalId", Json.read(job.payload()).path("approvalId").asText());
    db.run(
        mandate,
        tx ->
            lock(tx, new ApprovalId(id))
                .filter(approval -> approval.status() == Status.PENDING)
                .ifPresent(approval -> {
                  if (clock.instant().isBefore(approval.expiresAt())) {
                    Instant soon = tx.now().plus(EARLY);
                    Instant due = approval.expiresAt();
                    jobs.enqueue(tx, EXPIRE, job.payload(), due.isAfter(soon) ? due : soon, null);
                  } else {
                    finish(tx, approval, Status.EXPIRED, "", "", EXPIRE);
                  }
                }));
  }

  /** The run first, then its approval: the order in which a run that ends takes them too. */
  private Optional<Approval> lock(Tx tx, ApprovalId id) {
    store.find(tx, id).ifPresent(approval -> listener.deciding(tx, approval.runId()));
    return store.lock(tx, id);
  }

  private Approval replace(Tx tx, Approval asked, String arguments, String by, String comment) {
    Instant now = clock.instant();
    Approval given =
        new Approval(
            ApprovalId.next(),
            Status.APPROVED,
            asked.runId(),
            asked.threadId(),
            asked.callId(),
            asked.tool(),
            arguments,
            ArgumentsHash.of(arguments),
            asked.chain(),
            asked.requester(),
            asked.decider(),
            asked.reason(),
            now,
            asked.expiresAt(),
            by,
            now,
            comment,
            asked.id(),
            null);
    Approval denied = store.finish(tx, asked, Status.DENIED, by, now, comment, given.id());
    store.insert(tx, given);
    tx.audit(
        "approvals.deny",
        resource(denied),
        decision(denied).put("replaced_by", given.id().toString()).toString());
    tx.audit(
        "approvals.approve",
        resource(given),
        decision(given).put("replaces", denied.id().toString()).toString());
    listener.decided(tx, given);
    return given;
  }

  private Approval finish(
      Tx tx, Approval approval, Status status, String by, String comment, String action) {
    Approval finished = store.finish(tx, approval, status, by, clock.instant(), comment, null);
    tx.audit(action, resource(finished), decision(finished).toString());
    listener.decided(tx, finished);
    return finished;
  }

  private static ObjectNode decision(Approval decided) {
    // Not the comment: it is the decider's own words, and what is chained cannot be erased.
    return details(decided).put("status", decided.status().name());
  }

  private static boolean maySee(Approval approval, UUID user, @Nullable String role) {
    return user.equals(approval.requester())
        || "owner".equals(role)
        || mayApprove(approval, user, role);
  }

  /** Refusing takes nothing from anybody: besides the decider, the requester and an owner may. */
  private static boolean mayDeny(Approval approval, UUID user, @Nullable String role) {
    return maySee(approval, user, role);
  }

  private static boolean mayApprove(Approval approval, UUID user, @Nullable String role) {
    if (role == null) {
      return false;
    }
    for (String condition : Decider.conditions(approval.decider())) {
      boolean met =
          switch (condition) {
            case Decider.REQUESTER -> user.equals(approval.requester());
            case Decider.OTHER -> !user.equals(approval.requester()) && !role.equals("viewer");
            // An owner may do what a member may.
            default -> condition.equals(Decider.ROLE + role) || role.equals("owner");
          };
      if (!met) {
        return false;
      }
    }
    return true;
  }

  private static String describe(String decider) {
    return decider
        .replace(Decider.REQUESTER, "the person who asks")
        .replace(Decider.OTHER, "someone other than the person who asks")
        .replace(Decider.ROLE, "somebody with the role ")
        .replace(",", " and ");
  }

  private static String resource(Approval approval) {
    return "approval:" + approval.id();
  }

  private static ObjectNode details(Approval approval) {
    return Json.object()
        .put("tool", approval.tool())
        .put("arguments_hash", approval.argumentsHash())
        .put("run_id", approval.runId().toString())
        .put("call_id", approval.callId())
        .put("decider", approval.decider());
  }
}
