package dev.mandate.runs;

import dev.mandate.kernel.OrgId;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The SQL of leases, as the role {@code dispatch}: it sees who works on what, and no content. */
final class LeaseStore {
  /**
   * A run that this process works on.
   *
   * @param fruitless claims since its log last grew, this one included
   * @param takenOver whether another owner had let its lease run out
   */
  record Claim(OrgId org, RunId run, long epoch, int fruitless, boolean takenOver) {}

  /**
   * Claims runs that are due and that nobody holds. A lease counts as free only {@code grace} after
   * its deadline, which its owner checks before each effect.
   */
  List<Claim> claim(Handle sql, UUID owner, Duration lease, Duration grace, int limit) {
    return sql.createQuery(
            """
            with due as (
              select org_id, id, lease_owner from runs
              where due_at <= now()
                and (lease_until is null or lease_until < now() - :grace * interval '1 ms')
              order by due_at
              limit :limit
              for update skip locked
            )
            update runs r set
              lease_owner = :owner,
              lease_epoch = r.lease_epoch + 1,
              lease_until = now() + :lease * interval '1 ms',
              fruitless_claims = r.fruitless_claims + 1
            from due
            where r.org_id = due.org_id and r.id = due.id
            returning r.org_id, r.id, r.lease_epoch, r.fruitless_claims,
              due.lease_owner is not null as taken_over
            """)
        .bind("owner", owner)
        .bind("lease", lease.toMillis())
        .bind("grace", grace.toMillis())
        .bind("limit", limit)
        .map((row, context) ->
            new Claim(
                new OrgId(row.getObject("org_id", UUID.class)),
                new RunId(row.getObject("id", UUID.class)),
                row.getLong("lease_epoch"),
                row.getInt("fruitless_claims"),
                row.getBoolean("taken_over")))
        .list();
  }

  /** Extends an owner's leases of these runs that have not run out, and says which those are. */
  List<Claim> renew(Handle sql, UUID owner, Collection<RunId> runs, Duration lease) {
    return sql.createQuery(
            """
            update runs set lease_until = now() + :lease * interval '1 ms'
            where lease_owner = :owner and lease_until >= now() and id = any(cast(:runs as uuid[]))
            returning org_id, id, lease_epoch, fruitless_claims, false as taken_over
            """)
        .bind("owner", owner)
        .bind("runs", runs.stream().map(RunId::value).toArray(UUID[]::new))
        .bind("lease", lease.toMillis())
        .map((row, context) ->
            new Claim(
                new OrgId(row.getObject("org_id", UUID.class)),
                new RunId(row.getObject("id", UUID.class)),
                row.getLong("lease_epoch"),
                row.getInt("fruitless_claims"),
                row.getBoolean("taken_over")))
        .list();
  }

  /** Ends every lease. */
  int free(Handle sql) {
    return sql.createUpdate(
            "update runs set lease_owner = null, lease_until = null where lease_owner is not null")
        .execute();
  }

  /** Gives an owner's leases back: others may claim at once, and these claims did not fail. */
  int free(Handle sql, UUID owner) {
    return sql.createUpdate(
            """
            update runs set
              lease_owner = null,
              lease_until = null,
              fruitless_claims = greatest(fruitless_claims - 1, 0)
            where lease_owner = :owner
            """)
        .bind("owner", owner)
        .execute();
  }
}
