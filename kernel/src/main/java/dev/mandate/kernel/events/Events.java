package dev.mandate.kernel.events;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Topics;
import dev.mandate.kernel.db.Tx;
import java.util.List;

/** Reads topics. They are written by {@link Tx#emit}. */
public final class Events {
  /**
   * Up to {@code limit} events after a sequence number, in order; empty when there are none yet.
   */
  public List<Event> after(Tx tx, String topic, long seq, int limit) {
    return afterLater(tx, topic, seq, limit).get();
  }

  /** The same, asked together with something else. */
  public Later<List<Event>> afterLater(Tx tx, String topic, long seq, int limit) {
    return tx.later(
        """
        select seq, type, data, at
          from events
         where org_id = ? and topic = ? and seq > ?
         order by seq
         limit ?
        """,
        values -> values.uuid(tx.org().value()).text(topic).number(seq).number((long) limit),
        Sql.all(row ->
            new Event(
                row.getLong("seq"),
                row.getString("type"),
                row.getString("data"),
                Sql.instant(row, "at"))));
  }

  /** The sequence number of the topic's last event; 0 for a topic without one. */
  public long head(Tx tx, String topic) {
    return tx.sql()
        .createQuery("select seq from event_topics where org_id = :org and topic = :topic")
        .bind("org", tx.org())
        .bind("topic", topic)
        .mapTo(Long.class)
        .findOne()
        .orElse(0L);
  }

  /** The wake-up channel that a topic's events signal. */
  public static String channel(OrgId org, String topic) {
    return Topics.channel(org, topic);
  }
}
