package dev.mandate.server;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.telemetry.Logging;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code mandate logs}: the end of the server's log, and with {@code -f} what it adds to it. */
final class Logs {
  private static final long TAIL = 64 * 1024;

  private final Config config;
  private final PrintStream out;

  Logs(Config config, PrintStream out) {
    this.config = config;
    this.out = out;
  }

  int run(boolean follow) {
    if (Logging.toOutput(config.log())) {
      throw Failure.precondition("LOG_ELSEWHERE", "the log goes to the server's standard output");
    }
    Path file = Logging.file(config.log(), new DataFolder(config.data()));
    if (!Files.exists(file)) {
      out.println("There is no log yet: " + file);
      return Main.OK;
    }
    try {
      long from = Math.max(0, Files.size(file) - TAIL);
      do {
        from = print(file, from);
        out.flush();
      } while (follow && pause());
      return Main.OK;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private long print(Path file, long from) throws IOException {
    try (RandomAccessFile log = new RandomAccessFile(file.toFile(), "r")) {
      // It was rotated: the new file begins at its beginning.
      log.seek(from > log.length() ? 0 : from);
      byte[] buffer = new byte[16 * 1024];
      for (int n = log.read(buffer); n > 0; n = log.read(buffer)) {
        out.write(buffer, 0, n);
      }
      return log.getFilePointer();
    }
  }

  private static boolean pause() {
    try {
      Thread.sleep(250);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
