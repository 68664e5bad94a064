package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.agents.AgentId;
import dev.mandate.agents.ToolGrant;
import dev.mandate.governance.ApprovalMode;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Tx;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * When a call of one execution needs an approval: by the agent's own grant and by those of all the
 * agents it acts for, the strictest of them. Nobody can have another agent do without an approval
 * what it may not do without one itself.
 */
final class ApprovalModes {
  private final RunEngine engine;
  private final RunExecution execution;
  private @Nullable List<List<ToolGrant>> grants;

  ApprovalModes(RunEngine engine, RunExecution execution) {
    this.engine = engine;
    this.execution = execution;
  }

  /**
   * @param tool its full name
   */
  ApprovalMode of(String tool) {
    List<List<ToolGrant>> levels = grants;
    if (levels == null) {
      Run run = execution.current();
      levels = engine.db().read(run.mandate(), tx -> levels(tx, run));
      grants = levels;
    }
    ApprovalMode strictest = ApprovalMode.NEVER;
    for (List<ToolGrant> level : levels) {
      ApprovalMode mode = mode(level, tool);
      if (ToolGrant.weaker(strictest, mode)) {
        strictest = mode;
      }
    }
    return strictest;
  }

  private static ApprovalMode mode(List<ToolGrant> grants, String tool) {
    ToolGrant best = ToolGrant.covering(grants, tool);
    return best == null ? ApprovalMode.BY_EFFECT : best.approval();
  }

  /** The grants of every agent in the chain. */
  private List<List<ToolGrant>> levels(Tx tx, Run run) {
    List<List<ToolGrant>> levels = new ArrayList<>();
    Set<Principal> pinned = new HashSet<>();
    for (Run level = run; level != null; level = parent(tx, level)) {
      pinned.add(level.agentId().principal());
      levels.add(
          engine
              .agents()
              .findVersion(tx, level.agentId(), level.agentVersion())
              .orElseThrow(() -> new IllegalStateException("no such version"))
              .tools());
    }
    // An agent that posted the message which this run answers has no run above it: what it is
    // granted now counts.
    for (Principal principal : run.mandate().chain()) {
      if (principal.kind() == Principal.Kind.AGENT && pinned.add(principal)) {
        levels.add(
            engine
                .agents()
                .find(tx, new AgentId(principal.id()))
                .map(Agent::tools)
                .orElse(List.of()));
      }
    }
    return levels;
  }

  private @Nullable Run parent(Tx tx, Run run) {
    RunId id = run.parentId();
    if (id == null) {
      return null;
    }
    return engine.store().find(tx, id).orElseThrow(() -> new IllegalStateException("no such run"));
  }
}
