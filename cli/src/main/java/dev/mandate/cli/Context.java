package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** What every command works with: the options they share, the screen, and the server chosen. */
final class Context {
  @Option(names = "--json", scope = ScopeType.INHERIT, description = "Print JSON, for programs.")
  boolean json;

  @Option(
      names = "--profile",
      paramLabel = "NAME",
      scope = ScopeType.INHERIT,
      description = "Use this profile instead of the current one.")
  String profile = "";

  private final Env env;
  private final Screen screen;
  private final InputStream in;
  private @Nullable Api api;

  Context(Env env, Screen screen, InputStream in) {
    this.env = env;
    this.screen = screen;
    this.in = in;
  }

  Env env() {
    return env;
  }

  Screen screen() {
    return screen;
  }

  BufferedReader stdin() {
    return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
  }

  Path profilesFile() {
    return env.configFolder().resolve("profiles.json");
  }

  Profiles.Profile server() {
    return Profiles.load(profilesFile())
        .choose(profile, env.variable("MANDATE_URL"), env.variable("MANDATE_TOKEN"), caFile());
  }

  /** Whose certificates are believed besides what a profile says; empty if nothing is set. */
  String caFile() {
    return env.variable("MANDATE_CA_FILE");
  }

  Api api() {
    Api known = api;
    if (known == null) {
      known = new Api(server());
      api = known;
    }
    return known;
  }

  Lookup lookup() {
    return new Lookup(api());
  }

  /** A list: JSON as one array, else a table, or what to do when there is nothing. */
  int show(List<JsonNode> items, String whenEmpty, Table table, Function<JsonNode, Object[]> row) {
    if (json) {
      screen.json(Json.MAPPER.createArrayNode().addAll(items));
    } else if (items.isEmpty()) {
      screen.line(whenEmpty);
    } else {
      items.forEach(item -> table.row(row.apply(item)));
      screen.table(table);
    }
    return Exit.OK;
  }

  /** One thing: JSON, else its fields as name, value, name, value … */
  int show(JsonNode thing, String... fields) {
    if (json) {
      screen.json(thing);
    } else {
      screen.fields(fields);
    }
    return Exit.OK;
  }

  /** The outcome of a change: JSON, else one line. */
  int done(JsonNode thing, String line) {
    if (json) {
      screen.json(thing);
    } else {
      screen.line(line);
    }
    return Exit.OK;
  }

  /** All pages, at most {@code limit} items. */
  List<JsonNode> list(String path, String field, Map<String, String> query, int limit) {
    return api().list(path, field, query, limit);
  }

  /** The text itself, of the file after {@code @}, or of standard input for {@code -}. */
  String textOrFile(String argument) {
    try {
      if (argument.equals("-")) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
      return argument.startsWith("@") ? Files.readString(Path.of(argument.substring(1))) : argument;
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot read " + argument.substring(1) + ": " + unreadable);
    }
  }

  /** A secret: asked for without echo on a terminal, else one line of standard input. */
  // The built-in console of JDK 25 is null again when standard output is redirected.
  @SuppressWarnings("SystemConsoleNull")
  String secret(String prompt) {
    if (env.stdinTerminal()) {
      Console console = System.console();
      if (console == null) {
        throw CliFailure.usage(
            prompt + ": cannot be asked for without showing it while the output is redirected");
      }
      char[] typed = console.readPassword("%s: ", prompt);
      return typed == null ? "" : new String(typed);
    }
    return readLine();
  }

  /** Asks for a line on a terminal, else takes one line of standard input. */
  String ask(String prompt) {
    if (env.stdinTerminal()) {
      screen.piece(prompt + ": ");
    }
    return readLine();
  }

  /** Byte by byte, so that nothing after the line is swallowed. */
  private String readLine() {
    java.io.ByteArrayOutputStream line = new java.io.ByteArrayOutputStream();
    try {
      int next;
      while ((next = in.read()) >= 0 && next != '\n') {
        line.write(next);
      }
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot read standard input: " + unreadable.getMessage());
    }
    return line.toString(StandardCharsets.UTF_8).strip();
  }
}
