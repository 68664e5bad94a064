package dev.mandate.audit;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The SQL of reading audit entries. */
final class AuditStore {
  /** Newest first. */
  List<AuditEntry> list(Tx tx, AuditFilter filter, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select id, at, action, resource, outcome, reason, cast(chain as text) as chain,
              channel, coalesce(personal ->> 'address', '') as address, trace_id,
              cast(details || (coalesce(personal, '{}') - 'address') as text) as details
            from audit_entries
            where org_id = :org
              and (:action = '' or action = :action or (:prefix and starts_with(action, :action)))
              and (:resource = '' or resource = :resource)
              and (:outcome = '' or outcome = :outcome)
              and (cast(:before as uuid) is null or id < cast(:before as uuid))
            order by id desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("action", filter.actionText())
        .bind("prefix", filter.byPrefix())
        .bind("resource", filter.resource())
        .bind("outcome", filter.outcome())
        .bind("before", page.afterId())
        .bind("limit", page.size() + 1)
        .map(AuditStore::entry)
        .list();
  }

  private static AuditEntry entry(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    List<String> chain = new ArrayList<>();
    for (JsonNode member : Json.read(row.getString("chain"))) {
      chain.add(member.textValue());
    }
    return new AuditEntry(
        Sql.uuid(row, "id"),
        Sql.instant(row, "at"),
        row.getString("action"),
        row.getString("resource"),
        row.getString("outcome"),
        row.getString("reason"),
        chain,
        row.getString("channel"),
        row.getString("address"),
        row.getString("trace_id"),
        row.getString("details"));
  }
}
