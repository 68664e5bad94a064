package dev.mandate.runs;

import dev.mandate.approvals.Approval;
import dev.mandate.approvals.ApprovalId;
import dev.mandate.approvals.DecisionListener;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.Tx;
import dev.mandate.tools.Tools;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/** Puts decisions about approvals into the log of the run that waits for them. */
public final class RunDecisions implements DecisionListener {
  private final Tools tools;
  private final RunStore store = new RunStore();
  private final RunLog log = new RunLog(store);

  public RunDecisions(Tools tools) {
    this.tools = tools;
  }

  @Override
  public void deciding(Tx tx, UUID runId) {
    store.lockRun(tx, new RunId(runId));
  }

  @Override
  public void decided(Tx tx, Approval approval) {
    RunId id = new RunId(approval.runId());
    store
        .find(tx, id)
        .filter(run -> !run.status().terminal())
        .ifPresent(run -> log.append(tx, id, run.threadId(), Fence.NONE, List.of(step(approval))));
  }

  private static Step step(Approval approval) {
    ApprovalId replaced = approval.replaces();
    if (replaced != null) {
      return new Step.ApprovalEdited(
          approval.callId(),
          replaced.toString(),
          approval.id().toString(),
          approval.argumentsJson(),
          approval.argumentsHash(),
          approval.decider(),
          approval.decidedBy(),
          Texts.clean(approval.comment()));
    }
    return new Step.ApprovalDecided(
        approval.callId(),
        approval.id().toString(),
        approval.status().name().toLowerCase(Locale.ROOT),
        approval.argumentsHash(),
        approval.decider(),
        approval.decidedBy(),
        Texts.clean(approval.comment()));
  }

  @Override
  public void requireEditable(Mandate editor, String tool, String argumentsJson) {
    if (tool.startsWith(ToolOffers.AGENT)) {
      ToolOffers.request(argumentsJson);
    } else {
      tools.requireCallable(editor, tool, argumentsJson);
    }
  }
}
