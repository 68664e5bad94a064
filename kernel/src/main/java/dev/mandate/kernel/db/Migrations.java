package dev.mandate.kernel.db;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.jspecify.annotations.Nullable;

/**
 * Brings a schema up to this program: the files {@code db/migration/V<UTC timestamp>__<what>.sql}
 * of every module in the class path, each once, as the owner. Files may name the placeholders
 * {@code ${owner}}, {@code ${app}} and {@code ${dispatch}} where they mean a role.
 */
final class Migrations {
  private Migrations() {}

  /**
   * @param target the newest version to migrate to; null for all that there are
   */
  static void run(Endpoint endpoint, @Nullable String target) {
    FluentConfiguration configuration = configuration(endpoint);
    if (target != null) {
      configuration.target(target);
    }
    try {
      Flyway flyway = configuration.load();
      refuseNewer(flyway);
      flyway.migrate();
    } catch (FlywayException e) {
      throw new IllegalStateException("cannot migrate the database: " + e.getMessage(), e);
    }
  }

  /**
   * Looks, and changes nothing.
   *
   * @throws IllegalStateException if the schema is newer than this program; if it is older, unless
   *     {@code KEEP}
   */
  static void check(Endpoint endpoint, Preparation.Older older) {
    try {
      Flyway flyway = configuration(endpoint).load();
      refuseNewer(flyway);
      int pending = flyway.info().pending().length;
      if (pending > 0 && older != Preparation.Older.KEEP) {
        throw new IllegalStateException(
            "the database is of an older version ("
                + pending
                + " migrations behind this program), and this command does not migrate it: run"
                + " `mandate ops migrate`, or use that version's program");
      }
    } catch (FlywayException e) {
      throw new IllegalStateException(
          "cannot read the database's migrations: " + e.getMessage(), e);
    }
  }

  private static FluentConfiguration configuration(Endpoint endpoint) {
    return Flyway.configure(Migrations.class.getClassLoader())
        .dataSource(endpoint.jdbcUrl(), endpoint.owner().user(), endpoint.owner().password())
        .schemas(endpoint.schema())
        .defaultSchema(endpoint.schema())
        .createSchemas(false)
        .locations("classpath:db/migration")
        .table("migrations")
        .placeholders(
            Map.of(
                "owner", endpoint.owner().user(),
                "app", endpoint.app().user(),
                "dispatch", endpoint.dispatch().user()))
        // Two branches that are merged may bring their timestamps in any order.
        .outOfOrder(true)
        .validateMigrationNaming(true)
        .connectRetries(0);
  }

  private static void refuseNewer(Flyway flyway) {
    List<String> unknown =
        Arrays.stream(flyway.info().all())
            .filter(each -> each.getState().isApplied() && !each.getState().isResolved())
            .map(MigrationInfo::getScript)
            .toList();
    if (!unknown.isEmpty()) {
      throw new IllegalStateException(
          "a newer Mandate has migrated this database ("
              + String.join(", ", unknown)
              + " unknown here): run that version or a newer one");
    }
  }
}
