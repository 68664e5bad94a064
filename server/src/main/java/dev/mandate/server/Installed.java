package dev.mandate.server;

import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.db.EmbeddedPostgres;
import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Preparation;
import dev.mandate.kernel.db.Server;
import org.jspecify.annotations.Nullable;

/**
 * An installation's database: the bundled PostgreSQL in the data folder, or the operator's own.
 *
 * @param postgres the bundled server; null if the operator's own is used
 */
record Installed(Endpoint endpoint, KeyRing keys, @Nullable EmbeddedPostgres postgres)
    implements AutoCloseable {

  /** Starts the bundled server if it is used, and prepares the schema. */
  static Installed start(Config config, DataFolder folder) {
    return open(config, folder, true, Preparation.Older.MIGRATE);
  }

  /**
   * Connects to a database that is running already, for commands on the server's machine. Whoever
   * may read the data folder's secrets may do this. Another program may be working on it, so it is
   * not migrated: one that is of an older version is refused.
   */
  static Installed attach(Config config, DataFolder folder) {
    return open(config, folder, false, Preparation.Older.REFUSE);
  }

  /**
   * @param start whether the bundled server, if it is used, is to be started
   */
  static Installed open(Config config, DataFolder folder, boolean start, Preparation.Older older) {
    KeyRing keys = folder.keys(config.masterKey().value());
    String url = config.database().url().value();
    if (!url.isEmpty()) {
      Server server = Server.parse(url);
      return new Installed(
          Preparation.run(server, config.database().schema(), keys, older), keys, null);
    }
    EmbeddedPostgres postgres = new EmbeddedPostgres(EmbeddedPostgres.Options.in(folder));
    if (start) {
      postgres.start();
    }
    try {
      Endpoint endpoint =
          Preparation.run(postgres.server(), config.database().schema(), keys, older);
      return new Installed(endpoint, keys, start ? postgres : null);
    } catch (RuntimeException e) {
      if (start) {
        postgres.close();
      }
      throw e;
    }
  }

  @Override
  public void close() {
    if (postgres != null) {
      postgres.close();
    }
  }
}
