package dev.mandate.server;

import dev.mandate.agents.AgentDraft;
import dev.mandate.agents.Agents;
import dev.mandate.agents.ToolGrant;
import dev.mandate.kernel.ApprovalMode;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import java.util.List;

/** The agents that a first start makes, so that there is somebody to talk to. */
final class SampleOrganization {
  static final String OPERATOR = "Operator";

  private static final String OPERATOR_INSTRUCTIONS =
      """
      You operate this Mandate installation for the person you talk to. Use your tools to look things
      up and to change them; never guess what a tool can tell you. A change may need the person's
      approval: the platform asks for it, you just make the call. If a call is refused, say so and
      why, and do not try to get around it. Answer briefly and in the language you are spoken to.
      """;

  private static final String READER_INSTRUCTIONS =
      """
      You look things up in this Mandate installation and report what you find, briefly. You cannot
      change anything; if you are asked to, say so.
      """;

  private final Agents agents;

  SampleOrganization(Agents agents) {
    this.agents = agents;
  }

  /** Makes what is missing; an organization that has agents is left as it is. */
  void seed(Mandate owner) {
    if (!agents.list(owner, new Page.Request(1, null)).items().isEmpty()) {
      return;
    }
    agents.create(
        owner,
        new AgentDraft(
            OPERATOR,
            "Looks after this installation: lists, adds and changes agents, threads and tools.",
            OPERATOR_INSTRUCTIONS,
            "",
            List.of(
                new ToolGrant("self/*", ApprovalMode.BY_EFFECT),
                new ToolGrant("agent/*", ApprovalMode.BY_EFFECT)),
            0));
    agents.create(
        owner,
        new AgentDraft(
            "Reader",
            "Looks things up, and can change nothing.",
            READER_INSTRUCTIONS,
            "",
            List.of(
                new ToolGrant("self/agents_list", ApprovalMode.BY_EFFECT),
                new ToolGrant("self/agents_get", ApprovalMode.BY_EFFECT),
                new ToolGrant("self/tools_list", ApprovalMode.BY_EFFECT),
                new ToolGrant("self/models_list", ApprovalMode.BY_EFFECT)),
            0));
  }
}
