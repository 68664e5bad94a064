package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "member", description = "Who belongs to the organization, and as what.")
final class MemberCommand extends Noun {
  MemberCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "The organization's members.")
  int list(@Option(names = "--limit", defaultValue = "200") int limit) {
    return context.show(
        context.list("/api/v1/members", "members", Map.of(), limit),
        "No members. Invite somebody: mandate invitation create EMAIL",
        new Table("EMAIL", "NAME", "ROLE", "JOINED", "SUSPENDED", "ID"),
        member ->
            new Object[] {
              Json.text(member, "email"),
              Json.text(member, "name"),
              Format.words(Json.text(member, "role")),
              Format.time(Json.text(member, "joinedAt")),
              suspension(member),
              Json.text(member, "userId")
            });
  }

  @Command(name = "update", description = "Changes a member's role.")
  int update(
      @Parameters(paramLabel = "EMAIL|ID") String member,
      @Option(names = "--role", required = true, description = "owner, member or viewer.")
          String role) {
    JsonNode updated =
        context
            .api()
            .patch(
                "/api/v1/members/" + context.lookup().member(member),
                Json.object().put("role", role.toUpperCase(Locale.ROOT)));
    return context.done(
        updated,
        Json.text(updated, "email") + " is now " + Format.words(Json.text(updated, "role")) + ".");
  }

  @Command(
      name = "remove",
      description = "Removes a member: sessions and tokens end within a second.")
  int remove(@Parameters(paramLabel = "EMAIL|ID") String member) {
    return context.done(
        context.api().delete("/api/v1/members/" + context.lookup().member(member)),
        member + " is no member any more.");
  }

  @Command(
      name = "suspend",
      description = "Stops a member for a while: refused at once, its runs pause.")
  int suspend(
      @Parameters(paramLabel = "EMAIL|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold("/api/v1/members/" + context.lookup().member(name), name, true, reason);
  }

  @Command(name = "resume", description = "Lets a suspended member act again.")
  int resume(
      @Parameters(paramLabel = "EMAIL|ID") String name,
      @Option(names = "--reason", defaultValue = "", description = "Stands in the record.")
          String reason) {
    return hold("/api/v1/members/" + context.lookup().member(name), name, false, reason);
  }
}
