package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "invitation", description = "Invitations to join the organization.")
final class InvitationCommand extends Noun {
  InvitationCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Invitations that nobody has accepted yet.")
  int list(@Option(names = "--limit", defaultValue = "100") int limit) {
    return context.show(
        context.list("/api/v1/invitations", "invitations", Map.of(), limit),
        "No open invitations. Invite somebody: mandate invitation create EMAIL",
        new Table("EMAIL", "ROLE", "EXPIRES", "ID"),
        invitation ->
            new Object[] {
              Json.text(invitation, "email"),
              Format.words(Json.text(invitation, "role")),
              Format.time(Json.text(invitation, "expiresAt")),
              Json.text(invitation, "id")
            });
  }

  @Command(name = "create", description = "Invites by email address. Nothing is sent.")
  int create(
      @Parameters(paramLabel = "EMAIL") String email,
      @Option(
              names = "--role",
              defaultValue = "member",
              description = "owner, member (default) or viewer.")
          String role) {
    JsonNode answer =
        context
            .api()
            .post(
                "/api/v1/invitations",
                Json.object().put("email", email).put("role", role.toUpperCase(Locale.ROOT)));
    return context.done(
        answer,
        "Give this to "
            + email
            + "; it is shown once:\n  mandate invitation accept --url "
            + context.api().url()
            + " "
            + Json.text(answer, "token"));
  }

  @Command(name = "delete", description = "Withdraws an invitation.")
  int delete(@Parameters(paramLabel = "EMAIL|ID") String invitation) {
    return context.done(
        context.api().delete("/api/v1/invitations/" + context.lookup().invitation(invitation)),
        "The invitation is withdrawn.");
  }

  @Command(name = "accept", description = "Accepts an invitation.")
  int accept(
      @Parameters(paramLabel = "TOKEN") String token,
      @Option(
              names = "--url",
              defaultValue = "",
              description = "The server, if it is not the current profile's.")
          String url,
      @Option(names = "--name", defaultValue = "", description = "Your name.") String name) {
    Profiles.Profile server =
        url.isEmpty() ? context.server() : new Profiles.Profile(url, "", context.caFile());
    Api api = new Api(new Profiles.Profile(server.url(), "", server.caFile()));
    JsonNode answer =
        api.post(
            "/api/v1/invitations:accept",
            Json.object()
                .put("token", token)
                .put("name", name)
                .put(
                    "password",
                    context.secret("Your password here, or a new one (12 characters or more)")));
    return context.done(answer, "Welcome. Sign in: mandate login " + api.url());
  }
}
