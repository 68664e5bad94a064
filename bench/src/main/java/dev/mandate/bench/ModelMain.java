package dev.mandate.bench;

import dev.mandate.testing.ScriptedChat;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A provider of models that speaks OpenAI's protocol and calls tools as the agent's instructions
 * say. A process of its own, as a real provider is one: {@code ModelMain FILE} writes its base URL
 * into the file.
 */
public final class ModelMain {
  /** How often the model calls, and how many calls it makes at once. */
  private static final Pattern SCRIPT =
      Pattern.compile("turns=(\\d+) calls=(\\d+) arguments=(\\{.*\\})");

  private ModelMain() {}

  /** Entry point. */
  public static void main(String[] args) throws IOException, InterruptedException {
    try (ScriptedProvider provider = ScriptedProvider.start(0, ModelMain::reply)) {
      provider.recordNothing();
      Path file = Path.of(args[0]);
      Path fresh = file.resolveSibling(file.getFileName() + ".new");
      Files.writeString(fresh, provider.openAiBaseUrl());
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
      Thread.currentThread().join();
    }
  }

  /** The instructions of an agent whose model does this. */
  static String instructions(int turns, int calls, String arguments) {
    return "turns=" + turns + " calls=" + calls + " arguments=" + arguments;
  }

  static ScriptedReply reply(ScriptedChat chat) {
    Matcher script = SCRIPT.matcher(chat.system());
    long said = chat.turns().stream().filter(turn -> turn.role().equals("assistant")).count();
    if (!script.find() || said >= Integer.parseInt(script.group(1))) {
      return ScriptedReply.text("Done.");
    }
    List<ScriptedReply.Call> calls = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(script.group(2)); i++) {
      String tool = chat.tools().getFirst().name();
      calls.add(new ScriptedReply.Call("call_" + said + "_" + i, tool, script.group(3)));
    }
    return ScriptedReply.calls(calls.toArray(ScriptedReply.Call[]::new));
  }
}
