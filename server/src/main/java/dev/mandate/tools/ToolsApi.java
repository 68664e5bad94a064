package dev.mandate.tools;

import dev.mandate.api.tools.v1.CallToolRequest;
import dev.mandate.api.tools.v1.CallToolResponse;
import dev.mandate.api.tools.v1.GetToolRequest;
import dev.mandate.api.tools.v1.ListToolsRequest;
import dev.mandate.api.tools.v1.ListToolsResponse;
import dev.mandate.api.tools.v1.Tool;
import dev.mandate.api.tools.v1.ToolsProto;
import dev.mandate.api.tools.v1.UpdateToolRequest;
import dev.mandate.api.v1.SuspensionRequest;
import dev.mandate.governance.Effect;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspension;
import org.jspecify.annotations.Nullable;

/** The contract's {@code ToolService}. */
public final class ToolsApi {
  private final Tools tools;
  private final Suspending suspending;

  public ToolsApi(Tools tools, Suspending suspending) {
    this.tools = tools;
    this.suspending = suspending;
  }

  public void bind(Binder binder) {
    binder
        .service(ToolsProto.getDescriptor().findServiceByName("ToolService"))
        .unary("ListTools", ListToolsRequest.getDefaultInstance(), this::list)
        .unary("GetTool", GetToolRequest.getDefaultInstance(), this::get)
        .unary("UpdateTool", UpdateToolRequest.getDefaultInstance(), this::update)
        .unary(
            "CallTool",
            CallToolRequest.getDefaultInstance(),
            ToolTimes.LONGEST.plusSeconds(10),
            this::call)
        .unary("SuspendTool", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, true))
        .unary("ResumeTool", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, false));
  }

  private Tool hold(Mandate mandate, SuspensionRequest request, boolean suspended) {
    Catalog.Entry entry = tools.catalog().get(mandate, request.getId());
    suspending.set(
        mandate,
        Suspension.Kind.TOOL,
        entry.tool().name(),
        suspended,
        request.getReason(),
        tx -> {});
    return wire(mandate, entry);
  }

  private ListToolsResponse list(Mandate mandate, ListToolsRequest request) {
    ToolSourceId source =
        request.getSourceId().isEmpty()
            ? null
            : new ToolSourceId(Ids.parse("source_id", request.getSourceId()));
    Page<Tool> page =
        tools
            .catalog()
            .list(mandate, source, Page.Request.of(request.getPageSize(), request.getPageToken()))
            .map(entry -> wire(mandate, entry));
    return ListToolsResponse.newBuilder()
        .addAllTools(page.items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private Tool get(Mandate mandate, GetToolRequest request) {
    return wire(mandate, tools.catalog().get(mandate, request.getId()));
  }

  private Tool update(Mandate mandate, UpdateToolRequest request) {
    int timeout = request.getTimeoutSeconds();
    if (request.getLabelsCount() > 0 && !request.getSetLabels()) {
      throw Failure.invalid("set_labels", "must be true to replace the labels");
    }
    return wire(
        mandate,
        tools
            .catalog()
            .update(
                mandate,
                request.getId(),
                request.getVersion(),
                effect(request.getEffect()),
                timeout == 0 ? null : timeout,
                request.hasEnabled() ? request.getEnabled() : null,
                request.getSetLabels() ? request.getLabelsList() : null));
  }

  private CallToolResponse call(Mandate mandate, CallToolRequest request) {
    ToolResult result = tools.call(mandate, request.getId(), request.getArgumentsJson()).result();
    return CallToolResponse.newBuilder()
        .setIsError(result.isError())
        .setText(result.text())
        .setDurationMs(result.durationMillis())
        .build();
  }

  private Tool wire(Mandate mandate, Catalog.Entry entry) {
    ResolvedTool tool = entry.tool();
    Tool.Builder wire =
        Tool.newBuilder()
            .setId(tool.id().toString())
            .setName(tool.name())
            .setSourceId(tool.sourceId().toString())
            .setDescription(tool.description())
            .setInputSchemaJson(tool.inputSchemaJson())
            .setEffect(wire(tool.effect()))
            .setEffectConfirmed(entry.setting() != null && entry.setting().effect() != null)
            .setTimeoutSeconds((int) tool.timeout().toSeconds())
            .setEnabled(entry.enabled())
            .addAllLabels(tool.labels())
            .setVersion(tool.version());
    Suspension suspension = suspending.of(mandate.org(), Suspension.Kind.TOOL, tool.name());
    if (suspension != null) {
      wire.setSuspension(suspension.wire());
    }
    if (entry.proposed() != null) {
      wire.setProposedEffect(wire(entry.proposed()));
    }
    return wire.build();
  }

  private static dev.mandate.api.v1.Effect wire(Effect effect) {
    return switch (effect) {
      case READ_ONLY -> dev.mandate.api.v1.Effect.EFFECT_READ_ONLY;
      case IDEMPOTENT -> dev.mandate.api.v1.Effect.EFFECT_IDEMPOTENT;
      case WRITE -> dev.mandate.api.v1.Effect.EFFECT_WRITE;
      case DESTRUCTIVE -> dev.mandate.api.v1.Effect.EFFECT_DESTRUCTIVE;
    };
  }

  private static @Nullable Effect effect(dev.mandate.api.v1.Effect wire) {
    return switch (wire) {
      case EFFECT_UNSPECIFIED -> null;
      case EFFECT_READ_ONLY -> Effect.READ_ONLY;
      case EFFECT_IDEMPOTENT -> Effect.IDEMPOTENT;
      case EFFECT_WRITE -> Effect.WRITE;
      case EFFECT_DESTRUCTIVE -> Effect.DESTRUCTIVE;
      case UNRECOGNIZED -> throw Failure.invalid("effect", "unknown value");
    };
  }
}
