package dev.mandate.approvals;

import dev.mandate.api.approvals.v1.ApprovalStatus;
import dev.mandate.api.approvals.v1.ApprovalsProto;
import dev.mandate.api.approvals.v1.ApproveApprovalRequest;
import dev.mandate.api.approvals.v1.DenyApprovalRequest;
import dev.mandate.api.approvals.v1.GetApprovalRequest;
import dev.mandate.api.approvals.v1.ListApprovalsRequest;
import dev.mandate.api.approvals.v1.ListApprovalsResponse;
import dev.mandate.approvals.Approval.Status;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import org.jspecify.annotations.Nullable;

/** The contract's {@code ApprovalService}. */
public final class ApprovalsApi {
  private final Approvals approvals;

  public ApprovalsApi(Approvals approvals) {
    this.approvals = approvals;
  }

  public void bind(Binder binder) {
    binder
        .service(ApprovalsProto.getDescriptor().findServiceByName("ApprovalService"))
        .unary("ListApprovals", ListApprovalsRequest.getDefaultInstance(), this::list)
        .unary("GetApproval", GetApprovalRequest.getDefaultInstance(), this::get)
        .unary("ApproveApproval", ApproveApprovalRequest.getDefaultInstance(), this::approve)
        .unary("DenyApproval", DenyApprovalRequest.getDefaultInstance(), this::deny);
  }

  private ListApprovalsResponse list(Mandate mandate, ListApprovalsRequest request) {
    Page.Request wanted = Page.Request.of(request.getPageSize(), request.getPageToken());
    Page<dev.mandate.api.approvals.v1.Approval> page =
        approvals.list(mandate, status(request.getStatus()), wanted).map(ApprovalsApi::wire);
    return ListApprovalsResponse.newBuilder()
        .addAllApprovals(page.items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.approvals.v1.Approval get(Mandate mandate, GetApprovalRequest request) {
    return wire(approvals.get(mandate, id(request.getId())));
  }

  private dev.mandate.api.approvals.v1.Approval approve(
      Mandate mandate, ApproveApprovalRequest request) {
    ApprovalId id = id(request.getId());
    String hash = request.getArgumentsHash().isEmpty() ? null : request.getArgumentsHash();
    String edited = request.getArgumentsJson();
    return wire(
        edited.isEmpty()
            ? approvals.decide(mandate, id, true, hash, request.getComment())
            : approvals.approveEdited(mandate, id, edited, hash, request.getComment()));
  }

  private dev.mandate.api.approvals.v1.Approval deny(Mandate mandate, DenyApprovalRequest request) {
    return wire(approvals.decide(mandate, id(request.getId()), false, null, request.getComment()));
  }

  private static ApprovalId id(String text) {
    return new ApprovalId(Ids.parse("id", text));
  }

  private static @Nullable Status status(ApprovalStatus wire) {
    return switch (wire) {
      case APPROVAL_STATUS_UNSPECIFIED -> null;
      case PENDING -> Status.PENDING;
      case APPROVED -> Status.APPROVED;
      case DENIED -> Status.DENIED;
      case EXPIRED -> Status.EXPIRED;
      case WITHDRAWN -> Status.WITHDRAWN;
      case UNRECOGNIZED -> throw Failure.invalid("status", "unknown value");
    };
  }

  private static dev.mandate.api.approvals.v1.Approval wire(Approval approval) {
    dev.mandate.api.approvals.v1.Approval.Builder wire =
        dev.mandate.api.approvals.v1.Approval.newBuilder()
            .setId(approval.id().toString())
            .setStatus(ApprovalStatus.valueOf(approval.status().name()))
            .setRunId(approval.runId().toString())
            .setThreadId(approval.threadId().toString())
            .setCallId(approval.callId())
            .setTool(approval.tool())
            .setArgumentsJson(approval.argumentsJson())
            .setArgumentsHash(approval.argumentsHash())
            .addAllChain(approval.chain())
            .setDecider(approval.decider())
            .setReason(approval.reason())
            .setCreatedAt(Timestamps.of(approval.createdAt()))
            .setExpiresAt(Timestamps.of(approval.expiresAt()))
            .setDecidedBy(approval.decidedBy())
            .setComment(approval.comment());
    if (approval.decidedAt() != null) {
      wire.setDecidedAt(Timestamps.of(approval.decidedAt()));
    }
    if (approval.replaces() != null) {
      wire.setReplaces(approval.replaces().toString());
    }
    if (approval.replacedBy() != null) {
      wire.setReplacedBy(approval.replacedBy().toString());
    }
    return wire.build();
  }
}
