package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.kernel.telemetry.Spans;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * The span of one claim of a run, by OpenTelemetry's conventions for agents. A run that waited and
 * goes on later, here or elsewhere, has another one in the same trace.
 */
final class RunSpans {
  private static final String INVOKE = "invoke_agent";

  private RunSpans() {}

  /**
   * @param agent asked only if somebody will see it
   */
  static Span begin(Spans spans, Run run, Supplier<Agent> agent) {
    if (spans == Spans.OFF) {
      return spans.begin(Span.Kind.INTERNAL, INVOKE, "", run.mandate().origin());
    }
    Agent who = agent.get();
    Span span = spans.begin(Span.Kind.INTERNAL, INVOKE, who.name(), run.mandate().origin());
    if (span.recorded()) {
      UUID user = run.mandate().user();
      span.set("gen_ai.operation.name", INVOKE)
          .set("gen_ai.agent.id", run.agentId().toString())
          .set("gen_ai.agent.name", who.name())
          .set("gen_ai.agent.version", Long.toString(run.agentVersion()))
          .set("gen_ai.conversation.id", run.threadId().toString())
          .set("gen_ai.request.model", who.model())
          .set("mandate.run.id", run.id().toString())
          .set("mandate.organization.id", run.mandate().org().toString())
          .set("user.id", user == null ? "" : user.toString());
    }
    return span;
  }
}
