package dev.mandate.testing;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.testing.ScriptedChat.Dialect;
import dev.mandate.testing.ScriptedChat.Result;
import dev.mandate.testing.ScriptedChat.Tool;
import dev.mandate.testing.ScriptedChat.Turn;
import dev.mandate.testing.ScriptedReply.Call;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads requests in the providers' protocols, and refuses what the real providers refuse. */
final class ScriptedRequests {
  private ScriptedRequests() {}

  /** A request that the provider answers with 400. */
  static final class Invalid extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Invalid(String message) {
      super(message);
    }
  }

  /**
   * @param thoughts the reasoning that led to each tool call, by the call's id
   */
  static ScriptedChat read(Dialect dialect, JsonNode body, Map<String, String> thoughts) {
    require(body.path("model").isTextual(), "model: field required");
    require(body.path("messages").isArray(), "messages: field required");
    require(!body.path("messages").isEmpty(), "messages: at least one message is required");
    return dialect == Dialect.OPENAI ? openAi(body) : anthropic(body, thoughts);
  }

  private static ScriptedChat openAi(JsonNode body) {
    StringBuilder system = new StringBuilder();
    List<Turn> turns = new ArrayList<>();
    Set<String> open = new LinkedHashSet<>();
    for (JsonNode message : body.path("messages")) {
      String role = message.path("role").asText();
      String text = text(message.path("content"));
      if (!role.equals("tool")) {
        require(
            open.isEmpty(),
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
                + " to each 'tool_call_id'; missing: "
                + open);
      }
      switch (role) {
        case "system", "developer" -> system.append(text);
        case "user" -> turns.add(new Turn("user", text, List.of(), List.of()));
        case "assistant" -> {
          List<Call> calls = new ArrayList<>();
          for (JsonNode call : message.path("tool_calls")) {
            String arguments = call.path("function").path("arguments").asText();
            require(ScriptedWire.parse(arguments).isObject(), "arguments must be an object");
            calls.add(
                new Call(
                    call.path("id").asText(),
                    call.path("function").path("name").asText(),
                    arguments));
            open.add(call.path("id").asText());
          }
          turns.add(new Turn("assistant", text, calls, List.of()));
        }
        case "tool" -> {
          String id = message.path("tool_call_id").asText();
          require(open.remove(id), "tool_call_id " + id + " answers no call");
          Result result = new Result(id, text, text.startsWith("ERROR: "));
          if (!turns.isEmpty() && !turns.getLast().results().isEmpty()) {
            turns.getLast().results().add(result);
          } else {
            turns.add(new Turn("user", "", List.of(), new ArrayList<>(List.of(result))));
          }
        }
        default -> throw new Invalid("Invalid value: '" + role + "'");
      }
    }
    require(open.isEmpty(), "tool calls without a response: " + open);
    List<Tool> tools = new ArrayList<>();
    for (JsonNode tool : body.path("tools")) {
      JsonNode function = tool.path("function");
      require(function.path("parameters").isObject(), "tools: parameters must be an object");
      tools.add(
          tool(
              function.path("name").asText(),
              function.path("description").asText(),
              function.path("parameters")));
    }
    return new ScriptedChat(
        Dialect.OPENAI,
        body.path("model").asText(),
        system.toString(),
        turns,
        tools,
        body.path("stream").asBoolean());
  }

  private static ScriptedChat anthropic(JsonNode body, Map<String, String> thoughts) {
    require(body.path("max_tokens").asInt() > 0, "max_tokens: Field required");
    List<Turn> turns = new ArrayList<>();
    Set<String> open = new HashSet<>();
    for (JsonNode message : body.path("messages")) {
      String role = message.path("role").asText();
      require(role.equals("user") || role.equals("assistant"), "messages: unexpected role " + role);
      StringBuilder text = new StringBuilder();
      String thinking = "";
      List<Call> calls = new ArrayList<>();
      List<Result> results = new ArrayList<>();
      JsonNode content = message.path("content");
      if (content.isTextual()) {
        require(!content.asText().isEmpty(), "messages: content must be non-empty");
        text.append(content.asText());
      }
      for (JsonNode block : content.isArray() ? content : List.<JsonNode>of()) {
        switch (block.path("type").asText()) {
          case "text" -> {
            require(
                !block.path("text").asText().isBlank(), "text content blocks must be non-empty");
            text.append(block.path("text").asText());
          }
          case "tool_use" -> {
            require(role.equals("assistant"), "tool_use blocks are the assistant's");
            require(block.path("input").isObject(), "tool_use.input: must be an object");
            String id = block.path("id").asText();
            require(id.matches("[a-zA-Z0-9_-]+"), "tool_use.id: should match ^[a-zA-Z0-9_-]+$");
            calls.add(new Call(id, block.path("name").asText(), block.path("input").toString()));
          }
          case "image" -> {
            JsonNode source = block.path("source");
            require(role.equals("user"), "image blocks are the user's");
            require(
                source.path("type").asText().equals("base64")
                    && source.path("media_type").asText().startsWith("image/")
                    && !source.path("data").asText().isEmpty(),
                "image.source: field required");
          }
          case "thinking" -> {
            thinking = block.path("thinking").asText();
            require(
                block.path("signature").asText().equals(ScriptedWire.signature(thinking)),
                "Invalid `signature` in `thinking` block");
          }
          case "tool_result" -> {
            String id = block.path("tool_use_id").asText();
            require(open.remove(id), "unexpected tool_use_id found in tool_result blocks: " + id);
            require(text.isEmpty(), "tool_result blocks must come first");
            results.add(
                new Result(id, text(block.path("content")), block.path("is_error").asBoolean()));
          }
          default -> throw new Invalid("unknown block type " + block.path("type"));
        }
      }
      require(
          open.isEmpty(),
          "tool_use ids were found without tool_result blocks immediately after: " + open);
      for (Call call : calls) {
        open.add(call.id());
        // Only the loop that is still running must be complete.
        boolean running = turns.size() == body.path("messages").size() - 2;
        require(
            !running || thoughts.getOrDefault(call.id(), "").equals(thinking),
            "Expected `thinking`, but found `tool_use`");
      }
      turns.add(new Turn(role, text.toString(), calls, results));
    }
    require(open.isEmpty(), "tool_use ids without tool_result blocks: " + open);
    require(turns.getFirst().role().equals("user"), "messages: first message must be the user's");
    List<Tool> tools = new ArrayList<>();
    for (JsonNode tool : body.path("tools")) {
      require(tool.path("input_schema").isObject(), "tools: input_schema: Field required");
      tools.add(
          tool(
              tool.path("name").asText(),
              tool.path("description").asText(),
              tool.path("input_schema")));
    }
    return new ScriptedChat(
        Dialect.ANTHROPIC,
        body.path("model").asText(),
        text(body.path("system")),
        turns,
        tools,
        body.path("stream").asBoolean());
  }

  private static Tool tool(String name, String description, JsonNode schema) {
    require(name.matches("[a-zA-Z0-9_-]{1,64}"), "tools: name should match ^[a-zA-Z0-9_-]{1,64}$");
    require(schema.path("type").asText().equals("object"), "tools: schema type must be object");
    return new Tool(name, description, schema.toString());
  }

  /** A string, or the text of an array of blocks. */
  private static String text(JsonNode content) {
    if (!content.isArray()) {
      return content.asText("");
    }
    StringBuilder text = new StringBuilder();
    content.forEach(block -> text.append(block.path("text").asText("")));
    return text.toString();
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new Invalid(message);
    }
  }
}
