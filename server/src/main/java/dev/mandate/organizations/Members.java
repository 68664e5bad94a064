package dev.mandate.organizations;

import dev.mandate.identity.AuthChannel;
import dev.mandate.identity.Sessions;
import dev.mandate.identity.User;
import dev.mandate.identity.UserId;
import dev.mandate.identity.Users;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.util.List;
import java.util.Map;

/** The rules of membership. */
public final class Members {
  private final Db db;
  private final Authorizer authorizer;
  private final Users users;
  private final Sessions sessions;
  private final OrganizationStore store = new OrganizationStore();

  public Members(Db db, Authorizer authorizer, Users users, Sessions sessions) {
    this.db = db;
    this.authorizer = authorizer;
    this.users = users;
    this.sessions = sessions;
  }

  Page<Member> list(Mandate mandate, Page.Request request) {
    authorizer.require(mandate, "members.list");
    Page<Membership> page =
        db.read(
            mandate,
            tx ->
                Page.cut(store.members(tx, request), request, member -> member.user().toString()));
    Map<UserId, User> accounts =
        users.findAll(page.items().stream().map(Membership::user).toList());
    return page.map(membership -> member(accounts, membership));
  }

  /**
   * @throws Failure {@code FAILED_PRECONDITION LAST_OWNER} if nobody would own the organization
   */
  Member setRole(Mandate mandate, UserId user, Role role) {
    authorizer.require(mandate, "members.update");
    Membership changed =
        db.write(
            mandate,
            tx -> {
              Membership member = lock(tx, user);
              if (member.role() == role) {
                return member;
              }
              requireAnotherOwner(tx, member);
              store.setRole(tx, user, role);
              tx.audit(
                  "members.update",
                  "user:" + user,
                  Json.object()
                      .put("from", member.role().wireName())
                      .put("to", role.wireName())
                      .toString());
              tx.wake(AuthChannel.of(tx.org()));
              return new Membership(user, role, member.joinedAt());
            });
    return member(users.findAll(List.of(user)), changed);
  }

  /**
   * Removes a member and ends its sessions and API tokens for this organization.
   *
   * @throws Failure {@code FAILED_PRECONDITION LAST_OWNER} if nobody would own the organization
   */
  void remove(Mandate mandate, UserId user) {
    authorizer.require(mandate, "members.delete");
    db.write(
        mandate,
        tx -> {
          Membership member = lock(tx, user);
          requireAnotherOwner(tx, member);
          store.deleteMember(tx, user);
          sessions.endMembership(tx, user);
          tx.audit(
              "members.delete",
              "user:" + user,
              Json.object().put("role", member.role().wireName()).toString());
          return member;
        });
  }

  Member get(Mandate mandate, UserId user) {
    authorizer.require(mandate, "members.list");
    Membership found =
        db.read(
            mandate,
            tx -> store.findMember(tx, user).orElseThrow(() -> Failure.notFound("member")));
    return member(users.findAll(List.of(user)), found);
  }

  /**
   * @throws Failure {@code FAILED_PRECONDITION LAST_OWNER} if no owner would be left to resume it
   */
  void requireSuspendable(Tx tx, UserId user, boolean suspended) {
    Membership member = lock(tx, user);
    if (suspended) {
      requireAnotherOwner(tx, member);
    }
  }

  private Membership lock(Tx tx, UserId user) {
    // Two owners who remove each other at the same time must not both succeed.
    store.lock(tx);
    return store.findMember(tx, user).orElseThrow(() -> Failure.notFound("member"));
  }

  private void requireAnotherOwner(Tx tx, Membership leaving) {
    if (leaving.role() == Role.OWNER && !store.hasOtherOwner(tx, leaving.user())) {
      throw Failure.precondition(
          "LAST_OWNER", "an organization needs an owner: make somebody else one first");
    }
  }

  private static Member member(Map<UserId, User> accounts, Membership membership) {
    User user =
        accounts.getOrDefault(membership.user(), new User(membership.user(), "", "(deleted)"));
    return new Member(user, membership.role(), membership.joinedAt());
  }
}
