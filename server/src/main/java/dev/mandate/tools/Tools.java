package dev.mandate.tools;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.mandate.approvals.ArgumentsHash;
import dev.mandate.governance.Admitted;
import dev.mandate.governance.Decision;
import dev.mandate.governance.Denied;
import dev.mandate.governance.Effect;
import dev.mandate.governance.Facts;
import dev.mandate.governance.Gate;
import dev.mandate.governance.NeedsApproval;
import dev.mandate.governance.Outcome;
import dev.mandate.governance.Resource;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Bound;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.IdempotencyKeys;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.rpc.MethodTable;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.secrets.Secrets;
import dev.mandate.suspensions.Suspensions;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.json.jackson2.JacksonMcpJsonMapper;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** What tools there are, and calling them. Thread-safe; everything blocks. */
public final class Tools implements AutoCloseable {
  /** The action that every tool call is admitted under. */
  public static final String CALL = "tools.call";

  private final Db db;
  private final Authorizer authorizer;
  private final Gate gate;
  private final Suspensions suspensions;
  private final SelfTools self;
  private final ToolCatalog catalog;
  private final McpPool pool;
  private final ToolSources sources;
  private final McpTools mcp;
  private final ArgumentSchemas schemas = new ArgumentSchemas();

  /**
   * What the installation's operator decides.
   *
   * @param stdioAllowed whose owners may have programs started on this machine, as the server's
   *     user: with that they hold the whole installation
   * @param idle how long an unused connection to a tool server stays open
   */
  public record Options(Predicate<OrgId> stdioAllowed, Duration idle) {
    /** With the usual times. */
    public static Options of(Predicate<OrgId> stdioAllowed) {
      return new Options(stdioAllowed, Duration.ofMinutes(5));
    }
  }

  /**
   * @param table the method table, asked when tools are first needed: {@code binder::table}
   */
  public Tools(
      Options options,
      Db db,
      Authorizer authorizer,
      Secrets secrets,
      EgressClient egress,
      Wakeups wakeups,
      Gate gate,
      Suspensions suspensions,
      Supplier<MethodTable> table,
      InstantSource clock) {
    McpJsonMapper mapper =
        new JacksonMcpJsonMapper(
            JsonMapper.builder()
                .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
                .build());
    this.db = db;
    this.authorizer = authorizer;
    this.gate = gate;
    this.suspensions = suspensions;
    this.self = new SelfTools(table);
    this.catalog = new ToolCatalog(db, authorizer, self, wakeups);
    this.pool = new McpPool(egress, mapper, options.idle());
    this.sources =
        new ToolSources(
            db, authorizer, secrets, egress, catalog, pool, schemas, options.stdioAllowed(), clock);
    this.mcp = new McpTools(pool, sources, mapper);
  }

  public void start() {
    catalog.start();
    pool.start();
  }

  /**
   * The enabled tools that match the patterns and are within the mandate's bounds, by name.
   *
   * @param patterns full names, prefixes that end in {@code *}, or {@code *}
   */
  public List<ResolvedTool> resolve(Mandate mandate, Collection<String> patterns) {
    List<ResolvedTool> tools = new ArrayList<>();
    for (Catalog.Entry entry : catalog.of(mandate).entries()) {
      String name = entry.tool().name();
      boolean wanted = patterns.stream().anyMatch(pattern -> Bound.matches(pattern, name));
      if (wanted && usable(mandate, entry)) {
        tools.add(entry.tool());
      }
    }
    return tools;
  }

  /**
   * An enabled tool within the mandate's bounds.
   *
   * @param name {@code <source>/<tool>}
   */
  public Optional<ResolvedTool> find(Mandate mandate, String name) {
    return Optional.ofNullable(catalog.of(mandate).find(name))
        .filter(entry -> usable(mandate, entry))
        .map(Catalog.Entry::tool);
  }

  private static boolean usable(Mandate mandate, Catalog.Entry entry) {
    return entry.enabled() && mandate.boundsPermitTool(entry.tool().name());
  }

  /**
   * What is wrong with a call's arguments, in words with which a model can correct itself; empty if
   * nothing is.
   */
  public Optional<String> problemWith(ResolvedTool tool, String argumentsJson) {
    try {
      ArgumentsHash.canonical(argumentsJson);
    } catch (Failure failure) {
      return Optional.of(failure.publicMessage());
    }
    return schemas.problem(tool.inputSchemaJson(), argumentsJson);
  }

  /**
   * Whether somebody may write the arguments of a call that another authority makes: the tool must
   * take them, and the writer must be permitted to make such a call as well. (Otherwise whoever
   * approves could have done what only the one who asks may do.)
   *
   * @throws Failure {@code INVALID_ARGUMENT}; {@code PERMISSION_DENIED}
   */
  public void requireCallable(Mandate mandate, String name, String argumentsJson) {
    authorizer.require(mandate, CALL);
    ResolvedTool tool =
        find(mandate, name)
            .orElseThrow(
                () -> Failure.precondition("TOOL_GONE", name + " is not available any more"));
    self.action(tool.id()).ifPresent(action -> authorizer.require(mandate, action));
    problemWith(tool, argumentsJson)
        .ifPresent(problem -> {
          throw Failure.invalid("arguments_json", problem);
        });
  }

  /**
   * What the gate is asked about.
   *
   * @throws Failure {@code INVALID_ARGUMENT} if a tool of the contract cannot take the arguments
   */
  public Resource resource(ResolvedTool tool, String argumentsJson) {
    return Resource.tool(
        tool.name(),
        tool.effect(),
        argumentsJson,
        tool.labels(),
        self.question(tool, argumentsJson));
  }

  /**
   * Makes an admitted call, does with the result what policies demand, and waits for its end, or
   * for the tool's timeout, the invocation's cancellation, or this thread's interruption. Never
   * throws for what a tool does.
   */
  public ToolResult execute(
      Mandate mandate,
      ResolvedTool tool,
      String argumentsJson,
      Admitted admitted,
      Invocation invocation) {
    Span span = Span.current().child(Span.Kind.INTERNAL, "execute_tool", tool.name());
    if (span.recorded()) {
      span.set("gen_ai.operation.name", "execute_tool")
          .set("gen_ai.tool.name", tool.name())
          .set("mandate.tool.effect", tool.effect().name().toLowerCase(Locale.ROOT))
          .set("mandate.tool.attempt", invocation.attempt());
      String callId = invocation.callId();
      if (callId != null) {
        // The model's own words: a net, as under the log.
        span.set("gen_ai.tool.call.id", dev.mandate.kernel.telemetry.Secrets.mask(callId));
      }
    }
    try {
      ToolResult result =
          span.call(() -> carryOut(mandate, tool, argumentsJson, admitted, invocation));
      if (result.isError() || result.outcome() != Outcome.OK) {
        span.fail(result.outcome() == Outcome.OK ? "error" : result.outcome().wireName());
      }
      return result;
    } finally {
      span.end();
    }
  }

  private ToolResult carryOut(
      Mandate mandate,
      ResolvedTool tool,
      String argumentsJson,
      Admitted admitted,
      Invocation invocation) {
    ToolResult result = call(mandate, tool, argumentsJson, admitted, invocation);
    return admitted.obligations().isEmpty()
        ? result
        : new ToolResult(
            result.isError(),
            admitted.carriedOut(result.text()),
            result.outcome(),
            result.durationMillis());
  }

  private ToolResult call(
      Mandate mandate,
      ResolvedTool tool,
      String argumentsJson,
      Admitted admitted,
      Invocation invocation) {
    Catalog now = catalog.of(mandate);
    Catalog.Entry entry = now.find(tool.id());
    SourceRow source = entry == null ? null : now.source(entry.tool().sourceId());
    if (entry == null || source == null || !usable(mandate, entry)) {
      String text = tool.name() + " was not called: it was removed or disabled meanwhile";
      return new ToolResult(true, text, Outcome.ERROR, 0);
    }
    return source.id().equals(SelfTools.SOURCE)
        ? self.call(mandate, entry.tool(), argumentsJson, admitted, invocation)
        : mcp.call(mandate, entry, source, argumentsJson, invocation);
  }

  /**
   * A direct call, on the governed path: find, validate, admit, execute, settle.
   *
   * @param idOrName a tool's id or its full name
   * @param argumentsJson a JSON object
   * @throws Failure {@code NOT_FOUND}; {@code INVALID_ARGUMENT}; {@code PERMISSION_DENIED}; {@code
   *     FAILED_PRECONDITION} with reason {@code APPROVAL_REQUIRED}
   */
  public CallResult call(Mandate mandate, String idOrName, String argumentsJson) {
    ResolvedTool tool =
        ToolCatalog.lookUp(catalog.of(mandate), idOrName)
            .filter(entry -> usable(mandate, entry))
            .orElseThrow(() -> Failure.notFound("tool"))
            .tool();
    String arguments = argumentsJson.isEmpty() ? "{}" : argumentsJson;
    problemWith(tool, arguments)
        .ifPresent(problem -> {
          throw Failure.invalid("arguments_json", problem);
        });
    Decision decision = gate.admit(mandate, CALL, resource(tool, arguments), Facts.direct());
    return switch (decision) {
      case Denied denied -> throw Failure.denied(denied.reason(), denied.message()).asRecorded();
      case NeedsApproval needed ->
          throw Failure.precondition(
                  "APPROVAL_REQUIRED",
                  tool.name()
                      + " needs an approval by "
                      + needed.decider()
                      + ", which only a run can wait for: "
                      + needed.reason())
              .with("decider", needed.decider())
              .with("arguments_hash", needed.argumentsHash());
      case Admitted admitted -> new CallResult(tool, perform(mandate, tool, arguments, admitted));
    };
  }

  private ToolResult perform(
      Mandate mandate, ResolvedTool tool, String arguments, Admitted admitted) {
    // A request's idempotency key is claimed by the first transaction under it. An effect outside
    // of the database has none of its own, so the claim must be there before it.
    if (tool.effect() != Effect.READ_ONLY && IdempotencyKeys.CLAIM.isBound()) {
      db.run(mandate, tx -> {});
    }
    long start = System.nanoTime();
    Outcome outcome = Outcome.UNKNOWN;
    CancelSignal signal = new CancelSignal();
    // Whoever calls directly gets its answer here: there is nobody who could go on later.
    try (Suspensions.Watch _ =
        suspensions.watch(mandate, tool.name(), suspension -> signal.cancel())) {
      Invocation invocation = new Invocation(UUID.randomUUID().toString(), 1, signal);
      ToolResult result = execute(mandate, tool, arguments, admitted, invocation);
      outcome = result.outcome();
      return result;
    } finally {
      gate.settle(mandate, admitted, outcome, Duration.ofNanos(System.nanoTime() - start));
    }
  }

  ToolCatalog catalog() {
    return catalog;
  }

  ToolSources sources() {
    return sources;
  }

  /** Ends every connection and every program that was started. */
  @Override
  public void close() {
    catalog.close();
    pool.close();
  }
}
