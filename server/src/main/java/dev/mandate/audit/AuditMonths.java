package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Tx;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The record's partitions: made ahead of their months, and dropped when the time is over that they
 * are kept. Only whole months go, all of whose entries are chained; a signed checkpoint takes their
 * place, from which what is left goes on.
 */
final class AuditMonths {
  private static final Logger log = LoggerFactory.getLogger(AuditMonths.class);
  private static final int AHEAD = 2;
  private static final String ROWS_IN_THE_WAY = "23514";
  private static final String LOCKED = "55P03";

  /** Whether a row is among those that two arrays name. */
  private static final String LATE =
      "(org_id, id) in (select * from unnest(cast(? as uuid[]), cast(? as uuid[])))";

  private final Db db;
  private final Endpoint endpoint;
  private final SigningKeys keys;
  private final Duration keep;

  /**
   * @param keep zero for ever
   */
  AuditMonths(Db db, Endpoint endpoint, SigningKeys keys, Duration keep) {
    this.db = db;
    this.endpoint = endpoint;
    this.keys = keys;
    this.keep = keep;
  }

  void tidy(Instant now) throws SQLException {
    YearMonth month = YearMonth.from(now.atOffset(ZoneOffset.UTC));
    try (Connection owner = endpoint.connect(endpoint.owner(), "mandate audit months");
        Statement statement = owner.createStatement()) {
      // Whoever writes must not queue behind us for long.
      statement.execute("set lock_timeout = '2s'");
      for (int i = 0; i <= AHEAD; i++) {
        make(owner, month.plusMonths(i));
      }
      if (keep.isPositive()) {
        drop(owner, YearMonth.from(now.minus(keep).atOffset(ZoneOffset.UTC)));
      }
    }
  }

  private static void make(Connection owner, YearMonth month) throws SQLException {
    if (partitions(owner).contains(name(month))) {
      return;
    }
    try (PreparedStatement statement =
        owner.prepareStatement("select mandate_audit_month(?, ?, ?)")) {
      statement.setString(1, name(month));
      statement.setObject(2, first(month));
      statement.setObject(3, first(month.plusMonths(1)));
      statement.execute();
    } catch (SQLException e) {
      if (LOCKED.equals(e.getSQLState())) {
        log.info("no partition for {} yet, the record is in use", month);
      } else if (ROWS_IN_THE_WAY.equals(e.getSQLState())) {
        // The default partition has rows of it and keeps those that come.
        log.debug("{} stays in the default partition", month);
      } else {
        throw e;
      }
    }
  }

  /** Everything before a month. */
  private void drop(Connection owner, YearMonth kept) throws SQLException {
    UUID boundary = first(kept);
    List<OrgId> organizations = db.dispatch(ChainStore::organizations);
    for (OrgId org : organizations) {
      if (db.read(Sealer.system(db, org), tx -> ChainStore.waitsBefore(tx, boundary))) {
        log.warn("the record before {} is kept: some of it is not chained yet", kept);
        return;
      }
    }
    SigningKey key = keys.current();
    List<SigningKey.PublicHalf> published = keys.published();
    for (OrgId org : organizations) {
      List<String> problems = replace(org, key, published, boundary);
      if (!problems.isEmpty()) {
        log.error("the record before {} is kept: {} of {}", kept, problems, org);
        return;
      }
    }
    List<ChainStore.Late> late = new ArrayList<>();
    for (OrgId org : organizations) {
      late.addAll(db.read(Sealer.system(db, org), tx -> ChainStore.late(tx, boundary)));
    }
    remove(owner, kept, late);
    for (OrgId org : organizations) {
      long upTo = db.read(Sealer.system(db, org), ChainStore::lastDropped);
      db.dispatch(sql -> ChainStore.deleteSeals(sql, org, upTo));
    }
  }

  /**
   * What is about to go.
   *
   * @param before what went last
   * @param last the last place of what goes now
   * @param next what was signed there or after it
   */
  private record Going(@Nullable Checkpoint before, long last, @Nullable Checkpoint next) {}

  /**
   * Makes the checkpoint that stands for what goes; none if nothing of the organization's does.
   * Nobody can check afterwards what went, so it is checked now.
   *
   * @return why it may not go
   */
  private List<String> replace(
      OrgId org, SigningKey key, List<SigningKey.PublicHalf> published, UUID boundary) {
    Optional<Going> found = db.write(Sealer.system(db, org), tx -> going(tx, boundary));
    if (found.isEmpty()) {
      return List.of();
    }
    Going going = found.get();
    Checkpoint next = going.next();
    if (next == null) {
      return List.of("entry " + going.last() + " is not signed yet");
    }
    ChainCheck check = new ChainCheck(org, published);
    if (going.before() != null) {
      check.from(going.before());
    }
    follow(check, org, going.last());
    ChainStore.Head last = new ChainStore.Head(check.last(), check.hash());
    follow(check, org, next.seq());
    check.checkpoint(next);
    if (check.intact()) {
      db.run(
          Sealer.system(db, org),
          tx ->
              ChainStore.insertCheckpoint(
                  tx,
                  Checkpoint.sign(key, org, last.seq(), last.hash(), Sealer.now(tx), boundary)));
    }
    return check.report(0).problems();
  }

  private static Optional<Going> going(Tx tx, UUID boundary) {
    ChainStore.Head head = ChainStore.lockHead(tx);
    Checkpoint before = ChainStore.lastDrop(tx);
    boolean said = before != null && boundary.equals(before.droppedBefore());
    if (head.seq() == 0 || said || !ChainStore.sealedBefore(tx, boundary)) {
      return Optional.empty();
    }
    // Entries that were late stand after some that stay, and stay with them.
    long last = ChainStore.lastBefore(tx, boundary, head);
    return Optional.of(new Going(before, last, ChainStore.checkpointFrom(tx, last)));
  }

  private void follow(ChainCheck check, OrgId org, long to) {
    boolean more = true;
    while (more && check.intact()) {
      more = db.read(Sealer.system(db, org), tx -> check.follow(tx, to));
    }
  }

  /**
   * All entries before a month but those that were chained after some that stay: after a drop
   * nothing may be missing. They go to the default partition until a later month takes them along.
   */
  private static void remove(Connection owner, YearMonth kept, List<ChainStore.Late> late)
      throws SQLException {
    for (String partition : partitions(owner)) {
      if (partition.compareTo(name(kept)) < 0) {
        unforced(
            owner,
            statement -> {
              statement.execute("alter table " + partition + " no force row level security");
              statement.execute("alter table audit_entries detach partition " + partition);
              each(
                  owner,
                  "insert into audit_entries_default select * from " + partition + " where " + LATE,
                  late);
              statement.execute("drop table " + partition);
            });
        log.info("dropped {}: its time is over", partition);
      }
    }
    String old = "id < '" + first(kept) + "'";
    unforced(
        owner,
        statement ->
            each(
                owner,
                "delete from audit_entries_default where " + old + " and not " + LATE,
                late));
  }

  private interface Work {
    void with(Statement statement) throws SQLException;
  }

  /** In a transaction that may read and write the default partition. */
  private static void unforced(Connection owner, Work work) throws SQLException {
    owner.setAutoCommit(false);
    try (Statement statement = owner.createStatement()) {
      // The owner sees rows only while row-level security is not forced; nobody else does ever.
      statement.execute("alter table audit_entries_default no force row level security");
      work.with(statement);
      statement.execute("alter table audit_entries_default force row level security");
      owner.commit();
    } finally {
      owner.rollback();
      owner.setAutoCommit(true);
    }
  }

  private static void each(Connection owner, String sql, List<ChainStore.Late> late)
      throws SQLException {
    try (PreparedStatement statement = owner.prepareStatement(sql)) {
      statement.setArray(
          1, owner.createArrayOf("uuid", late.stream().map(each -> each.org().value()).toArray()));
      statement.setArray(
          2, owner.createArrayOf("uuid", late.stream().map(ChainStore.Late::entry).toArray()));
      statement.executeUpdate();
    }
  }

  private static List<String> partitions(Connection owner) throws SQLException {
    List<String> names = new ArrayList<>();
    try (Statement statement = owner.createStatement();
        ResultSet rows =
            statement.executeQuery(
                """
                select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
                 where i.inhparent = 'audit_entries'::regclass
                   and c.relname ~ '^audit_entries_[0-9]{4}_[0-9]{2}$'
                 order by 1
                """)) {
      while (rows.next()) {
        names.add(rows.getString(1));
      }
    }
    return names;
  }

  private static String name(YearMonth month) {
    return "audit_entries_%04d_%02d".formatted(month.getYear(), month.getMonthValue());
  }

  /** The least id of a month: UUIDv7 begin with the milliseconds since 1970. */
  static UUID first(YearMonth month) {
    long millis = month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
    return new UUID(millis << 16, 0);
  }
}
