package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "thread", description = "Threads: conversations of people and agents.")
final class ThreadCommand extends Noun {
  ThreadCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Your threads, latest activity first.")
  int list(@Option(names = "--limit", defaultValue = "50") int limit) {
    return context.show(
        context.list("/api/v1/threads", "threads", Map.of(), limit),
        "No threads yet. Begin one: mandate chat \"Hello\"",
        new Table("ACTIVE", "UNREAD", "ID", "TITLE"),
        thread ->
            new Object[] {
              Format.time(Json.text(thread, "lastActivityAt")),
              Json.number(thread, "unreadCount"),
              Json.text(thread, "id"),
              Json.text(thread, "title")
            });
  }

  @Command(name = "show", description = "One thread with its messages.")
  int show(
      @Parameters(paramLabel = "ID", description = "An id, its beginning, or 'last'.") String id,
      @Option(names = "--limit", defaultValue = "500") int limit) {
    String thread = "/api/v1/threads/" + context.lookup().thread(id);
    JsonNode header = context.api().get(thread);
    List<JsonNode> messages = context.list(thread + "/messages", "messages", Map.of(), limit);
    if (context.json) {
      ObjectNode both = Json.object();
      both.set("thread", header);
      both.putArray("messages").addAll(messages);
      context.screen().json(both);
      return Exit.OK;
    }
    Screen screen = context.screen();
    screen.fields(
        "title",
        Json.text(header, "title"),
        "id",
        Json.text(header, "id"),
        "began",
        Format.time(Json.text(header, "createdAt")),
        "called by run",
        Json.text(header, "parentRunId"));
    Map<String, String> names = names();
    for (JsonNode message : messages) {
      String author = Json.text(message, "author");
      screen.line("");
      screen.line(
          screen.bold(Format.printable(names.getOrDefault(author, author)))
              + "  "
              + screen.dim(Format.time(Json.text(message, "createdAt"))));
      screen.line(Format.printable(Json.text(message, "text")));
    }
    return Exit.OK;
  }

  /** Names of agents and of the caller: that is what most authors are. */
  private Map<String, String> names() {
    Map<String, String> names = new HashMap<>();
    JsonNode me = context.api().get("/api/v1/me");
    names.put(Json.text(me, "principal"), Json.text(me, "email"));
    context
        .list("/api/v1/agents", "agents", Map.of(), 500)
        .forEach(agent -> names.put("agent:" + Json.text(agent, "id"), Json.text(agent, "name")));
    return names;
  }

  @Command(
      name = "branch",
      description = "Opens a thread with the history up to a message, perhaps with another text.")
  int branch(
      @Parameters(paramLabel = "ID") String id,
      @Parameters(paramLabel = "MESSAGE", description = "A message's id.") String message,
      @Option(names = "--text", defaultValue = "", description = "Instead of that message.")
          String text) {
    JsonNode thread =
        context
            .api()
            .post(
                "/api/v1/threads/"
                    + context.lookup().thread(id)
                    + "/messages/"
                    + message
                    + ":branch",
                Json.object().put("text", text));
    return context.done(thread, "Thread " + Json.text(thread, "id") + " is there.");
  }
}
