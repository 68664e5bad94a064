package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "chat",
    description = {
      "Talks to an agent.",
      "With a message it prints the answer and ends; without one it begins a conversation.",
      "Ctrl-C cancels the run."
    })
final class ChatCommand implements Callable<Integer> {
  private final Context context;

  @Parameters(
      paramLabel = "MESSAGE",
      arity = "0..*",
      description = "What to say; - reads it from standard input.")
  List<String> words = new ArrayList<>();

  @Option(
      names = {"-a", "--agent"},
      paramLabel = "NAME",
      description = "The agent; by default Operator, or else the first one.")
  String agent = "";

  @Option(
      names = {"-c", "--continue"},
      description = "Goes on with the last thread.")
  boolean goOn;

  @Option(names = "--thread", paramLabel = "ID", description = "Goes on with this thread.")
  String thread = "";

  @Option(
      names = {"-y", "--yes"},
      description = "Answers approval questions with yes; the record says so.")
  boolean yes;

  @Option(
      names = "--attach",
      paramLabel = "PATH",
      description = "Sends this file with the message; may be repeated.")
  List<Path> attach = new ArrayList<>();

  ChatCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    String text = String.join(" ", words);
    if (text.equals("-") || (text.isEmpty() && !context.env().stdinTerminal())) {
      text = context.textOrFile("-").strip();
      if (text.isEmpty()) {
        throw CliFailure.usage("standard input holds no message");
      }
    }
    Chat chat = new Chat(context.api(), agent, goOn, thread);
    if (text.isEmpty()) {
      if (context.json || !attach.isEmpty()) {
        throw CliFailure.usage((context.json ? "--json" : "--attach") + " needs a message");
      }
      return new Repl(context, chat, yes).run();
    }
    List<String> files = upload(context, attach);
    Transcript transcript =
        context.json ? new Transcript.AsJson(context.screen()) : new Transcript(context.screen());
    try (Follower follower = new Follower(context.api(), transcript, approver(context, yes))) {
      String message = text;
      return cancellable(
          context.screen(), follower, () -> follower.post(chat.thread(message), message, files));
    }
  }

  /** The ids of files, sent for a message. */
  static List<String> upload(Context context, List<Path> paths) {
    Transfers transfers = new Transfers(context);
    return paths.stream().map(path -> Json.text(transfers.upload(path, ""), "id")).toList();
  }

  /** Who answers in a command that runs once: --yes, the person at the terminal, or nobody. */
  static Approver approver(Context context, boolean yes) {
    if (yes) {
      return Approver.yes();
    }
    if (context.json || !context.env().stdinTerminal() || !context.env().stdoutTerminal()) {
      return Approver.nobody();
    }
    BufferedReader stdin = context.stdin();
    return Approver.person(
        context.screen(),
        question -> {
          context.screen().piece(question);
          return readLine(stdin);
        });
  }

  private static @Nullable String readLine(BufferedReader stdin) {
    try {
      return stdin.readLine();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /** Runs the work; if the program is stopped meanwhile (Ctrl-C), the run is cancelled first. */
  static int cancellable(Screen screen, Follower follower, Callable<Integer> work) {
    AtomicBoolean over = new AtomicBoolean();
    Thread hook =
        new Thread(
            () -> {
              if (over.get()) {
                return;
              }
              try {
                follower.cancel("cancelled from the command line");
                screen.error("\nmandate: the run is cancelled");
              } catch (CliFailure failure) {
                screen.error("\nmandate: the run goes on: " + failure.text());
              }
            },
            "cancel");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      return work.call();
    } catch (RuntimeException failure) {
      throw failure;
    } catch (Exception unexpected) {
      throw new IllegalStateException(unexpected);
    } finally {
      over.set(true);
    }
  }

  /** The agent and the thread of a conversation; both are found or made when first needed. */
  static final class Chat {
    private final Api api;
    private final Lookup lookup;
    private String agent;
    private boolean goOn;
    private String thread;

    Chat(Api api, String agent, boolean goOn, String thread) {
      this.api = api;
      this.lookup = new Lookup(api);
      this.agent = agent;
      this.goOn = goOn;
      this.thread = thread;
    }

    /** The next message begins a new thread. */
    void restart(String newAgent) {
      agent = newAgent;
      goOn = false;
      thread = "";
    }

    String agentName() {
      return Json.text(agent(), "name");
    }

    /** The thread that a message goes to. A new one is named after its first message. */
    String thread(String text) {
      if (!thread.isEmpty()) {
        thread = lookup.thread(thread);
      } else if (goOn) {
        thread = last();
      } else {
        JsonNode chosen = agent();
        var body = Json.object().put("title", Format.oneLine(text, 80));
        body.putArray("agentIds").add(Json.text(chosen, "id"));
        thread = Json.text(api.post("/api/v1/threads", body), "id");
      }
      return thread;
    }

    private JsonNode agent() {
      if (!agent.isEmpty()) {
        return lookup.agent(agent);
      }
      List<JsonNode> agents = api.list("/api/v1/agents", "agents", java.util.Map.of(), 500);
      if (agents.isEmpty()) {
        throw CliFailure.failed(
            "there is no agent yet: mandate agent create NAME --instructions TEXT");
      }
      return agents.stream()
          .filter(one -> Json.text(one, "name").equals("Operator"))
          .findFirst()
          .orElse(agents.getFirst());
    }

    private String last() {
      String participant = agent.isEmpty() ? "" : "agent:" + Json.text(agent(), "id");
      for (JsonNode candidate : api.list("/api/v1/threads", "threads", java.util.Map.of(), 200)) {
        boolean fits = participant.isEmpty();
        for (JsonNode name : candidate.path("participants")) {
          fits |= name.asText().equals(participant);
        }
        if (fits && Json.text(candidate, "parentRunId").isEmpty()) {
          return Json.text(candidate, "id");
        }
      }
      throw CliFailure.failed("there is no thread to go on with: leave -c away");
    }
  }
}
