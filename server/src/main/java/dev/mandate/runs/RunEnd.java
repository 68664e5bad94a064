package dev.mandate.runs;

import dev.mandate.kernel.db.Tx;
import dev.mandate.policies.Obligation;
import dev.mandate.threads.Message;
import java.util.ArrayList;
import java.util.List;

/** The end of a run, in one transaction: answer, last step, open questions, parent, successor. */
final class RunEnd {
  private RunEnd() {}

  /**
   * @param before steps that are appended before its own
   * @param answer posted to the thread unless blank
   * @return its own steps
   */
  static List<Step> end(
      RunEngine engine, Tx tx, Run run, Fence fence, List<Step> before, Step last, String answer) {
    List<Step> steps = new ArrayList<>();
    if (!answer.isBlank()) {
      // The log's row first, then the thread's, like everybody who takes both.
      engine.store().lockRun(tx, run.id());
      Message message =
          engine
              .threads()
              .postAnswer(tx, run.threadId(), run.agentId().principal(), answer, run.id().value());
      steps.add(new Step.MessagePosted(message.id().toString(), message.position()));
    }
    steps.add(last);
    List<Step> all = new ArrayList<>(before);
    all.addAll(steps);
    engine.log().append(tx, run.id(), run.threadId(), fence, all);
    engine.approvals().withdraw(tx, run.id().value());
    tellParent(engine, tx, run, last, answer);
    engine.store().lockThread(tx, run.threadId());
    engine.starter().startNext(tx, run.threadId(), run.agentId());
    return steps;
  }

  private static void tellParent(RunEngine engine, Tx tx, Run run, Step last, String answer) {
    RunId parentId = run.parentId();
    String callId = run.parentCallId();
    if (parentId == null || callId == null) {
      return;
    }
    String status =
        switch (last) {
          case Step.Finished s -> "succeeded";
          case Step.Cancelled s -> "cancelled";
          default -> "failed";
        };
    String told =
        switch (last) {
          case Step.Failed s -> "The sub-agent failed: " + s.message();
          case Step.Cancelled s -> "The sub-agent's run was cancelled.";
          default -> answer.isBlank() ? "The sub-agent finished without an answer." : answer;
        };
    List<Obligation> obligations =
        Labels.obligations(tx, parentId, run.id()).stream().map(Obligation::parse).toList();
    String text = Obligation.carryOut(obligations, "run " + parentId + " " + callId, told);
    engine
        .store()
        .find(tx, parentId)
        .filter(parent -> !parent.status().terminal())
        .ifPresent(parent ->
            engine
                .log()
                .append(
                    tx,
                    parent.id(),
                    parent.threadId(),
                    Fence.NONE,
                    List.of(
                        new Step.ChildFinished(
                            callId,
                            run.id().toString(),
                            status,
                            Payloads.put(tx, text),
                            Texts.cut(text, Texts.EXCERPT),
                            Labels.of(tx, run.id())))));
  }
}
