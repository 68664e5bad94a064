package dev.mandate.kernel.db;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

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

  private record Deferred(String statement, Sql.Parameters parameters, IntConsumer changed) {}

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

  BoundTx(Mandate mandate, Handle handle, boolean readOnly, Instant now) {
    this.mandate = mandate;
    this.handle = handle;
    this.readOnly = readOnly;
    this.now = now;
    this.begun = readOnly;
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
  public Handle sql() {
    if (!begun || !deferred.isEmpty()) {
      carryOut();
    }
    return handle;
  }

  @Override
  public void defer(String statement, Sql.Parameters parameters, IntConsumer changed) {
    refuseIfReadOnly();
    deferred.add(new Deferred(statement, parameters, changed));
  }

  private void carryOut() {
    List<Deferred> all = new ArrayList<>(deferred.size() + 1);
    if (!begun) {
      all.add(new Deferred(BEGIN, values -> values.text(org().toString()), ignored -> {}));
    }
    all.addAll(deferred);
    deferred.clear();
    begun = true;
    String statements = all.stream().map(Deferred::statement).collect(Collectors.joining(";\n"));
    try (PreparedStatement statement = handle.getConnection().prepareStatement(statements)) {
      Sql.Values values = new Sql.Values(statement);
      for (Deferred each : all) {
        each.parameters().set(values);
      }
      boolean rows = statement.execute();
      for (Deferred each : all) {
        each.changed().accept(rows ? 0 : statement.getUpdateCount());
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

  /** The transaction's last statements. The counter rows come last: they are locked to its end. */
  void flush() {
    if (!audit.isEmpty()) {
      defer(Facts.AUDIT, values -> Facts.audit(values, audit), ignored -> {});
    }
    if (!events.isEmpty()) {
      defer(
          Facts.EVENTS, values -> Facts.events(values, mandate.org(), events, now), ignored -> {});
    }
    if (!deferred.isEmpty()) {
      carryOut();
    }
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
