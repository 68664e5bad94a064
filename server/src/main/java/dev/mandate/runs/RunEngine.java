package dev.mandate.runs;

import dev.mandate.agents.Agents;
import dev.mandate.approvals.Approvals;
import dev.mandate.governance.Gate;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.telemetry.Spans;
import dev.mandate.models.Models;
import dev.mandate.suspensions.Suspensions;
import dev.mandate.threads.Threads;
import dev.mandate.tools.Tools;
import java.time.InstantSource;

/** What carrying out a run needs; handed to each execution as one. */
record RunEngine(
    Db db,
    Wakeups wakeups,
    InstantSource clock,
    RunStore store,
    RunLog log,
    Runs runs,
    RunStarter starter,
    Agents agents,
    Threads threads,
    Models models,
    Tools tools,
    Gate gate,
    Approvals approvals,
    Suspensions suspensions,
    Prompts prompts,
    Attachments attachments,
    LiveText live,
    Spans spans,
    RunSettings settings) {}
