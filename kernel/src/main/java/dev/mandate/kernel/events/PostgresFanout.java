package dev.mandate.kernel.events;

import dev.mandate.kernel.db.Endpoint;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PostgreSQL's LISTEN and NOTIFY, on a connection each, outside every business transaction: a
 * NOTIFY inside one serialises its commit with all others.
 */
public final class PostgresFanout extends LinkFanout {
  private static final Logger log = LoggerFactory.getLogger(PostgresFanout.class);

  /** NOTIFY takes less than 8000 bytes. */
  private static final int LARGEST_PAYLOAD = 7900;

  private static final Duration SLICE = Duration.ofSeconds(10);
  private static final Duration ANSWER = Duration.ofSeconds(30);

  public PostgresFanout(Endpoint endpoint) {
    this(endpoint, SLICE, ANSWER);
  }

  /**
   * @param slice after which a server that says nothing is asked whether it is there
   * @param answer after which one that does not answer is given up, in whole seconds
   */
  PostgresFanout(Endpoint endpoint, Duration slice, Duration answer) {
    super(() -> new PostgresLink(endpoint, slice, answer), LARGEST_PAYLOAD);
  }

  private static final class PostgresLink implements Link {
    private final Connection connection;
    private final String channel;
    private final Duration slice;

    PostgresLink(Endpoint endpoint, Duration slice, Duration answer) throws SQLException {
      this.slice = slice;
      connection = endpoint.connect(endpoint.app(), "mandate wakeups", answer);
      channel = endpoint.schema() + "_wakeups";
    }

    @Override
    public void listen() throws SQLException {
      try (Statement statement = connection.createStatement()) {
        statement.execute("listen " + channel);
      }
    }

    @Override
    public List<String> receive() throws SQLException {
      PGNotification[] batch =
          connection.unwrap(PGConnection.class).getNotifications((int) slice.toMillis());
      List<String> payloads = new ArrayList<>();
      if (batch == null || batch.length == 0) {
        // A connection that died without a word is noticed here.
        try (Statement statement = connection.createStatement()) {
          statement.execute("select 1");
        }
        return payloads;
      }
      for (PGNotification each : batch) {
        payloads.add(each.getParameter());
      }
      return payloads;
    }

    @Override
    public void publish(Collection<String> payloads) throws SQLException {
      try (PreparedStatement statement =
          connection.prepareStatement("select pg_notify(?, p) from unnest(?::text[]) p")) {
        statement.setString(1, channel);
        statement.setArray(2, connection.createArrayOf("text", payloads.toArray()));
        statement.execute();
      }
    }

    @Override
    public void close() {
      try {
        // Ends the blocking read at once; close() alone would wait for it.
        connection.abort(Runnable::run);
      } catch (SQLException e) {
        log.debug("ending a connection for wake-ups", e);
      }
    }
  }
}
