package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Finds things by what people call them: a name, an id, or the beginning of an id. */
final class Lookup {
  private static final Pattern ID =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  private static final int REACH = 1_000;

  private final Api api;

  Lookup(Api api) {
    this.api = api;
  }

  JsonNode agent(String nameOrId) {
    if (isId(nameOrId)) {
      return api.get("/api/v1/agents/" + nameOrId);
    }
    List<JsonNode> named = api.list("/api/v1/agents", "agents", Map.of("name", nameOrId), 1);
    if (!named.isEmpty()) {
      return named.getFirst();
    }
    return one(
        "agent",
        nameOrId,
        "mandate agent list",
        api.list("/api/v1/agents", "agents", Map.of(), REACH),
        byIdPrefix(nameOrId));
  }

  /** One of the organization's by its name; any by its id. */
  JsonNode policy(String nameOrId) {
    if (isId(nameOrId)) {
      return api.get("/api/v1/policies/" + nameOrId);
    }
    List<JsonNode> named = api.list("/api/v1/policies", "policies", Map.of("name", nameOrId), 1);
    if (named.isEmpty()) {
      throw CliFailure.failed(
          "there is no policy '"
              + nameOrId
              + "'; `mandate policy list` shows them. One of the installation's goes by its id.");
    }
    return named.getFirst();
  }

  String run(String idOrPrefix) {
    return idOf("run", idOrPrefix, "/api/v1/runs", "runs");
  }

  String thread(String idOrPrefix) {
    return idOf("thread", idOrPrefix, "/api/v1/threads", "threads");
  }

  String approval(String idOrPrefix) {
    return idOf("approval", idOrPrefix, "/api/v1/approvals", "approvals");
  }

  String job(String idOrPrefix) {
    return idOf("job", idOrPrefix, "/api/v1/jobs", "jobs");
  }

  String file(String nameOrId) {
    if (isId(nameOrId)) {
      return nameOrId;
    }
    List<JsonNode> all = api.list("/api/v1/files", "files", Map.of(), REACH);
    if (nameOrId.equals("last") && !all.isEmpty()) {
      return Json.text(all.getFirst(), "id");
    }
    Predicate<JsonNode> begins = byIdPrefix(nameOrId);
    return Json.text(
        one(
            "file",
            nameOrId,
            "mandate file list",
            all,
            file -> Json.text(file, "name").equals(nameOrId) || begins.test(file)),
        "id");
  }

  String invitation(String idOrEmail) {
    return named("invitation", idOrEmail, "/api/v1/invitations", "invitations", "email", "id");
  }

  String member(String idOrEmail) {
    return named("member", idOrEmail, "/api/v1/members", "members", "email", "userId");
  }

  String token(String nameOrId) {
    return named("token", nameOrId, "/api/v1/tokens", "tokens", "name", "id");
  }

  String source(String nameOrId) {
    return named("source", nameOrId, "/api/v1/tool-sources", "toolSources", "name", "id");
  }

  String organization(String nameOrId) {
    return named("org", nameOrId, "/api/v1/organizations", "organizations", "name", "id");
  }

  JsonNode tool(String nameOrId) {
    if (isId(nameOrId)) {
      return api.get("/api/v1/tools/" + nameOrId);
    }
    return one(
        "tool",
        nameOrId,
        "mandate tool list",
        api.list("/api/v1/tools", "tools", Map.of(), REACH),
        tool -> Json.text(tool, "name").equals(nameOrId));
  }

  private String idOf(String what, String given, String path, String field) {
    if (isId(given)) {
      return given;
    }
    // Newest first: what people look for is usually on the first page.
    List<JsonNode> all = api.list(path, field, Map.of(), REACH);
    if (given.equals("last") && !all.isEmpty()) {
      return Json.text(all.getFirst(), "id");
    }
    return Json.text(one(what, given, "mandate " + what + " list", all, byIdPrefix(given)), "id");
  }

  private String named(
      String what, String given, String path, String field, String nameField, String idField) {
    if (isId(given)) {
      return given;
    }
    // Organizations come in one page and take no page size.
    List<JsonNode> all = new java.util.ArrayList<>();
    if (field.equals("organizations")) {
      api.get(path).path(field).forEach(all::add);
    } else {
      all.addAll(api.list(path, field, Map.of(), REACH));
    }
    JsonNode found =
        one(
            what,
            given,
            "mandate " + what + " list",
            all,
            item -> Json.text(item, nameField).equalsIgnoreCase(given));
    return Json.text(found, idField);
  }

  private static JsonNode one(
      String what, String given, String list, List<JsonNode> all, Predicate<JsonNode> matches) {
    List<JsonNode> found = all.stream().filter(matches).toList();
    if (found.size() == 1) {
      return found.getFirst();
    }
    throw CliFailure.failed(
        found.isEmpty()
            ? "there is no " + what + " '" + given + "'; `" + list + "` shows them"
            : "'" + given + "' fits " + found.size() + " of them: give more of the id");
  }

  private static Predicate<JsonNode> byIdPrefix(String prefix) {
    String lower = prefix.toLowerCase(Locale.ROOT);
    return item -> !lower.isEmpty() && Json.text(item, "id").startsWith(lower);
  }

  private static boolean isId(String text) {
    return ID.matcher(text).matches();
  }
}
