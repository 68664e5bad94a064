package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Brings policies from files to the server: saves what differs, and nothing else. */
final class PolicyFolder {
  private static final String POLICIES = "/api/v1/policies";
  private static final String TEST = "_test.rego";
  private static final int MAX = 1000;

  private final Context context;
  private final boolean installation;

  PolicyFolder(Context context, boolean installation) {
    this.context = context;
    this.installation = installation;
  }

  /** A policy as it is in files. */
  record Text(String name, String module, String tests) {}

  /** What was done about one policy: it is, with a field {@code what}. */
  record Change(JsonNode policy) {
    static Change of(JsonNode policy, String what) {
      ObjectNode told = policy.deepCopy();
      return new Change(told.put("what", what));
    }

    String line() {
      return "Policy " + Json.text(policy, "name") + ": " + Json.text(policy, "what") + ".";
    }
  }

  static List<JsonNode> all(Context context, boolean installation) {
    return context.list(
        POLICIES, "policies", Map.of("installation", installation ? "true" : ""), MAX);
  }

  /** The text of a version. */
  static JsonNode version(Context context, String policy, long version) {
    for (JsonNode each :
        context.list(POLICIES + "/" + policy + "/versions", "versions", Map.of(), MAX)) {
      if (Json.number(each, "version") == version) {
        return each;
      }
    }
    throw CliFailure.failed("there is no version " + version + " of it");
  }

  List<Change> apply(Path folder, boolean activate, boolean prune, boolean dryRun) {
    List<Text> texts = read(folder);
    Map<String, JsonNode> there = new HashMap<>();
    all(context, installation).forEach(policy -> there.put(Json.text(policy, "name"), policy));
    String note = note(folder);
    List<Change> changes = new ArrayList<>();
    for (Text text : texts) {
      JsonNode policy = there.remove(text.name());
      changes.add(
          dryRun ? planned(text, policy, activate) : save(text, policy, "", note, activate));
    }
    if (prune) {
      there.values().stream()
          .sorted((a, b) -> Json.text(a, "name").compareTo(Json.text(b, "name")))
          .forEach(policy -> {
            if (!dryRun) {
              JsonNode _ = context.api().delete(POLICIES + "/" + Json.text(policy, "id"));
            }
            changes.add(Change.of(policy, dryRun ? "would be deleted" : "deleted"));
          });
    }
    return changes;
  }

  Change save(Text text, String description, String note, boolean activate) {
    JsonNode there =
        all(context, installation).stream()
            .filter(policy -> Json.text(policy, "name").equals(text.name()))
            .findFirst()
            .orElse(null);
    return save(text, there, description, note, activate);
  }

  private Change planned(Text text, @Nullable JsonNode there, boolean activate) {
    if (there == null) {
      return Change.of(
          Json.object().put("name", text.name()),
          activate ? "would be added and put in force" : "would be added");
    }
    boolean same = same(text, there);
    boolean inForce = inForce(there);
    return Change.of(
        there,
        (same ? "is the same" : "would get a version")
            + (activate && !(same && inForce) ? ", would be put in force" : ""));
  }

  private Change save(
      Text text, @Nullable JsonNode there, String description, String note, boolean activate) {
    ObjectNode body =
        Json.object().put("module", text.module()).put("tests", text.tests()).put("note", note);
    JsonNode policy;
    String what;
    if (there == null) {
      body.put("name", text.name()).put("description", description);
      body.put("installation", installation);
      policy = context.api().post(POLICIES, body);
      what = "added";
    } else if (same(text, there)) {
      policy = there;
      what = "the same";
    } else {
      String path = POLICIES + "/" + Json.text(there, "id");
      JsonNode version =
          context
              .api()
              .post(path + "/versions", body.put("version", Json.number(there, "latestVersion")));
      policy = context.api().get(path);
      what = "version " + Json.text(version, "version");
    }
    if (activate && !(what.equals("the same") && inForce(policy))) {
      policy =
          context.api().post(POLICIES + "/" + Json.text(policy, "id") + ":activate", Json.object());
      what += ", put in force";
    }
    return Change.of(policy, what);
  }

  private static boolean inForce(JsonNode policy) {
    return Json.number(policy, "activeVersion") == Json.number(policy, "latestVersion");
  }

  private boolean same(Text text, JsonNode policy) {
    JsonNode latest =
        version(context, Json.text(policy, "id"), Json.number(policy, "latestVersion"));
    return Json.text(latest, "module").equals(text.module())
        && Json.text(latest, "tests").equals(text.tests());
  }

  private static List<Text> read(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      List<Text> texts = new ArrayList<>();
      for (Path file : files.sorted().toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(".rego") && !name.endsWith(TEST)) {
          String plain = name.substring(0, name.length() - ".rego".length());
          Path tests = folder.resolve(plain + TEST);
          texts.add(
              new Text(
                  plain,
                  Files.readString(file),
                  Files.exists(tests) ? Files.readString(tests) : ""));
        }
      }
      if (texts.isEmpty()) {
        throw CliFailure.failed("there is no NAME.rego in " + folder);
      }
      return texts;
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot read " + folder + ": " + unreadable);
    }
  }

  /** Where the texts come from: the commit that a Git folder stands at, if any, as .git says. */
  private static String note(Path folder) {
    try {
      for (Path at = folder.toAbsolutePath().normalize(); at != null; at = at.getParent()) {
        Path head = at.resolve(".git/HEAD");
        if (Files.isRegularFile(head)) {
          String text = Files.readString(head).strip();
          if (!text.startsWith("ref: ")) {
            return "commit " + text;
          }
          String ref = text.substring("ref: ".length());
          Path file = at.resolve(".git").resolve(ref);
          String commit = Files.exists(file) ? Files.readString(file).strip() : packed(at, ref);
          return commit.isEmpty() ? "" : "commit " + commit + " on " + ref;
        }
      }
      return "";
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot read the folder's .git: " + unreadable.getMessage());
    }
  }

  private static String packed(Path root, String ref) throws IOException {
    Path packed = root.resolve(".git/packed-refs");
    if (Files.exists(packed)) {
      for (String line : Files.readAllLines(packed)) {
        if (line.endsWith(" " + ref)) {
          return line.substring(0, line.indexOf(' '));
        }
      }
    }
    return "";
  }
}
