package dev.mandate.server;

import dev.mandate.kernel.config.Secret;
import dev.mandate.kernel.db.DbSettings;

/**
 * What one process of an installation does, and what it takes of the database.
 *
 * @param api whether it answers requests; else only health and metrics
 * @param worker whether it carries out runs and jobs
 * @param fanout as {@link dev.mandate.kernel.events.Fanouts#of} takes it
 */
public record ProcessSettings(boolean api, boolean worker, DbSettings database, Secret fanout) {
  /** Everything, with the usual pools. */
  public static final ProcessSettings DEFAULTS =
      new ProcessSettings(true, true, DbSettings.DEFAULTS, new Secret("postgres"));
}
