package dev.mandate.server;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.db.DatabaseClock;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.DbSettings;
import dev.mandate.kernel.db.Preparation;
import java.nio.file.Files;

/**
 * An installation's database for one command on the server's machine, with the server running or
 * not.
 *
 * @param folder whose lock is held if nothing else runs on it
 */
record Opened(DataFolder folder, Installed database, DatabaseClock clock, Db db)
    implements AutoCloseable {

  /**
   * Beside the running server; without one, the bundled database is started for the command. What
   * {@link Preparation} refuses is refused, also a schema of an older version: a server of that
   * version may be running on it.
   */
  static Opened beside(Config config) {
    return beside(config, Preparation.Older.REFUSE);
  }

  /**
   * @param older what becomes of a schema of an older version
   */
  static Opened beside(Config config, Preparation.Older older) {
    return DataFolder.occupant(config.data()) == null
        ? alone(config, older)
        : open(new DataFolder(config.data()), config, false, older);
  }

  /**
   * With nobody else on the data folder.
   *
   * @throws Failure {@code ALREADY_RUNNING}, or {@code NO_INSTALLATION} on a folder that has none
   */
  static Opened alone(Config config) {
    return alone(config, Preparation.Older.REFUSE);
  }

  private static Opened alone(Config config, Preparation.Older older) {
    boolean external = !config.database().url().value().isEmpty();
    if (!external && !Files.isDirectory(config.data().resolve("postgres"))) {
      throw Failure.precondition(
          "NO_INSTALLATION", "there is no installation in " + config.data() + " (see --data)");
    }
    DataFolder folder = new DataFolder(config.data());
    folder.open();
    return open(folder, config, true, older);
  }

  private static Opened open(
      DataFolder folder, Config config, boolean start, Preparation.Older older) {
    try {
      Installed database = Installed.open(config, folder, start, older);
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
