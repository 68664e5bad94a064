package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "model", description = "Models: which there are, and which is the default.")
final class ModelCommand extends Noun {
  ModelCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Models of the organization.")
  int list() {
    List<JsonNode> models = new ArrayList<>();
    context.api().get("/api/v1/models").path("models").forEach(models::add);
    return context.show(
        models,
        "No models. Add one: mandate model add NAME --provider openai",
        new Table("NAME", "PROVIDER", "DEFAULT", "KEY", "PER MILLION TOKENS", "ADDRESS"),
        model ->
            new Object[] {
              Json.text(model, "name"),
              Json.text(model, "provider"),
              Json.flag(model, "isDefault") ? "yes" : "",
              Json.flag(model, "simulated")
                  ? "none: scripted"
                  : Json.flag(model, "fromEnvironment") ? "environment" : "stored",
              Json.flag(model, "pricesKnown")
                  ? Format.dollars(Json.number(model, "inputPriceMicros"))
                      + " in, "
                      + Format.dollars(Json.number(model, "outputPriceMicros"))
                      + " out"
                  : "unknown",
              Json.text(model, "baseUrl")
            });
  }

  @Command(
      name = "add",
      description = "Adds a model. The key is kept encrypted and never shown again.")
  int add(
      @Parameters(paramLabel = "NAME", description = "What agents call it by.") String name,
      @Option(
              names = "--provider",
              required = true,
              description = "openai, anthropic, gemini or ollama.")
          String provider,
      @Option(
              names = "--url",
              defaultValue = "",
              description = "Another address than the provider's own.")
          String url,
      @Option(
              names = "--remote-name",
              defaultValue = "",
              description = "The provider's name for it, if it differs.")
          String remoteName,
      @Option(
              names = "--key-env",
              paramLabel = "VARIABLE",
              defaultValue = "",
              description = "Where the key is; otherwise you are asked, or it is read from stdin.")
          String keyVariable,
      @Option(names = "--no-key", description = "It needs none.") boolean noKey,
      @Option(
              names = "--vision",
              negatable = true,
              description = "It can look at pictures, or cannot; guessed by its name if not said.")
          @Nullable Boolean vision) {
    String key = "";
    if (!keyVariable.isEmpty()) {
      key = context.env().variable(keyVariable);
      if (key.isEmpty()) {
        throw CliFailure.usage("--key-env: the variable " + keyVariable + " is not set");
      }
    } else if (!noKey && !provider.equals("ollama")) {
      key = context.secret("API key");
    }
    ObjectNode body =
        Json.object()
            .put("name", name)
            .put("provider", provider)
            .put("baseUrl", url)
            .put("remoteName", remoteName)
            .put("apiKey", key);
    if (vision != null) {
      body.put("vision", vision);
    }
    JsonNode model = context.api().post("/api/v1/models", body);
    return context.done(
        model,
        "Model "
            + Json.text(model, "name")
            + " is there. Try it: mandate model test "
            + name
            + "   Make it the default: mandate model use "
            + name);
  }

  @Command(name = "test", description = "Makes one small call and says how it went.")
  int test(@Parameters(paramLabel = "NAME") String name) {
    JsonNode answer = context.api().post(path(name) + ":test", Json.object());
    boolean ok = Json.flag(answer, "ok");
    context.done(
        answer,
        (ok ? "It answers" : "It fails")
            + " ("
            + Format.duration(Json.number(answer, "durationMs"))
            + "): "
            + Format.printable(Json.text(answer, "message")));
    return ok ? Exit.OK : Exit.FAILED;
  }

  @Command(name = "use", description = "Makes a model the organization's default.")
  int use(@Parameters(paramLabel = "NAME") String name) {
    JsonNode model = context.api().post(path(name) + ":use", Json.object());
    return context.done(model, Json.text(model, "name") + " is the default model now.");
  }

  @Command(name = "delete", description = "Deletes a model and its key.")
  int delete(@Parameters(paramLabel = "NAME") String name) {
    return context.done(context.api().delete(path(name)), "Model " + name + " is deleted.");
  }

  private static String path(String name) {
    return "/api/v1/models/" + Api.encode(name);
  }
}
