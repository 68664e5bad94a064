package dev.mandate.runs;

import dev.mandate.api.runs.v1.CancelRunRequest;
import dev.mandate.api.runs.v1.GetRunRequest;
import dev.mandate.api.runs.v1.ListRunsRequest;
import dev.mandate.api.runs.v1.ListRunsResponse;
import dev.mandate.api.runs.v1.ListStepsRequest;
import dev.mandate.api.runs.v1.ListStepsResponse;
import dev.mandate.api.runs.v1.ReplayRunRequest;
import dev.mandate.api.runs.v1.RunsProto;
import dev.mandate.api.runs.v1.SettleRunRequest;
import dev.mandate.api.runs.v1.ThreadEvent;
import dev.mandate.api.runs.v1.WatchThreadRequest;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.StreamSink;
import dev.mandate.threads.ThreadId;
import org.jspecify.annotations.Nullable;

/** {@code mandate.runs.v1.RunService}. */
public final class RunsApi {
  private final Runs runs;
  private final ThreadWatch watch;

  public RunsApi(Runs runs, ThreadWatch watch) {
    this.runs = runs;
    this.watch = watch;
  }

  public void bind(Binder binder) {
    binder
        .service(RunsProto.getDescriptor().findServiceByName("RunService"))
        .unary("ListRuns", ListRunsRequest.getDefaultInstance(), this::list)
        .unary("GetRun", GetRunRequest.getDefaultInstance(), this::get)
        .unary("ListSteps", ListStepsRequest.getDefaultInstance(), this::steps)
        .unary("CancelRun", CancelRunRequest.getDefaultInstance(), this::cancel)
        .unary("ReplayRun", ReplayRunRequest.getDefaultInstance(), this::replay)
        .unary("SettleRun", SettleRunRequest.getDefaultInstance(), this::settle)
        .stream("WatchThread", WatchThreadRequest.getDefaultInstance(), this::watch);
  }

  private ListRunsResponse list(Mandate mandate, ListRunsRequest request) {
    ThreadId thread =
        request.getThreadId().isEmpty() ? null : ThreadId.parse("thread_id", request.getThreadId());
    Page<Runs.View> page =
        runs.list(
            mandate,
            thread,
            status(request.getStatus()),
            Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListRunsResponse.newBuilder()
        .addAllRuns(page.map(StepWire::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private static @Nullable RunStatus status(dev.mandate.api.runs.v1.RunStatus status) {
    return switch (status) {
      case RUN_STATUS_UNSPECIFIED -> null;
      case UNRECOGNIZED -> throw Failure.invalid("status", "is unknown");
      default -> RunStatus.valueOf(status.name());
    };
  }

  private dev.mandate.api.runs.v1.Run get(Mandate mandate, GetRunRequest request) {
    return StepWire.wire(runs.get(mandate, RunId.parse("id", request.getId())));
  }

  private ListStepsResponse steps(Mandate mandate, ListStepsRequest request) {
    Page<LoggedStep> page =
        runs.steps(
            mandate,
            RunId.parse("run_id", request.getRunId()),
            Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListStepsResponse.newBuilder()
        .addAllSteps(page.map(StepWire::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.runs.v1.Run cancel(Mandate mandate, CancelRunRequest request) {
    RunId id = RunId.parse("id", request.getId());
    return StepWire.wire(runs.cancel(mandate, id, request.getReason()));
  }

  private dev.mandate.api.runs.v1.Run replay(Mandate mandate, ReplayRunRequest request) {
    boolean recorded =
        switch (request.getTools()) {
          case REPLAY_TOOLS_UNSPECIFIED, RECORDED -> true;
          case LIVE -> false;
          case UNRECOGNIZED -> throw Failure.invalid("tools", "takes RECORDED or LIVE");
        };
    return StepWire.wire(
        runs.replay(
            mandate,
            RunId.parse("id", request.getId()),
            request.getFromSeq(),
            recorded,
            request.getModel(),
            request.getInstructions()));
  }

  private dev.mandate.api.runs.v1.Run settle(Mandate mandate, SettleRunRequest request) {
    Runs.Settlement settlement =
        switch (request.getSettlement()) {
          case HAPPENED -> Runs.Settlement.HAPPENED;
          case DID_NOT_HAPPEN -> Runs.Settlement.DID_NOT_HAPPEN;
          case RETRY -> Runs.Settlement.RETRY;
          case SETTLEMENT_UNSPECIFIED, UNRECOGNIZED ->
              throw Failure.invalid("settlement", "takes HAPPENED, DID_NOT_HAPPEN or RETRY");
        };
    return StepWire.wire(
        runs.settle(
            mandate,
            RunId.parse("id", request.getId()),
            request.getCallId(),
            settlement,
            request.getResult()));
  }

  private void watch(Mandate mandate, WatchThreadRequest request, StreamSink<ThreadEvent> sink) {
    ThreadId thread = ThreadId.parse("thread_id", request.getThreadId());
    watch.open(mandate, thread, request.getAfter(), sink);
  }
}
