package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "starter",
    description = "Policies to begin with. Listing and showing them needs no server.")
final class StarterCommand extends Noun {
  private static final String FOLDER = "/policies/starter/";

  /** Resources cannot be listed from a jar by name; a test compares this with the folder. */
  static final List<String> NAMES =
      List.of(
          "argument_caveats",
          "business_hours",
          "model_allow_list",
          "no_exfiltration",
          "read_only_agents",
          "shell_allow_list",
          "shell_deny_list",
          "two_person_approval");

  StarterCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "What there is.")
  int list() {
    List<JsonNode> all = new ArrayList<>();
    for (String name : NAMES) {
      all.add(Json.object().put("name", name).put("title", title(name)));
    }
    return context.show(
        all,
        "None.",
        new Table("NAME", "WHAT IT IS"),
        each -> new Object[] {Json.text(each, "name"), Json.text(each, "title")});
  }

  @Command(
      name = "show",
      description = {
        "A policy's text, to save and adapt:",
        "  mandate policy starter show business_hours > policies/business_hours.rego"
      })
  int show(
      @Parameters(paramLabel = "NAME") String name,
      @Option(names = "--tests", description = "Its tests instead.") boolean tests) {
    String text = read(known(name), tests);
    if (context.json) {
      context.screen().json(Json.object().put("name", name).put("text", text));
    } else {
      context.screen().line(text.stripTrailing());
    }
    return Exit.OK;
  }

  @Command(
      name = "add",
      description = {
        "Saves them on the server, as drafts: adapt them (policy show, policy create), then put them",
        "in force (policy activate)."
      })
  int add(
      @Parameters(paramLabel = "NAME", arity = "1..*") List<String> names,
      @Option(names = "--activate", description = "Put them in force as they are.")
          boolean activate) {
    names.forEach(StarterCommand::known);
    PolicyFolder server = new PolicyFolder(context, false);
    List<JsonNode> done = new ArrayList<>();
    for (String name : names) {
      PolicyFolder.Text text = new PolicyFolder.Text(name, read(name, false), read(name, true));
      done.add(server.save(text, title(name), "starter library", activate).policy());
    }
    return context.show(
        done,
        "None.",
        new Table("NAME", "WHAT"),
        policy -> new Object[] {Json.text(policy, "name"), Json.text(policy, "what")});
  }

  private static String known(String name) {
    if (!NAMES.contains(name)) {
      throw CliFailure.usage(
          "no starter policy is called " + name + ". There are: " + String.join(", ", NAMES));
    }
    return name;
  }

  private static String title(String name) {
    String mark = "# title: ";
    return read(name, false)
        .lines()
        .filter(line -> line.startsWith(mark))
        .map(line -> line.substring(mark.length()))
        .findFirst()
        .orElse("");
  }

  private static String read(String name, boolean tests) {
    String file = FOLDER + name + (tests ? "_test.rego" : ".rego");
    try (InputStream in = StarterCommand.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("this build lacks " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException unreadable) {
      throw new IllegalStateException("cannot read " + file, unreadable);
    }
  }
}
