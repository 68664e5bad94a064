package dev.mandate.runs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.mandate.agents.Agent;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.models.ModelJson;
import dev.mandate.models.ModelMessage;
import dev.mandate.models.ModelRequest;
import dev.mandate.models.ModelRequest.ToolSpec;
import dev.mandate.models.ResolvedModel;
import dev.mandate.runs.RunState.CallState;
import dev.mandate.runs.RunState.Turn;
import dev.mandate.threads.Attachment;
import dev.mandate.threads.Message;
import dev.mandate.threads.ThreadId;
import dev.mandate.threads.Threads;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Builds each request to the model from the thread and the log, keeps its parts as payloads, and
 * rebuilds it from them: a run that changes hands goes on with exactly the words it had.
 */
final class Prompts {
  /** Most messages of the thread's history that a run begins with. */
  private static final int MAX_HISTORY = 200;

  private final Db db;
  private final Threads threads;

  Prompts(Db db, Threads threads) {
    this.db = db;
    this.threads = threads;
  }

  /** Looks texts up by their hashes; fails if one is missing. */
  interface Library {
    Map<String, String> texts(Collection<String> hashes);
  }

  /** A request, and the step that pins it. */
  record Pinned(ModelRequest request, Step.ModelRequested step) {}

  /**
   * The next request of a run: the last one's messages, and what has happened since.
   *
   * @param before the last request, if it is still at hand
   * @param draft keeps the parts
   */
  Pinned next(
      Library library,
      Run run,
      Agent agent,
      RunState state,
      ResolvedModel model,
      List<Offer> offers,
      @Nullable Pinned before,
      Draft draft) {
    List<ModelMessage> messages = new ArrayList<>();
    List<ModelMessage> added;
    long base = 0;
    Turn last = state.lastRequest();
    if (last == null) {
      added = db.read(run.mandate(), tx -> history(tx, run));
    } else {
      base = last.requestSeq;
      messages.addAll(
          before != null && before.step().equals(last.request)
              ? before.request().messages()
              : messages(library, state, base));
      added = exchange(library, last);
    }
    messages.addAll(added);
    List<ToolSpec> specs = offers.stream().map(Offer::spec).toList();
    List<Step.PinnedTool> pins = offers.stream().map(Offer::pin).toList();
    String system = system(agent);
    Step.ModelRequested step =
        new Step.ModelRequested(
            model.name(),
            model.remoteName(),
            model.simulated(),
            draft.keep(system),
            pins,
            draft.keep(write(specs)),
            base,
            added.stream().map(message -> draft.keep(ModelJson.write(message))).toList());
    return new Pinned(ModelRequest.of(model.remoteName(), system, messages, specs), step);
  }

  /** The exact request of a step, from its parts. */
  static ModelRequest rebuild(Library library, RunState state, long seq) {
    Step.ModelRequested step = state.request(seq);
    Map<String, String> texts =
        library.texts(new LinkedHashSet<>(List.of(step.system(), step.toolSpecs())));
    return ModelRequest.of(
        step.remoteName(),
        text(texts, step.system()),
        messages(library, state, seq),
        readSpecs(text(texts, step.toolSpecs())));
  }

  /** A tool as it is offered to the model. */
  record Offer(
      String modelName, String name, String description, String inputSchema, long version) {
    ToolSpec spec() {
      return new ToolSpec(modelName, description, inputSchema);
    }

    Step.PinnedTool pin() {
      return new Step.PinnedTool(modelName, name, version);
    }
  }

  /** The tools that a request offered. */
  static List<Offer> offers(Library library, Step.ModelRequested step) {
    List<ToolSpec> specs =
        readSpecs(text(library.texts(List.of(step.toolSpecs())), step.toolSpecs()));
    List<Offer> offers = new ArrayList<>();
    for (int i = 0; i < specs.size(); i++) {
      ToolSpec spec = specs.get(i);
      Step.PinnedTool pin = step.tools().get(i);
      offers.add(
          new Offer(
              spec.name(), pin.name(), spec.description(), spec.inputSchema(), pin.version()));
    }
    return offers;
  }

  private static List<ModelMessage> messages(Library library, RunState state, long seq) {
    List<String> hashes = new ArrayList<>();
    for (long at = seq; at != 0; at = state.request(at).base()) {
      hashes.addAll(0, state.request(at).added());
    }
    Map<String, String> bodies = library.texts(new LinkedHashSet<>(hashes));
    return hashes.stream().map(hash -> ModelJson.readMessage(text(bodies, hash))).toList();
  }

  /** What the model said in a turn, and what came of its calls. */
  private static List<ModelMessage> exchange(Library library, Turn turn) {
    Step.ModelResponded response = turn.response;
    if (response == null) {
      return List.of();
    }
    Set<String> hashes = new LinkedHashSet<>();
    hashes.add(response.response());
    for (CallState call : turn.calls.values()) {
      if (call.resultHash != null) {
        hashes.add(call.resultHash);
      }
    }
    Map<String, String> bodies = library.texts(hashes);
    List<ModelMessage.ToolResult> results = new ArrayList<>();
    for (CallState call : turn.calls.values()) {
      String content = call.resultHash == null ? call.resultText : text(bodies, call.resultHash);
      String edit = call.edited == null ? "" : edit(call.edited);
      results.add(new ModelMessage.ToolResult(call.call.id(), edit + content, call.error));
    }
    ModelMessage said = ModelJson.readResponse(text(bodies, response.response())).toMessage();
    return List.of(said, ModelMessage.results(results));
  }

  /** Tells the model that its call was made with other arguments than it wrote. */
  static String edit(String arguments) {
    return "[A person changed the arguments of this call, and approved it with these: "
        + arguments
        + "]\n\n";
  }

  private List<ModelMessage> history(Tx tx, Run run) {
    ThreadId thread = run.threadId();
    Principal self = run.agentId().principal();
    long from = Math.max(0, run.messagePosition() - MAX_HISTORY);
    List<ModelMessage> history = new ArrayList<>();
    for (Message message : threads.messagesAfter(tx, thread, from, MAX_HISTORY)) {
      if (message.position() > run.messagePosition()) {
        break;
      }
      history.add(
          message.author().equals(self) ? ModelMessage.assistant(message.text()) : said(message));
    }
    return history;
  }

  private static ModelMessage said(Message message) {
    List<ModelMessage.Part> parts = new ArrayList<>();
    if (!message.text().isBlank() || message.attachments().isEmpty()) {
      parts.add(new ModelMessage.Text(message.text()));
    }
    for (Attachment file : message.attachments()) {
      parts.add(
          new ModelMessage.Attachment(
              file.sha256(), file.name(), file.contentType(), file.size(), null));
    }
    return new ModelMessage(ModelMessage.Role.USER, parts);
  }

  private static String system(Agent agent) {
    return agent.instructions().isBlank() ? "You are " + agent.name() + "." : agent.instructions();
  }

  private static String write(List<ToolSpec> specs) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    for (ToolSpec spec : specs) {
      array
          .addObject()
          .put("name", spec.name())
          .put("description", spec.description())
          .put("input_schema", spec.inputSchema());
    }
    return array.toString();
  }

  private static List<ToolSpec> readSpecs(String json) {
    List<ToolSpec> specs = new ArrayList<>();
    for (JsonNode spec : Json.read(json)) {
      specs.add(
          new ToolSpec(
              spec.get("name").textValue(),
              spec.get("description").textValue(),
              spec.get("input_schema").textValue()));
    }
    return specs;
  }

  private static String text(Map<String, String> bodies, String hash) {
    @Nullable String body = bodies.get(hash);
    if (body == null) {
      throw new IllegalStateException("no payload " + hash);
    }
    return body;
  }
}
