package dev.mandate.agents;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/** The rules of agents. */
public final class Agents {
  private final Db db;
  private final Authorizer authorizer;
  private final AgentStore store = new AgentStore();

  public Agents(Db db, Authorizer authorizer) {
    this.db = db;
    this.authorizer = authorizer;
  }

  /**
   * @throws Failure {@code ALREADY_EXISTS AGENT_NAME_TAKEN}; {@code INVALID_ARGUMENT}; {@code
   *     PERMISSION_DENIED} also if the draft waives approvals and the caller may not
   */
  public Agent create(Mandate mandate, AgentDraft given) {
    authorizer.require(mandate, "agents.create");
    AgentDraft draft = checked(mandate, given);
    AgentId id = new AgentId(Ids.next());
    return db.write(
        mandate,
        tx -> {
          requireWithin(tx, draft);
          withFreeName(draft.name(), () -> store.insert(tx, id, draft.name()));
          store.insertVersion(tx, id, 1, draft);
          record(tx, "agents.create", "agent.created", id, 1);
          return require(tx, id);
        });
  }

  /**
   * @param version the version that the change is based on
   * @throws Failure {@code ABORTED STALE_VERSION} if it is no longer the current one; {@code
   *     PERMISSION_DENIED HUMAN_ONLY} for an agent that would change itself, or one it acts for;
   *     {@code PERMISSION_DENIED OUT_OF_BOUNDS} if the new version could do more than the agents
   *     that make it
   */
  public Agent update(Mandate mandate, AgentId id, long version, AgentChange change) {
    authorizer.require(mandate, "agents.update");
    if (mandate.chain().contains(id.principal())) {
      throw Failure.denied("HUMAN_ONLY", "an agent cannot change itself: a person has to");
    }
    return db.write(
        mandate,
        tx -> {
          Agent current = require(tx, id);
          if (current.version() != version) {
            throw Failure.stale("agent", current.version());
          }
          AgentDraft draft = checked(mandate, change.applyTo(current));
          requireWithin(tx, draft);
          withFreeName(
              draft.name(),
              () -> {
                if (!store.advance(tx, id, version, draft.name())) {
                  throw Failure.stale("agent", require(tx, id).version());
                }
              });
          store.insertVersion(tx, id, version + 1, draft);
          record(tx, "agents.update", "agent.updated", id, version + 1);
          // Its API tokens are good for what its current version may use.
          tx.wake("auth/" + tx.org());
          return require(tx, id);
        });
  }

  public void delete(Mandate mandate, AgentId id) {
    authorizer.require(mandate, "agents.delete");
    db.run(
        mandate,
        tx -> {
          if (!store.delete(tx, id)) {
            throw Failure.notFound("agent");
          }
          record(tx, "agents.delete", "agent.deleted", id, 0);
          // Its tokens and running work end: whoever caches its liveness reads again.
          tx.wake("auth/" + tx.org());
        });
  }

  public Agent get(Mandate mandate, AgentId id) {
    authorizer.require(mandate, "agents.get");
    return db.read(mandate, tx -> require(tx, id));
  }

  public Page<Agent> list(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "agents.list");
    return db.fetch(
        mandate,
        tx ->
            store
                .list(tx, page)
                .map(found -> Page.cut(found, page, agent -> agent.id().toString())));
  }

  public Optional<Agent> findByName(Mandate mandate, String name) {
    authorizer.require(mandate, "agents.list");
    return db.read(mandate, tx -> store.findByName(tx, name));
  }

  public Page<Agent> versions(Mandate mandate, AgentId id, Page.Request page) {
    authorizer.require(mandate, "agents.versions");
    return db.read(
        mandate,
        tx -> {
          require(tx, id);
          return Page.cut(
              store.versions(tx, id, page), page, agent -> Long.toString(agent.version()));
        });
  }

  /** For floors above, inside their transaction: the caller has authorized. */
  public Optional<Agent> find(Tx tx, AgentId id) {
    return store.find(tx, id);
  }

  /** For floors above: an agent by its name, whatever its case. */
  public Optional<Agent> findByName(Tx tx, String name) {
    return store.findByName(tx, name);
  }

  /**
   * For floors above: the first agents, oldest first, one more than asked for if there are more.
   */
  public List<Agent> some(Tx tx, Page.Request page) {
    return store.list(tx, page).get();
  }

  /** For floors above: a pinned version, kept even when the agent was changed or deleted. */
  public Later<Optional<Agent>> findVersion(Tx tx, AgentId id, long version) {
    return store.findVersion(tx, id, version);
  }

  private AgentDraft checked(Mandate mandate, AgentDraft given) {
    AgentDraft draft = given.validated();
    if (draft.waivesApproval()) {
      // Whoever grants this takes the decision from every person: owners only, and never an agent.
      if (mandate.includesAgent()) {
        throw Failure.denied(
            "HUMAN_ONLY", "only a person can grant a tool without approval (approval: NEVER)");
      }
      authorizer.require(mandate, "agents.waive_approval");
    }
    return draft;
  }

  /**
   * An agent makes no agent that could do more than itself, or with fewer approvals: within the
   * mandate's bounds, and within what every agent of the chain is granted now.
   */
  private void requireWithin(Tx tx, AgentDraft draft) {
    Mandate mandate = tx.mandate();
    if (!mandate.includesAgent()) {
      return;
    }
    List<List<ToolGrant>> holders = new ArrayList<>();
    for (Principal principal : mandate.chain()) {
      if (principal.kind() == Principal.Kind.AGENT) {
        holders.add(
            store.find(tx, new AgentId(principal.id())).map(Agent::tools).orElse(List.of()));
      }
    }
    for (int i = 0; i < draft.tools().size(); i++) {
      ToolGrant given = draft.tools().get(i);
      String field = "tools[" + i + "].";
      if (!mandate.boundsPermitTool(given.tool())) {
        throw beyond(field + "tool", given);
      }
      for (List<ToolGrant> own : holders) {
        requireWithin(field, given, own);
      }
    }
  }

  private static void requireWithin(String field, ToolGrant given, List<ToolGrant> own) {
    ToolGrant covering = ToolGrant.covering(own, given.tool());
    if (covering == null) {
      throw beyond(field + "tool", given);
    }
    for (ToolGrant held : own) {
      boolean applies = held.equals(covering) || Bound.matches(given.tool(), held.tool());
      if (applies && given.approval().weakerThan(held.approval())) {
        throw Failure.denied(
            "OUT_OF_BOUNDS",
            field
                + "approval: an agent cannot grant "
                + given.tool()
                + " with fewer approvals than it needs itself");
      }
    }
  }

  private static Failure beyond(String field, ToolGrant given) {
    return Failure.denied(
        "OUT_OF_BOUNDS",
        field + ": an agent cannot grant what it may not use itself: " + given.tool());
  }

  private Agent require(Tx tx, AgentId id) {
    return store.find(tx, id).orElseThrow(() -> Failure.notFound("agent"));
  }

  private static void withFreeName(String name, Runnable write) {
    try {
      write.run();
    } catch (UnableToExecuteStatementException e) {
      if ("agents_name".equals(Sql.constraint(e))) {
        throw Failure.exists("AGENT_NAME_TAKEN", "there is an agent named '" + name + "' already");
      }
      throw e;
    }
  }

  private static void record(Tx tx, String action, String event, AgentId id, long version) {
    tx.emit("agents", event, Json.object().put("agent_id", id.toString()).toString());
    tx.audit(action, "agent:" + id, Json.object().put("version", version).toString());
  }
}
