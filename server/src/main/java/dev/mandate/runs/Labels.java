package dev.mandate.runs;

import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.util.List;
import java.util.UUID;

/**
 * What logs say about where the data that a run has seen came from, and what has to be done with
 * it. A run begins with the labels of everything that it may be told.
 */
final class Labels {
  /** Of the steps {@code s} that bring some. */
  private static final String BROUGHT =
      """
        cross join lateral jsonb_array_elements_text(
          coalesce(s.payload -> 'labels', '[]'::jsonb)) as label
      where s.kind in ('run_started', 'replayed', 'tool_started', 'child_finished')
      """;

  private static final String BEFORE =
      """
      with recursive history (thread_id) as (
        select ?::uuid
        union
        select t.branched_from
        from history h join threads t on t.org_id = ? and t.id = h.thread_id
        where t.branched_from is not null
      ), seen (id) as (
        select r.id from history h
          join runs r on r.org_id = ? and r.thread_id = h.thread_id
        union
        select ?::uuid
      )
      select distinct label
      from seen join run_steps s on s.org_id = ? and s.run_id = seen.id
      """
          + BROUGHT
          + "order by label";

  private static final String OF =
      "select distinct label from run_steps s"
          + BROUGHT
          + "and s.org_id = ? and s.run_id = ? order by label";

  private static final String OBLIGATIONS =
      """
      select obligation
      from run_steps s
        cross join lateral jsonb_array_elements_text(
          coalesce(s.payload -> 'obligations', '[]'::jsonb)) with ordinality
          as each (obligation, place)
      where s.org_id = ? and s.run_id = ? and s.kind = 'child_started'
        and s.payload ->> 'child_run_id' = ?
      order by place
      """;

  private static final Sql.Rows<List<String>> TEXTS = Sql.all(row -> row.getString(1));

  private Labels() {}

  /** Of what earlier runs on the thread have seen, and the run that called this one. */
  static Later<List<String>> before(Tx tx, Run run) {
    RunId parent = run.parentId();
    UUID org = tx.org().value();
    return tx.later(
        BEFORE,
        values ->
            values
                .uuid(run.threadId().value())
                .uuid(org)
                .uuid(org)
                .uuid(parent == null ? null : parent.value())
                .uuid(org),
        TEXTS);
  }

  /** Of what a run has seen. */
  static List<String> of(Tx tx, RunId run) {
    return tx.query(OF, values -> values.uuid(tx.org().value()).uuid(run.value()), TEXTS);
  }

  /** What has to be done with the answer of a run that another one called. */
  static List<String> obligations(Tx tx, RunId parent, RunId child) {
    return tx.query(
        OBLIGATIONS,
        values -> values.uuid(tx.org().value()).uuid(parent.value()).text(child.toString()),
        TEXTS);
  }
}
