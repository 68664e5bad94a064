package dev.mandate.server;

import dev.mandate.files.FileSettings;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.db.DbSettings;
import dev.mandate.kernel.rpc.Edge;
import dev.mandate.kernel.rpc.TlsFiles;
import dev.mandate.kernel.telemetry.Logging;
import dev.mandate.organizations.Installation;
import dev.mandate.policies.PolicySettings;
import dev.mandate.runs.RunSettings;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code mandate up}: everything, in the foreground, until it is told to stop. */
final class Up {
  private static final Logger log = LoggerFactory.getLogger(Up.class);
  private static final String PORT_FILE = "port";

  private final Config config;
  private final Map<String, String> flags;
  private final Map<String, String> environment;
  private final PrintStream out;
  private final long began = System.nanoTime();

  Up(Config config, Map<String, String> flags, Map<String, String> environment, PrintStream out) {
    this.config = config;
    this.flags = flags;
    this.environment = environment;
    this.out = out;
  }

  int run() {
    DataFolder folder = new DataFolder(config.data());
    folder.open();
    Logging.start(config.log(), folder);
    Resources resources = new Resources(folder);
    // Ctrl-C, SIGTERM and the end of this method all stop it the same way, once.
    Thread stop = Thread.ofPlatform().name("stop").unstarted(resources::close);
    Runtime.getRuntime().addShutdownHook(stop);
    try {
      Installed database = Installed.start(config, folder);
      resources.database = database;
      Platform platform =
          new Platform(
              settings(folder), database.endpoint(), database.keys(), database.postgres() != null);
      resources.platform = platform;
      platform.start();
      folder.announce(platform.localUrl());
      remember(folder, platform.port());
      tell(platform, folder);
      new CountDownLatch(1).await();
      return Main.OK;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Main.OK;
    } catch (RuntimeException e) {
      Runtime.getRuntime().removeShutdownHook(stop);
      resources.close();
      throw e;
    }
  }

  /** What was started so far, stopped in the opposite order. */
  private static final class Resources {
    private final DataFolder folder;
    private volatile Installed database;
    private volatile Platform platform;

    @SuppressWarnings("NullAway.Init") // both are null until they are started
    Resources(DataFolder folder) {
      this.folder = folder;
    }

    private synchronized void close() {
      long began = System.nanoTime();
      if (platform != null) {
        platform.close();
      }
      if (database != null) {
        database.close();
      }
      folder.close();
      log.info("stopped in {} ms", (System.nanoTime() - began) / 1_000_000);
    }
  }

  private PlatformSettings settings(DataFolder folder) {
    Map<String, String> outside = new HashMap<>(environment);
    outside.putAll(config.egress().asEnvironment());
    String email = config.admin().email();
    String password = config.admin().password().value();
    boolean portChosen =
        flags.containsKey("http.port") || environment.containsKey("MANDATE_HTTP_PORT");
    RunSettings runs = RunSettings.DEFAULTS;
    return new PlatformSettings(
        config.http().host(),
        portChosen ? config.http().port() : remembered(folder, config.http().port()),
        !portChosen,
        !config.empty(),
        email.isEmpty() ? null : email,
        password.isEmpty() ? null : password,
        outside,
        edge(),
        new RunSettings(
            config.runs().modelCalls(),
            runs.modelFailures(),
            config.runs().toolCalls(),
            runs.lease(),
            runs.grace(),
            runs.maxFruitlessClaims(),
            config.approvals().expiry(),
            config.runs().capacity()),
        process(),
        files(config.files(), folder.files()),
        new PolicySettings(
            opaUrl(config.policy().opaUrl()),
            config.policy().opaTimeout(),
            config.policy().retention()),
        config.audit().keep(),
        config.telemetry());
  }

  private ProcessSettings process() {
    Config.Database database = config.database();
    return new ProcessSettings(
        config.roles().contains("api"),
        config.roles().contains("worker"),
        DbSettings.DEFAULTS.withPools(database.poolSize(), database.dispatchPoolSize()),
        config.fanout());
  }

  private static FileSettings files(Config.Files files, Path usual) {
    Config.Files.S3 s3 = files.s3();
    String endpoint = s3.endpoint();
    if (endpoint.isEmpty()) {
      endpoint = "https://s3." + s3.region() + ".amazonaws.com";
    }
    String prefix = s3.prefix();
    return new FileSettings(
        files.folderOr(usual),
        files.shared(),
        s3.bucket().isEmpty()
            ? null
            : new FileSettings.S3(
                endpoint.replaceAll("/$", ""),
                s3.region(),
                s3.bucket(),
                s3.pathStyle(),
                prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + "/",
                s3.accessKey().value(),
                s3.secretKey().value(),
                s3.sessionToken().value(),
                s3.encryption()),
        files.maxSizeMib() * 1024L * 1024,
        files.quotaMib() * 1024L * 1024,
        files.types(),
        files.pending(),
        files.link(),
        FileSettings.GRACE);
  }

  private static @Nullable URI opaUrl(String text) {
    if (text.isEmpty()) {
      return null;
    }
    try {
      URI url = new URI(text);
      if (("http".equals(url.getScheme()) || "https".equals(url.getScheme()))
          && url.getHost() != null
          && url.getRawUserInfo() == null
          && url.getRawQuery() == null) {
        return url;
      }
    } catch (URISyntaxException e) {
      throw Failure.invalid("policy.opa-url", "is not a URL: " + Failure.excerpt(text));
    }
    throw Failure.invalid(
        "policy.opa-url", "must be like http://127.0.0.1:8181, without user and query");
  }

  private Edge edge() {
    Config.Http http = config.http();
    TlsFiles tls =
        http.tlsCert().isEmpty()
            ? null
            : new TlsFiles(Path.of(http.tlsCert()), Path.of(http.tlsKey()));
    return Edge.of(http.publicUrl(), http.trustedProxies(), http.corsOrigins(), tls);
  }

  /** The port of last time, so that links and profiles stay good. */
  private static int remembered(DataFolder folder, int otherwise) {
    try {
      Path file = folder.root().resolve(PORT_FILE);
      return Files.exists(file) ? Integer.parseInt(Files.readString(file).strip()) : otherwise;
    } catch (IOException | NumberFormatException e) {
      log.warn("the port of last time cannot be read", e);
      return otherwise;
    }
  }

  private static void remember(DataFolder folder, int port) {
    try {
      Files.writeString(folder.root().resolve(PORT_FILE), Integer.toString(port));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The summary: for a terminal at once, for a launcher in its file, credentials in 0600 files. */
  private void tell(Platform platform, DataFolder folder) {
    StringBuilder summary = new StringBuilder();
    summary.append(
        "Mandate %s is up after %.1f s: %s%n"
            .formatted(Platform.VERSION, (System.nanoTime() - began) / 1e9, platform.url()));
    String readyFile = environment.getOrDefault("MANDATE_READY_FILE", "");
    boolean seen = Terminal.present() || !readyFile.isEmpty();
    Installation.First first = platform.ownership();
    String generated = first.generatedPassword();
    if (generated != null) {
      folder.writeSecret("owner", "email=" + first.owner().email() + "\npassword=" + generated);
      summary.append(
          "  owner:   %s, with a generated password in %s%n"
              .formatted(first.owner().email(), folder.secrets().resolve("owner")));
    }
    if (process().api()) {
      invite(platform, folder, seen, summary);
    } else {
      summary.append("  it carries out runs and jobs, and answers /health and /metrics only\n");
    }
    if (!config.database().url().isEmpty() && !config.files().shared()) {
      String alone =
          "contents of files are in "
              + folder.files()
              + ", where no other process finds them: set files.folder or files.s3.bucket"
              + " (docs/files.md)";
      log.warn(alone);
      summary.append("  files:   ").append(alone).append('\n');
    }
    if (!readyFile.isEmpty()) {
      writeReady(Path.of(readyFile), summary.toString());
    } else {
      out.print(summary);
      if (Terminal.present()) {
        out.println("\nCtrl-C stops it.");
      }
      out.flush();
    }
    log.info("up at {}", platform.url());
  }

  /** How to get in, and what to do there. */
  private void invite(Platform platform, DataFolder folder, boolean seen, StringBuilder summary) {
    if (seen) {
      summary.append("  sign in: %s  (once, within 15 minutes)%n".formatted(platform.signInLink()));
    } else {
      folder.writeSecret("sign-in-link", platform.signInLink());
      summary.append(
          "  sign in: the one-time link is in %s%n"
              .formatted(folder.secrets().resolve("sign-in-link")));
    }
    summary.append("  models:  %s%n".formatted(models(platform)));
    String launcher = environment.getOrDefault("MANDATE_LAUNCHER", "./mandate");
    String mandate = launcher.endsWith("/mandate") ? "./mandate" : launcher;
    summary.append(
        """

        Try:
          %1$s chat "Which agents do we have? Then add one named Scribe that writes minutes."
          %1$s run show last
          %1$s demo crash
        """
            .formatted(mandate));
    // One of many processes, started by a machine, has nobody here who would use a command line.
    if (seen || config.database().url().isEmpty()) {
      LocalProfile.ofUser(environment).pointAt(platform, config.http().tlsCert());
    }
  }

  private static String models(Platform platform) {
    if (platform.announcedModels().isEmpty()) {
      return "none but rehearsal, which is scripted; set ANTHROPIC_API_KEY, OPENAI_API_KEY, …, or"
          + " use `mandate model add`";
    }
    return String.join(", ", platform.announcedModels());
  }

  private static void writeReady(Path file, String summary) {
    try {
      Path fresh = file.resolveSibling(file.getFileName() + ".new");
      Files.createFile(
          fresh,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(fresh, summary);
      Files.move(fresh, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw Failure.unavailable("cannot write " + file, e);
    }
  }
}
