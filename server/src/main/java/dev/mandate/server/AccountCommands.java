package dev.mandate.server;

import dev.mandate.identity.SignInLinks;
import dev.mandate.identity.Users;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.config.Config;
import dev.mandate.kernel.db.DataFolder;
import dev.mandate.kernel.db.DatabaseClock;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.DbSettings;
import dev.mandate.kernel.events.PostgresFanout;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.organizations.Installation;
import dev.mandate.organizations.MembershipDirectory;
import dev.mandate.organizations.Organizations;
import java.io.Console;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Commands about accounts, for whoever is on the server's machine and may read its secrets: they go
 * to the database directly, beside the running server.
 */
final class AccountCommands {
  private final Config config;
  private final PrintStream out;

  AccountCommands(Config config, PrintStream out) {
    this.config = config;
    this.out = out;
  }

  private record Accounts(
      Users users, SignInLinks links, Installation installation, Reinstatement reinstatement) {}

  /** Sets an account's password: the one typed, or on no terminal a generated one. */
  int password(List<String> words) {
    if (words.size() != 1) {
      throw Failure.invalid("EMAIL", "say whose: mandate password EMAIL");
    }
    String email = words.getFirst();
    Console console = Terminal.console();
    String password = console == null ? Users.generatePassword() : typed(console);
    boolean _ =
        with(accounts -> {
          accounts.users().resetPassword(email, password);
          return true;
        });
    if (console != null) {
      out.println("The password of " + email + " is set; its sessions have ended.");
    } else {
      DataFolder folder = new DataFolder(config.data());
      folder.writeSecret("owner", "email=" + email + "\npassword=" + password);
      out.println(
          "The password of "
              + email
              + " is set to a generated one, in "
              + folder.secrets().resolve("owner"));
    }
    return Main.OK;
  }

  /** Prints a sign-in link for the first owner. */
  int link() {
    DataFolder.Occupant occupant = DataFolder.occupant(config.data());
    if (occupant == null || occupant.address().isEmpty()) {
      throw Failure.precondition(
          "NOT_RUNNING", "Mandate is not running on " + config.data() + ": mandate up");
    }
    String token =
        with(accounts -> {
          Installation.First first =
              accounts.installation().ensure(null, null, "Sample organization");
          return accounts.links().create(first.owner().id());
        });
    out.println(occupant.address() + "/sign-in#" + token);
    return Main.OK;
  }

  /** Lifts the suspension of an account, and of the organizations that it owns. */
  int reinstate(List<String> words) {
    if (words.size() != 1) {
      throw Failure.invalid("EMAIL", "say whose: mandate reinstate EMAIL");
    }
    String email = words.getFirst();
    int organizations = with(accounts -> accounts.reinstatement().of(email));
    out.println(
        email
            + " is not suspended any more, nor what it owns, in "
            + organizations
            + (organizations == 1 ? " organization." : " organizations."));
    return Main.OK;
  }

  private static String typed(Console console) {
    char[] first = console.readPassword("New password: ");
    char[] again = console.readPassword("Again: ");
    if (first == null || again == null || !Arrays.equals(first, again)) {
      throw Failure.invalid("password", "the two are not the same");
    }
    return new String(first);
  }

  private <T> T with(Function<Accounts, T> work) {
    DataFolder folder = new DataFolder(config.data());
    boolean external = !config.database().url().value().isEmpty();
    if (!external && DataFolder.occupant(config.data()) == null) {
      throw Failure.precondition(
          "NOT_RUNNING", "Mandate is not running on " + config.data() + ": mandate up");
    }
    try (Installed database = Installed.attach(config, folder);
        Wakeups wakeups = new Wakeups(new PostgresFanout(database.endpoint()))) {
      wakeups.start();
      try (DatabaseClock clock = new DatabaseClock();
          Db db =
              new Db(
                  database.endpoint(),
                  DbSettings.DEFAULTS.withPools(3, 3),
                  clock,
                  wakeups::signal)) {
        db.start();
        clock.start(db);
        MembershipDirectory memberships = new MembershipDirectory(db);
        Users users = new Users(db, (mandate, action) -> {}, memberships, clock);
        Organizations organizations = new Organizations(db, (mandate, action) -> {});
        return work.apply(
            new Accounts(
                users,
                new SignInLinks(db, clock),
                new Installation(db, users, organizations, clock),
                new Reinstatement(db, wakeups, users, memberships, clock)));
      }
    }
  }
}
