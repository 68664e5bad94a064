package dev.mandate.server;

import dev.mandate.agents.Agents;
import dev.mandate.audit.AuditChain;
import dev.mandate.audit.AuditReport;
import dev.mandate.audit.KeptCheckpoints;
import dev.mandate.identity.Users;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.db.Preparation;
import dev.mandate.organizations.Installation;
import dev.mandate.organizations.MembershipDirectory;
import dev.mandate.organizations.Organizations;
import dev.mandate.policies.DecisionSeals;
import dev.mandate.secrets.Secrets;
import dev.mandate.server.ops.KeyRotation;
import dev.mandate.server.ops.OrganizationArchive;
import dev.mandate.server.ops.UserErasure;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code mandate ops …}: what the operator does with an installation, on its machine. */
final class OpsCommands {
  private final PrintStream out;
  private final Map<String, String> environment;
  private final @Nullable Path file;

  OpsCommands(PrintStream out, Map<String, String> environment, @Nullable Path file) {
    this.out = out;
    this.environment = environment;
    this.file = file;
  }

  int run(List<String> words, List<String> flags) {
    if (words.isEmpty()) {
      throw Failure.invalid("command", "say which: " + Help.OPS);
    }
    List<String> rest = words.subList(1, words.size());
    try {
      return switch (words.getFirst()) {
        case "verify-audit" -> verifyAudit(rest, flags);
        case "export-audit" -> exportAudit(rest, flags);
        case "export-org" -> exportOrganization(rest, flags);
        case "rotate-keys" -> rotateKeys(rest, flags);
        case "erase-user" -> eraseUser(rest, flags);
        case "seed" -> seed(rest, flags);
        case "migrate" -> migrate(rest, flags);
        default ->
            throw Failure.invalid(
                "command",
                "unknown: 'ops " + Failure.excerpt(words.getFirst()) + "'; there are " + Help.OPS);
      };
    } catch (NoSuchFileException e) {
      throw Failure.invalid("file", "there is no " + e.getFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e.getClass().getSimpleName() + " " + e.getMessage(), e);
    } catch (SQLException e) {
      throw Failure.unavailable("the database failed", e);
    }
  }

  private int verifyAudit(List<String> words, List<String> flags) throws IOException {
    String given = OwnFlags.value(flags, "--key");
    String file = OwnFlags.value(flags, "--checkpoints");
    String key = given == null ? null : key(given);
    KeptCheckpoints kept =
        file == null ? KeptCheckpoints.NONE : KeptCheckpoints.read(Files.readString(Path.of(file)));
    Config config = config(flags);
    boolean intact =
        words.isEmpty() ? verifyDatabase(config, key, kept) : verifyFile(words, key, kept);
    for (String stranger : kept.strangers()) {
      out.println("BROKEN  " + stranger);
      intact = false;
    }
    return intact ? Main.OK : Main.FAILED;
  }

  private boolean verifyFile(List<String> words, @Nullable String key, KeptCheckpoints kept)
      throws IOException {
    try (BufferedReader lines = Files.newBufferedReader(Path.of(one(words, "FILE")))) {
      AuditReport report = AuditChain.checkExport(lines, key, kept);
      print(report);
      if (key == null) {
        out.println(
            "  The signatures were checked with the keys that the file itself names: give the key"
                + " that you trust with --key.");
      }
      return report.intact();
    }
  }

  /** Base64, or a file that holds it. */
  private static String key(String given) throws IOException {
    Path path = Path.of(given);
    String key = Files.isRegularFile(path) ? Files.readString(path).strip() : given;
    try {
      Base64.getDecoder().decode(key);
    } catch (IllegalArgumentException e) {
      throw Failure.invalid("--key", "is neither a file nor base64");
    }
    return key;
  }

  private boolean verifyDatabase(Config config, @Nullable String key, KeptCheckpoints kept) {
    try (Opened opened = Opened.beside(config)) {
      AuditChain chain = chain(opened);
      boolean intact = true;
      for (OrgId org : chain.organizations()) {
        AuditReport report = chain.check(org, key, kept);
        print(report);
        intact &= report.intact();
      }
      return intact;
    }
  }

  private void print(AuditReport report) {
    out.printf(
        "%s  organization %s: %,d entries, %,d checkpoints%s%s%s%s%n",
        report.intact() ? "intact" : "BROKEN",
        report.org(),
        report.entries(),
        report.checkpoints(),
        report.signed() == 0 ? "" : ", signed up to place %,d".formatted(report.signed()),
        report.unsigned() == 0 ? "" : ", %,d after it unsigned".formatted(report.unsigned()),
        report.erased() == 0 ? "" : ", personal data erased in %,d".formatted(report.erased()),
        report.waiting() == 0 ? "" : ", %,d not chained yet".formatted(report.waiting()));
    if (report.lost() > 0) {
      out.printf(
          "  Months that an earlier version dropped: what %,d later places said may have gone with"
              + " them, or was removed by somebody.%n",
          report.lost());
    }
    report.problems().forEach(problem -> out.println("  " + problem));
    if (report.wrong() > report.problems().size()) {
      out.printf("  and %,d more%n", report.wrong() - report.problems().size());
    }
  }

  private int exportAudit(List<String> words, List<String> flags) throws IOException {
    String org = OwnFlags.value(flags, "--org");
    String name = one(words, "FILE");
    try (Opened opened = Opened.beside(config(flags))) {
      OrgId which = organization(opened, org);
      Path target = fresh(name);
      try (BufferedWriter lines = Files.newBufferedWriter(target)) {
        chain(opened)
            .write(
                which,
                line -> {
                  try {
                    lines.write(line);
                    lines.newLine();
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                });
      }
      out.println("The record of organization " + which + " is in " + target);
    }
    return Main.OK;
  }

  private int exportOrganization(List<String> words, List<String> flags)
      throws IOException, SQLException {
    String org = OwnFlags.value(flags, "--org");
    String name = one(words, "FILE");
    try (Opened opened = Opened.beside(config(flags))) {
      OrgId which = organization(opened, org);
      Path target = fresh(name);
      long rows;
      try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(target))) {
        rows = new OrganizationArchive(opened.database().endpoint()).write(which, file);
      }
      out.printf("%,d rows of organization %s are in %s%n", rows, which, target);
    }
    return Main.OK;
  }

  private int rotateKeys(List<String> words, List<String> flags) throws SQLException {
    none(words);
    Config config = config(flags);
    boolean configured = !config.masterKey().value().isEmpty();
    if (!configured) {
      prepareRing(config);
    }
    try (Opened opened = Opened.alone(config)) {
      KeyRing ring = opened.database().keys();
      if (ring.ids().size() == 1) {
        throw Failure.precondition(
            "ONE_KEY",
            "MANDATE_MASTER_KEY holds one key: put the new one before it, separated by a comma,"
                + " restart every server with both, and run this again");
      }
      Cipher cipher = new Cipher(ring);
      new KeyRotation(
              opened.db(),
              opened.database().endpoint(),
              new Secrets(cipher),
              new DecisionSeals(cipher),
              chain(opened),
              line -> out.println("  " + line))
          .run(ring.primaryId());
      if (configured) {
        out.println(
            "Everything is encrypted under key "
                + ring.primaryId()
                + ": the others may be taken out of MANDATE_MASTER_KEY.");
      } else {
        String primary = opened.masterKeys(config).split("[\\s,]+", 2)[0];
        opened.folder().writeSecret("master-key", primary);
        out.println(
            "Everything is encrypted under key " + ring.primaryId() + ", the only one now.");
      }
      out.println("Backups made before open with the keys that they hold themselves.");
      return Main.OK;
    }
  }

  /** A new key before the old one; what an interrupted rotation left is gone on with. */
  private void prepareRing(Config config) {
    try (DataFolder folder = new DataFolder(config.data())) {
      if (!Files.exists(folder.secrets().resolve("master-key"))) {
        throw Failure.precondition(
            "NO_INSTALLATION", "there is no installation in " + config.data() + " (see --data)");
      }
      folder.open();
      KeyRing ring = folder.keys("");
      if (ring.ids().size() > 1) {
        out.println("Going on with the rotation to key " + ring.primaryId());
        return;
      }
      String old = folder.secret("master-key", KeyRing::generate);
      folder.writeSecret("master-key", KeyRing.generate() + "\n" + old);
    }
  }

  private int eraseUser(List<String> words, List<String> flags) {
    boolean keep = OwnFlags.given(flags, "--keep-messages");
    String email = one(words, "EMAIL");
    try (Opened opened = Opened.beside(config(flags))) {
      new UserErasure(opened.db(), line -> out.println("  " + line))
          .erase(email, chain(opened).organizations(), keep);
      out.println(
          "The account is erased. Backups made before still hold it: delete them, or let them"
              + " expire.");
    }
    return Main.OK;
  }

  private int seed(List<String> words, List<String> flags) {
    none(words);
    Config config = config(flags);
    String email = config.admin().email();
    String password = config.admin().password().value();
    try (Opened opened = Opened.beside(config)) {
      Clock clock = opened.clock();
      // Whoever may do this on the server's machine needs nobody's permission.
      Authorizer operator = (mandate, action) -> {};
      Users users = new Users(opened.db(), operator, new MembershipDirectory(opened.db()), clock);
      Installation.First first =
          new Installation(opened.db(), users, new Organizations(opened.db(), operator), clock)
              .ensure(
                  email.isEmpty() ? null : email,
                  password.isEmpty() ? null : password,
                  "Sample organization");
      String generated = first.generatedPassword();
      if (generated != null) {
        opened
            .folder()
            .writeSecret("owner", "email=" + first.owner().email() + "\npassword=" + generated);
      }
      new SampleOrganization(new Agents(opened.db(), operator))
          .seed(
              new Mandate(
                  first.org(),
                  List.of(Principal.user(first.owner().id().value())),
                  List.of(),
                  null,
                  clock.instant().plus(Duration.ofMinutes(1)),
                  new Mandate.Origin("seed", "", "")));
      out.println("The sample agents are in organization " + first.org());
    }
    return Main.OK;
  }

  private int migrate(List<String> words, List<String> flags) {
    none(words);
    Config config = config(flags);
    // Opening it is migrating it.
    try (Opened opened = Opened.beside(config, Preparation.Older.MIGRATE)) {
      out.println(
          "The schema "
              + opened.database().endpoint().schema()
              + " is that of Mandate "
              + Platform.VERSION);
    }
    return Main.OK;
  }

  private static AuditChain chain(Opened opened) {
    return new AuditChain(opened.db(), new Cipher(opened.database().keys()));
  }

  /** The one that was named, else the only one there is. */
  private static OrgId organization(Opened opened, @Nullable String named) {
    List<OrgId> all = chain(opened).organizations();
    if (named != null) {
      OrgId org = OrgId.parse("--org", named);
      if (!all.contains(org)) {
        throw Failure.notFound("organization " + org);
      }
      return org;
    }
    List<OrgId> real = all.stream().filter(org -> !org.equals(OrgId.INSTALLATION)).toList();
    if (real.size() != 1) {
      throw Failure.invalid("--org", "is required: there are " + real.size() + " organizations");
    }
    return real.getFirst();
  }

  private Config config(List<String> flags) {
    return Config.load(Config.flags(flags), environment, file);
  }

  /** Where something is written that may hold names: 0600, and never over another file. */
  static Path fresh(String name) throws IOException {
    Path path = Path.of(name).toAbsolutePath();
    try {
      Files.createFile(
          path,
          java.nio.file.attribute.PosixFilePermissions.asFileAttribute(
              java.nio.file.attribute.PosixFilePermissions.fromString("rw-------")));
    } catch (java.nio.file.FileAlreadyExistsException e) {
      throw Failure.invalid("FILE", path + " is there already");
    }
    return path;
  }

  private static void none(List<String> words) {
    if (!words.isEmpty()) {
      throw Failure.invalid("argument", "takes none: '" + Failure.excerpt(words.getFirst()) + "'");
    }
  }

  static String one(List<String> words, String what) {
    if (words.size() != 1) {
      throw Failure.invalid(what, "is required, and nothing else");
    }
    return words.getFirst();
  }
}
