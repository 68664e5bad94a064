package dev.mandate.organizations;

import dev.mandate.api.organizations.v1.DeleteMemberRequest;
import dev.mandate.api.organizations.v1.DeleteMemberResponse;
import dev.mandate.api.organizations.v1.ListMembersRequest;
import dev.mandate.api.organizations.v1.ListMembersResponse;
import dev.mandate.api.organizations.v1.OrganizationsProto;
import dev.mandate.api.organizations.v1.UpdateMemberRequest;
import dev.mandate.api.v1.SuspensionRequest;
import dev.mandate.identity.UserId;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspension;

/** {@code mandate.organizations.v1.MemberService}. */
public final class MembersApi {
  private final Members members;
  private final Suspending suspending;

  public MembersApi(Members members, Suspending suspending) {
    this.members = members;
    this.suspending = suspending;
  }

  public void bind(Binder binder) {
    binder
        .service(OrganizationsProto.getDescriptor().findServiceByName("MemberService"))
        .unary("ListMembers", ListMembersRequest.getDefaultInstance(), this::list)
        .unary("UpdateMember", UpdateMemberRequest.getDefaultInstance(), this::update)
        .unary("DeleteMember", DeleteMemberRequest.getDefaultInstance(), this::delete)
        .unary("SuspendMember", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, true))
        .unary("ResumeMember", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, false));
  }

  private dev.mandate.api.organizations.v1.Member hold(
      Mandate mandate, SuspensionRequest request, boolean suspended) {
    UserId user = UserId.parse("id", request.getId());
    suspending.set(
        mandate,
        Suspension.Kind.MEMBER,
        user.toString(),
        suspended,
        request.getReason(),
        tx -> members.requireSuspendable(tx, user, suspended));
    return wire(mandate, members.get(mandate, user));
  }

  private ListMembersResponse list(Mandate mandate, ListMembersRequest request) {
    Page<Member> page =
        members.list(mandate, Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListMembersResponse.newBuilder()
        .addAllMembers(page.map(member -> wire(mandate, member)).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.organizations.v1.Member update(
      Mandate mandate, UpdateMemberRequest request) {
    return wire(
        mandate,
        members.setRole(
            mandate,
            UserId.parse("user_id", request.getUserId()),
            Wire.role("role", request.getRole())));
  }

  private DeleteMemberResponse delete(Mandate mandate, DeleteMemberRequest request) {
    members.remove(mandate, UserId.parse("user_id", request.getUserId()));
    return DeleteMemberResponse.getDefaultInstance();
  }

  private dev.mandate.api.organizations.v1.Member wire(Mandate mandate, Member member) {
    dev.mandate.api.organizations.v1.Member.Builder wire =
        dev.mandate.api.organizations.v1.Member.newBuilder()
            .setUserId(member.user().id().toString())
            .setEmail(member.user().email())
            .setName(member.user().name())
            .setRole(Wire.of(member.role()))
            .setJoinedAt(Timestamps.of(member.joinedAt()));
    Suspension suspension =
        suspending.of(mandate.org(), Suspension.Kind.MEMBER, member.user().id().toString());
    if (suspension != null) {
      wire.setSuspension(suspension.wire());
    }
    return wire.build();
  }
}
