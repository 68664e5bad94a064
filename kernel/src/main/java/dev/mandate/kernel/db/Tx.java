package dev.mandate.kernel.db;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import java.time.Instant;
import java.util.Locale;
import java.util.function.IntConsumer;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * One transaction, bound to one organization by row-level security. Facts recorded here are written
 * with the change, as the transaction's last statements, and wake their readers after the commit.
 */
public interface Tx {
  OrgId org();

  Mandate mandate();

  /** For stores. */
  Handle sql();

  /** When it began, by the database's clock. */
  Instant now();

  /**
   * Adds a change of which nothing but the number of rows is asked. Changes that follow each other
   * are sent together, in one round trip: before the next statement of {@link #sql}, at the latest
   * at the transaction's end.
   *
   * @param statement one statement, {@code ?} for its parameters
   * @param changed told how many rows there were; an exception of its ends the transaction
   */
  void defer(String statement, Sql.Parameters parameters, IntConsumer changed);

  /** The same for a change of which nothing is asked: the last ones travel with the commit. */
  void defer(String statement, Sql.Parameters parameters);

  /**
   * Asks what is not needed at once: it is sent with what else is asked or changed until then.
   *
   * @param statement one statement, {@code ?} for its parameters
   */
  <T extends @Nullable Object> Later<T> later(
      String statement, Sql.Parameters parameters, Sql.Rows<T> rows);

  /**
   * Asks, as the driver takes it: for the statements that every step of a run and every stream
   * makes. Jdbi's work for each call costs more than such a statement itself.
   */
  default <T extends @Nullable Object> T query(
      String statement, Sql.Parameters parameters, Sql.Rows<T> rows) {
    return later(statement, parameters, rows).get();
  }

  /**
   * Appends an event to a topic of the organization. Its sequence number is gapless per topic: it
   * is taken from the topic's counter row when the transaction is about to commit.
   *
   * @param topic e.g. {@code thread:<id>}
   * @param type what happened, e.g. {@code message.created}
   * @param data a JSON object of ids and small facts; readers re-read the state
   */
  void emit(String topic, String type, String data);

  /**
   * Adds an audit entry that commits or vanishes with the change. Actor, organization, origin and
   * time come from the mandate and the clock.
   *
   * @param action e.g. {@code agents.create}
   * @param resource e.g. {@code agent:<id>}
   * @param details a JSON object; no secrets, no personal data
   */
  default void audit(String action, String resource, String details) {
    audit(AuditFact.allowed(action, resource, details));
  }

  /** The same for an entry with personal data. */
  void audit(AuditFact entry);

  /**
   * Adds an audit entry about what was refused or went wrong.
   *
   * @param outcome {@code denied}: the caller may not; {@code failed}: it could not
   * @param reason the {@link dev.mandate.kernel.Failure#reason}
   */
  default void audit(
      String action, String resource, Outcome outcome, String reason, String details) {
    audit(new AuditFact(action, resource, outcome, reason, details, null));
  }

  /** How an audited action ended; {@link #audit(String, String, String)} means allowed. */
  enum Outcome {
    ALLOWED,
    DENIED,
    FAILED;

    /** As it stands in the table and in the API. */
    public String wireName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Wakes whoever waits on a channel, once, after the commit. */
  void wake(String channel);
}
