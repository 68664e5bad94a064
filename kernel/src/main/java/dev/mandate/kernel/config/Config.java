package dev.mandate.kernel.config;

import dev.mandate.kernel.Failure;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the operator decided. Read once at start, from (each overrides the one before) the defaults,
 * the file {@code mandate.yaml}, the environment and flags.
 */
public record Config(
    @Setting(
            value =
                "Folder of everything Mandate keeps on this machine. The default is"
                    + " `/var/lib/mandate` for root, else `~/.mandate`.",
            flag = "data")
        Path data,
    @Setting(
            value = "Start without the sample organization. Matters at the first start only.",
            byDefault = "false",
            flag = "empty")
        boolean empty,
    @Setting(
            value =
                "What this process does: `api` answers requests, `worker` carries out runs and"
                    + " jobs and answers health and metrics only. Processes that share one"
                    + " PostgreSQL share the work; each has a data folder of its own, all have the"
                    + " same master key.",
            byDefault = "api,worker")
        List<String> roles,
    @Setting(
            value =
                "What carries wake-ups between processes: `postgres`, or the URL of a Redis"
                    + " (`redis://`, with TLS `rediss://`) or NATS server (`nats://`, with TLS"
                    + " `tls://`), as in `redis://user:password@host:6379`. NATS takes a token in"
                    + " place of user and password. While it is away, work goes on by polling.",
            byDefault = "postgres")
        Secret fanout,
    @Setting(
            "The keys that secrets are encrypted under, 32 bytes each in base64 or hexadecimal,"
                + " separated by commas, the current one first. Without it one is generated into"
                + " `secrets/master-key` of the data folder.")
        Secret masterKey,
    @Setting("Where Mandate listens.") Http http,
    @Setting("The system of record.") Database database,
    @Setting("What is logged, and how.") Log log,
    @Setting("Where this server's own spans are sent.") Telemetry telemetry,
    @Setting("The way out, to models and tools.") Egress egress,
    @Setting("Rules that decide about every call.") Policy policy,
    @Setting("Questions to people.") Approvals approvals,
    @Setting("Limits of runs.") Runs runs,
    @Setting("What messages carry, and where it is kept.") Files files,
    @Setting("The record of who did what.") Audit audit,
    @Setting("The first account.") Admin admin) {

  public Config {
    for (String role : roles) {
      if (!role.equals("api") && !role.equals("worker")) {
        throw Failure.invalid("roles", "'" + Failure.excerpt(role) + "' is not api or worker");
      }
    }
    if (roles.isEmpty()) {
      throw Failure.invalid("roles", "must name api, worker or both");
    }
    if (database.url().isEmpty() && !roles.containsAll(List.of("api", "worker"))) {
      throw Failure.invalid(
          "roles",
          "the bundled database serves one process, which must do everything; to share the work,"
              + " set database.url (DATABASE_URL)");
    }
  }

  /** Where Mandate listens. */
  public record Http(
      @Setting(value = "Address to listen on.", byDefault = "127.0.0.1", flag = "host") String host,
      @Setting(
              value =
                  "Port to listen on. If it is busy and was not set, the next free one is taken.",
              byDefault = "6263",
              flag = "port")
          int port,
      @Setting(
              value =
                  "URL under which people reach this server, if it stands behind a proxy:"
                      + " `https://mandate.example.org`. Links, cookies and the check of where a"
                      + " request comes from go by it.",
              environment = "MANDATE_PUBLIC_URL")
          String publicUrl,
      @Setting(
              value =
                  "Addresses and networks of the proxies in front, such as `10.0.0.0/8`. What they"
                      + " say in `X-Forwarded-For`, `-Proto` and `-Host` is believed; from anybody"
                      + " else it is ignored.",
              environment = "MANDATE_TRUSTED_PROXIES")
          List<String> trustedProxies,
      @Setting(
              "Origins whose pages may call this server with a token, such as"
                  + " `https://app.example.org`; `*` for all. Without it, none.")
          List<String> corsOrigins,
      @Setting(
              "PEM file with the certificate and its chain: the server then speaks only TLS. Read"
                  + " again when it changes.")
          String tlsCert,
      @Setting("PEM file with the certificate's private key.") String tlsKey) {
    public Http {
      range("http.port", port, 0, 65535);
      if (tlsCert.isEmpty() != tlsKey.isEmpty()) {
        throw Failure.invalid(
            tlsCert.isEmpty() ? "http.tls-cert" : "http.tls-key",
            "is needed with " + (tlsCert.isEmpty() ? "http.tls-key" : "http.tls-cert"));
      }
    }
  }

  /** The system of record. */
  public record Database(
      @Setting(
              value =
                  "A PostgreSQL server of your own, version 15 or newer:"
                      + " `postgresql://user:password@host:port/database`. Its user creates roles"
                      + " and the schema. Without it the bundled server is used.",
              environment = "DATABASE_URL")
          Secret url,
      @Setting(value = "Schema that holds every table.", byDefault = "mandate") String schema,
      @Setting(value = "Most connections for requests and runs.", byDefault = "20") int poolSize,
      @Setting(value = "Most connections for claiming work.", byDefault = "6")
          int dispatchPoolSize) {
    public Database {
      range("database.pool-size", poolSize, 2, 1000);
      range("database.dispatch-pool-size", dispatchPoolSize, 2, 1000);
    }
  }

  /** What is logged, and how. */
  public record Log(
      @Setting(value = "`trace`, `debug`, `info`, `warn` or `error`.", byDefault = "info")
          Level level,
      @Setting(value = "`text` for people, `json` for machines.", byDefault = "text") Format format,
      @Setting(
              "File to log to, kept for seven days, a gigabyte of it at most; `-` for standard"
                  + " output. Without it, `logs/mandate.log` in the data folder.")
          String file) {
    /** Of what is logged. */
    public enum Level {
      TRACE,
      DEBUG,
      INFO,
      WARN,
      ERROR
    }

    /** Of a line. */
    public enum Format {
      TEXT,
      JSON
    }
  }

  /** The way out. */
  public record Egress(
      @Setting(
              value =
                  "Private destinations that may be called all the same: host names, addresses or"
                      + " networks, optionally with a port.",
              flag = "egress-allow")
          List<String> allow,
      @Setting(
              value = "Proxy for `http` URLs.",
              environment = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
          Secret httpProxy,
      @Setting(
              value = "Proxy for `https` URLs.",
              environment = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
          Secret httpsProxy,
      @Setting(
              value = "Destinations that are called without a proxy.",
              environment = {"no_proxy", "NO_PROXY"})
          List<String> noProxy,
      @Setting(
              value = "PEM file of certificates to trust besides Java's own.",
              environment = {"MANDATE_CA_FILE", "SSL_CERT_FILE"})
          String caFile) {
    /** In the form that the egress client reads. */
    public Map<String, String> asEnvironment() {
      return Map.of(
          "MANDATE_EGRESS_ALLOW", String.join(",", allow),
          "HTTP_PROXY", httpProxy.value(),
          "HTTPS_PROXY", httpsProxy.value(),
          "NO_PROXY", String.join(",", noProxy),
          "MANDATE_CA_FILE", caFile);
    }
  }

  /** Rules that decide about every call. */
  public record Policy(
      @Setting(
              value =
                  "An OPA server that is asked about every call, for `data.mandate`, besides the"
                      + " policies that Mandate keeps: `http://127.0.0.1:8181`. Without an answer"
                      + " every call is refused.",
              environment = "OPA_URL")
          String opaUrl,
      @Setting(value = "How long that server may take.", byDefault = "500ms") Duration opaTimeout,
      @Setting(
              value = "How long decisions are kept, encrypted, to be looked at and simulated on.",
              byDefault = "30d")
          Duration retention) {
    public Policy {
      range("policy.opa-timeout", opaTimeout.toMillis(), 1, 60_000);
      range("policy.retention", retention.toSeconds(), 60, Integer.MAX_VALUE);
    }
  }

  /** Questions to people. */
  public record Approvals(
      @Setting(value = "How long an approval waits for a decision.", byDefault = "24h")
          Duration expiry) {
    public Approvals {
      range("approvals.expiry", expiry.toSeconds(), 1, Integer.MAX_VALUE);
    }
  }

  /** Limits of runs, where an agent does not set a lower one. */
  public record Runs(
      @Setting(value = "Most calls of the model in one run.", byDefault = "100") int modelCalls,
      @Setting(value = "Most tool calls in one run.", byDefault = "200") int toolCalls,
      @Setting(value = "Most runs at once in this process.", byDefault = "64") int capacity) {
    public Runs {
      range("runs.model-calls", modelCalls, 1, 100_000);
      range("runs.tool-calls", toolCalls, 1, 100_000);
      range("runs.capacity", capacity, 1, 100_000);
    }
  }

  /** What messages carry, and where it is kept. */
  public record Files(
      @Setting(
              "Folder to keep contents in, which must be there. Processes that share one"
                  + " PostgreSQL need one that all of them see, or a bucket. Without it, `files` in"
                  + " the data folder.")
          String folder,
      @Setting(value = "Largest file, in MiB.", byDefault = "25") int maxSizeMib,
      @Setting(value = "Most that one organization's files may take, in MiB.", byDefault = "10240")
          int quotaMib,
      @Setting(
              value =
                  "Content types that are accepted. `image/*` stands for all of a kind. What is not"
                      + " what it says it is, is refused.",
              byDefault =
                  "text/*, application/json, application/x-ndjson, application/xml,"
                      + " application/yaml, image/png, image/jpeg, image/gif, image/webp,"
                      + " application/pdf, application/zip,"
                      + " application/vnd.openxmlformats-officedocument.wordprocessingml.document,"
                      + " application/vnd.openxmlformats-officedocument.spreadsheetml.sheet,"
                      + " application/vnd.openxmlformats-officedocument.presentationml.presentation")
          List<String> types,
      @Setting(value = "How long an announced file waits for its content.", byDefault = "15m")
          Duration pending,
      @Setting(value = "How long an address to fetch a content is good.", byDefault = "5m")
          Duration link,
      @Setting("A bucket to keep contents in, instead of a folder.") S3 s3) {
    public Files {
      range("files.max-size-mib", maxSizeMib, 1, 4096);
      range("files.quota-mib", quotaMib, 1, Integer.MAX_VALUE);
      range("files.pending", pending.toSeconds(), 1, Duration.ofDays(7).toSeconds());
      range("files.link", link.toSeconds(), 1, Duration.ofDays(7).toSeconds());
    }

    /** Whether other processes of the installation find what this one keeps. */
    public boolean shared() {
      return !folder.isEmpty() || !s3.bucket().isEmpty();
    }

    /**
     * Where contents are, unless they are in a bucket.
     *
     * @param usual where they are if no folder is configured
     * @throws Failure {@code INVALID_ARGUMENT} if the configured folder cannot be used: one that is
     *     not mounted must not be taken for an empty one
     */
    public Path folderOr(Path usual) {
      if (folder.isEmpty()) {
        return usual;
      }
      Path given = Path.of(folder).toAbsolutePath();
      if (!java.nio.file.Files.isDirectory(given) || !java.nio.file.Files.isWritable(given)) {
        throw Failure.invalid("files.folder", given + " is no folder that can be written to");
      }
      return given;
    }

    /** A bucket of any S3. */
    public record S3(
        @Setting("Name of the bucket. With it contents are kept there.") String bucket,
        @Setting(
                "URL of the server, as this machine and the clients reach it. Without it, Amazon's"
                    + " of the region.")
            String endpoint,
        @Setting(value = "Region of the bucket.", byDefault = "us-east-1") String region,
        @Setting(
                value =
                    "The bucket stands in the path, not in the host name: for most servers but"
                        + " Amazon's.",
                byDefault = "false")
            boolean pathStyle,
        @Setting("Before the name of everything kept, e.g. `mandate/`.") String prefix,
        @Setting(value = "Access key.", environment = "AWS_ACCESS_KEY_ID") Secret accessKey,
        @Setting(value = "Secret key.", environment = "AWS_SECRET_ACCESS_KEY") Secret secretKey,
        @Setting(
                value = "Session token of temporary credentials.",
                environment = "AWS_SESSION_TOKEN")
            Secret sessionToken,
        @Setting("Server-side encryption to ask for, e.g. `AES256`. Without it, the bucket's own.")
            String encryption) {
      public S3 {
        if (!bucket.isEmpty()) {
          if (!bucket.matches("[A-Za-z0-9][A-Za-z0-9._-]{1,62}")) {
            throw Failure.invalid("files.s3.bucket", "is not the name of a bucket");
          }
          if (!endpoint.isEmpty() && !endpoint.matches("https?://[^/?#@]+/?")) {
            throw Failure.invalid(
                "files.s3.endpoint", "must be like https://s3.example.com, without a path");
          }
          if (accessKey.value().isEmpty() || secretKey.value().isEmpty()) {
            throw Failure.invalid(
                "files.s3.access-key", "a bucket needs files.s3.access-key and .secret-key");
          }
        }
      }
    }
  }

  /** The record of who did what. */
  public record Audit(
      @Setting(
              value =
                  "How long the record is kept at least, e.g. `365d`: older months are dropped as a"
                      + " whole. `0d` keeps everything.",
              byDefault = "0d")
          Duration keep) {
    public Audit {
      if (keep.isPositive()) {
        range("audit.keep", keep.toDays(), 31, 100_000);
      }
    }
  }

  /** The first account. */
  public record Admin(
      @Setting("Email of the owner made at the first start.") String email,
      @Setting("The owner's password. Without it a sign-in link is printed.") Secret password) {}

  /**
   * @param flags from {@link #flags}
   * @param environment of the process
   * @param file to read; if null, {@code mandate.yaml} in the data folder if there is one
   * @throws Failure {@code INVALID_ARGUMENT} that names the setting, where it stands and what is
   *     wrong; for an unknown one, the nearest known
   */
  public static Config load(
      Map<String, String> flags, Map<String, String> environment, @Nullable Path file) {
    return new ConfigReader(flags, environment).read(file);
  }

  /**
   * Reads {@code --name value} and {@code --name=value}.
   *
   * @return the values by the settings' paths
   * @throws Failure {@code INVALID_ARGUMENT} for an unknown flag or a missing value
   */
  public static Map<String, String> flags(List<String> arguments) {
    return ConfigReader.flags(arguments);
  }

  /** The reference page, in Markdown. */
  public static String reference() {
    return ConfigReference.markdown();
  }

  static void range(String path, long value, long min, long max) {
    if (value < min || value > max) {
      throw Failure.invalid(path, value + " is not between " + min + " and " + max);
    }
  }
}
