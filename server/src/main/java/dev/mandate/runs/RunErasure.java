package dev.mandate.runs;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.models.ModelJson;
import dev.mandate.models.ModelMessage;
import dev.mandate.models.ModelResponse;
import dev.mandate.models.StopReason;
import dev.mandate.models.TokenUsage;
import dev.mandate.runs.RunErasureStore.Theirs;
import dev.mandate.runs.RunErasureStore.Unused;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Takes a person's words out of the logs of runs: everything that was said in runs that act for the
 * person, and in other runs the words of the person's decisions, and what they were told of these
 * and of the person's messages. Kinds, names, numbers and labels stay, so that a log still says
 * what was done, by whom, when, and under what restrictions.
 *
 * <p>For whoever erases a person, with the operator's authority over one organization at a time.
 */
public final class RunErasure {
  private static final String ERASED = "[erased]";
  private static final int PAGE = 500;

  /** Payloads that are deleted while runs that keep one wait: a fraction of a second. */
  private static final int DELETES = 2_000;

  private static final int ATTEMPTS = 10;

  private final Db db;
  private final RunStore store = new RunStore();
  private final RunErasureStore erasure = new RunErasureStore();
  private final RunLog log = new RunLog(store);

  public RunErasure(Db db) {
    this.db = db;
  }

  /**
   * @param runs whose logs were erased
   * @param steps of logs that hold other words now
   * @param active others' runs that are not over: they go on with words of the person's decisions
   */
  public record Erased(List<UUID> runs, int steps, int active) {
    public Erased {
      runs = List.copyOf(runs);
    }
  }

  /**
   * Asks the person's runs to stop.
   *
   * @return how many are not over yet
   */
  public int stop(Mandate mandate, UUID user) {
    return db.write(
        mandate,
        tx -> {
          List<Run> active = new ArrayList<>();
          for (RunId id : erasure.active(tx, principal(user))) {
            store.lockRun(tx, id);
            store.find(tx, id).filter(run -> !run.status().terminal()).ifPresent(active::add);
          }
          for (Run run : active) {
            if (!erasure.isCancelling(tx, run.id())) {
              Step cancel =
                  new Step.CancelRequested(mandate.actor().toString(), "the account is erased");
              log.append(tx, run.id(), run.threadId(), Fence.NONE, List.of(cancel));
            }
          }
          return active.size();
        });
  }

  /**
   * Erases what runs that are over have kept. Done again, it finds nothing.
   *
   * @param actors what the person acted as: the account and its tokens
   * @param alone threads that nobody but the person and agents ever talked on
   * @param files hashes of the person's files, whose names prompts show
   */
  public Erased erase(
      Mandate mandate, UUID user, Set<String> actors, List<UUID> alone, Set<String> files) {
    Theirs theirs = db.read(mandate, tx -> erasure.runs(tx, principal(user), actors, alone));
    Blank blank =
        db.write(
            mandate,
            tx ->
                new Blank(
                    Payloads.put(tx, ERASED),
                    Payloads.put(tx, ModelJson.write(ModelMessage.user(ERASED))),
                    Payloads.put(
                        tx,
                        ModelJson.write(
                            new ModelResponse(
                                List.of(new ModelMessage.Text(ERASED)),
                                StopReason.END,
                                TokenUsage.NONE,
                                "")))));
    int steps = 0;
    for (UUID id : theirs.own()) {
      steps += rewrite(mandate, new RunId(id), (tx, step) -> blank.of(step));
    }
    for (UUID id : theirs.others()) {
      RunId run = new RunId(id);
      Words words =
          db.read(
              mandate,
              tx ->
                  words(
                      tx,
                      erasure.said(tx, run, principal(user)),
                      erasure.decisions(tx, run, actors)));
      steps += rewrite(mandate, run, (tx, step) -> told(tx, step, words, files, blank));
    }
    // After what they led to, also in replays, which is found by them.
    int active = 0;
    for (UUID id : theirs.others()) {
      RunId run = new RunId(id);
      if (db.read(mandate, tx -> goesOn(tx, run, actors))) {
        active++;
      } else {
        steps +=
            rewrite(mandate, run, (tx, step) -> hasWords(step, actors) ? blank.of(step) : step);
      }
    }
    db.run(
        mandate,
        tx -> {
          erasure.forget(tx, theirs.own());
          erasure.forgetReasons(tx, theirs.others(), actors);
        });
    deletePayloads(mandate, blank.gone);
    return new Erased(theirs.own(), steps, active);
  }

  /**
   * Deletes of these payloads those that no step refers to any more, and others that an erasure
   * which was stopped has left.
   */
  private void deletePayloads(Mandate mandate, Set<String> gone) {
    Unused unused = db.read(mandate, tx -> erasure.unused(tx, gone));
    for (int from = 0; from < unused.hashes().size(); from += DELETES) {
      List<String> some =
          unused.hashes().subList(from, Math.min(unused.hashes().size(), from + DELETES));
      for (int attempt = 1; ; attempt++) {
        try {
          db.run(mandate, tx -> erasure.delete(tx, some, unused));
          break;
        } catch (Failure e) {
          // Somebody has the table for longer than runs may be kept waiting.
          if (attempt == ATTEMPTS || e.code() != Failure.Code.UNAVAILABLE) {
            throw e;
          }
        }
      }
    }
  }

  /** Whether a run that is not over has words of the person's decisions to go on with. */
  private boolean goesOn(Tx tx, RunId run, Set<String> actors) {
    return store.find(tx, run).filter(found -> !found.status().terminal()).isPresent()
        && erasure.decisions(tx, run, actors).stream().anyMatch(step -> hasWords(step, actors));
  }

  /** Whether it is a decision of the person's, in the person's own words. */
  private static boolean hasWords(Step step, Set<String> actors) {
    return switch (step) {
      case Step.ApprovalDecided s -> actors.contains(s.decidedBy()) && !s.comment().isEmpty();
      case Step.ApprovalEdited s -> actors.contains(s.decidedBy());
      case Step.ToolSettled s ->
          actors.contains(s.decidedBy())
              && s.settlement().equals("happened")
              && !s.excerpt().equals(Runs.LOST);
      case Step.CancelRequested s -> actors.contains(s.by()) && !s.reason().isEmpty();
      case Step.Cancelled s -> actors.contains(s.by()) && !s.reason().isEmpty();
      default -> false;
    };
  }

  /**
   * What a run was told in the person's words.
   *
   * @param messages texts of the person's messages
   * @param results by what calls came to: the same without the person's words
   * @param hashes of such results
   * @param arguments that the person wrote instead of the model's
   */
  private record Words(
      Set<String> messages,
      Map<String, String> results,
      Set<String> hashes,
      Set<String> arguments) {
    /** A call's result without them. */
    String without(String result) {
      for (String written : arguments) {
        String edit = Prompts.edit(written);
        if (result.startsWith(edit)) {
          String rest = result.substring(edit.length());
          return Prompts.edit(ERASED) + results.getOrDefault(rest, rest);
        }
      }
      return results.getOrDefault(result, result);
    }
  }

  private static Words words(Tx tx, Set<String> messages, List<Step> decisions) {
    Map<String, String> results = new HashMap<>();
    Set<String> hashes = new HashSet<>();
    Set<String> arguments = new HashSet<>();
    for (Step decision : decisions) {
      switch (decision) {
        case Step.ApprovalDecided s -> {
          if (!s.comment().isEmpty()) {
            String refused = "Refused: the approval was " + s.outcome() + ": ";
            results.put(refused + s.comment(), refused + ERASED);
          }
        }
        case Step.ApprovalEdited s -> arguments.add(s.arguments());
        case Step.ToolSettled s -> {
          if (s.settlement().equals("happened") && !s.excerpt().equals(Runs.LOST)) {
            hashes.add(s.result());
          }
        }
        default -> {}
      }
    }
    Payloads.get(tx, hashes).values().forEach(result -> results.put(result, ERASED));
    return new Words(messages, results, hashes, arguments);
  }

  private static String principal(UUID user) {
    return Principal.user(user).toString();
  }

  @FunctionalInterface
  private interface Change {
    Step of(Tx tx, Step step);
  }

  private int rewrite(Mandate mandate, RunId run, Change change) {
    int changed = 0;
    long after = 0;
    while (true) {
      long from = after;
      List<LoggedStep> page = db.read(mandate, tx -> store.steps(tx, run, from, PAGE));
      if (page.isEmpty()) {
        return changed;
      }
      Map<Long, Step> other =
          db.write(
              mandate,
              tx -> {
                Map<Long, Step> steps = new HashMap<>();
                for (LoggedStep logged : page) {
                  Step step = change.of(tx, logged.step());
                  if (!step.equals(logged.step())) {
                    steps.put(logged.seq(), step);
                  }
                }
                return steps;
              });
      if (!other.isEmpty()) {
        // The application cannot alter a log; this role can, and reads none.
        db.<Boolean>dispatch(sql -> erasure.replace(sql, mandate.org(), run, other));
      }
      changed += other.size();
      after = page.getLast().seq();
    }
  }

  /** A step of somebody else's run without what the person said before it. */
  private static Step told(Tx tx, Step step, Words words, Set<String> files, Blank blank) {
    if (step instanceof Step.ToolReplayed replayed) {
      String result = replayed.result();
      return (result == null
              ? words.results().containsKey(replayed.excerpt())
              : words.hashes().contains(result))
          ? blank.of(step)
          : step;
    }
    if (!(step instanceof Step.ModelRequested request)) {
      return step;
    }
    Map<String, String> bodies = Payloads.get(tx, new HashSet<>(request.added()));
    List<String> added = new ArrayList<>();
    for (String hash : request.added()) {
      ModelMessage message = ModelJson.readMessage(bodies.getOrDefault(hash, ""));
      ModelMessage without = without(message, words, files);
      if (without.equals(message)) {
        added.add(hash);
      } else {
        added.add(Payloads.put(tx, ModelJson.write(without)));
        blank.gone.add(hash);
      }
    }
    return new Step.ModelRequested(
        request.model(),
        request.remoteName(),
        request.simulated(),
        request.system(),
        request.tools(),
        request.toolSpecs(),
        request.base(),
        added);
  }

  private static ModelMessage without(ModelMessage message, Words words, Set<String> files) {
    List<ModelMessage.Part> parts = new ArrayList<>();
    for (ModelMessage.Part part : message.parts()) {
      parts.add(
          switch (part) {
            case ModelMessage.Text text when words.messages().contains(text.text()) ->
                new ModelMessage.Text(ERASED);
            case ModelMessage.ToolResult result ->
                new ModelMessage.ToolResult(
                    result.id(), words.without(result.content()), result.isError());
            case ModelMessage.Attachment file when files.contains(file.sha256()) ->
                new ModelMessage.Attachment(
                    file.sha256(), ERASED, file.mediaType(), file.size(), null);
            default -> part;
          });
    }
    return new ModelMessage(message.role(), parts);
  }

  /** Steps without words: the hashes stand for a text, a message and an answer that say nothing. */
  private static final class Blank {
    private static final String NO_ARGUMENTS = "{}";

    private final String text;
    private final String message;
    private final String response;

    /** What steps referred to before. */
    private final Set<String> gone = new HashSet<>();

    Blank(String text, String message, String response) {
      this.text = text;
      this.message = message;
      this.response = response;
    }

    Step of(Step step) {
      return switch (step) {
        case Step.ModelRequested s -> {
          s.added().forEach(hash -> instead(hash, message));
          yield new Step.ModelRequested(
              s.model(),
              s.remoteName(),
              s.simulated(),
              // A replay may have had other instructions than its agent.
              instead(s.system(), text),
              s.tools(),
              s.toolSpecs(),
              s.base(),
              Collections.nCopies(s.added().size(), message));
        }
        case Step.ModelResponded s ->
            new Step.ModelResponded(
                instead(s.response(), response),
                words(s.text()),
                s.calls().stream()
                    .map(call -> new Step.Call(call.id(), call.modelName(), NO_ARGUMENTS))
                    .toList(),
                s.stopReason(),
                s.inputTokens(),
                s.outputTokens(),
                s.costMicros(),
                s.durationMillis());
        case Step.ModelFailed s ->
            new Step.ModelFailed(
                s.failure(),
                words(s.message()),
                s.retryAtMillis(),
                s.inputTokens(),
                s.costMicros());
        case Step.ToolRequested s ->
            new Step.ToolRequested(
                s.callId(), s.tool(), NO_ARGUMENTS, s.argumentsHash(), s.effect());
        case Step.ToolDenied s -> new Step.ToolDenied(s.callId(), s.reason(), words(s.message()));
        case Step.ApprovalRequested s ->
            new Step.ApprovalRequested(s.callId(), s.approvalId(), s.decider(), words(s.why()));
        case Step.ApprovalDecided s ->
            new Step.ApprovalDecided(
                s.callId(),
                s.approvalId(),
                s.outcome(),
                s.argumentsHash(),
                s.decider(),
                s.decidedBy(),
                words(s.comment()));
        case Step.ApprovalEdited s ->
            new Step.ApprovalEdited(
                s.callId(),
                s.approvalId(),
                s.replacementId(),
                NO_ARGUMENTS,
                s.argumentsHash(),
                s.decider(),
                s.decidedBy(),
                words(s.comment()));
        case Step.ToolFinished s ->
            new Step.ToolFinished(
                s.callId(),
                s.attempt(),
                s.outcome(),
                instead(s.result(), text),
                words(s.excerpt()),
                s.truncated(),
                s.durationMillis());
        case Step.ToolInDoubt s -> new Step.ToolInDoubt(s.callId(), s.attempt(), words(s.why()));
        case Step.ToolSettled s ->
            new Step.ToolSettled(
                s.callId(),
                s.settlement(),
                s.result().isEmpty() ? "" : instead(s.result(), text),
                words(s.excerpt()),
                s.decidedBy());
        case Step.ToolReplayed s ->
            new Step.ToolReplayed(
                s.callId(),
                s.originalRunId(),
                s.outcome(),
                s.result() == null ? null : instead(s.result(), text),
                words(s.excerpt()),
                s.error());
        case Step.ChildFinished s ->
            new Step.ChildFinished(
                s.callId(),
                s.childRunId(),
                s.status(),
                instead(s.result(), text),
                words(s.excerpt()),
                s.labels());
        case Step.CancelRequested s -> new Step.CancelRequested(s.by(), words(s.reason()));
        case Step.Failed s -> new Step.Failed(s.reason(), words(s.message()));
        case Step.Cancelled s -> new Step.Cancelled(s.by(), words(s.reason()));
        case Step.Paused s -> new Step.Paused(words(s.reason()));
        case Step.Suspended s -> new Step.Suspended(words(s.reason()));
        case Step.RunStarted s -> s;
        case Step.ToolStarted s -> s;
        case Step.ChildStarted s -> s;
        case Step.Replayed s -> s;
        case Step.MessagePosted s -> s;
        case Step.Resumed s -> s;
        case Step.Finished s -> s;
      };
    }

    private String instead(String hash, String blank) {
      if (!hash.equals(blank)) {
        gone.add(hash);
      }
      return blank;
    }

    private static String words(String text) {
      return text.isEmpty() ? "" : ERASED;
    }
  }
}
