package dev.mandate.server;

/** What {@code mandate COMMAND --help} says of the server's commands. */
final class Help {
  private static final String COMMON =
      """

      Common flags:
        --data FOLDER   where everything is kept (default ~/.mandate, for root /var/lib/mandate)

      All settings, as flags, environment variables or in mandate.yaml: docs/configuration.md
      """;

  static final String COMMANDS =
      "up, down, status, logs, password, link, reinstate, backup, restore, ops";
  static final String OPS =
      "verify-audit, export-audit, export-org, rotate-keys, erase-user, seed, migrate";

  private Help() {}

  static String of(String command) {
    String text =
        switch (command) {
          case "up" ->
              """
              Usage: mandate up [-d] [--data FOLDER] [--host ADDRESS] [--port PORT] [--empty]
                             [--roles api,worker]

              Starts Mandate here: its own PostgreSQL, the schema, the server. Ctrl-C stops all of it.
                -d, --detach    in the background
                --host ADDRESS  listen there (default 127.0.0.1: this machine only)
                --port PORT     (default 6263, or the next free one)
                --empty         a first start makes no sample agents
                --roles ROLES   api, worker or both (default): with DATABASE_URL set, several
                                processes share the work
              """;
          case "down" -> "Usage: mandate down\n\nStops the server that runs on the data folder.\n";
          case "status" ->
              """
              Usage: mandate status [--json]

              Is it running, where, and how is it? Exit code 1 if it is not well, 5 if it is not
              running or does not answer.
              """;
          case "logs" -> "Usage: mandate logs [-f]\n\nThe server's log; -f goes on as it grows.\n";
          case "password" ->
              """
              Usage: mandate password EMAIL

              Sets an account's password, on the server's machine: asks for one on a terminal, makes
              one otherwise. All of the account's sessions end.
              """;
          case "link" ->
              """
              Usage: mandate link

              Prints a link that signs the first owner in, once, for 15 minutes.
              """;
          case "reinstate" ->
              """
              Usage: mandate reinstate EMAIL

              Lifts the suspension of an account, on the server's machine, and of the organizations
              that it owns: the way back when nobody is left who could resume them.
              """;
          case "backup" ->
              """
              Usage: mandate backup FILE [--key-file KEY]

              Writes all of the installation into one encrypted file, as of one moment, while the
              server runs or not: database, files, master keys.
                --key-file KEY  a file with 32 bytes in base64 to encrypt with; without it, the key
                                in secrets/backup-key of the data folder, made the first time
                                unless database and master key are elsewhere
              """;
          case "restore" ->
              """
              Usage: mandate restore FILE [--key-file KEY] [--force]

              Makes an installation from a backup, in an empty data folder or, with DATABASE_URL, in
              a schema that is not there yet. The file is read to its end first: one that is
              damaged changes nothing. A restore that fails takes away what it made, nothing else.
                --key-file KEY  the backup's key
                --force         puts a data folder that is not empty aside, under another name
              """;
          case "ops" ->
              """
              Usage: mandate ops COMMAND     `mandate ops COMMAND --help` explains one

                verify-audit [FILE]   is the record whole and unaltered
                export-audit FILE     the record of one organization, to be checked elsewhere
                export-org FILE       all that an organization has, as JSON lines
                rotate-keys           everything under a new master key
                erase-user EMAIL      a person's data
                seed                  the sample agents, where there are none
                migrate               the schema of this version, without starting the server
              """;
          case "verify-audit" ->
              """
              Usage: mandate ops verify-audit [FILE] [--key KEY] [--checkpoints KEPT]

              Checks the record: that no entry was altered, removed, moved or put in by hand, and
              that it is the one that was signed. Without FILE all organizations' in the database;
              with FILE an exported one, which needs no server. Exit code 1 if anything is wrong.
                --key KEY           the public key to trust, in base64 or in a file, instead of
                                    the keys that FILE or the database has
                --checkpoints KEPT  a file of checkpoints that were kept elsewhere, which the record
                                    must agree with: what `mandate audit checkpoints --json` prints,
                                    or lines of an export
              """;
          case "export-audit" ->
              """
              Usage: mandate ops export-audit FILE [--org ID]

              Writes an organization's record with its checkpoints, a JSON object a line, for
              `mandate ops verify-audit FILE`.
                --org ID  which organization; may be left away if there is only one
              """;
          case "export-org" ->
              """
              Usage: mandate ops export-org FILE [--org ID]

              Writes all that an organization has as JSON lines, sorted: the same data gives the
              same bytes. No secrets, nothing to sign in with.
                --org ID  which organization; may be left away if there is only one
              """;
          case "rotate-keys" ->
              """
              Usage: mandate ops rotate-keys

              Makes a new master key, encrypts everything under it, retires the old one. The server
              must not run. Stopped halfway, everything stays readable; run it again. With
              MANDATE_MASTER_KEY put the new key before the old one first.
              """;
          case "erase-user" ->
              """
              Usage: mandate ops erase-user EMAIL [--keep-messages]

              Erases a person: name and address, memberships, sessions, tokens, what the person
              wrote and uploaded, threads of the person's own, all that runs in the person's name
              were told, did and answered, what policies were asked about them, personal data in
              the record (which stays valid). Says what was erased and what was kept. Runs in the
              person's name are stopped. Backups are out of reach.
                --keep-messages  messages, runs and files stay
              """;
          case "seed" ->
              """
              Usage: mandate ops seed

              Adds the sample agents to the first organization, if it has none; makes organization
              and owner where there are none either.
              """;
          case "migrate" ->
              """
              Usage: mandate ops migrate

              Brings the database to the schema of this version, without starting the server.
              """;
          default -> "Usage: mandate COMMAND, one of " + COMMANDS + "\n";
        };
    return text.stripTrailing() + "\n" + COMMON.stripTrailing();
  }
}
