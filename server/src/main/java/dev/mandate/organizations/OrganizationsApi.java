package dev.mandate.organizations;

import dev.mandate.api.organizations.v1.CreateOrganizationRequest;
import dev.mandate.api.organizations.v1.GetOrganizationRequest;
import dev.mandate.api.organizations.v1.ListOrganizationsRequest;
import dev.mandate.api.organizations.v1.ListOrganizationsResponse;
import dev.mandate.api.organizations.v1.OrganizationsProto;
import dev.mandate.api.organizations.v1.UpdateOrganizationRequest;
import dev.mandate.api.v1.SuspensionRequest;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspension;

/** {@code mandate.organizations.v1.OrganizationService}. */
public final class OrganizationsApi {
  private final Organizations organizations;
  private final Suspending suspending;

  public OrganizationsApi(Organizations organizations, Suspending suspending) {
    this.organizations = organizations;
    this.suspending = suspending;
  }

  public void bind(Binder binder) {
    binder
        .service(OrganizationsProto.getDescriptor().findServiceByName("OrganizationService"))
        .unary("ListOrganizations", ListOrganizationsRequest.getDefaultInstance(), this::list)
        .unary("CreateOrganization", CreateOrganizationRequest.getDefaultInstance(), this::create)
        .unary("GetOrganization", GetOrganizationRequest.getDefaultInstance(), this::get)
        .unary("UpdateOrganization", UpdateOrganizationRequest.getDefaultInstance(), this::update)
        .unary(
            "SuspendOrganization",
            SuspensionRequest.getDefaultInstance(),
            (m, r) -> hold(m, r, true))
        .unary(
            "ResumeOrganization",
            SuspensionRequest.getDefaultInstance(),
            (m, r) -> hold(m, r, false));
  }

  private dev.mandate.api.organizations.v1.Organization hold(
      Mandate mandate, SuspensionRequest request, boolean suspended) {
    OrgId id = OrgId.parse("id", request.getId());
    OrganizationView own = organizations.get(mandate, id);
    suspending.set(
        mandate,
        Suspension.Kind.ORGANIZATION,
        id.toString(),
        suspended,
        request.getReason(),
        tx -> {});
    return wire(own);
  }

  private ListOrganizationsResponse list(Mandate mandate, ListOrganizationsRequest request) {
    return ListOrganizationsResponse.newBuilder()
        .addAllOrganizations(organizations.list(mandate).stream().map(this::wire).toList())
        .build();
  }

  private dev.mandate.api.organizations.v1.Organization create(
      Mandate mandate, CreateOrganizationRequest request) {
    return wire(organizations.create(mandate, request.getName()));
  }

  private dev.mandate.api.organizations.v1.Organization get(
      Mandate mandate, GetOrganizationRequest request) {
    return wire(organizations.get(mandate, OrgId.parse("id", request.getId())));
  }

  private dev.mandate.api.organizations.v1.Organization update(
      Mandate mandate, UpdateOrganizationRequest request) {
    OrgId id = OrgId.parse("id", request.getId());
    return wire(organizations.rename(mandate, id, request.getVersion(), request.getName()));
  }

  private dev.mandate.api.organizations.v1.Organization wire(OrganizationView view) {
    OrgId id = view.organization().id();
    dev.mandate.api.organizations.v1.Organization.Builder wire =
        dev.mandate.api.organizations.v1.Organization.newBuilder()
            .setId(id.toString())
            .setName(view.organization().name())
            .setCreatedAt(Timestamps.of(view.organization().createdAt()))
            .setVersion(view.organization().version())
            .setRole(Wire.of(view.role()));
    Suspension suspension = suspending.of(id, Suspension.Kind.ORGANIZATION, id.toString());
    if (suspension != null) {
      wire.setSuspension(suspension.wire());
    }
    return wire.build();
  }
}
