package dev.mandate.kernel.db;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Writes events and audit entries, many in one statement each. */
final class Facts {
  /** An event that waits for the end of its transaction. */
  record PendingEvent(String topic, String type, String data) {}

  /** An audit entry with all that is known about it. Its id says which month's it is. */
  record PendingAudit(UUID id, Mandate mandate, AuditFact entry, Instant at) {
    static PendingAudit of(Mandate mandate, AuditFact entry, Instant at) {
      return new PendingAudit(Ids.at(at), mandate, entry.withDecision(), at);
    }
  }

  /**
   * Takes the numbers from the topics' counter rows, in the order of their names so that two
   * transactions cannot wait for each other, and holds them until the commit: whoever reads number
   * n has already been able to read all before it.
   */
  static final String EVENTS =
      """
      with given as (
        select g.topic collate "C" as topic, g.type, g.data, g.place
          from unnest(?::text[], ?::text[], ?::text[])
               with ordinality as g (topic, type, data, place)
      ), heads as (
        insert into event_topics as t (org_id, topic, seq)
        select ?::uuid, topic, count(*) from given group by topic order by topic
        on conflict (org_id, topic) do update set seq = t.seq + excluded.seq
        returning t.topic collate "C" as topic, t.seq
      )
      insert into events (org_id, topic, seq, type, data, at)
      select ?::uuid, g.topic,
             h.seq + 1 - row_number() over (partition by g.topic order by g.place desc),
             g.type, g.data::jsonb, ?::timestamptz
        from given g join heads h on h.topic = g.topic
      """;

  /** The entries, and in the same statement the word to whoever chains them. */
  static final String AUDIT =
      """
      with given as (
        select *
          from unnest(?::uuid[], ?::uuid[], ?::timestamptz[], ?::text[], ?::text[], ?::text[],
                      ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[])
            as g (org_id, id, at, action, resource, outcome, reason, chain, behalf,
                  channel, trace_id, details, personal)
      ), entered as (
        insert into audit_entries
          (org_id, id, at, action, resource, outcome, reason, chain, on_behalf_of,
           channel, trace_id, details, personal)
        select g.org_id, g.id, g.at, g.action, g.resource, g.outcome, g.reason, g.chain::jsonb,
               nullif(g.behalf, ''), g.channel, g.trace_id, g.details::jsonb, g.personal::jsonb
          from given g
      )
      insert into audit_unsealed (org_id, id, entries)
      select org_id, (array_agg(id))[1], array_agg(id) from given group by org_id
      """;

  private static final int AUDIT_COLUMNS = 13;

  private static final ObjectMapper JSON = new ObjectMapper();

  private Facts() {}

  static void audit(Connection sql, List<PendingAudit> entries) throws SQLException {
    try (PreparedStatement statement = sql.prepareStatement(AUDIT)) {
      audit(new Sql.Values(statement), entries);
      statement.executeUpdate();
    }
  }

  /** The parameters of {@link #EVENTS}. */
  static void events(Sql.Values values, OrgId org, List<PendingEvent> events, Instant at)
      throws SQLException {
    values
        .texts(events.stream().map(PendingEvent::topic).toArray())
        .texts(events.stream().map(PendingEvent::type).toArray())
        .texts(events.stream().map(PendingEvent::data).toArray())
        .uuid(org.value())
        .uuid(org.value())
        .time(at);
  }

  /** The parameters of {@link #AUDIT}. */
  static void audit(Sql.Values values, List<PendingAudit> entries) throws SQLException {
    int count = entries.size();
    Object[][] columns = new Object[AUDIT_COLUMNS][count];
    for (int i = 0; i < count; i++) {
      PendingAudit each = entries.get(i);
      Mandate mandate = each.mandate();
      AuditFact entry = each.entry();
      columns[0][i] = mandate.org().value();
      columns[1][i] = each.id();
      columns[2][i] = each.at().toString();
      columns[3][i] = entry.action();
      columns[4][i] = entry.resource();
      columns[5][i] = entry.outcome().wireName();
      columns[6][i] = entry.reason();
      columns[7][i] = chain(mandate.chain());
      columns[8][i] = mandate.chain().size() > 1 ? mandate.chain().getLast().toString() : "";
      columns[9][i] = mandate.origin().channel();
      columns[10][i] = mandate.origin().traceId();
      columns[11][i] = entry.details().isEmpty() ? "{}" : entry.details();
      columns[12][i] = personal(entry.personal(), mandate.origin().address());
    }
    for (int c = 0; c < columns.length; c++) {
      String type = c < 2 ? "uuid" : "text";
      values.array(type, columns[c]);
    }
  }

  private static String chain(List<Principal> chain) {
    StringBuilder json = new StringBuilder("[");
    for (Principal each : chain) {
      json.append(json.length() > 1 ? "," : "").append('"').append(each).append('"');
    }
    return json.append(']').toString();
  }

  /** The caller's address joins whatever else is personal. */
  private static @Nullable String personal(@Nullable String json, String address) {
    if (address.isEmpty()) {
      return json;
    }
    try {
      ObjectNode personal =
          json == null || json.isEmpty()
              ? JSON.createObjectNode()
              : (ObjectNode) JSON.readTree(json);
      return personal.put("address", address).toString();
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("an audit entry's personal data is not JSON", e);
    }
  }
}
