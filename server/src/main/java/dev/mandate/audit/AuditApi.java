package dev.mandate.audit;

import dev.mandate.api.audit.v1.AuditCheckpoint;
import dev.mandate.api.audit.v1.AuditKey;
import dev.mandate.api.audit.v1.AuditProto;
import dev.mandate.api.audit.v1.ExportAuditRequest;
import dev.mandate.api.audit.v1.ExportAuditResponse;
import dev.mandate.api.audit.v1.ListAuditCheckpointsRequest;
import dev.mandate.api.audit.v1.ListAuditCheckpointsResponse;
import dev.mandate.api.audit.v1.ListAuditEntriesRequest;
import dev.mandate.api.audit.v1.ListAuditEntriesResponse;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import java.util.Base64;
import java.util.HexFormat;
import java.util.UUID;

/** {@code mandate.audit.v1.AuditService}. */
public final class AuditApi {
  private final AuditLog log;

  public AuditApi(AuditLog log) {
    this.log = log;
  }

  public void bind(Binder binder) {
    binder
        .service(AuditProto.getDescriptor().findServiceByName("AuditService"))
        .unary("ListAuditEntries", ListAuditEntriesRequest.getDefaultInstance(), this::list)
        .unary(
            "ListAuditCheckpoints",
            ListAuditCheckpointsRequest.getDefaultInstance(),
            this::checkpoints)
        .unary("ExportAudit", ExportAuditRequest.getDefaultInstance(), this::export);
  }

  private ListAuditEntriesResponse list(Mandate mandate, ListAuditEntriesRequest request) {
    AuditFilter filter =
        new AuditFilter(request.getAction(), request.getResource(), request.getOutcome());
    Page<AuditEntry> page =
        log.list(mandate, filter, Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListAuditEntriesResponse.newBuilder()
        .addAllEntries(page.map(AuditApi::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private ListAuditCheckpointsResponse checkpoints(
      Mandate mandate, ListAuditCheckpointsRequest request) {
    Page<Checkpoint> page =
        log.checkpoints(mandate, Page.Request.of(request.getPageSize(), request.getPageToken()));
    ListAuditCheckpointsResponse.Builder response =
        ListAuditCheckpointsResponse.newBuilder()
            .addAllCheckpoints(page.map(AuditApi::wire).items())
            .setNextPageToken(page.nextToken());
    for (SigningKey.PublicHalf key : log.keys()) {
      response.addKeys(
          AuditKey.newBuilder()
              .setId(key.id())
              .setPublicKey(Base64.getEncoder().encodeToString(key.encoded())));
    }
    return response.build();
  }

  private ExportAuditResponse export(Mandate mandate, ExportAuditRequest request) {
    AuditChain.Export part = log.export(mandate, Page.Request.of(0, request.getPageToken()));
    Long next = part.next();
    return ExportAuditResponse.newBuilder()
        .addAllLines(part.lines())
        .setNextPageToken(next == null ? "" : Page.token(next.toString()))
        .build();
  }

  private static AuditCheckpoint wire(Checkpoint checkpoint) {
    UUID dropped = checkpoint.droppedBefore();
    return AuditCheckpoint.newBuilder()
        .setId(checkpoint.id().toString())
        .setSeq(checkpoint.seq())
        .setHash(HexFormat.of().formatHex(checkpoint.hash()))
        .setAt(Timestamps.of(checkpoint.at()))
        .setKeyId(checkpoint.keyId())
        .setSignature(Base64.getEncoder().encodeToString(checkpoint.signature()))
        .setDroppedBefore(dropped == null ? "" : dropped.toString())
        .build();
  }

  private static dev.mandate.api.audit.v1.AuditEntry wire(AuditEntry entry) {
    return dev.mandate.api.audit.v1.AuditEntry.newBuilder()
        .setId(entry.id().toString())
        .setAt(Timestamps.of(entry.at()))
        .setAction(entry.action())
        .setResource(entry.resource())
        .setOutcome(entry.outcome())
        .setReason(entry.reason())
        .addAllChain(entry.chain())
        .setChannel(entry.channel())
        .setAddress(entry.address())
        .setTraceId(entry.traceId())
        .setDetailsJson(entry.details())
        .build();
  }
}
