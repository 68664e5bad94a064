package dev.mandate.kernel.db;

import com.zaxxer.hikari.HikariDataSource;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/**
 * The system of record. Blocking: call it on virtual threads, never on an event loop.
 *
 * <p>Transactions do not nest: one inside another would take a second connection while it holds the
 * first, and a pool of n deadlocks as soon as n threads do so.
 */
public final class Db implements AutoCloseable {
  private static final int ATTEMPTS = 4;

  private final InstantSource clock;

  private final Consumer<Collection<String>> afterCommit;
  private final HikariDataSource app;
  private final HikariDataSource dispatch;
  private final Jdbi appJdbi;
  private final Jdbi dispatchJdbi;
  private final AuditWriter auditWriter;

  /** When the database last took no changes, in nanoseconds; 0 for never. */
  private final AtomicLong unwritable = new AtomicLong();

  private final ThreadLocal<Boolean> inside = ThreadLocal.withInitial(() -> Boolean.FALSE);

  /**
   * @param clock gives events and audit entries their time
   * @param afterCommit told the channels that a committed transaction wakes; must return at once
   */
  public Db(
      Endpoint endpoint,
      DbSettings settings,
      InstantSource clock,
      Consumer<Collection<String>> afterCommit) {
    this.clock = clock;
    this.afterCommit = afterCommit;
    this.app = Pools.pool(endpoint, endpoint.app(), "app", settings.poolSize(), settings);
    this.dispatch =
        Pools.pool(
            endpoint, endpoint.dispatch(), "dispatch", settings.dispatchPoolSize(), settings);
    this.appJdbi = Jdbi.create((DataSource) app);
    this.dispatchJdbi = Jdbi.create((DataSource) dispatch);
    this.auditWriter = new AuditWriter(dispatch);
  }

  /**
   * Connects.
   *
   * @throws Failure {@code UNAVAILABLE} if the database cannot be reached
   */
  public void start() {
    JdbiSetup.configure(appJdbi);
    JdbiSetup.configure(dispatchJdbi);
    try (Handle first = appJdbi.open();
        Handle second = dispatchJdbi.open()) {
      first.getConnection().rollback();
      second.getConnection().rollback();
    } catch (SQLException | RuntimeException e) {
      throw Sql.translate(e);
    }
    auditWriter.start();
  }

  /** Shows what the pools hold: {@code mandate_db_connections} and {@code mandate_db_waiting}. */
  public void meter(MeterRegistry meters) {
    Pools.meter(app, "app", meters);
    Pools.meter(dispatch, "dispatch", meters);
  }

  /**
   * One read-write transaction of the mandate's organization, as the role {@code app}.
   *
   * <p>Whoever is interrupted, or told {@code UNAVAILABLE}, while the transaction ends does not
   * know whether it was committed: its last changes and the commit travel together. A caller from
   * outside repeats the call with its {@code Idempotency-Key}; work within looks at the state
   * again.
   */
  public <T extends @Nullable Object> T write(Mandate mandate, TxWork<T> work) {
    for (int attempt = 1; ; attempt++) {
      try {
        return inTransaction(mandate, work, false);
      } catch (RuntimeException | SQLException e) {
        if (attempt == ATTEMPTS || !Sql.retryable(e)) {
          if (Sql.unwritable(e)) {
            unwritable.set(System.nanoTime() | 1);
          }
          throw Sql.translate(e);
        }
        pause(attempt);
      }
    }
  }

  /** Whether a change was refused for want of space, or of permission, a moment ago. */
  public boolean refusedChanges(Duration ago) {
    long at = unwritable.get();
    return at != 0 && System.nanoTime() - at < ago.toNanos();
  }

  /** {@link #write} for work that answers nothing. */
  public void run(Mandate mandate, Consumer<Tx> work) {
    this.<Boolean>write(
        mandate,
        tx -> {
          work.accept(tx);
          return true;
        });
  }

  /** One read-only transaction (a consistent snapshot) of the mandate's organization. */
  public <T extends @Nullable Object> T read(Mandate mandate, TxWork<T> work) {
    try {
      return inTransaction(mandate, work, true);
    } catch (RuntimeException | SQLException e) {
      if (e instanceof RuntimeException mistake && Sql.readOnly(e)) {
        // A change in work that only reads: says nothing about the database.
        throw mistake;
      }
      throw Sql.translate(e);
    }
  }

  /**
   * The same for what one statement answers, or several that do not need each other's answers: it
   * takes one round trip in all. The transaction ends before the answer is made.
   */
  public <T extends @Nullable Object> T fetch(Mandate mandate, TxWork<Later<T>> question) {
    return read(mandate, question).get();
  }

  /**
   * One transaction as the role {@code dispatch}: credentials are looked up and work is claimed
   * across organizations; content cannot be read.
   */
  public <T extends @Nullable Object> T dispatch(Function<Handle, T> work) {
    for (int attempt = 1; ; attempt++) {
      enter();
      try (Handle handle = dispatchJdbi.open()) {
        return committed(handle.getConnection(), () -> work.apply(handle));
      } catch (RuntimeException | SQLException e) {
        if (attempt == ATTEMPTS || !Sql.retryable(e)) {
          throw Sql.translate(e);
        }
      } finally {
        leave();
      }
      pause(attempt);
    }
  }

  /** What time it is: the same in every process on this database. */
  public InstantSource clock() {
    return clock;
  }

  /**
   * Records what no transaction of a domain records: a denial, a failed sign-in, a read that is
   * audited. The entry is committed when this returns, whatever becomes of the caller.
   *
   * @throws Failure {@code UNAVAILABLE} if it cannot be written: then the caller must not go on
   */
  public void audit(Mandate mandate, AuditFact entry) {
    try {
      auditWriter.write(Facts.PendingAudit.of(mandate, entry, clock.instant()));
    } catch (SQLException e) {
      throw Sql.translate(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failure.of(
          Failure.Code.CANCELED, "CANCELED", "interrupted before the audit entry was written");
    }
  }

  private <T extends @Nullable Object> T inTransaction(
      Mandate mandate, TxWork<T> work, boolean readOnly) throws SQLException {
    IdempotencyKeys.Claim claim = readOnly ? null : IdempotencyKeys.claimFor(mandate.org());
    enter();
    BoundTx tx;
    T result;
    try (Handle handle = appJdbi.open()) {
      Connection connection = handle.getConnection();
      BoundTx bound = new BoundTx(mandate, handle, readOnly, clock.instant());
      tx = bound;
      result =
          committed(
              connection,
              () -> {
                if (claim != null) {
                  IdempotencyKeys.insert(bound.sql(), claim);
                }
                T answer = work.run(bound);
                bound.flush();
                return answer;
              });
    } finally {
      leave();
    }
    if (claim != null) {
      claim.markCommitted();
    }
    if (!tx.wakeups().isEmpty()) {
      afterCommit.accept(tx.wakeups());
    }
    return result;
  }

  /** What may fail with an SQLException inside a transaction. */
  private interface Step<T extends @Nullable Object> {
    T run() throws SQLException;
  }

  private static <T extends @Nullable Object> T committed(Connection connection, Step<T> step)
      throws SQLException {
    boolean done = false;
    try {
      T result = step.run();
      connection.commit();
      done = true;
      return result;
    } finally {
      if (!done && !connection.isClosed()) {
        rollback(connection);
      }
    }
  }

  private static void rollback(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException broken) {
      // The failure that led here is the one to report; the pool drops a broken connection.
      org.slf4j.LoggerFactory.getLogger(Db.class).debug("rollback failed", broken);
    }
  }

  private void enter() {
    if (inside.get()) {
      throw new IllegalStateException(
          "a transaction inside a transaction: pass the Tx down instead of opening another");
    }
    inside.set(true);
  }

  private void leave() {
    inside.remove();
  }

  private static void pause(int attempt) {
    long micros = ThreadLocalRandom.current().nextLong(500, 5_000L << attempt);
    LockSupport.parkNanos(micros * 1000);
  }

  @Override
  public void close() {
    auditWriter.close();
    app.close();
    dispatch.close();
  }
}
