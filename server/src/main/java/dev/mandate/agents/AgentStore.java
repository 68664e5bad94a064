package dev.mandate.agents;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The SQL of agents and their versions. */
final class AgentStore {
  void insert(Tx tx, AgentId id, String name) {
    tx.sql()
        .createUpdate(
            """
            insert into agents (org_id, id, name, version) values (:org, :id, :name, 1)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("name", name)
        .execute();
  }

  void insertVersion(Tx tx, AgentId id, long version, AgentDraft draft) {
    tx.sql()
        .createUpdate(
            """
            insert into agent_versions
              (org_id, agent_id, version, name, description, instructions, model, tools,
               max_model_calls, created_by)
            values
              (:org, :id, :version, :name, :description, :instructions, :model,
               cast(:tools as jsonb), :maxModelCalls, :by)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("version", version)
        .bind("name", draft.name())
        .bind("description", draft.description())
        .bind("instructions", draft.instructions())
        .bind("model", draft.model())
        .bind("tools", writeTools(draft.tools()))
        .bind("maxModelCalls", draft.maxModelCalls())
        .bind("by", tx.mandate().actor().toString())
        .execute();
  }

  /** Moves the agent to its next version; false if {@code version} is not its current one. */
  boolean advance(Tx tx, AgentId id, long version, String name) {
    return tx.sql()
            .createUpdate(
                """
                update agents set name = :name, version = version + 1, updated_at = now()
                where org_id = :org and id = :id and version = :version and deleted_at is null
                """)
            .bind("org", tx.org().value())
            .bind("id", id.value())
            .bind("version", version)
            .bind("name", name)
            .execute()
        == 1;
  }

  boolean delete(Tx tx, AgentId id) {
    return tx.sql()
            .createUpdate(
                """
                update agents set deleted_at = now(), updated_at = now()
                where org_id = :org and id = :id and deleted_at is null
                """)
            .bind("org", tx.org().value())
            .bind("id", id.value())
            .execute()
        == 1;
  }

  Optional<Agent> find(Tx tx, AgentId id) {
    return tx.sql()
        .createQuery(
            """
            select a.id, v.name, v.description, v.instructions, v.model, v.tools,
              v.max_model_calls, v.version, a.created_at, v.created_at as updated_at
            from agents a
            join agent_versions v
              on v.org_id = a.org_id and v.agent_id = a.id and v.version = a.version
            where a.org_id = :org and a.id = :id and a.deleted_at is null
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .map(AgentStore::agent)
        .findOne();
  }

  boolean alive(Tx tx, AgentId id) {
    return tx.sql()
        .createQuery(
            """
            select 1 from agents
            where org_id = :org and id = :id and deleted_at is null
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .mapTo(int.class)
        .findOne()
        .isPresent();
  }

  /** A version whether or not the agent still exists: a run that pinned it keeps it. */
  Later<Optional<Agent>> findVersion(Tx tx, AgentId id, long version) {
    return tx.later(
        """
        select a.id, v.name, v.description, v.instructions, v.model, v.tools,
          v.max_model_calls, v.version, a.created_at, v.created_at as updated_at
        from agents a
        join agent_versions v on v.org_id = a.org_id and v.agent_id = a.id
        where a.org_id = ? and a.id = ? and v.version = ?
        """,
        values -> values.uuid(tx.org().value()).uuid(id.value()).number(version),
        Sql.one(row -> agent(row, null)));
  }

  Optional<Agent> findByName(Tx tx, String name) {
    return tx.sql()
        .createQuery(
            """
            select a.id, v.name, v.description, v.instructions, v.model, v.tools,
              v.max_model_calls, v.version, a.created_at, v.created_at as updated_at
            from agents a
            join agent_versions v
              on v.org_id = a.org_id and v.agent_id = a.id and v.version = a.version
            where a.org_id = :org and lower(a.name) = lower(:name) and a.deleted_at is null
            """)
        .bind("org", tx.org().value())
        .bind("name", name)
        .map(AgentStore::agent)
        .findOne();
  }

  Later<List<Agent>> list(Tx tx, Page.Request page) {
    return tx.later(
        """
        select a.id, v.name, v.description, v.instructions, v.model, v.tools,
          v.max_model_calls, v.version, a.created_at, v.created_at as updated_at
        from agents a
        join agent_versions v
          on v.org_id = a.org_id and v.agent_id = a.id and v.version = a.version
        where a.org_id = ? and a.deleted_at is null
          and (?::uuid is null or a.id > ?::uuid)
        order by a.id
        limit ?
        """,
        values ->
            values
                .uuid(tx.org().value())
                .uuid(page.afterId())
                .uuid(page.afterId())
                .number(page.size() + 1L),
        Sql.all(row -> agent(row, null)));
  }

  List<Agent> versions(Tx tx, AgentId id, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select a.id, v.name, v.description, v.instructions, v.model, v.tools,
              v.max_model_calls, v.version, a.created_at, v.created_at as updated_at
            from agents a
            join agent_versions v on v.org_id = a.org_id and v.agent_id = a.id
            where a.org_id = :org and a.id = :id and a.deleted_at is null
              and (cast(:before as bigint) is null or v.version < cast(:before as bigint))
            order by v.version desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("before", page.afterNumber())
        .bind("limit", page.size() + 1)
        .map(AgentStore::agent)
        .list();
  }

  private static Agent agent(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    return new Agent(
        new AgentId(row.getObject("id", UUID.class)),
        row.getString("name"),
        row.getString("description"),
        row.getString("instructions"),
        row.getString("model"),
        readTools(row.getString("tools")),
        row.getInt("max_model_calls"),
        row.getLong("version"),
        row.getTimestamp("created_at").toInstant(),
        row.getTimestamp("updated_at").toInstant());
  }

  private static String writeTools(List<ToolGrant> tools) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    for (ToolGrant grant : tools) {
      array.addObject().put("tool", grant.tool()).put("approval", grant.approval().name());
    }
    return array.toString();
  }

  private static List<ToolGrant> readTools(String json) {
    List<ToolGrant> tools = new ArrayList<>();
    for (JsonNode grant : Json.read(json)) {
      tools.add(
          new ToolGrant(
              grant.get("tool").textValue(),
              ApprovalMode.valueOf(grant.get("approval").textValue())));
    }
    return tools;
  }
}
