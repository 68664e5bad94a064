package dev.mandate.server.ops;

import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Login;
import java.io.IOException;
import java.io.OutputStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.postgresql.PGConnection;

/**
 * All of an installation's data as it was at one moment, while the server goes on. Rows of
 * organizations are read as the application reads them, one organization at a time: no role that
 * sees more is needed, on a server of the operator's own neither.
 */
final class Snapshot implements AutoCloseable {
  private final Connection owner;
  private final Connection app;
  private final List<Catalog.Table> tables;
  private final List<OrgId> organizations;
  private final List<String> migrations;

  private Snapshot(
      Connection owner,
      Connection app,
      List<Catalog.Table> tables,
      List<OrgId> organizations,
      List<String> migrations) {
    this.owner = owner;
    this.app = app;
    this.tables = tables;
    this.organizations = organizations;
    this.migrations = migrations;
  }

  static Snapshot take(Endpoint endpoint) throws SQLException {
    Connection owner = begin(endpoint, endpoint.owner());
    Connection app = begin(endpoint, endpoint.app());
    try (Connection dispatch = begin(endpoint, endpoint.dispatch())) {
      String name = text(owner, "select pg_export_snapshot()");
      for (Connection each : List.of(app, dispatch)) {
        execute(each, "set transaction snapshot '" + name + "'");
      }
      return new Snapshot(
          owner,
          app,
          Catalog.tables(owner, endpoint.schema()),
          organizations(dispatch),
          Catalog.migrations(owner));
    } catch (SQLException | RuntimeException e) {
      owner.close();
      app.close();
      throw e;
    }
  }

  private static Connection begin(Endpoint endpoint, Login login) throws SQLException {
    Connection connection = endpoint.connect(login, "mandate snapshot");
    connection.setAutoCommit(false);
    execute(connection, "set transaction isolation level repeatable read, read only");
    return connection;
  }

  private static List<OrgId> organizations(Connection dispatch) throws SQLException {
    List<OrgId> found = new ArrayList<>();
    found.add(OrgId.INSTALLATION);
    try (Statement statement = dispatch.createStatement();
        ResultSet rows =
            statement.executeQuery("select org_id from organizations order by org_id")) {
      while (rows.next()) {
        found.add(new OrgId(rows.getObject(1, UUID.class)));
      }
    }
    return found;
  }

  List<Catalog.Table> tables() {
    return tables;
  }

  /** The reserved one first. */
  List<OrgId> organizations() {
    return organizations;
  }

  List<String> migrations() {
    return migrations;
  }

  /** The connection that sees an organization's rows, until it is asked for another. */
  Connection of(OrgId org) throws SQLException {
    try (PreparedStatement statement =
        app.prepareStatement("select set_config('mandate.org', ?, true)")) {
      statement.setString(1, org.toString());
      statement.execute();
    }
    return app;
  }

  /**
   * Copies rows out in PostgreSQL's text format, which every version reads.
   *
   * @return how many
   */
  long copy(Connection from, String query, OutputStream out) throws SQLException, IOException {
    return from.unwrap(PGConnection.class)
        .getCopyAPI()
        .copyOut("copy (" + query + ") to stdout", out);
  }

  /** For tables of the installation. */
  Connection owner() {
    return owner;
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String text(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }

  @Override
  public void close() throws SQLException {
    app.close();
    owner.close();
  }
}
