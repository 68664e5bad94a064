package dev.mandate.kernel.db;

import dev.mandate.kernel.Failure;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What stores need around a statement: reading columns, and telling one refusal from another. */
public final class Sql {
  private static final String SERIALIZATION_FAILURE = "40001";
  private static final String READ_ONLY = "25006";
  private static final String DEADLOCK = "40P01";

  private Sql() {}

  /**
   * The name of the constraint that a statement violated, for stores that turn it into their
   * domain's failure; null for any other exception.
   *
   * <pre>{@code
   * catch (JdbiException e) {
   *   if ("agents_name_key".equals(Sql.constraint(e))) throw Failure.exists("NAME_TAKEN", …);
   *   throw e;
   * }
   * }</pre>
   */
  public static @Nullable String constraint(Throwable thrown) {
    if (cause(thrown) instanceof PSQLException refused && state(refused).startsWith("23")) {
      ServerErrorMessage message = refused.getServerErrorMessage();
      return message == null ? null : message.getConstraint();
    }
    return null;
  }

  /** Gives a statement its parameters, one after the other. */
  @FunctionalInterface
  public interface Parameters {
    void set(Values values) throws SQLException;
  }

  /** Takes what a statement answers; {@link #all} and {@link #one} are the common ways. */
  @FunctionalInterface
  public interface Rows<T extends @Nullable Object> {
    T read(ResultSet rows) throws SQLException;
  }

  /** The parameters of a statement, or of several that are sent as one. */
  public static final class Values {
    private final PreparedStatement statement;
    private int last;

    Values(PreparedStatement statement) {
      this.statement = statement;
    }

    public Values uuid(@Nullable UUID value) throws SQLException {
      statement.setObject(++last, value, Types.OTHER);
      return this;
    }

    public Values text(@Nullable String value) throws SQLException {
      statement.setString(++last, value);
      return this;
    }

    public Values number(@Nullable Long value) throws SQLException {
      statement.setObject(++last, value, Types.BIGINT);
      return this;
    }

    public Values flag(@Nullable Boolean value) throws SQLException {
      statement.setObject(++last, value, Types.BOOLEAN);
      return this;
    }

    public Values time(Instant value) throws SQLException {
      statement.setObject(++last, value.atOffset(ZoneOffset.UTC));
      return this;
    }

    /** A {@code text[]}. */
    public Values texts(Object[] values) throws SQLException {
      return array("text", values);
    }

    /**
     * @param type of the elements
     */
    public Values array(String type, Object[] values) throws SQLException {
      statement.setArray(++last, statement.getConnection().createArrayOf(type, values));
      return this;
    }
  }

  /** Reads the row that a result stands at. */
  @FunctionalInterface
  public interface Row<T> {
    T read(ResultSet row) throws SQLException;
  }

  /** All rows, in order. */
  public static <T> Rows<List<T>> all(Row<T> row) {
    return rows -> {
      List<T> all = new ArrayList<>();
      while (rows.next()) {
        all.add(row.read(rows));
      }
      return all;
    };
  }

  /** The only row, if there is one. */
  public static <T> Rows<Optional<T>> one(Row<T> row) {
    return rows -> rows.next() ? Optional.of(row.read(rows)) : Optional.empty();
  }

  /** As Jdbi would say it. */
  static final class Refused extends JdbiException {
    private static final long serialVersionUID = 1L;

    Refused(SQLException cause) {
      super("a statement could not be carried out", cause);
    }
  }

  /** A timestamp column that is never null. */
  public static Instant instant(ResultSet row, String column) throws SQLException {
    return Objects.requireNonNull(instantOrNull(row, column), column);
  }

  public static @Nullable Instant instantOrNull(ResultSet row, String column) throws SQLException {
    OffsetDateTime value = row.getObject(column, OffsetDateTime.class);
    return value == null ? null : value.toInstant();
  }

  /** A uuid column that is never null. */
  public static UUID uuid(ResultSet row, String column) throws SQLException {
    return Objects.requireNonNull(uuidOrNull(row, column), column);
  }

  public static @Nullable UUID uuidOrNull(ResultSet row, String column) throws SQLException {
    return row.getObject(column, UUID.class);
  }

  /** Reads what {@code Enum::name} wrote, in either case. */
  public static <E extends Enum<E>> E enumeration(Class<E> type, ResultSet row, String column)
      throws SQLException {
    return Enum.valueOf(type, row.getString(column).toUpperCase(Locale.ROOT));
  }

  /** Whether the database can be read but takes no changes: no space, a broken disk, a standby. */
  static boolean unwritable(Throwable thrown) {
    SQLException cause = cause(thrown);
    String state = cause == null ? "" : state(cause);
    return state.equals("53100") || state.equals("58030") || state.equals(READ_ONLY);
  }

  /** Whether a change was tried in a transaction, or a database, that may only be read. */
  static boolean readOnly(Throwable thrown) {
    SQLException cause = cause(thrown);
    return cause != null && state(cause).equals(READ_ONLY);
  }

  /** Whether the same transaction, run again, may succeed. */
  static boolean retryable(Throwable thrown) {
    SQLException cause = cause(thrown);
    return cause != null
        && (state(cause).equals(SERIALIZATION_FAILURE) || state(cause).equals(DEADLOCK));
  }

  /**
   * What the caller is told: a failure of ours for what no store can know better, else the
   * exception as it came.
   */
  static RuntimeException translate(Throwable thrown) {
    SQLException cause = thrown instanceof Failure ? null : cause(thrown);
    if (cause == null) {
      return thrown instanceof RuntimeException plain ? plain : Failure.internal(thrown);
    }
    if (cause.getCause() instanceof InterruptedException) {
      // The pool forgets that the thread was interrupted.
      Thread.currentThread().interrupt();
      return Failure.of(
          Failure.Code.CANCELED, "CANCELED", "interrupted while it waited for a connection");
    }
    String state = state(cause);
    if (unwritable(thrown)) {
      return Failure.unavailable(
          "the database takes no changes at present: its disk is full, or it may only be read",
          thrown);
    }
    if (state.equals("53300")) {
      return Failure.unavailable("the database has no connection left", thrown);
    }
    if (cause instanceof SQLTransientConnectionException
        || state.startsWith("08")
        || state.startsWith("57P")
        || state.startsWith("53")) {
      return Failure.unavailable("the database cannot be reached", thrown);
    }
    return switch (state) {
      // It ended a transaction that was idle for too long, or took too long: its connection too.
      case "25P03", "25P04" -> Failure.unavailable("the database took too long", thrown);
      case SERIALIZATION_FAILURE, DEADLOCK, "55P03" ->
          Failure.unavailable("the database is busy with the same rows: try again", thrown);
      case "57014" -> Failure.unavailable("the database took too long", thrown);
      case "22021", "22P05" ->
          Failure.of(
              Failure.Code.INVALID_ARGUMENT,
              "NUL_CHARACTER",
              "text holds the NUL character (U+0000), which cannot be stored");
      default -> thrown instanceof RuntimeException plain ? plain : Failure.internal(thrown);
    };
  }

  private static @Nullable SQLException cause(Throwable thrown) {
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      if (each instanceof SQLException found) {
        return found;
      }
    }
    return null;
  }

  private static String state(SQLException e) {
    String state = e.getSQLState();
    return state == null ? "" : state;
  }
}
