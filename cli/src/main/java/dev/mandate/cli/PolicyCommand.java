package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "policy",
    description = {
      "Policies: rules in Rego that decide about every call.",
      "Without a server: mandate policy eval, check, test, fmt, conformance."
    })
final class PolicyCommand extends Noun {
  private static final String POLICIES = "/api/v1/policies";

  PolicyCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Policies, and which version is in force.")
  int list(
      @Option(names = "--installation", description = "Those that hold in every organization.")
          boolean installation) {
    return context.show(
        PolicyFolder.all(context, installation),
        "No policies. Put a folder of them in force: mandate policy apply DIR --activate",
        new Table("NAME", "IN FORCE", "LATEST", "CHANGED", "DESCRIPTION"),
        policy ->
            new Object[] {
              Json.text(policy, "name"),
              inForce(policy),
              Json.number(policy, "latestVersion"),
              Format.time(Json.text(policy, "updatedAt")),
              Json.text(policy, "description")
            });
  }

  @Command(name = "show", description = "A policy with the text of a version, the latest if none.")
  int show(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Parameters(paramLabel = "VERSION", arity = "0..1", defaultValue = "0") long version) {
    JsonNode policy = context.lookup().policy(name);
    long wanted = version == 0 ? Json.number(policy, "latestVersion") : version;
    JsonNode text = PolicyFolder.version(context, Json.text(policy, "id"), wanted);
    return context.show(
        text,
        "name",
        Json.text(policy, "name"),
        "in force",
        inForce(policy),
        "version",
        Json.text(text, "version"),
        "by",
        Json.text(text, "author"),
        "note",
        Json.text(text, "note"),
        "hash",
        Json.text(text, "hash"),
        "id",
        Json.text(policy, "id"),
        "module",
        Json.text(text, "module"),
        "tests",
        Json.text(text, "tests"));
  }

  @Command(name = "versions", description = "A policy's versions, newest first.")
  int versions(@Parameters(paramLabel = "NAME|ID") String name) {
    JsonNode policy = context.lookup().policy(name);
    return context.show(
        context.list(
            POLICIES + "/" + Json.text(policy, "id") + "/versions", "versions", Map.of(), 200),
        "No versions.",
        new Table("VERSION", "MADE", "BY", "HASH", "NOTE"),
        version ->
            new Object[] {
              Json.text(version, "version"),
              Format.time(Json.text(version, "createdAt")),
              Json.text(version, "author"),
              Json.text(version, "hash"),
              Json.text(version, "note")
            });
  }

  @Command(
      name = "create",
      description = {
        "Saves a policy as a draft, or the next version of one.",
        "  mandate policy create quiet_hours @quiet_hours.rego --tests @quiet_hours_test.rego"
      })
  int create(
      @Parameters(paramLabel = "NAME") String name,
      @Parameters(paramLabel = "MODULE", description = "A Rego module, @FILE, or - for stdin.")
          String module,
      @Option(names = "--tests", defaultValue = "", description = "Its tests, or @FILE.")
          String tests,
      @Option(names = "--description", defaultValue = "") String description,
      @Option(names = "--note", defaultValue = "", description = "Why.") String note,
      @Option(names = "--installation", description = "For every organization.")
          boolean installation,
      @Option(names = "--activate", description = "Put it in force at once.") boolean activate) {
    PolicyFolder.Change change =
        new PolicyFolder(context, installation)
            .save(
                new PolicyFolder.Text(name, context.textOrFile(module), context.textOrFile(tests)),
                description,
                note,
                activate);
    return context.done(change.policy(), change.line());
  }

  @Command(
      name = "apply",
      description = {
        "Makes the policies on the server those of a folder: each NAME.rego, with its tests in",
        "NAME_test.rego. Saves versions only of what differs; the note names the folder's commit."
      })
  int apply(
      @Parameters(paramLabel = "DIR") Path folder,
      @Option(names = "--activate", description = "Put every one in force.") boolean activate,
      @Option(names = "--prune", description = "Delete policies that the folder does not have.")
          boolean prune,
      @Option(names = "--installation", description = "For every organization.")
          boolean installation,
      @Option(names = "--dry-run", description = "Only say what would be done.") boolean dryRun) {
    List<PolicyFolder.Change> changes =
        new PolicyFolder(context, installation).apply(folder, activate, prune, dryRun);
    return context.show(
        changes.stream().map(PolicyFolder.Change::policy).toList(),
        "Nothing there, nothing to do.",
        new Table("NAME", "WHAT"),
        policy -> new Object[] {Json.text(policy, "name"), Json.text(policy, "what")});
  }

  @Command(name = "activate", description = "Puts a version in force, the latest if none is named.")
  int activate(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Parameters(paramLabel = "VERSION", arity = "0..1", defaultValue = "0") long version) {
    JsonNode policy = context.lookup().policy(name);
    JsonNode done =
        context.api().post(path(policy) + ":activate", Json.object().put("version", version));
    return context.done(
        done,
        Json.text(done, "name")
            + " is in force, version "
            + Json.text(done, "activeVersion")
            + ".");
  }

  @Command(name = "deactivate", description = "Takes a policy out of force; its versions stay.")
  int deactivate(@Parameters(paramLabel = "NAME|ID") String name) {
    JsonNode policy = context.lookup().policy(name);
    JsonNode done = context.api().post(path(policy) + ":deactivate", Json.object());
    return context.done(done, Json.text(done, "name") + " is not in force any more.");
  }

  @Command(name = "delete", description = "Deletes a policy and its versions.")
  int delete(@Parameters(paramLabel = "NAME|ID") String name) {
    JsonNode policy = context.lookup().policy(name);
    return context.done(
        context.api().delete(path(policy)), "Policy " + Json.text(policy, "name") + " is deleted.");
  }

  @Command(
      name = "simulate",
      description = {
        "Asks a draft about decisions that were made: what would be otherwise, and for whom.",
        "  mandate policy simulate quiet_hours             its latest version",
        "  mandate policy simulate --file draft.rego       a text that is nowhere saved",
        "  mandate policy simulate quiet_hours --file new.rego   in its place"
      })
  int simulate(
      @Parameters(paramLabel = "NAME|ID", arity = "0..1", defaultValue = "") String name,
      @Option(names = "--file", defaultValue = "", description = "A Rego module.") String file,
      @Option(names = "--of", paramLabel = "VERSION", defaultValue = "0") long version,
      @Option(names = "--limit", defaultValue = "1000", description = "Of decisions, to 10000.")
          int limit,
      @Option(names = "--days", defaultValue = "0", description = "Only of so many days.")
          int days) {
    if (name.isEmpty() && file.isEmpty()) {
      throw CliFailure.usage("a policy, or --file, or both");
    }
    ObjectNode body = Json.object().put("limit", limit).put("days", days);
    ObjectNode draft = body.putObject("draft").put("version", version);
    if (!name.isEmpty()) {
      draft.put("policyId", Json.text(context.lookup().policy(name), "id"));
    }
    if (!file.isEmpty()) {
      draft.put("module", context.textOrFile("@" + file));
    }
    JsonNode answer = context.api().post(POLICIES + ":simulate", body);
    if (context.json) {
      context.screen().json(answer);
      return Exit.OK;
    }
    context
        .screen()
        .line(
            "Of %d decisions %d would be otherwise, %d the same; %d cannot be known."
                .formatted(
                    Json.number(answer, "decisions"),
                    Json.number(answer, "changed"),
                    Json.number(answer, "unchanged"),
                    Json.number(answer, "unknowable")));
    if (!answer.path("changes").isEmpty()) {
      Table table = new Table("TIME", "WHO", "RESOURCE", "WAS", "WOULD BE", "WHY", "DECISION");
      for (JsonNode change : answer.path("changes")) {
        String subject = Json.text(change, "subject");
        table.row(
            Format.time(Json.text(change, "at")),
            subject.isEmpty() ? Json.text(change, "actor") : subject,
            Json.text(change, "resource"),
            Json.text(change, "before"),
            Json.text(change, "after"),
            Json.text(change, "message"),
            Json.text(change, "decisionId"));
      }
      context.screen().table(table);
    }
    for (JsonNode run : answer.path("runs")) {
      context
          .screen()
          .line(
              "Run %s would have gone another way; %d later decisions cannot be known."
                  .formatted(Json.text(run, "run"), Json.number(run, "unknowable")));
    }
    return Exit.OK;
  }

  @Command(
      name = "decisions",
      description = "What was decided, newest first; or one decision with its input.")
  int decisions(
      @Parameters(paramLabel = "ID", arity = "0..1", defaultValue = "") String id,
      @Option(
              names = "--outcome",
              defaultValue = "",
              description = "allow, deny, approval or error.")
          String outcome,
      @Option(
              names = "--action",
              defaultValue = "",
              description = "Only this action, or a prefix that ends in *.")
          String action,
      @Option(names = "--limit", defaultValue = "50") int limit) {
    if (!id.isEmpty()) {
      JsonNode decision = context.api().get("/api/v1/decisions/" + Api.encode(id));
      return context.show(
          decision,
          "time",
          Format.time(Json.text(decision, "at")),
          "outcome",
          Json.text(decision, "outcome"),
          "action",
          Json.text(decision, "action"),
          "resource",
          Json.text(decision, "resource"),
          "said",
          joined(decision, "messages"),
          "rules",
          joined(decision, "rules"),
          "took",
          Json.number(decision, "micros") + " µs",
          "input",
          Json.prettyText(Json.text(decision, "inputJson")));
    }
    return context.show(
        context.list(
            "/api/v1/decisions", "decisions", Map.of("outcome", outcome, "action", action), limit),
        "No decisions fit.",
        new Table("TIME", "OUTCOME", "ACTION", "RESOURCE", "WHO", "RULES", "ID"),
        decision ->
            new Object[] {
              Format.time(Json.text(decision, "at")),
              Json.text(decision, "outcome"),
              Json.text(decision, "action"),
              Json.text(decision, "resource"),
              Json.text(decision, "actor"),
              joined(decision, "rules"),
              Json.text(decision, "id")
            });
  }

  @Command(
      name = "erase-decisions",
      description = "Deletes the decisions about what was done on one member's behalf.")
  int eraseDecisions(@Parameters(paramLabel = "EMAIL|ID") String member) {
    String user = context.lookup().member(member);
    JsonNode answer =
        context.api().post("/api/v1/decisions:erase", Json.object().put("userId", user));
    return context.done(answer, Json.number(answer, "erased") + " decisions are deleted.");
  }

  private static String path(JsonNode policy) {
    return POLICIES + "/" + Json.text(policy, "id");
  }

  private static String inForce(JsonNode policy) {
    long active = Json.number(policy, "activeVersion");
    return active == 0 ? "no" : "version " + active;
  }

  private static String joined(JsonNode node, String field) {
    StringBuilder text = new StringBuilder();
    node.path(field).forEach(each -> text.append(text.isEmpty() ? "" : ", ").append(each.asText()));
    return text.toString();
  }
}
