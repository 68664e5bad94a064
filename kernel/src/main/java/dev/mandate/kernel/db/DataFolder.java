package dev.mandate.kernel.db;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.crypto.KeyRing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The folder that one running Mandate owns: its lock, its generated secrets, the bundled database.
 *
 * <pre>
 * mandate.lock   who runs here: "pid=…", "address=…", one a line; locked while it runs
 * mandate.yaml   configuration, if there is any
 * secrets/       0700; generated keys and passwords, each 0600
 * postgres/      programs, settings and data of the bundled PostgreSQL
 * files/ logs/   0700
 * </pre>
 */
public final class DataFolder implements AutoCloseable {
  private static final String LOCK = "mandate.lock";

  /** Whoever holds a folder. {@code address} is empty until it listens. */
  public record Occupant(long pid, String address) {}

  private final Path root;
  private @Nullable FileChannel lock;

  public DataFolder(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  /** {@code /var/lib/mandate} for root, whose home the database's user cannot enter. */
  public static Path defaultLocation() {
    return Accounts.isRoot()
        ? Path.of("/var/lib/mandate")
        // What the shell calls ~; the JVM's own idea ignores $HOME.
        : Path.of(
            System.getenv().getOrDefault("HOME", System.getProperty("user.home")), ".mandate");
  }

  /**
   * Creates what is missing and takes the lock, which the process holds until it ends, however it
   * ends.
   *
   * @throws Failure {@code ALREADY_RUNNING} with the other's pid and address
   */
  public void open() {
    try {
      // 0711: the database's unprivileged user passes through, and can list nothing.
      folder(root, "rwx--x--x");
      folder(secrets(), "rwx------");
      folder(files(), "rwx------");
      folder(logs(), "rwx------");
      folder(postgres(), "rwx--x--x");
      takeLock();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot use the data folder " + root + ": " + why(e), e);
    }
  }

  public Path root() {
    return root;
  }

  public Path secrets() {
    return root.resolve("secrets");
  }

  public Path postgres() {
    return root.resolve("postgres");
  }

  public Path files() {
    return root.resolve("files");
  }

  public Path logs() {
    return root.resolve("logs");
  }

  /** Says in the lock file where we listen, for whoever comes second. */
  public void announce(String address) {
    FileChannel held = lock;
    if (held == null) {
      throw new IllegalStateException("the data folder is not open");
    }
    try {
      byte[] text =
          ("pid=" + ProcessHandle.current().pid() + "\naddress=" + address + "\n")
              .getBytes(StandardCharsets.UTF_8);
      // In this order: whoever reads meanwhile must not find nobody.
      held.write(ByteBuffer.wrap(text), 0);
      held.truncate(text.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Who runs on this folder, if anybody does. */
  public static @Nullable Occupant occupant(Path root) {
    Path file = root.resolve(LOCK);
    if (!Files.exists(file)) {
      return null;
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      try (FileLock free = channel.tryLock()) {
        if (free != null) {
          return null;
        }
      } catch (OverlappingFileLockException oneOfOurs) {
        return read(file);
      }
      return read(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The content of {@code secrets/<name>}; the first time, what {@code generate} makes, written
   * with mode 0600 and on the disk before it is returned.
   */
  public String secret(String name, Supplier<String> generate) {
    Path file = secrets().resolve(name);
    try {
      if (!Files.exists(file)) {
        writeSecret(name, generate.get());
      }
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /**
   * The master keys: as configured, else those of {@code secrets/master-key}, made at the first
   * start.
   *
   * @param configured what {@code MANDATE_MASTER_KEY} says; empty if it is not set
   */
  public KeyRing keys(String configured) {
    try {
      return configured.isEmpty()
          ? KeyRing.parse(
              secrets().resolve("master-key").toString(), secret("master-key", KeyRing::generate))
          : KeyRing.parse("MANDATE_MASTER_KEY", configured);
    } catch (IllegalArgumentException e) {
      throw Failure.precondition("BAD_MASTER_KEY", String.valueOf(e.getMessage()));
    }
  }

  /** Replaces {@code secrets/<name>} in one step. */
  public void writeSecret(String name, String content) {
    Path file = secrets().resolve(name);
    try {
      Path fresh =
          Files.createTempFile(
              secrets(),
              name,
              ".new",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      try (FileChannel out = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
        out.write(ByteBuffer.wrap((content + "\n").getBytes(StandardCharsets.UTF_8)));
        out.force(true);
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  private void takeLock() throws IOException {
    FileChannel channel =
        FileChannel.open(
            root.resolve(LOCK),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    boolean taken = false;
    try {
      taken = channel.tryLock() != null;
    } catch (OverlappingFileLockException held) {
      taken = false;
    }
    if (!taken) {
      Occupant other = read(root.resolve(LOCK));
      channel.close();
      throw Failure.precondition(
          "ALREADY_RUNNING",
          "already running on "
              + root
              + (other == null ? "" : ", pid " + other.pid() + at(other.address())));
    }
    lock = channel;
    announce("");
  }

  private static String at(String address) {
    return address.isEmpty() ? "" : ", address " + address;
  }

  private static @Nullable Occupant read(Path file) throws IOException {
    long pid = 0;
    String address = "";
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("pid=")) {
        pid = Long.parseLong(line.substring(4));
      } else if (line.startsWith("address=")) {
        address = line.substring(8);
      }
    }
    return pid == 0 ? null : new Occupant(pid, address);
  }

  private static void folder(Path path, String mode) throws IOException {
    Files.createDirectories(path);
    var wanted = PosixFilePermissions.fromString(mode);
    if (!Files.getPosixFilePermissions(path).equals(wanted)) {
      Files.setPosixFilePermissions(path, wanted);
    }
  }

  private static String why(IOException e) {
    return e.getClass().getSimpleName() + " " + e.getMessage();
  }

  /**
   * The first folder on the way to {@code path} that users other than its owner cannot pass
   * through.
   */
  static @Nullable Path impassable(Path path) throws IOException {
    for (Path each = path.toAbsolutePath(); each != null; each = each.getParent()) {
      if (Files.exists(each)
          && !Files.getPosixFilePermissions(each).contains(PosixFilePermission.OTHERS_EXECUTE)) {
        return each;
      }
    }
    return null;
  }

  @Override
  public void close() {
    FileChannel held = lock;
    lock = null;
    if (held != null) {
      try {
        held.truncate(0);
        held.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
