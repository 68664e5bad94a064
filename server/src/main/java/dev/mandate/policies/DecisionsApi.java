package dev.mandate.policies;

import dev.mandate.api.policies.v1.EraseDecisionsRequest;
import dev.mandate.api.policies.v1.EraseDecisionsResponse;
import dev.mandate.api.policies.v1.GetDecisionRequest;
import dev.mandate.api.policies.v1.ListDecisionsRequest;
import dev.mandate.api.policies.v1.ListDecisionsResponse;
import dev.mandate.api.policies.v1.PoliciesProto;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;

/** The contract's {@code DecisionService}. */
final class DecisionsApi {
  private final Decisions decisions;

  DecisionsApi(Decisions decisions) {
    this.decisions = decisions;
  }

  void bind(Binder binder) {
    binder
        .service(PoliciesProto.getDescriptor().findServiceByName("DecisionService"))
        .unary("ListDecisions", ListDecisionsRequest.getDefaultInstance(), this::list)
        .unary("GetDecision", GetDecisionRequest.getDefaultInstance(), this::get)
        .unary("EraseDecisions", EraseDecisionsRequest.getDefaultInstance(), this::erase);
  }

  private ListDecisionsResponse list(Mandate mandate, ListDecisionsRequest request) {
    Page<Decision> page =
        decisions.list(
            mandate,
            request.getOutcome(),
            request.getAction(),
            Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListDecisionsResponse.newBuilder()
        .addAllDecisions(page.map(decision -> wire(decision).build()).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.policies.v1.Decision get(Mandate mandate, GetDecisionRequest request) {
    Decisions.Opened opened = decisions.get(mandate, Ids.parse("id", request.getId()));
    return wire(opened.decision())
        .addAllMessages(opened.sealed().messages())
        .setInputJson(opened.sealed().input())
        .build();
  }

  private EraseDecisionsResponse erase(Mandate mandate, EraseDecisionsRequest request) {
    int erased = decisions.erase(mandate, Ids.parse("user_id", request.getUserId()));
    return EraseDecisionsResponse.newBuilder().setErased(erased).build();
  }

  private static dev.mandate.api.policies.v1.Decision.Builder wire(Decision decision) {
    dev.mandate.api.policies.v1.Decision.Builder wire =
        dev.mandate.api.policies.v1.Decision.newBuilder()
            .setId(decision.id().toString())
            .setAt(Timestamps.of(decision.at()))
            .setActor(decision.actor())
            .setAction(decision.action())
            .setResource(decision.resource())
            .setOutcome(decision.outcome())
            .setSetVersion(decision.set())
            .setInstallationSetVersion(decision.installationSet())
            .addAllRules(decision.rules())
            .setInputHash(decision.inputHash())
            .setMicros(decision.micros());
    if (decision.user() != null) {
      wire.setUser("user:" + decision.user());
    }
    if (decision.run() != null) {
      wire.setRun(decision.run().toString());
    }
    return wire;
  }
}
