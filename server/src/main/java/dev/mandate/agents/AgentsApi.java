package dev.mandate.agents;

import dev.mandate.api.agents.v1.AgentsProto;
import dev.mandate.api.agents.v1.ApprovalMode;
import dev.mandate.api.agents.v1.CreateAgentRequest;
import dev.mandate.api.agents.v1.DeleteAgentRequest;
import dev.mandate.api.agents.v1.DeleteAgentResponse;
import dev.mandate.api.agents.v1.GetAgentRequest;
import dev.mandate.api.agents.v1.ListAgentVersionsRequest;
import dev.mandate.api.agents.v1.ListAgentVersionsResponse;
import dev.mandate.api.agents.v1.ListAgentsRequest;
import dev.mandate.api.agents.v1.ListAgentsResponse;
import dev.mandate.api.agents.v1.UpdateAgentRequest;
import dev.mandate.api.v1.SuspensionRequest;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspension;
import java.util.ArrayList;
import java.util.List;

/** {@code mandate.agents.v1.AgentService}. */
public final class AgentsApi {
  private final Agents agents;
  private final Suspending suspending;

  public AgentsApi(Agents agents, Suspending suspending) {
    this.agents = agents;
    this.suspending = suspending;
  }

  public void bind(Binder binder) {
    binder
        .service(AgentsProto.getDescriptor().findServiceByName("AgentService"))
        .unary("ListAgents", ListAgentsRequest.getDefaultInstance(), this::list)
        .unary("CreateAgent", CreateAgentRequest.getDefaultInstance(), this::create)
        .unary("GetAgent", GetAgentRequest.getDefaultInstance(), this::get)
        .unary("UpdateAgent", UpdateAgentRequest.getDefaultInstance(), this::update)
        .unary("DeleteAgent", DeleteAgentRequest.getDefaultInstance(), this::delete)
        .unary("ListAgentVersions", ListAgentVersionsRequest.getDefaultInstance(), this::versions)
        .unary("SuspendAgent", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, true))
        .unary("ResumeAgent", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, false));
  }

  private dev.mandate.api.agents.v1.Agent hold(
      Mandate mandate, SuspensionRequest request, boolean suspended) {
    AgentId id = AgentId.parse("id", request.getId());
    suspending.set(
        mandate,
        Suspension.Kind.AGENT,
        id.toString(),
        suspended,
        request.getReason(),
        tx -> {
          if (agents.find(tx, id).isEmpty()) {
            throw Failure.notFound("agent");
          }
        });
    return wire(mandate, agents.get(mandate, id));
  }

  private ListAgentsResponse list(Mandate mandate, ListAgentsRequest request) {
    ListAgentsResponse.Builder response = ListAgentsResponse.newBuilder();
    if (!request.getName().isEmpty()) {
      agents
          .findByName(mandate, request.getName())
          .ifPresent(a -> response.addAgents(wire(mandate, a)));
      return response.build();
    }
    Page<Agent> page =
        agents.list(mandate, Page.Request.of(request.getPageSize(), request.getPageToken()));
    return response
        .addAllAgents(page.map(agent -> wire(mandate, agent)).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.agents.v1.Agent create(Mandate mandate, CreateAgentRequest request) {
    return wire(
        mandate,
        agents.create(
            mandate,
            new AgentDraft(
                request.getName(),
                request.getDescription(),
                request.getInstructions(),
                request.getModel(),
                grants(request.getToolsList()),
                request.getMaxModelCalls())));
  }

  private dev.mandate.api.agents.v1.Agent get(Mandate mandate, GetAgentRequest request) {
    return wire(mandate, agents.get(mandate, AgentId.parse("id", request.getId())));
  }

  private dev.mandate.api.agents.v1.Agent update(Mandate mandate, UpdateAgentRequest request) {
    if (request.getToolsCount() > 0 && !request.getSetTools()) {
      throw Failure.invalid("set_tools", "must be true to replace the tools");
    }
    AgentChange change =
        new AgentChange(
            request.hasName() ? request.getName() : null,
            request.hasDescription() ? request.getDescription() : null,
            request.hasInstructions() ? request.getInstructions() : null,
            request.hasModel() ? request.getModel() : null,
            request.getSetTools() ? grants(request.getToolsList()) : null,
            request.hasMaxModelCalls() ? request.getMaxModelCalls() : null);
    AgentId id = AgentId.parse("id", request.getId());
    return wire(mandate, agents.update(mandate, id, request.getVersion(), change));
  }

  private DeleteAgentResponse delete(Mandate mandate, DeleteAgentRequest request) {
    agents.delete(mandate, AgentId.parse("id", request.getId()));
    return DeleteAgentResponse.getDefaultInstance();
  }

  private ListAgentVersionsResponse versions(Mandate mandate, ListAgentVersionsRequest request) {
    Page<Agent> page =
        agents.versions(
            mandate,
            AgentId.parse("id", request.getId()),
            Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListAgentVersionsResponse.newBuilder()
        .addAllVersions(page.map(agent -> wire(mandate, agent)).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private static List<ToolGrant> grants(List<dev.mandate.api.agents.v1.ToolGrant> tools) {
    List<ToolGrant> grants = new ArrayList<>(tools.size());
    for (int i = 0; i < tools.size(); i++) {
      grants.add(new ToolGrant(tools.get(i).getTool(), mode(i, tools.get(i).getApproval())));
    }
    return grants;
  }

  private static dev.mandate.kernel.ApprovalMode mode(int index, ApprovalMode mode) {
    return switch (mode) {
      case APPROVAL_MODE_UNSPECIFIED -> dev.mandate.kernel.ApprovalMode.BY_EFFECT;
      case ALWAYS -> dev.mandate.kernel.ApprovalMode.ALWAYS;
      case NEVER -> dev.mandate.kernel.ApprovalMode.NEVER;
      case UNRECOGNIZED -> throw Failure.invalid("tools[" + index + "].approval", "is unknown");
    };
  }

  private static ApprovalMode wire(dev.mandate.kernel.ApprovalMode mode) {
    return switch (mode) {
      case BY_EFFECT -> ApprovalMode.APPROVAL_MODE_UNSPECIFIED;
      case ALWAYS -> ApprovalMode.ALWAYS;
      case NEVER -> ApprovalMode.NEVER;
    };
  }

  private dev.mandate.api.agents.v1.Agent wire(Mandate mandate, Agent agent) {
    dev.mandate.api.agents.v1.Agent.Builder wire =
        dev.mandate.api.agents.v1.Agent.newBuilder()
            .setId(agent.id().toString())
            .setName(agent.name())
            .setDescription(agent.description())
            .setInstructions(agent.instructions())
            .setModel(agent.model())
            .setMaxModelCalls(agent.maxModelCalls())
            .setVersion(agent.version())
            .setCreatedAt(Timestamps.of(agent.createdAt()))
            .setUpdatedAt(Timestamps.of(agent.updatedAt()));
    Suspension suspension =
        suspending.of(mandate.org(), Suspension.Kind.AGENT, agent.id().toString());
    if (suspension != null) {
      wire.setSuspension(suspension.wire());
    }
    for (ToolGrant grant : agent.tools()) {
      wire.addToolsBuilder().setTool(grant.tool()).setApproval(wire(grant.approval()));
    }
    return wire.build();
  }
}
