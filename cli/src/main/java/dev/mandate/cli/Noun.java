package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A group of commands about one kind of thing. Alone it does nothing: it wants a verb. */
abstract class Noun implements Runnable {
  @Spec CommandSpec spec = CommandSpec.create();

  final Context context;

  Noun(Context context) {
    this.context = context;
  }

  /**
   * Suspends something or lifts its suspension.
   *
   * @param path of the thing itself
   */
  int hold(String path, String name, boolean suspended, String reason) {
    JsonNode now =
        context
            .api()
            .post(path + (suspended ? ":suspend" : ":resume"), Json.object().put("reason", reason));
    return context.done(now, name + (suspended ? " is suspended." : " is not suspended any more."));
  }

  /** By whom, since when and why something is suspended; empty if it is not. */
  static String suspension(JsonNode thing) {
    JsonNode suspension = thing.path("suspension");
    if (suspension.isMissingNode()) {
      return "";
    }
    String reason = Json.text(suspension, "reason");
    return "since "
        + Format.time(Json.text(suspension, "at"))
        + " by "
        + Json.text(suspension, "by")
        + (reason.isEmpty() ? "" : ": " + reason);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "what about it? One of: " + String.join(", ", spec.subcommands().keySet()));
  }
}
