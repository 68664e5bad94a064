package dev.mandate.policies;

import dev.mandate.api.policies.v1.ActivatePolicyRequest;
import dev.mandate.api.policies.v1.AddPolicyVersionRequest;
import dev.mandate.api.policies.v1.AffectedRun;
import dev.mandate.api.policies.v1.AffectedSubject;
import dev.mandate.api.policies.v1.CreatePolicyRequest;
import dev.mandate.api.policies.v1.DeactivatePolicyRequest;
import dev.mandate.api.policies.v1.DeletePolicyRequest;
import dev.mandate.api.policies.v1.DeletePolicyResponse;
import dev.mandate.api.policies.v1.GetPolicyRequest;
import dev.mandate.api.policies.v1.ListPoliciesRequest;
import dev.mandate.api.policies.v1.ListPoliciesResponse;
import dev.mandate.api.policies.v1.ListPolicyVersionsRequest;
import dev.mandate.api.policies.v1.ListPolicyVersionsResponse;
import dev.mandate.api.policies.v1.PoliciesProto;
import dev.mandate.api.policies.v1.PolicyDraft;
import dev.mandate.api.policies.v1.PolicyTest;
import dev.mandate.api.policies.v1.SimulatePolicyRequest;
import dev.mandate.api.policies.v1.SimulatePolicyResponse;
import dev.mandate.api.policies.v1.SimulatedChange;
import dev.mandate.api.policies.v1.TestPolicyRequest;
import dev.mandate.api.policies.v1.TestPolicyResponse;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import dev.mandate.rego.tool.TestRunner;
import java.time.Duration;

/** The contract's {@code PolicyService}. */
final class PoliciesApi {
  private static final Duration LONG = Duration.ofMinutes(2);

  private final Policies policies;
  private final Simulation simulation;

  PoliciesApi(Policies policies, Simulation simulation) {
    this.policies = policies;
    this.simulation = simulation;
  }

  void bind(Binder binder) {
    binder
        .service(PoliciesProto.getDescriptor().findServiceByName("PolicyService"))
        .unary("ListPolicies", ListPoliciesRequest.getDefaultInstance(), this::list)
        .unary("CreatePolicy", CreatePolicyRequest.getDefaultInstance(), this::create)
        .unary("GetPolicy", GetPolicyRequest.getDefaultInstance(), this::get)
        .unary("ListPolicyVersions", ListPolicyVersionsRequest.getDefaultInstance(), this::versions)
        .unary("AddPolicyVersion", AddPolicyVersionRequest.getDefaultInstance(), this::addVersion)
        .unary("ActivatePolicy", ActivatePolicyRequest.getDefaultInstance(), LONG, this::activate)
        .unary("DeactivatePolicy", DeactivatePolicyRequest.getDefaultInstance(), this::deactivate)
        .unary("DeletePolicy", DeletePolicyRequest.getDefaultInstance(), this::delete)
        .unary("TestPolicy", TestPolicyRequest.getDefaultInstance(), LONG, this::test)
        .unary("SimulatePolicy", SimulatePolicyRequest.getDefaultInstance(), LONG, this::simulate);
  }

  private ListPoliciesResponse list(Mandate mandate, ListPoliciesRequest request) {
    Page<Policy> page =
        policies.list(
            mandate,
            request.getInstallation(),
            request.getName(),
            Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListPoliciesResponse.newBuilder()
        .addAllPolicies(page.map(PoliciesApi::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.policies.v1.Policy create(Mandate mandate, CreatePolicyRequest request) {
    return wire(
        policies.create(
            mandate,
            new Policies.Heading(
                request.getName(), request.getDescription(), request.getInstallation()),
            new PolicyText(request.getModule(), request.getTests()),
            request.getNote()));
  }

  private dev.mandate.api.policies.v1.Policy get(Mandate mandate, GetPolicyRequest request) {
    return wire(policies.get(mandate, PolicyId.parse("id", request.getId())));
  }

  private ListPolicyVersionsResponse versions(Mandate mandate, ListPolicyVersionsRequest request) {
    Page<PolicyVersion> page =
        policies.versions(
            mandate,
            PolicyId.parse("id", request.getId()),
            Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListPolicyVersionsResponse.newBuilder()
        .addAllVersions(page.map(PoliciesApi::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.policies.v1.PolicyVersion addVersion(
      Mandate mandate, AddPolicyVersionRequest request) {
    return wire(
        policies.addVersion(
            mandate,
            PolicyId.parse("id", request.getId()),
            request.getVersion(),
            new PolicyText(request.getModule(), request.getTests()),
            request.getNote()));
  }

  private dev.mandate.api.policies.v1.Policy activate(
      Mandate mandate, ActivatePolicyRequest request) {
    return wire(
        policies.activate(mandate, PolicyId.parse("id", request.getId()), request.getVersion()));
  }

  private dev.mandate.api.policies.v1.Policy deactivate(
      Mandate mandate, DeactivatePolicyRequest request) {
    return wire(policies.deactivate(mandate, PolicyId.parse("id", request.getId())));
  }

  private DeletePolicyResponse delete(Mandate mandate, DeletePolicyRequest request) {
    policies.delete(mandate, PolicyId.parse("id", request.getId()));
    return DeletePolicyResponse.getDefaultInstance();
  }

  private TestPolicyResponse test(Mandate mandate, TestPolicyRequest request) {
    TestPolicyResponse.Builder wire = TestPolicyResponse.newBuilder().setPassed(true);
    for (TestRunner.TestResult result : policies.test(mandate, draft(request.getDraft()))) {
      PolicyTest.Builder test =
          wire.addTestsBuilder()
              .setName(result.path())
              .setPlace(result.location().toString())
              .setOutput(result.output())
              .setOutcome(
                  switch (result.status()) {
                    case PASS -> "passed";
                    case FAIL -> "failed";
                    case ERROR -> "error";
                    case SKIP -> "skipped";
                  });
      if (result.message() != null) {
        test.setMessage(result.message());
      }
      wire.setPassed(
          wire.getPassed()
              && result.status() != TestRunner.Status.FAIL
              && result.status() != TestRunner.Status.ERROR);
    }
    return wire.build();
  }

  private SimulatePolicyResponse simulate(Mandate mandate, SimulatePolicyRequest request) {
    Simulation.Outcome outcome =
        simulation.run(mandate, draft(request.getDraft()), request.getLimit(), request.getDays());
    SimulatePolicyResponse.Builder wire =
        SimulatePolicyResponse.newBuilder()
            .setDecisions(outcome.decisions())
            .setUnchanged(outcome.unchanged())
            .setChanged(outcome.changed())
            .setUnknowable(outcome.unknowable());
    outcome.changes().forEach(change -> wire.addChanges(wire(change)));
    outcome
        .affected()
        .forEach(each ->
            wire.addAffected(
                AffectedSubject.newBuilder()
                    .setUser(each.user())
                    .setEmail(each.email())
                    .setChanged(each.changed())));
    outcome
        .runs()
        .forEach(each ->
            wire.addRuns(
                AffectedRun.newBuilder()
                    .setRun(each.run().toString())
                    .setFirstChanged(each.firstChanged().toString())
                    .setUnknowable(each.unknowable())));
    return wire.build();
  }

  private static Policies.DraftRequest draft(PolicyDraft draft) {
    return new Policies.DraftRequest(
        draft.getPolicyId().isEmpty()
            ? null
            : PolicyId.parse("draft.policy_id", draft.getPolicyId()),
        draft.getVersion(),
        draft.getModule().isEmpty() ? null : new PolicyText(draft.getModule(), draft.getTests()));
  }

  private static SimulatedChange.Builder wire(Simulation.Change change) {
    Decision decision = change.decision();
    return SimulatedChange.newBuilder()
        .setDecisionId(decision.id().toString())
        .setAt(Timestamps.of(decision.at()))
        .setActor(decision.actor())
        .setSubject(change.subject())
        .setAction(decision.action())
        .setResource(decision.resource())
        .setBefore(decision.outcome())
        .setAfter(change.after().outcome())
        .setMessage(String.join("; ", change.after().messages()))
        .addAllRules(change.after().rules());
  }

  private static dev.mandate.api.policies.v1.Policy wire(Policy policy) {
    Long active = policy.active();
    return dev.mandate.api.policies.v1.Policy.newBuilder()
        .setId(policy.id().toString())
        .setName(policy.name())
        .setDescription(policy.description())
        .setInstallation(policy.installation())
        .setActiveVersion(active == null ? 0 : active)
        .setLatestVersion(policy.latest())
        .setCreatedAt(Timestamps.of(policy.createdAt()))
        .setUpdatedAt(Timestamps.of(policy.updatedAt()))
        .build();
  }

  private static dev.mandate.api.policies.v1.PolicyVersion wire(PolicyVersion version) {
    return dev.mandate.api.policies.v1.PolicyVersion.newBuilder()
        .setVersion(version.version())
        .setModule(version.text().module())
        .setTests(version.text().tests())
        .setNote(version.note())
        .setHash(version.hash())
        .setAuthor(version.author())
        .setCreatedAt(Timestamps.of(version.createdAt()))
        .build();
  }
}
