package dev.mandate.tools;

import dev.mandate.governance.Effect;
import dev.mandate.kernel.db.Tx;
import dev.mandate.secrets.SecretId;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The tables {@code tool_sources}, {@code tools} and {@code tool_settings}. */
final class ToolStore {

  List<SourceRow> sources(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select id, name, kind, location, secret_id, reachable, error, created_at, refreshed_at,
              added, changed, removed
            from tool_sources
            where org_id = :org
            order by name
            """)
        .bind("org", tx.org().value())
        .map(ToolStore::source)
        .list();
  }

  /** Nobody else changes the source until the transaction ends. */
  Optional<SourceRow> lockSource(Tx tx, ToolSourceId id) {
    return tx.sql()
        .createQuery(
            """
            select id, name, kind, location, secret_id, reachable, error, created_at, refreshed_at,
              added, changed, removed
            from tool_sources
            where org_id = :org and id = :id
            for update
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .map(ToolStore::source)
        .findOne();
  }

  /** False if the name is taken. */
  boolean insertSource(Tx tx, SourceRow source) {
    return tx.sql()
            .createUpdate(
                """
                insert into tool_sources (org_id, id, name, kind, location, secret_id, reachable,
                  error, created_at, refreshed_at, added, changed, removed)
                values (:org, :id, :name, :kind, :location, :secret, :reachable,
                  :error, :created, :refreshed, :added, :changed, :removed)
                on conflict (org_id, name) do nothing
                """)
            .bind("org", tx.org().value())
            .bind("id", source.id().value())
            .bind("name", source.name())
            .bind("kind", source.kind())
            .bind("location", source.location())
            .bind("secret", source.secret() == null ? null : source.secret().value())
            .bind("reachable", source.reachable())
            .bind("error", source.error())
            .bind("created", at(source.createdAt()))
            .bind("refreshed", at(source.refreshedAt()))
            .bindArray("added", String.class, source.added())
            .bindArray("changed", String.class, source.changed())
            .bindArray("removed", String.class, source.removed())
            .execute()
        == 1;
  }

  void updateSource(Tx tx, SourceRow source) {
    tx.sql()
        .createUpdate(
            """
            update tool_sources
            set reachable = :reachable, error = :error, refreshed_at = :refreshed,
              added = :added, changed = :changed, removed = :removed
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", source.id().value())
        .bind("reachable", source.reachable())
        .bind("error", source.error())
        .bind("refreshed", at(source.refreshedAt()))
        .bindArray("added", String.class, source.added())
        .bindArray("changed", String.class, source.changed())
        .bindArray("removed", String.class, source.removed())
        .execute();
  }

  /** Notes whether a source can be reached; 0 if that was known. */
  int noteReachable(Tx tx, ToolSourceId id, boolean reachable, String error) {
    return tx.sql()
        .createUpdate(
            """
            update tool_sources set reachable = :reachable, error = :error
            where org_id = :org and id = :id and reachable <> :reachable
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("reachable", reachable)
        .bind("error", error)
        .execute();
  }

  /** Deletes a source, its tools and what was set about them. */
  void deleteSource(Tx tx, ToolSourceId id) {
    tx.sql()
        .createUpdate(
            """
            delete from tool_settings
            where org_id = :org
              and tool_id in (select id from tools where org_id = :org and source_id = :id)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .execute();
    tx.sql()
        .createUpdate("delete from tool_sources where org_id = :org and id = :id")
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .execute();
  }

  /** All tools, retired ones too. */
  List<ToolRow> tools(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select id, source_id, name, remote_name, description, input_schema, proposed_effect,
              retired, version
            from tools
            where org_id = :org
            order by source_id, name, id
            """)
        .bind("org", tx.org().value())
        .map(ToolStore::tool)
        .list();
  }

  void saveTool(Tx tx, ToolRow tool) {
    tx.sql()
        .createUpdate(
            """
            insert into tools (org_id, id, source_id, name, remote_name, description, input_schema,
              proposed_effect, retired, version)
            values (:org, :id, :source, :name, :remote, :description, :schema,
              :proposed, :retired, :version)
            on conflict (org_id, id) do update
            set name = excluded.name, description = excluded.description,
              input_schema = excluded.input_schema, proposed_effect = excluded.proposed_effect,
              retired = excluded.retired, version = excluded.version
            """)
        .bind("org", tx.org().value())
        .bind("id", tool.id().value())
        .bind("source", tool.source().value())
        .bind("name", tool.name())
        .bind("remote", tool.remoteName())
        .bind("description", tool.description())
        .bind("schema", tool.inputSchema())
        .bind("proposed", tool.proposed() == null ? null : tool.proposed().name())
        .bind("retired", tool.retired())
        .bind("version", tool.version())
        .execute();
  }

  List<ToolSetting> settings(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select tool_id, effect, effect_of, timeout_seconds, enabled, labels, version
            from tool_settings
            where org_id = :org
            """)
        .bind("org", tx.org().value())
        .map((row, context) ->
            new ToolSetting(
                new ToolId(row.getObject("tool_id", UUID.class)),
                effect(row.getString("effect")),
                row.getLong("effect_of"),
                row.getObject("timeout_seconds", Integer.class),
                row.getBoolean("enabled"),
                texts(row.getArray("labels")),
                row.getLong("version")))
        .list();
  }

  /** False if the stored setting is not the one before this ({@code version - 1}). */
  boolean saveSetting(Tx tx, ToolSetting setting) {
    return tx.sql()
            .createUpdate(
                """
                insert into tool_settings
                  (org_id, tool_id, effect, effect_of, timeout_seconds, enabled, labels, version)
                values (:org, :tool, :effect, :effectOf, :timeout, :enabled, :labels, :version)
                on conflict (org_id, tool_id) do update
                set effect = excluded.effect, effect_of = excluded.effect_of,
                  timeout_seconds = excluded.timeout_seconds,
                  enabled = excluded.enabled, labels = excluded.labels, version = excluded.version
                where tool_settings.version = :version - 1
                """)
            .bind("org", tx.org().value())
            .bind("tool", setting.tool().value())
            .bind("effect", setting.effect() == null ? null : setting.effect().name())
            .bind("effectOf", setting.effectOf())
            .bind("timeout", setting.timeoutSeconds())
            .bind("enabled", setting.enabled())
            .bindArray("labels", String.class, setting.labels())
            .bind("version", setting.version())
            .execute()
        == 1;
  }

  private static SourceRow source(ResultSet row, StatementContext context) throws SQLException {
    return new SourceRow(
        new ToolSourceId(row.getObject("id", UUID.class)),
        row.getString("name"),
        row.getString("kind"),
        row.getString("location"),
        new SecretId(row.getObject("secret_id", UUID.class)),
        row.getBoolean("reachable"),
        row.getString("error"),
        row.getObject("created_at", OffsetDateTime.class).toInstant(),
        row.getObject("refreshed_at", OffsetDateTime.class).toInstant(),
        texts(row.getArray("added")),
        texts(row.getArray("changed")),
        texts(row.getArray("removed")));
  }

  private static ToolRow tool(ResultSet row, StatementContext context) throws SQLException {
    return new ToolRow(
        new ToolId(row.getObject("id", UUID.class)),
        new ToolSourceId(row.getObject("source_id", UUID.class)),
        row.getString("name"),
        row.getString("remote_name"),
        row.getString("description"),
        row.getString("input_schema"),
        effect(row.getString("proposed_effect")),
        row.getBoolean("retired"),
        row.getLong("version"));
  }

  private static List<String> texts(Array array) throws SQLException {
    return List.of((String[]) array.getArray());
  }

  private static @Nullable Effect effect(@Nullable String name) {
    return name == null ? null : Effect.valueOf(name);
  }

  private static OffsetDateTime at(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }
}
