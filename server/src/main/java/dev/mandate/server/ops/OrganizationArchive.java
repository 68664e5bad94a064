package dev.mandate.server.ops;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Endpoint;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;

/**
 * All that an organization has, as JSON lines: {@code {"table": …, "row": {…}}}, tables by name and
 * rows by key, so that two archives of the same data are the same to the byte. No secrets, nothing
 * to sign in with.
 */
public final class OrganizationArchive {
  /** Ways in, and what is there for a moment. */
  private static final Set<String> LEFT_OUT =
      Set.of("sessions", "session_keys", "sign_in_links", "sign_in_attempts", "idempotency_keys");

  private static final Set<String> SECRET_COLUMNS =
      Set.of(
          "api_tokens.hash", "invitations.token_hash", "users.password_hash", "users.kept_session");

  /** What is encrypted is called this, in whatever table. */
  private static final String SEALED = "sealed";

  private static final int FETCH = 500;

  private final Endpoint endpoint;

  public OrganizationArchive(Endpoint endpoint) {
    this.endpoint = endpoint;
  }

  /**
   * @return how many rows
   * @throws Failure {@code NOT_FOUND} for an organization that is not there, {@code
   *     INVALID_ARGUMENT} for the reserved one
   */
  public long write(OrgId org, OutputStream out) throws IOException, SQLException {
    if (org.equals(OrgId.INSTALLATION)) {
      throw Failure.invalid(
          "--org", "is the installation itself, with everybody's account: it is nobody's to have");
    }
    try (Snapshot snapshot = Snapshot.take(endpoint)) {
      if (!snapshot.organizations().contains(org)) {
        throw Failure.notFound("organization");
      }
      long rows = users(snapshot, org, out);
      Connection sql = snapshot.of(org);
      for (Catalog.Table table : snapshot.tables()) {
        if (table.tenant() && !LEFT_OUT.contains(table.name())) {
          rows += table(sql, table, org, out);
        }
      }
      return rows;
    }
  }

  private static long table(Connection sql, Catalog.Table table, OrgId org, OutputStream out)
      throws IOException, SQLException {
    List<String> columns =
        table.columns().stream()
            .filter(column -> !column.equals(SEALED))
            .filter(column -> !SECRET_COLUMNS.contains(table.name() + "." + column))
            .map(Catalog::quoted)
            .toList();
    String order =
        String.join(
            ", ",
            table.key().stream()
                .map(key -> "t." + Catalog.quoted(key) + "::text collate \"C\"")
                .toList());
    return rows(
        sql,
        table.name(),
        "select row_to_json(r)::text from (select %s from %s t where org_id = '%s' order by %s) r"
            .formatted(String.join(", ", columns), Catalog.quoted(table.name()), org, order),
        out);
  }

  /** Accounts are the installation's; whoever is a member belongs to the archive by name. */
  private static long users(Snapshot snapshot, OrgId org, OutputStream out)
      throws IOException, SQLException {
    String members;
    try (PreparedStatement statement =
            snapshot
                .of(org)
                .prepareStatement(
                    "select coalesce(string_agg(quote_literal(user_id), ','), 'null')"
                        + " from memberships");
        ResultSet rows = statement.executeQuery()) {
      rows.next();
      members = rows.getString(1);
    }
    return rows(
        snapshot.of(OrgId.INSTALLATION),
        "users",
        "select row_to_json(r)::text from (select id, email, name, created_at from users"
            + " where id in ("
            + members
            + ") order by id) r",
        out);
  }

  private static long rows(Connection sql, String table, String query, OutputStream out)
      throws IOException, SQLException {
    Snapshot.execute(sql, "set local timezone to 'UTC'");
    long count = 0;
    try (PreparedStatement statement = sql.prepareStatement(query)) {
      statement.setFetchSize(FETCH);
      try (ResultSet rows = statement.executeQuery()) {
        String head = "{\"table\":" + Json.object().textNode(table) + ",\"row\":";
        while (rows.next()) {
          out.write((head + rows.getString(1) + "}\n").getBytes(StandardCharsets.UTF_8));
          count++;
        }
      }
    }
    return count;
  }
}
