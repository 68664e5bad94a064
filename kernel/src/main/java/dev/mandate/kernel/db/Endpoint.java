package dev.mandate.kernel.db;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Where a database is, and the three logins into our schema of it.
 *
 * @param hosts {@code host:port}, or several separated by commas
 * @param parameters of the connection, e.g. {@code sslmode}
 * @param serverMajor the server's version, e.g. 18
 * @param owner migrates; owns every table
 * @param app does everything else, one organization per transaction
 * @param dispatch looks up credentials and claims work across organizations
 */
public record Endpoint(
    String hosts,
    String database,
    String schema,
    Map<String, String> parameters,
    int serverMajor,
    Login owner,
    Login app,
    Login dispatch) {

  private static final int SEND_BUFFER = 256 * 1024;

  public Endpoint {
    parameters = Map.copyOf(parameters);
  }

  /** The same schema and logins in another database of the same server. */
  public Endpoint inDatabase(String name) {
    return new Endpoint(hosts, name, schema, parameters, serverMajor, owner, app, dispatch);
  }

  /** One connection outside every pool, in autocommit, for work that may take long. */
  public Connection connect(Login login, String name) throws SQLException {
    return DriverManager.getConnection(jdbcUrl(), properties(login, name));
  }

  /**
   * The same for LISTEN and NOTIFY: a statement, or a login, whose answer is not there in time
   * breaks the connection.
   *
   * @param answer in whole seconds
   */
  public Connection connect(Login login, String name, Duration answer) throws SQLException {
    Properties properties = properties(login, name);
    properties.setProperty("socketTimeout", Long.toString(answer.toSeconds()));
    // What is told at a time fits in: a write to a peer that takes nothing returns.
    properties.setProperty("sendBufferSize", Integer.toString(SEND_BUFFER));
    return DriverManager.getConnection(jdbcUrl(), properties);
  }

  private static Properties properties(Login login, String name) {
    Properties properties = new Properties();
    properties.setProperty("user", login.user());
    properties.setProperty("password", login.password());
    properties.setProperty("ApplicationName", name);
    properties.setProperty("connectTimeout", "5");
    properties.setProperty("tcpKeepAlive", "true");
    return properties;
  }

  String jdbcUrl() {
    Map<String, String> all = new TreeMap<>(parameters);
    all.put("currentSchema", schema);
    return jdbcUrl(hosts, database, all);
  }

  static String jdbcUrl(String hosts, String database, Map<String, String> parameters) {
    StringBuilder url = new StringBuilder("jdbc:postgresql://");
    url.append(hosts).append('/').append(URLEncoder.encode(database, StandardCharsets.UTF_8));
    char separator = '?';
    for (Map.Entry<String, String> each : parameters.entrySet()) {
      url.append(separator)
          .append(each.getKey())
          .append('=')
          .append(URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8));
      separator = '&';
    }
    return url.toString();
  }
}
