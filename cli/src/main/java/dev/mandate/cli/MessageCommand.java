package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "message", description = "Messages of a thread.")
final class MessageCommand extends Noun {
  MessageCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "A thread's messages, oldest first.")
  int list(
      @Parameters(paramLabel = "THREAD", description = "An id, its beginning, or 'last'.")
          String thread,
      @Option(names = "--limit", defaultValue = "100") int limit) {
    return context.show(
        context.list(
            "/api/v1/threads/" + context.lookup().thread(thread) + "/messages",
            "messages",
            Map.of(),
            limit),
        "No messages in this thread.",
        new Table("#", "TIME", "AUTHOR", "TEXT"),
        message ->
            new Object[] {
              Json.number(message, "position"),
              Format.time(Json.text(message, "createdAt")),
              Json.text(message, "author"),
              Json.text(message, "text")
            });
  }

  @Command(name = "post", description = "Posts a message and does not wait for the answer.")
  int post(
      @Parameters(paramLabel = "THREAD", description = "An id, its beginning, or 'last'.")
          String thread,
      @Parameters(paramLabel = "TEXT|@FILE|-") String text,
      @Option(
              names = "--attach",
              paramLabel = "PATH",
              description = "Sends this file with the message; may be repeated.")
          @Nullable List<Path> attach) {
    ObjectNode body = Json.object().put("text", context.textOrFile(text));
    if (attach != null) {
      ChatCommand.upload(context, attach).forEach(body.putArray("attachments")::add);
    }
    JsonNode message =
        context
            .api()
            .post("/api/v1/threads/" + context.lookup().thread(thread) + "/messages", body);
    return context.done(message, "Message " + Json.number(message, "position") + " is posted.");
  }
}
