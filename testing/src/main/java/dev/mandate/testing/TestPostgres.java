package dev.mandate.testing;

import dev.mandate.kernel.db.EmbeddedPostgres;
import dev.mandate.kernel.db.Server;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * The one PostgreSQL server of this test JVM. It lives in a numbered slot that no other JVM holds
 * at the same time; slots outlive their JVMs, so that a later one starts warm and finds the
 * migrated template there. Or it is somebody else's: that of {@code
 * -Dmandate.test.postgres=postgresql://user@host:port/database}.
 */
final class TestPostgres {
  private static final int SLOTS = 64;
  private static final String PASSWORD = "password-of-tests";

  private static final @Nullable String EXTERNAL = System.getProperty("mandate.test.postgres");

  private static @Nullable TestPostgres instance;

  private final EmbeddedPostgres postgres;

  /** Kept for as long as the JVM lives: closing the channel would give the slot away. */
  private final FileChannel lock;

  private TestPostgres(EmbeddedPostgres postgres, FileChannel lock) {
    this.postgres = postgres;
    this.lock = lock;
  }

  /** Whether it is not ours alone: then whatever is made there has a name of this JVM's. */
  static boolean isExternal() {
    return EXTERNAL != null;
  }

  static synchronized Server server() {
    if (EXTERNAL != null) {
      return Server.parse(EXTERNAL);
    }
    TestPostgres running = instance;
    if (running == null) {
      running = start();
      instance = running;
    }
    if (!running.lock.isOpen()) {
      throw new IllegalStateException("the lock of the test database's slot was closed");
    }
    return running.postgres.server();
  }

  private static TestPostgres start() {
    try {
      Path home = Path.of("/tmp", "mandate-test-" + System.getProperty("user.name"));
      passable(home);
      for (int number = 1; number <= SLOTS; number++) {
        FileChannel lock = take(home.resolve("slot-" + number + ".lock"));
        if (lock != null) {
          Path slot = home.resolve("slot-" + number);
          passable(slot);
          EmbeddedPostgres postgres =
              new EmbeddedPostgres(
                  new EmbeddedPostgres.Options(slot, home.resolve("binaries"), PASSWORD, false));
          postgres.start();
          return new TestPostgres(postgres, lock);
        }
      }
      throw new IllegalStateException("all " + SLOTS + " test databases in " + home + " are taken");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void passable(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static @Nullable FileChannel take(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return channel;
      }
    } catch (OverlappingFileLockException oneOfOurs) {
      channel.close();
      return null;
    }
    channel.close();
    return null;
  }
}
