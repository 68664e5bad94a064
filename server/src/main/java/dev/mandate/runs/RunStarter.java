package dev.mandate.runs;

import dev.mandate.agents.Agent;
import dev.mandate.agents.AgentId;
import dev.mandate.agents.Agents;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.telemetry.Span;
import dev.mandate.threads.Message;
import dev.mandate.threads.MessageListener;
import dev.mandate.threads.ThreadId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Starts runs: one for each message and agent, or, while the agent is at work on the thread, as
 * soon as it is free. A run acts for the author of the message that started it; another author's
 * message waits for the next run.
 */
public final class RunStarter implements MessageListener {
  /** How long a run's authority lasts: long enough for people to decide, not for ever. */
  private static final Duration LIFE = Duration.ofDays(7);

  private final Agents agents;
  private final InstantSource clock;
  private final RunStore store = new RunStore();

  public RunStarter(Agents agents, InstantSource clock) {
    this.agents = agents;
    this.clock = clock;
  }

  @Override
  public void posted(Tx tx, Message message, List<Principal> participants) {
    for (Principal participant : participants) {
      if (participant.kind() == Principal.Kind.AGENT && !participant.equals(message.author())) {
        AgentId agent = new AgentId(participant.id());
        store.insertInbox(tx, message.threadId(), agent, message.position(), lasting(tx.mandate()));
        startNext(tx, message.threadId(), agent);
      }
    }
  }

  /**
   * The run for the messages that wait, if the agent is free. The caller holds the thread's lock,
   * as everybody does who posts a message or ends a run.
   */
  void startNext(Tx tx, ThreadId thread, AgentId agentId) {
    if (store.findActive(tx, thread, agentId).isPresent()) {
      return;
    }
    List<RunStore.Waiting> waiting = store.inbox(tx, thread, agentId);
    if (waiting.isEmpty()) {
      return;
    }
    RunStore.Waiting first = waiting.getFirst();
    long upTo = first.position();
    for (RunStore.Waiting next : waiting) {
      if (!sameAuthority(first.mandate(), next.mandate())) {
        break;
      }
      upTo = next.position();
    }
    store.deleteInbox(tx, thread, agentId, upTo);
    // An agent that was deleted meanwhile answers nothing any more.
    Optional<Agent> agent = agents.find(tx, agentId);
    if (agent.isPresent()) {
      start(tx, agent.get(), thread, first.mandate(), upTo, null, null);
    }
  }

  /** A run under the caller's authority, narrowed to what the agent may use. */
  RunId start(
      Tx tx,
      Agent agent,
      ThreadId thread,
      Mandate onBehalf,
      long messagePosition,
      @Nullable RunId parent,
      @Nullable String parentCall) {
    RunId id = new RunId(Ids.next());
    Mandate mandate =
        onBehalf.delegate(agent.id().principal(), agent.bound(), onBehalf.expiresAt());
    if (mandate.budget() == null) {
      mandate = mandate.withBudget(id.value());
    }
    store.insert(
        tx, id, thread, agent.id(), agent.version(), mandate, messagePosition, parent, parentCall);
    RunLog.changed(tx, id, thread);
    tx.wake(RunLog.DUE);
    return id;
  }

  /**
   * A person's session lasts minutes and a run may wait for days: the run's authority ends by its
   * own time. What its author may do is asked at each step all the same. It is a part of the call
   * that this is said in.
   */
  Mandate lasting(Mandate poster) {
    Instant end = clock.instant().plus(LIFE);
    Instant until =
        poster.includesAgent() && poster.expiresAt().isBefore(end) ? poster.expiresAt() : end;
    return new Mandate(
        poster.org(),
        poster.chain(),
        poster.bounds(),
        poster.budget(),
        until,
        poster.origin().within(Span.current().traceparent()));
  }

  private static boolean sameAuthority(Mandate one, Mandate other) {
    return one.chain().equals(other.chain()) && one.bounds().equals(other.bounds());
  }
}
