package dev.mandate.runs;

import dev.mandate.api.runs.v1.ReplayTools;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.rpc.Timestamps;
import org.jspecify.annotations.Nullable;

/** Runs and steps as the contract has them. */
final class StepWire {
  private StepWire() {}

  static dev.mandate.api.runs.v1.Run wire(Runs.View view) {
    Run run = view.run();
    dev.mandate.api.runs.v1.Run.Builder wire =
        dev.mandate.api.runs.v1.Run.newBuilder()
            .setId(run.id().toString())
            .setThreadId(run.threadId().toString())
            .setAgentId(run.agentId().toString())
            .setAgentName(view.agentName())
            .setAgentVersion(run.agentVersion())
            .setStatus(dev.mandate.api.runs.v1.RunStatus.valueOf(run.status().name()))
            .setReason(run.reason())
            .addAllChain(run.mandate().chain().stream().map(Principal::toString).toList())
            .setModel(run.model())
            .setInputTokens(run.inputTokens())
            .setOutputTokens(run.outputTokens())
            .setCostMicros(run.costMicros())
            .setCostKnown(run.costKnown())
            .setSimulated(run.simulated())
            .setCreatedAt(Timestamps.of(run.createdAt()))
            .setLastSeq(run.lastSeq());
    Replay replay = run.replay();
    if (replay != null) {
      wire.setReplayOf(replay.of().toString())
          .setReplayFromSeq(replay.fromSeq())
          .setReplayTools(replay.recorded() ? ReplayTools.RECORDED : ReplayTools.LIVE);
    }
    if (run.parentId() != null) {
      wire.setParentRunId(run.parentId().toString());
    }
    if (run.startedAt() != null) {
      wire.setStartedAt(Timestamps.of(run.startedAt()));
    }
    if (run.finishedAt() != null) {
      wire.setFinishedAt(Timestamps.of(run.finishedAt()));
    }
    return wire.build();
  }

  static dev.mandate.api.runs.v1.Step wire(LoggedStep logged) {
    dev.mandate.api.runs.v1.Step.Builder wire =
        dev.mandate.api.runs.v1.Step.newBuilder()
            .setSeq(logged.seq())
            .setKind(StepJson.kind(logged.step()))
            .setCreatedAt(Timestamps.of(logged.at()));
    switch (logged.step()) {
      case Step.ModelRequested s -> wire.setModel(s.model());
      case Step.ModelResponded s -> {
        excerpt(wire, s.text());
        wire.setOutcome(s.stopReason())
            .setInputTokens(s.inputTokens())
            .setOutputTokens(s.outputTokens())
            .setDurationMs(s.durationMillis());
        cost(wire, s.costMicros());
      }
      case Step.ModelFailed s -> {
        wire.setOutcome(s.failure()).setReason(s.message()).setInputTokens(s.inputTokens());
        cost(wire, s.costMicros());
      }
      case Step.ToolRequested s ->
          wire.setCallId(s.callId()).setTool(s.tool()).setArgumentsJson(s.arguments());
      case Step.ToolDenied s ->
          wire.setCallId(s.callId()).setOutcome(s.reason()).setReason(s.message());
      case Step.ApprovalRequested s ->
          wire.setCallId(s.callId()).setApprovalId(s.approvalId()).setReason(s.why());
      case Step.ApprovalDecided s ->
          wire.setCallId(s.callId())
              .setApprovalId(s.approvalId())
              .setOutcome(s.outcome())
              .setDecidedBy(s.decidedBy())
              .setReason(s.comment());
      case Step.ApprovalEdited s ->
          wire.setCallId(s.callId())
              .setApprovalId(s.approvalId())
              .setReplacementApprovalId(s.replacementId())
              .setArgumentsJson(s.arguments())
              .setOutcome("approved")
              .setDecidedBy(s.decidedBy())
              .setReason(s.comment());
      case Step.ToolStarted s ->
          wire.setCallId(s.callId()).setAttempt(s.attempt()).setIdempotencyKey(s.idempotencyKey());
      case Step.ToolFinished s ->
          wire.setCallId(s.callId())
              .setAttempt(s.attempt())
              .setOutcome(s.outcome())
              .setText(s.excerpt())
              .setTruncated(s.truncated())
              .setDurationMs(s.durationMillis());
      case Step.ToolInDoubt s ->
          wire.setCallId(s.callId()).setAttempt(s.attempt()).setReason(s.why());
      case Step.ToolSettled s ->
          wire.setCallId(s.callId())
              .setOutcome(s.settlement())
              .setText(s.excerpt())
              .setDecidedBy(s.decidedBy());
      case Step.Replayed s ->
          wire.setOriginalRunId(s.originalRunId())
              .setOutcome(s.recorded() ? "recorded" : "live")
              .setModel(s.model())
              .setDecidedBy(s.by());
      case Step.ToolReplayed s ->
          wire.setCallId(s.callId())
              .setOriginalRunId(s.originalRunId())
              .setOutcome(s.outcome())
              .setText(s.excerpt());
      case Step.ChildStarted s -> wire.setCallId(s.callId()).setChildRunId(s.childRunId());
      case Step.ChildFinished s ->
          wire.setCallId(s.callId())
              .setChildRunId(s.childRunId())
              .setOutcome(s.status())
              .setText(s.excerpt());
      case Step.MessagePosted s -> wire.setMessageId(s.messageId());
      case Step.CancelRequested s -> wire.setDecidedBy(s.by()).setReason(s.reason());
      case Step.Failed s -> wire.setOutcome(s.reason()).setReason(s.message());
      case Step.Cancelled s -> wire.setDecidedBy(s.by()).setReason(s.reason());
      case Step.Paused s -> wire.setReason(s.reason());
      case Step.Suspended s -> wire.setReason(s.reason());
      case Step.Resumed s -> wire.setDecidedBy(s.by());
      case Step.RunStarted s -> {}
      case Step.Finished s -> {}
    }
    return wire.build();
  }

  private static void excerpt(dev.mandate.api.runs.v1.Step.Builder wire, String text) {
    String excerpt = Texts.cut(text, Texts.EXCERPT);
    wire.setText(excerpt).setTruncated(excerpt.length() < text.length());
  }

  private static void cost(dev.mandate.api.runs.v1.Step.Builder wire, @Nullable Long micros) {
    if (micros != null) {
      wire.setCostMicros(micros).setCostKnown(true);
    }
  }
}
