package dev.mandate.kernel.db;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Properties;
import java.util.function.ToDoubleFunction;

/** Connection pools. */
final class Pools {
  private Pools() {}

  static HikariDataSource pool(
      Endpoint endpoint, Login login, String name, int size, DbSettings settings) {
    HikariDataSource pool = new HikariDataSource();
    pool.setPoolName("mandate-" + name);
    pool.setJdbcUrl(endpoint.jdbcUrl());
    pool.setUsername(login.user());
    pool.setPassword(login.password());
    pool.setAutoCommit(false);
    pool.setMaximumPoolSize(size);
    pool.setMinimumIdle(Math.min(2, size));
    pool.setConnectionTimeout(settings.connectionTimeout().toMillis());
    pool.setIdleTimeout(Duration.ofMinutes(5).toMillis());
    pool.setMaxLifetime(Duration.ofMinutes(30).toMillis());
    Properties properties = new Properties();
    properties.setProperty("ApplicationName", "mandate " + name);
    properties.setProperty("tcpKeepAlive", "true");
    properties.setProperty("connectTimeout", "5");
    // The details of a violation quote the row.
    properties.setProperty("logServerErrorDetail", "false");
    // A dead network must not hold a thread for ever; well past the statement timeout.
    properties.setProperty(
        "socketTimeout", Long.toString(settings.statementTimeout().toSeconds() + 30));
    properties.setProperty("preparedStatementCacheQueries", "512");
    // Many rows of a batch travel as one statement.
    properties.setProperty("reWriteBatchedInserts", "true");
    properties.setProperty(
        "options",
        "-c statement_timeout="
            + settings.statementTimeout().toMillis()
            + " -c lock_timeout="
            + settings.lockTimeout().toMillis()
            + " -c idle_in_transaction_session_timeout="
            + settings.idleTimeout().toMillis()
            + (endpoint.serverMajor() < 17
                ? ""
                : " -c transaction_timeout=" + settings.transactionTimeout().toMillis()));
    pool.setDataSourceProperties(properties);
    return pool;
  }

  static void meter(HikariDataSource pool, String name, MeterRegistry meters) {
    connections(pool, name, "active", HikariPoolMXBean::getActiveConnections, meters);
    connections(pool, name, "idle", HikariPoolMXBean::getIdleConnections, meters);
    Gauge.builder("mandate.db.waiting", pool, of(HikariPoolMXBean::getThreadsAwaitingConnection))
        .description("Transactions that wait for a connection")
        .tag("pool", name)
        .register(meters);
  }

  private static void connections(
      HikariDataSource pool,
      String name,
      String state,
      ToDoubleFunction<HikariPoolMXBean> figure,
      MeterRegistry meters) {
    Gauge.builder("mandate.db.connections", pool, of(figure))
        .description("Connections to the database")
        .tag("pool", name)
        .tag("state", state)
        .register(meters);
  }

  /** Zero until the pool is used. */
  private static ToDoubleFunction<HikariDataSource> of(ToDoubleFunction<HikariPoolMXBean> figure) {
    return pool -> {
      HikariPoolMXBean open = pool.getHikariPoolMXBean();
      return open == null ? 0 : figure.applyAsDouble(open);
    };
  }
}
