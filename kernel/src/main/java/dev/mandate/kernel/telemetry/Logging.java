package dev.mandate.kernel.telemetry;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.pattern.ClassicConverter;
import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy;
import ch.qos.logback.core.rolling.helper.ArchiveRemover;
import ch.qos.logback.core.util.FileSize;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.db.DataFolder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import net.logstash.logback.encoder.LogstashEncoder;
import net.logstash.logback.mask.MaskingJsonGeneratorDecorator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sets logging up for a server process: a file that is begun anew each day and when it is long,
 * kept for seven days and up to a gigabyte, each line with the request's trace id and without a
 * secret.
 */
public final class Logging {
  private static final String LINE =
      "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX,UTC} %-5level [%X{trace_id:--}] %logger{20} - %masked%n"
          + "%maskedEx";

  private static final int DAYS_KEPT = 7;
  private static final long PART = 50 * FileSize.MB_COEFFICIENT;

  /** With the part being written, and one that is about to go, a gigabyte. */
  private static final long TOTAL = FileSize.GB_COEFFICIENT - 2 * PART;

  /** Libraries that tell more than an operator wants to know. */
  private static final List<String> QUIET =
      List.of(
          "com.linecorp.armeria",
          "com.zaxxer.hikari",
          "io.grpc",
          "io.modelcontextprotocol",
          "io.netty",
          "org.flywaydb",
          "reactor");

  private Logging() {}

  /** Whether the log goes to standard output, for whoever collects it there. */
  public static boolean toOutput(Config.Log log) {
    return log.file().equals("-");
  }

  /** Where a server's log stands, unless it goes to standard output. */
  public static Path file(Config.Log log, DataFolder folder) {
    return log.file().isEmpty() ? folder.logs().resolve("mandate.log") : Path.of(log.file());
  }

  /** Logs nothing: for commands whose output is for a person, and until {@link #start}. */
  public static void silence() {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.OFF);
  }

  /** From now on everything is logged to {@link #file}, and to the terminal only if told so. */
  public static void start(Config.Log settings, DataFolder folder) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    Encoder<ILoggingEvent> encoder =
        settings.format() == Config.Log.Format.JSON ? json(context) : text(context);
    OutputStreamAppender<ILoggingEvent> appender =
        toOutput(settings)
            ? new ConsoleAppender<>()
            : rolling(context, file(settings, folder), PART, TOTAL);
    appender.setContext(context);
    appender.setEncoder(encoder);
    appender.start();

    context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(appender);
    context
        .getLogger(Logger.ROOT_LOGGER_NAME)
        .setLevel(Level.toLevel(settings.level().name().toLowerCase(Locale.ROOT)));
    QUIET.forEach(library -> context.getLogger(library).setLevel(Level.WARN));
  }

  /**
   * Not compressed: that is done behind the writer's back, and a flood would outrun it.
   *
   * @param part bytes after which the file is put aside
   * @param total bytes of what was put aside, beyond which the oldest go
   */
  static OutputStreamAppender<ILoggingEvent> rolling(
      LoggerContext context, Path file, long part, long total) {
    RollingFileAppender<ILoggingEvent> appender = new RollingFileAppender<>();
    appender.setContext(context);
    appender.setFile(file.toString());
    BoundedPolicy policy = new BoundedPolicy(total);
    policy.setContext(context);
    policy.setParent(appender);
    policy.setFileNamePattern(file + ".%d{yyyy-MM-dd}.%i");
    policy.setMaxFileSize(new FileSize(part));
    policy.start();
    appender.setRollingPolicy(policy);
    return appender;
  }

  private static Encoder<ILoggingEvent> text(LoggerContext context) {
    PatternLayoutEncoder encoder =
        new PatternLayoutEncoder() {
          @Override
          public void start() {
            PatternLayout masking = new PatternLayout();
            masking.setContext(context);
            masking.getInstanceConverterMap().put("masked", MaskedMessage::new);
            masking.getInstanceConverterMap().put("maskedEx", MaskedThrowable::new);
            masking.setPattern(getPattern());
            masking.start();
            layout = masking;
            started = true;
          }
        };
    encoder.setContext(context);
    encoder.setPattern(LINE);
    encoder.start();
    return encoder;
  }

  private static Encoder<ILoggingEvent> json(LoggerContext context) {
    MaskingJsonGeneratorDecorator masking = new MaskingJsonGeneratorDecorator();
    masking.addValueMasker(
        (path, value) -> value instanceof CharSequence text ? Secrets.mask(text.toString()) : null);
    LogstashEncoder encoder = new LogstashEncoder();
    encoder.setContext(context);
    encoder.addDecorator(masking);
    encoder.start();
    return encoder;
  }

  /**
   * What is too much goes before the next line is written. Logback's own policy lets removals run
   * beside each other, and they share one calendar: each may take today's files for those of the
   * day that the other is at as well, count them twice, and remove all of them.
   */
  private static final class BoundedPolicy extends SizeAndTimeBasedRollingPolicy<ILoggingEvent> {
    private final long total;

    BoundedPolicy(long total) {
      this.total = total;
    }

    @Override
    public void rollover() {
      super.rollover();
      var triggering = getTimeBasedFileNamingAndTriggeringPolicy();
      ArchiveRemover remover = triggering.getArchiveRemover();
      // Not set on the policy, which would remove by itself.
      remover.setMaxHistory(DAYS_KEPT);
      remover.setTotalSizeCap(total);
      finish(remover.cleanAsynchronously(Instant.ofEpochMilli(triggering.getCurrentTime())));
    }

    /** Also for a thread that was interrupted: whoever comes next must not meet this removal. */
    private void finish(Future<?> removal) {
      boolean interrupted = Thread.interrupted();
      for (boolean done = false; !done; ) {
        try {
          removal.get();
          done = true;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          addError("Old log files could not be removed", e);
          done = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** {@code %masked}: the message without secrets. */
  private static final class MaskedMessage extends ClassicConverter {
    @Override
    public String convert(ILoggingEvent event) {
      return Secrets.mask(event.getFormattedMessage());
    }
  }

  /** {@code %maskedEx}: the exception without secrets. */
  private static final class MaskedThrowable extends ThrowableProxyConverter {
    @Override
    public String convert(ILoggingEvent event) {
      return Secrets.mask(super.convert(event));
    }
  }
}
