package dev.mandate.kernel.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

class LoggingTest {
  private static final int LINE = 1024;
  private static final int PART = 64 * LINE;
  private static final int TOTAL = 4 * PART;

  @TempDir private Path folder;

  // Repeated: removals that overlapped took too much in one of thirty.
  @RepeatedTest(20)
  void aFloodOfOneDayIsKeptInBounds() throws IOException {
    Path file = folder.resolve("mandate.log");
    // Also what a process before left.
    for (int process = 1; process <= 2; process++) {
      flood(file, process);

      assertThat(Files.size(file)).isBetween(1L, (long) PART + LINE);
      assertThat(Files.readString(file)).contains(process + " last of all");
      long aside = 0;
      for (Path each : aside(file)) {
        aside += Files.size(each);
        assertThat(Files.readString(each)).startsWith(process + " ");
      }
      assertThat(aside).isBetween((long) TOTAL - PART, (long) TOTAL);
    }
  }

  /** Ten times what is kept; returns when what is not has gone. */
  private static void flood(Path file, int process) {
    LoggerContext context = new LoggerContext();
    context.setMDCAdapter(new LogbackMDCAdapter());
    var appender = Logging.rolling(context, file, PART, TOTAL);
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern("%msg%n");
    encoder.start();
    appender.setEncoder(encoder);
    appender.start();
    Logger log = context.getLogger(Logger.ROOT_LOGGER_NAME);
    log.setLevel(Level.INFO);
    log.addAppender(appender);
    for (int i = 0; i < 10 * TOTAL / LINE; i++) {
      log.info("{} {}", process, "x".repeat(LINE - 3));
    }
    log.info("{} last of all", process);
    context.stop();
  }

  private List<Path> aside(Path file) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(each -> !each.equals(file)).toList();
    }
  }
}
