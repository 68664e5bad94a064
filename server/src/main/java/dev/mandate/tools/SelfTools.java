package dev.mandate.tools;

import com.google.protobuf.Message;
import dev.mandate.governance.Admitted;
import dev.mandate.governance.Effect;
import dev.mandate.governance.Outcome;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.rpc.JsonCodec;
import dev.mandate.kernel.rpc.Method;
import dev.mandate.kernel.rpc.MethodTable;
import dev.mandate.policies.ActivePolicies;
import dev.mandate.policies.Question;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Mandate's own API as tools: every method that is not for people only, public or a stream. Called
 * in process under the caller's mandate: no credential, no socket, the same checks.
 */
final class SelfTools {
  static final String NAME = "self";
  static final ToolSourceId SOURCE =
      new ToolSourceId(new UUID(0x0000_0000_0000_7000L, 0x8000_0000_0000_0002L));

  /**
   * A tool that calls tools would be a detour around the grants that name them; and signed
   * addresses have no place in a prompt or a step log.
   */
  private static final Set<String> LEFT_OUT =
      Set.of("tools.call", "files.create", "files.get", "files.complete");

  private final Supplier<MethodTable> table;
  private volatile @Nullable Map<ToolId, SelfTool> tools;

  /** A method as a tool. */
  record SelfTool(Method method, ToolRow row, String modelName, Effect effect) {}

  /**
   * @param table asked when tools are first needed, since it holds the methods of this package too
   */
  SelfTools(Supplier<MethodTable> table) {
    this.table = table;
  }

  SourceRow source() {
    return new SourceRow(
        SOURCE,
        NAME,
        NAME,
        "",
        null,
        true,
        "",
        Instant.EPOCH,
        Instant.EPOCH,
        List.of(),
        List.of(),
        List.of());
  }

  Collection<SelfTool> all() {
    return tools().values();
  }

  /** The action of the method that a tool of this source is; empty for tools of others. */
  Optional<String> action(ToolId id) {
    return Optional.ofNullable(tools().get(id)).map(tool -> tool.method().action());
  }

  private Map<ToolId, SelfTool> tools() {
    Map<ToolId, SelfTool> known = tools;
    if (known == null) {
      known = build(table.get());
      tools = known;
    }
    return known;
  }

  private static Map<ToolId, SelfTool> build(MethodTable table) {
    Map<ToolId, SelfTool> tools = new LinkedHashMap<>();
    for (Method method : table.methods()) {
      boolean forPeople = method.rule().getHumanOnly() || method.rule().getPublic();
      if (forPeople || method.streaming() || LEFT_OUT.contains(method.action())) {
        continue;
      }
      String name = method.action().replace('.', '_');
      byte[] seed = (NAME + "/" + name).getBytes(StandardCharsets.UTF_8);
      ToolId id = new ToolId(UUID.nameUUIDFromBytes(seed));
      Effect effect = effect(method);
      ToolRow row =
          new ToolRow(
              id,
              SOURCE,
              name,
              method.name(),
              table.description(method),
              table.inputSchema(method),
              effect,
              false,
              1);
      if (tools.put(id, new SelfTool(method, row, name, effect)) != null) {
        throw new IllegalStateException("two methods have the action " + method.action());
      }
    }
    return tools;
  }

  private static Effect effect(Method method) {
    return switch (method.effect()) {
      case EFFECT_READ_ONLY -> Effect.READ_ONLY;
      case EFFECT_DESTRUCTIVE -> Effect.DESTRUCTIVE;
      // A call carries its idempotency key, and the dispatcher does nothing twice for one key.
      default -> Effect.IDEMPOTENT;
    };
  }

  /**
   * The method that a tool is, as policies see it; null for a tool of another source.
   *
   * @throws Failure {@code INVALID_ARGUMENT} if it cannot take the arguments
   */
  @Nullable Question question(ResolvedTool tool, String argumentsJson) {
    SelfTool self = tool.sourceId().equals(SOURCE) ? tools().get(tool.id()) : null;
    return self == null
        ? null
        : ActivePolicies.question(
            self.method(), JsonCodec.read(argumentsJson, self.method().requestType()));
  }

  /** Calls the method; it ends by the method's own timeout, and is not broken off in between. */
  ToolResult call(
      Mandate mandate,
      ResolvedTool tool,
      String argumentsJson,
      Admitted admitted,
      Invocation invocation) {
    long start = System.nanoTime();
    SelfTool self = tools().get(tool.id());
    if (self == null) {
      return result(true, tool.name() + " does not exist any more", Outcome.ERROR, start);
    }
    if (invocation.cancel().cancelled()) {
      return result(true, "it was cancelled", Outcome.CANCELLED, start);
    }
    try {
      Message request = JsonCodec.read(argumentsJson, self.method().requestType());
      Message response = dispatch(mandate, self.method(), request, admitted, invocation);
      return result(false, JsonCodec.text(response), Outcome.OK, start);
    } catch (Failure failure) {
      Outcome outcome =
          switch (failure.code()) {
            case DEADLINE_EXCEEDED -> Outcome.TIMEOUT;
            case CANCELED -> Outcome.CANCELLED;
            default -> Outcome.ERROR;
          };
      String code = failure.code().name().toLowerCase(Locale.ROOT);
      String text = code + " (" + failure.reason() + "): " + failure.publicMessage();
      return result(true, text, outcome, start);
    }
  }

  private Message dispatch(
      Mandate mandate, Method method, Message request, Admitted admitted, Invocation invocation) {
    Question.Run run = admitted.facts().run();
    String key = invocation.idempotencyKey();
    return run == null
        ? table.get().dispatch(mandate, method, request, key)
        : ScopedValue.where(ActivePolicies.RUN, run)
            .call(() -> table.get().dispatch(mandate, method, request, key));
  }

  private static ToolResult result(boolean error, String text, Outcome outcome, long start) {
    long millis = (System.nanoTime() - start) / 1_000_000;
    return new ToolResult(error, ResultText.clean(text), outcome, millis);
  }
}
