package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "login",
    description = "Signs in to a server and keeps an API token for it in a profile.")
final class LoginCommand implements Callable<Integer> {
  private final Context context;

  @Parameters(
      paramLabel = "URL",
      description = "The server's address, e.g. https://mandate.example.com")
  String url = "";

  @Option(names = "--email", description = "Otherwise you are asked.")
  String email = "";

  @Option(
      names = "--link",
      paramLabel = "TOKEN|URL",
      description = "A one-time sign-in link instead of email and password.")
  String link = "";

  @Option(names = "--org", description = "The organization's id; the last used one by default.")
  String organization = "";

  @Option(names = "--name", description = "The profile's name; the server's host by default.")
  String name = "";

  @Option(
      names = "--ca-file",
      paramLabel = "PEM",
      description =
          "The certificate of the server or of its authority, if Java's authorities do not vouch for"
              + " it.")
  String caFile = "";

  @Option(names = "--days", defaultValue = "90", description = "How long the token is good for.")
  int days;

  LoginCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    ObjectNode credentials = Json.object();
    if (!link.isEmpty()) {
      credentials.put("linkToken", linkToken(link));
    } else {
      credentials.put("email", email.isEmpty() ? context.ask("Email") : email);
      credentials.put("password", context.secret("Password"));
    }
    if (!organization.isEmpty()) {
      credentials.put("organizationId", organization);
    }
    String trusted = caFile.isEmpty() ? context.caFile() : absolute(caFile);
    JsonNode session =
        new Api(new Profiles.Profile(url, "", trusted)).post("/api/v1/sessions", credentials);
    Api signedIn = new Api(new Profiles.Profile(url, Json.text(session, "accessToken"), trusted));
    ObjectNode wanted = Json.object().put("name", tokenName()).put("expiresInDays", days);
    wanted.putArray("scopes").add("*");
    JsonNode token = signedIn.post("/api/v1/tokens", wanted);
    signedIn.delete("/api/v1/sessions/current");

    String profile = name.isEmpty() ? profileName(url) : name;
    Profiles.load(context.profilesFile())
        .with(
            profile, new Profiles.Profile(Profiles.trim(url), Json.text(token, "secret"), trusted))
        .save(context.profilesFile());
    return context.done(
        Json.object().put("profile", profile).put("url", Profiles.trim(url)),
        "Signed in to "
            + Profiles.trim(url)
            + " as "
            + Json.text(session.path("session"), "email")
            + ". The profile is '"
            + profile
            + "' in "
            + context.profilesFile()
            + ".");
  }

  /** The token itself, or a link that carries it as query parameter or fragment. */
  static String linkToken(String link) {
    int marker = Math.max(link.lastIndexOf('='), link.lastIndexOf('#'));
    return marker < 0 ? link : link.substring(marker + 1);
  }

  static String profileName(String url) {
    try {
      String host = URI.create(url).getHost();
      if (host != null) {
        return host;
      }
    } catch (IllegalArgumentException malformed) {
      // Said below.
    }
    throw CliFailure.usage("'" + url + "' is not an address like https://mandate.example.com");
  }

  private static String absolute(String file) {
    return Path.of(file).toAbsolutePath().normalize().toString();
  }

  private static String tokenName() {
    try {
      return "command line on " + InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException nameless) {
      return "command line";
    }
  }
}
