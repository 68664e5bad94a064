package dev.mandate.server.ops;

import dev.mandate.audit.AuditChain;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.policies.DecisionSeals;
import dev.mandate.secrets.SecretId;
import dev.mandate.secrets.Secrets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Encrypts everything under the primary master key, then retires the others. Stopped anywhere, it
 * leaves a database that the ring of all its keys opens, and is simply run again.
 */
public final class KeyRotation {
  private static final int BATCH = 200;

  private final Db db;
  private final Endpoint endpoint;
  private final Secrets secrets;
  private final DecisionSeals decisions;
  private final AuditChain audit;
  private final Consumer<String> progress;

  public KeyRotation(
      Db db,
      Endpoint endpoint,
      Secrets secrets,
      DecisionSeals decisions,
      AuditChain audit,
      Consumer<String> progress) {
    this.db = db;
    this.endpoint = endpoint;
    this.secrets = secrets;
    this.decisions = decisions;
    this.audit = audit;
    this.progress = progress;
  }

  /**
   * @param primary the id of the key that stays
   * @throws IllegalStateException if something is encrypted that this does not know of; then no key
   *     is retired
   */
  public void run(String primary) throws SQLException {
    audit.reseal();
    for (OrgId org : audit.organizations()) {
      Optional<SecretId> last = Optional.empty();
      do {
        SecretId after = last.orElse(null);
        last = db.write(system(org), tx -> secrets.reseal(tx, after, BATCH));
      } while (last.isPresent());
      Optional<UUID> decision = Optional.empty();
      do {
        UUID after = decision.orElse(null);
        decision = db.write(system(org), tx -> decisions.reseal(tx, after, BATCH));
      } while (decision.isPresent());
      progress.accept("organization " + org + ": done");
    }
    try (Connection owner = endpoint.connect(endpoint.owner(), "mandate rotate-keys")) {
      List<String> old = old(owner, primary);
      refuseLeftovers(old);
      try (PreparedStatement statement =
          owner.prepareStatement(
              "update master_keys set retired_at = now() where id <> ? and retired_at is null")) {
        statement.setString(1, primary);
        statement.executeUpdate();
      }
      old.forEach(id -> progress.accept("key " + id + ": retired"));
    }
  }

  private static List<String> old(Connection owner, String primary) throws SQLException {
    List<String> old = new ArrayList<>();
    try (PreparedStatement statement =
        owner.prepareStatement(
            "select id from master_keys where id <> ? and retired_at is null order by id")) {
      statement.setString(1, primary);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          old.add(rows.getString(1));
        }
      }
    }
    return old;
  }

  /** Looks at every binary column there is: what is encrypted begins with its key's id. */
  private void refuseLeftovers(List<String> old) throws SQLException {
    try (Snapshot snapshot = Snapshot.take(endpoint)) {
      for (Catalog.Table table : snapshot.tables()) {
        for (String column : binary(snapshot.owner(), endpoint.schema(), table.name())) {
          for (OrgId org : snapshot.organizations()) {
            Connection sql = table.tenant() ? snapshot.of(org) : snapshot.owner();
            for (String id : old) {
              if (holds(sql, table.name(), column, id)) {
                throw new IllegalStateException(
                    "%s.%s still holds what is encrypted under key %s: the key is kept"
                        .formatted(table.name(), column, id));
              }
            }
          }
        }
      }
    }
  }

  private static List<String> binary(Connection owner, String schema, String table)
      throws SQLException {
    List<String> columns = new ArrayList<>();
    try (PreparedStatement statement =
        owner.prepareStatement(
            """
            select attname from pg_attribute
             where attrelid = to_regclass(format('%I.%I', ?, ?)) and atttypid = 'bytea'::regtype
               and attnum > 0 and not attisdropped
            """)) {
      statement.setString(1, schema);
      statement.setString(2, table);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          columns.add(rows.getString(1));
        }
      }
    }
    return columns;
  }

  private static boolean holds(Connection sql, String table, String column, String id)
      throws SQLException {
    // 01 is the format's version.
    try (Statement statement = sql.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select exists (select 1 from %s where substring(%s from 1 for 9) = '\\x01%s')"
                    .formatted(Catalog.quoted(table), Catalog.quoted(column), id))) {
      rows.next();
      return rows.getBoolean(1);
    }
  }

  private Mandate system(OrgId org) {
    return Mandate.system(
        org,
        Set.of("secrets.reseal"),
        "rotate-keys",
        db.clock().instant().plus(Duration.ofMinutes(5)));
  }
}
