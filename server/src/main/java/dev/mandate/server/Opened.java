package dev.mandate.server;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.db.DatabaseClock;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.DbSettings;
import java.nio.file.Files;

/**
 * An installation's database for one command on the server's machine, with the server running or
 * not.
 *
 * @param folder whose lock is held if nothing else runs on it
 */
record Opened(DataFolder folder, Installed database, DatabaseClock clock, Db db)
    implements AutoCloseable {

  /** Beside the running server; without one, the bundled database is started for the command. */
  static Opened beside(Config config) {
    return DataFolder.occupant(config.data()) == null
        ? alone(config)
        : open(new DataFolder(config.data()), config, false);
  }

  /**
   * With nobody else on the data folder.
   *
   * @throws Failure {@code ALREADY_RUNNING}, or {@code NO_INSTALLATION} on a folder that has none
   */
  static Opened alone(Config config) {
    boolean external = !config.database().url().value().isEmpty();
    if (!external && !Files.isDirectory(config.data().resolve("postgres"))) {
      throw Failure.precondition(
          "NO_INSTALLATION", "there is no installation in " + config.data() + " (see --data)");
    }
    DataFolder folder = new DataFolder(config.data());
    folder.open();
    return open(folder, config, true);
  }

  private static Opened open(DataFolder folder, Config config, boolean start) {
    try {
      Installed database =
          start ? Installed.start(config, folder) : Installed.attach(config, folder);
      try {
        DatabaseClock clock = new DatabaseClock();
        Db db =
            new Db(
                database.endpoint(),
                DbSettings.DEFAULTS.withPools(3, 3),
                clock,
                // Whoever waits for these finds them at its next poll.
                channels -> {});
        db.start();
        clock.start(db);
        return new Opened(folder, database, clock, db);
      } catch (RuntimeException e) {
        database.close();
        throw e;
      }
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  /** The text of the master keys: as configured, else that of the data folder. */
  String masterKeys(Config config) {
    String configured = config.masterKey().value();
    return configured.isEmpty()
        ? folder.secret(
            "master-key",
            () -> {
              throw new IllegalStateException("there is no master key");
            })
        : configured;
  }

  @Override
  public void close() {
    clock.close();
    db.close();
    database.close();
    folder.close();
  }
}
