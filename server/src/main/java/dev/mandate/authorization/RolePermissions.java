package dev.mandate.authorization;

import dev.mandate.kernel.Bound;
import dev.mandate.organizations.Role;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What each role may do, in one place. Actions are those of the contract's rules, and a few that a
 * service asks about within one ({@code agents.waive_approval}). An action that no line names is
 * the owner's alone: so whatever is added is closed until somebody opens it here.
 *
 * <ul>
 *   <li>Everybody: what only concerns the caller itself, and API tokens that act for the caller.
 *   <li>Viewer: reads what people and agents work with. Not the audit, jobs or invitations.
 *   <li>Member: works with it: agents, threads, tools, approvals, and settling what its own runs
 *       left in doubt. Not models, tool sources, members or the organization.
 *   <li>Owner: everything.
 * </ul>
 *
 * <p>Whose token, thread or run it is, is decided where the row is read.
 */
final class RolePermissions {
  private static final Set<String> SELF =
      Set.of(
          "sessions.get",
          "sessions.delete",
          "me.get",
          "me.update",
          "organizations.list",
          "organizations.create",
          "tokens.list",
          "tokens.create",
          "tokens.delete");

  private static final Set<String> READS =
      Set.of(
          "organizations.get",
          "members.list",
          "agents.list",
          "agents.get",
          "agents.versions",
          "threads.list",
          "threads.get",
          "threads.watch",
          "threads.read",
          "messages.list",
          "runs.list",
          "runs.get",
          "runs.steps",
          "approvals.list",
          "approvals.get",
          "files.list",
          "files.get",
          "tools.list",
          "tools.get",
          "tool_sources.list",
          "tool_sources.get",
          "models.list",
          "models.get");

  private static final Set<String> WORK =
      Set.of(
          "agents.create",
          "agents.update",
          "agents.delete",
          "threads.create",
          "messages.create",
          "files.create",
          "files.complete",
          "files.delete",
          "messages.branch",
          "runs.cancel",
          "runs.settle",
          "runs.replay",
          "approvals.approve",
          "approvals.deny",
          "models.use",
          "tools.call");

  /** Besides reading, what people may still do in a suspended organization: look, and take away. */
  private static final Set<String> WHILE_SUSPENDED =
      Set.of(
          "sessions.get",
          "sessions.delete",
          "me.get",
          "organizations.list",
          "organizations.resume",
          "audit.list",
          "tokens.list",
          "tokens.delete",
          "tokens.suspend",
          "agents.suspend",
          "tools.suspend",
          "members.suspend",
          "runs.cancel",
          "approvals.deny");

  private static final Bound VIEWER = Bound.actions(union(Stream.of(SELF, READS)));
  private static final Bound MEMBER = Bound.actions(union(Stream.of(SELF, READS, WORK)));

  /** Who somebody is may be asked with any token, whatever its scopes: programs start with it. */
  private static final Set<String> UNSCOPED =
      Set.of("sessions.get", "me.get", "organizations.list");

  private RolePermissions() {}

  static boolean permits(Role role, String action) {
    return switch (role) {
      case OWNER -> true;
      case MEMBER -> MEMBER.permitsAction(action);
      case VIEWER -> VIEWER.permitsAction(action);
    };
  }

  /** Every action that a line here names. */
  static Set<String> named() {
    return MEMBER.actions();
  }

  static boolean whileSuspended(String action) {
    return READS.contains(action) || WHILE_SUSPENDED.contains(action);
  }

  static boolean unscoped(String action) {
    return UNSCOPED.contains(action);
  }

  private static Set<String> union(Stream<Set<String>> sets) {
    return sets.flatMap(Set::stream).collect(Collectors.toUnmodifiableSet());
  }
}
