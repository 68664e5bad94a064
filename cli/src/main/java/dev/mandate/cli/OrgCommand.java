package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "org", description = "Organizations: the tenants that everything belongs to.")
final class OrgCommand extends Noun {
  OrgCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "The organizations you are a member of.")
  int list() {
    List<JsonNode> organizations = new ArrayList<>();
    context.api().get("/api/v1/organizations").path("organizations").forEach(organizations::add);
    return context.show(
        organizations,
        "No organizations. Make one: mandate org create NAME",
        new Table("NAME", "YOUR ROLE", "SINCE", "ID"),
        organization ->
            new Object[] {
              Json.text(organization, "name"),
              Format.words(Json.text(organization, "role")),
              Format.time(Json.text(organization, "createdAt")),
              Json.text(organization, "id")
            });
  }

  @Command(name = "show", description = "One organization; the one signed in to by default.")
  int show(@Parameters(paramLabel = "NAME|ID", arity = "0..1", defaultValue = "") String name) {
    JsonNode organization = context.api().get("/api/v1/organizations/" + id(name));
    return context.show(
        organization,
        "name",
        Json.text(organization, "name"),
        "id",
        Json.text(organization, "id"),
        "your role",
        Format.words(Json.text(organization, "role")),
        "since",
        Format.time(Json.text(organization, "createdAt")),
        "suspended",
        suspension(organization));
  }

  private String id(String name) {
    return name.isEmpty()
        ? Json.text(context.api().get("/api/v1/me"), "organizationId")
        : context.lookup().organization(name);
  }

  @Command(name = "create", description = "Makes an organization with you as its owner.")
  int create(@Parameters(paramLabel = "NAME") String name) {
    JsonNode organization =
        context.api().post("/api/v1/organizations", Json.object().put("name", name));
    return context.done(
        organization,
        "Organization "
            + Json.text(organization, "name")
            + " is there. Sign in to it: mandate login "
            + context.api().url()
            + " --org "
            + Json.text(organization, "id"));
  }

  @Command(
      name = "suspend",
      description = "Stops everything in an organization, until an owner resumes it.")
  int suspend(
      @Parameters(paramLabel = "NAME|ID", arity = "0..1", defaultValue = "") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold("/api/v1/organizations/" + id(name), "The organization", true, reason);
  }

  @Command(name = "resume", description = "Lets a suspended organization work again.")
  int resume(
      @Parameters(paramLabel = "NAME|ID", arity = "0..1", defaultValue = "") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold("/api/v1/organizations/" + id(name), "The organization", false, reason);
  }
}
