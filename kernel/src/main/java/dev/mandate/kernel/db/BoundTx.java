package dev.mandate.kernel.db;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** A transaction under way: collects what its end must write, and whom its commit must wake. */
final class BoundTx implements Tx {
  private static final int LONGEST_NAME = 200;

  /**
   * Statements that change something find rows by their keys, and any plan of theirs is the best.
   * Left to itself the planner makes a new one each time for those that take arrays, which takes
   * longer than to carry it out: it guesses more elements than there are.
   */
  private static final String BEGIN =
      "select set_config('mandate.org', ?, true),"
          + " set_config('plan_cache_mode', 'force_generic_plan', true)";

  private static final String BEGIN_READ =
      "set transaction isolation level repeatable read, read only";

  private static final String SET_ORGANIZATION = "select set_config('mandate.org', ?, true)";

  /** Takes what one of several statements came to. */
  private interface Outcome {
    /**
     * @param rows whether the statement's current result is rows, else a count
     */
    void take(PreparedStatement statement, boolean rows) throws SQLException;
  }

  /**
   * @param outcome null: nothing is asked
   */
  private record Deferred(String statement, Sql.Parameters parameters, @Nullable Outcome outcome) {}

  private final Mandate mandate;
  private final Handle handle;
  private final boolean readOnly;
  private final Instant now;
  private final List<Facts.PendingEvent> events = new ArrayList<>();
  private final List<Facts.PendingAudit> audit = new ArrayList<>();
  private final Set<String> wakeups = new LinkedHashSet<>();
  private final List<Deferred> deferred = new ArrayList<>();

  /** Whether the organization is set, which row-level security goes by. */
  private boolean begun;

  /** Why something was not carried out: nothing more is, and nothing is committed. */
  private @Nullable Throwable failed;

  BoundTx(Mandate mandate, Handle handle, boolean readOnly, Instant now) {
    this.mandate = mandate;
    this.handle = handle;
    this.readOnly = readOnly;
    this.now = now;
  }

  @Override
  public OrgId org() {
    return mandate.org();
  }

  @Override
  public Mandate mandate() {
    return mandate;
  }

  @Override
  public Instant now() {
    return now;
  }

  @Override
  public Handle sql() {
    requireSound();
    if (!begun || !deferred.isEmpty()) {
      carryOut();
    }
    return handle;
  }

  @Override
  public void defer(String statement, Sql.Parameters parameters, IntConsumer changed) {
    refuseIfReadOnly();
    deferred.add(
        new Deferred(
            statement,
            parameters,
            (done, rows) -> changed.accept(rows ? 0 : done.getUpdateCount())));
  }

  @Override
  public void defer(String statement, Sql.Parameters parameters) {
    refuseIfReadOnly();
    deferred.add(new Deferred(statement, parameters, null));
  }

  @Override
  public <T extends @Nullable Object> Later<T> later(
      String statement, Sql.Parameters parameters, Sql.Rows<T> rows) {
    Asked<T> asked = new Asked<>(rows);
    deferred.add(new Deferred(statement, parameters, asked));
    return asked;
  }

  /** A question and, once it was sent, its answer. */
  private final class Asked<T extends @Nullable Object> implements Later<T>, Outcome {
    private final Sql.Rows<T> reader;
    private @Nullable T answer;
    private boolean answered;

    Asked(Sql.Rows<T> reader) {
      this.reader = reader;
    }

    @Override
    public void take(PreparedStatement statement, boolean rows) throws SQLException {
      try (ResultSet result = statement.getResultSet()) {
        answer = reader.read(result);
        answered = true;
      }
    }

    @Override
    // Null only where T may be.
    @SuppressWarnings("NullAway")
    public T get() {
      if (!answered) {
        requireSound();
        carryOut();
      }
      return answer;
    }
  }

  private void carryOut() {
    List<Deferred> all = new ArrayList<>(deferred.size() + 3);
    if (!begun) {
      begin(all);
    }
    all.addAll(deferred);
    deferred.clear();
    begun = true;
    try {
      send(all);
    } catch (Throwable e) {
      failed = e;
      throw e;
    }
  }

  /** What failed may have been changes: work that goes on all the same must not lose them. */
  private void requireSound() {
    if (failed != null) {
      throw new IllegalStateException("an earlier statement of the transaction failed", failed);
    }
  }

  private void begin(List<Deferred> all) {
    if (readOnly) {
      all.add(new Deferred(BEGIN_READ, values -> {}, null));
    }
    all.add(
        new Deferred(
            readOnly ? SET_ORGANIZATION : BEGIN, values -> values.text(org().toString()), null));
  }

  private void send(List<Deferred> all) {
    String statements = all.stream().map(Deferred::statement).collect(Collectors.joining(";\n"));
    try (PreparedStatement statement = handle.getConnection().prepareStatement(statements)) {
      Sql.Values values = new Sql.Values(statement);
      for (Deferred each : all) {
        each.parameters().set(values);
      }
      boolean rows = statement.execute();
      for (Deferred each : all) {
        Outcome outcome = each.outcome();
        if (outcome != null) {
          outcome.take(statement, rows);
        }
        rows = statement.getMoreResults();
      }
    } catch (SQLException e) {
      throw new Sql.Refused(e);
    }
  }

  @Override
  public void emit(String topic, String type, String data) {
    refuseIfReadOnly();
    events.add(new Facts.PendingEvent(name("topic", topic), type, data.isEmpty() ? "{}" : data));
    wakeups.add(Topics.channel(mandate.org(), topic));
  }

  @Override
  public void audit(AuditFact entry) {
    refuseIfReadOnly();
    audit.add(Facts.PendingAudit.of(mandate, entry, now));
  }

  @Override
  public void wake(String channel) {
    wakeups.add(name("channel", channel));
  }

  /**
   * The transaction's last statements, its commit with them if nothing hangs on how they went. The
   * counter rows come last: they are locked to its end.
   */
  void flush() {
    requireSound();
    if (!audit.isEmpty()) {
      defer(Facts.AUDIT, values -> Facts.audit(values, audit));
    }
    if (!events.isEmpty()) {
      defer(Facts.EVENTS, values -> Facts.events(values, mandate.org(), events, now));
    }
    if (deferred.isEmpty()) {
      return;
    }
    // Whoever asks how a change went may end the transaction because of it.
    if (readOnly || deferred.stream().allMatch(each -> each.outcome() == null)) {
      deferred.add(new Deferred("commit", values -> {}, null));
    }
    carryOut();
  }

  Set<String> wakeups() {
    return wakeups;
  }

  private static String name(String what, String name) {
    if (name.isEmpty() || name.length() > LONGEST_NAME || name.indexOf('\n') >= 0) {
      throw new IllegalArgumentException(
          what
              + " must be one line of 1 to "
              + LONGEST_NAME
              + " characters: "
              + Failure.excerpt(name));
    }
    return name;
  }

  private void refuseIfReadOnly() {
    if (readOnly) {
      throw new IllegalStateException("a read-only transaction records nothing");
    }
  }
}
