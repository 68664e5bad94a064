package dev.mandate.bench;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

/** A PostgreSQL, as its administrator. */
record Postgres(String address, String user, String password) {
  Connection connect() throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://" + address + "/postgres", user, password);
  }

  /** For {@code DATABASE_URL}. */
  String url() {
    return "postgresql://" + user + ":" + password + "@" + address + "/postgres";
  }

  @Override
  public String toString() {
    return "Postgres[" + address + "]";
  }
}
