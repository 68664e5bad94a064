package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Follows runs to their end: shows what happens on their threads, asks for approvals, and goes into
 * sub-agents' threads as they begin.
 */
final class Follower implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** How long the last steps of an ended run are waited for. */
  private static final Duration STRAGGLERS = Duration.ofSeconds(3);

  private static final Set<String> FINAL =
      Set.of("SUCCEEDED", "FAILED", "CANCELLED", "PAUSED", "IN_DOUBT");

  /** Something to handle: an event, or the failure that ended a stream. */
  private record Item(@Nullable JsonNode event, @Nullable CliFailure failure) {}

  /** A followed run. */
  private static final class Followed {
    final String id;
    final int depth;
    JsonNode state = Json.object();
    String status = "";
    long seen;
    boolean ended;
    boolean posted;
    boolean messageSeen;

    Followed(String id, int depth) {
      this.id = id;
      this.depth = depth;
    }

    /**
     * An event about a run carries the run as it is now, which may be ahead of the steps that are
     * still to come on the stream.
     */
    boolean complete() {
      return FINAL.contains(status)
          && seen >= Json.number(state, "lastSeq")
          && (messageSeen || !posted);
    }
  }

  private final Api api;
  private final Transcript transcript;
  private final Approver approver;
  private final BlockingQueue<Item> queue = new LinkedBlockingQueue<>();
  private final List<EventStream> streams = new ArrayList<>();
  private final Map<String, Followed> followed = new LinkedHashMap<>();
  private final Set<String> ignored = new LinkedHashSet<>();
  private final Map<String, JsonNode> pending = new LinkedHashMap<>();
  private @Nullable Instant after;
  private String messageId = "";
  private volatile String thread = "";

  Follower(Api api, Transcript transcript, Approver approver) {
    this.api = api;
    this.transcript = transcript;
    this.approver = approver;
  }

  /** Posts a message and follows the runs that answer it. Returns the exit code. */
  int post(String threadId, String text) {
    return post(threadId, text, List.of());
  }

  /** Posts a message that carries these files, and follows what comes of it. */
  int post(String threadId, String text, List<String> files) {
    thread = threadId;
    CountDownLatch connected = new CountDownLatch(1);
    // Watching before posting: on a long thread nothing old has to be read again.
    watch(threadId, "now", connected);
    await(connected);
    var body = Json.object().put("text", text);
    if (!files.isEmpty()) {
      files.forEach(body.putArray("attachments")::add);
    }
    JsonNode message = api.post("/api/v1/threads/" + threadId + "/messages", body);
    messageId = Json.text(message, "id");
    after = instant(Json.text(message, "createdAt"));
    return follow();
  }

  /** Follows one run from its beginning. Returns the exit code. */
  int watch(JsonNode run) {
    thread = Json.text(run, "threadId");
    adopt(Json.text(run, "id"), Json.text(run, "agentName"), 0);
    watch(thread, "", new CountDownLatch(1));
    return follow();
  }

  /** Asks the server to stop what is followed and not at its end yet. Any thread may call it. */
  void cancel(String reason) {
    List<String> active = new ArrayList<>();
    synchronized (followed) {
      for (Followed run : followed.values()) {
        if (run.depth == 0 && !FINAL.contains(run.status)) {
          active.add(run.id);
        }
      }
    }
    if (active.isEmpty() && !messageId.isEmpty()) {
      for (JsonNode run : api.list("/api/v1/runs", "runs", Map.of("threadId", thread), 20)) {
        if (!FINAL.contains(Json.text(run, "status"))) {
          active.add(Json.text(run, "id"));
        }
      }
    }
    for (String run : active) {
      api.post("/api/v1/runs/" + run + ":cancel", Json.object().put("reason", reason));
    }
  }

  private int follow() {
    long quietSince = 0;
    while (true) {
      Item item = next(0 < quietSince ? 100 : 0);
      if (item != null) {
        handle(item);
      }
      boolean incomplete = false;
      for (Followed run : List.copyOf(followed.values())) {
        if (run.ended || !FINAL.contains(run.status)) {
          continue;
        }
        boolean overdue = quietSince > 0 && System.nanoTime() - quietSince > STRAGGLERS.toNanos();
        if (run.complete() || overdue) {
          end(run);
        } else {
          incomplete = true;
        }
      }
      if (!incomplete) {
        quietSince = 0;
      } else if (item != null || quietSince == 0) {
        quietSince = System.nanoTime();
      }
      Integer exit = outcome();
      if (exit != null) {
        return exit;
      }
    }
  }

  private void end(Followed run) {
    run.ended = true;
    transcript.ended(run.id, run.state);
    if (run.status.equals("IN_DOUBT")) {
      explainDoubt(run.id);
    }
  }

  /** Null while something is still going on. */
  private @Nullable Integer outcome() {
    boolean any = false;
    boolean active = false;
    boolean succeeded = true;
    boolean waits = false;
    for (Followed run : followed.values()) {
      waits |= run.status.equals("AWAITING_APPROVAL") && !pending.isEmpty();
      if (run.depth == 0) {
        any = true;
        active |= !run.ended;
        succeeded &= run.status.equals("SUCCEEDED");
      }
    }
    if (waits) {
      explainApprovals();
      return Exit.APPROVAL_NEEDED;
    }
    if (!any || active) {
      return null;
    }
    return succeeded ? Exit.OK : Exit.FAILED;
  }

  private void handle(Item item) {
    if (item.failure() != null) {
      throw item.failure();
    }
    JsonNode event = item.event();
    if (event == null) {
      return;
    }
    if (event.has("message")) {
      message(event);
    } else if (event.has("run")) {
      run(event);
    } else if (event.has("step")) {
      JsonNode appended = event.path("step");
      if (isFollowed(Json.text(appended, "runId"), null)) {
        transcript.event(event);
        step(Json.text(appended, "runId"), appended.path("step"));
      }
    } else if (event.has("text")) {
      JsonNode delta = event.path("text");
      if (isFollowed(Json.text(delta, "runId"), null)) {
        transcript.event(event);
        transcript.text(Json.text(delta, "runId"), delta);
      }
    }
  }

  private void message(JsonNode event) {
    JsonNode message = event.path("message");
    Followed author = followed.get(Json.text(message, "runId"));
    if (author != null) {
      author.messageSeen = true;
      transcript.event(event);
      transcript.message(author.id, Json.text(message, "text"));
    } else if (!messageId.isEmpty() && Json.text(message, "id").equals(messageId)) {
      transcript.event(event);
    }
  }

  private void run(JsonNode event) {
    JsonNode state = event.path("run");
    String id = Json.text(state, "id");
    if (!isFollowed(id, state)) {
      return;
    }
    transcript.event(event);
    Followed run = requireNonNull(followed.get(id));
    String status = Json.text(state, "status");
    run.state = state;
    run.status = status;
    // Settled or resumed: it goes on.
    run.ended &= FINAL.contains(status);
  }

  private void step(String run, JsonNode step) {
    Followed owner = followed.get(run);
    if (owner != null) {
      owner.seen = Math.max(owner.seen, Json.number(step, "seq"));
      owner.posted |= Json.text(step, "kind").equals("message_posted");
    }
    transcript.step(run, step);
    String approval = Json.text(step, "approvalId");
    switch (Json.text(step, "kind")) {
      case "approval_requested" -> decide(approval);
      case "approval_decided", "approval_edited" -> pending.remove(approval);
      case "child_started" -> {
        JsonNode child = api.get("/api/v1/runs/" + Json.text(step, "childRunId"));
        adopt(
            Json.text(child, "id"),
            Json.text(child, "agentName"),
            owner == null ? 1 : owner.depth + 1);
        watch(Json.text(child, "threadId"), "", new CountDownLatch(1));
      }
      default -> {
        // Only shown.
      }
    }
  }

  private void decide(String id) {
    JsonNode approval = api.get("/api/v1/approvals/" + id);
    if (!Json.text(approval, "status").equals("PENDING")) {
      return;
    }
    Approver.Answer answer = approver.ask(approval);
    if (answer == null) {
      pending.put(id, approval);
      return;
    }
    try {
      if (answer.approved()) {
        api.post(
            "/api/v1/approvals/" + id + ":approve",
            Json.object()
                .put("argumentsHash", Json.text(approval, "argumentsHash"))
                .put("comment", answer.comment()));
      } else {
        api.post(
            "/api/v1/approvals/" + id + ":deny", Json.object().put("comment", answer.comment()));
      }
    } catch (CliFailure refused) {
      if (Json.text(api.get("/api/v1/approvals/" + id), "status").equals("PENDING")) {
        transcript.note("The decision was not taken: " + refused.text());
        pending.put(id, approval);
      } else {
        transcript.note("It was decided meanwhile.");
      }
    }
  }

  private void explainApprovals() {
    for (JsonNode approval : pending.values()) {
      String id = Json.text(approval, "id");
      transcript.note("");
      transcript.note(Json.text(approval, "tool") + " needs an approval before the run goes on:");
      transcript.note(
          "  "
              + Format.printable(
                  Json.prettyText(Json.text(approval, "argumentsJson")).replace("\n", "\n  ")));
      transcript.note("Approve it:   ./mandate approval approve " + id);
      transcript.note("Refuse it:    ./mandate approval deny " + id + " --comment WHY");
    }
    for (Followed run : followed.values()) {
      if (run.depth == 0) {
        transcript.note("Then go on:   ./mandate run watch " + run.id);
      }
    }
  }

  private void explainDoubt(String run) {
    List<JsonNode> steps =
        api.list("/api/v1/runs/" + run + "/steps", "steps", Map.of(), RunCommand.ALL_STEPS);
    Map<String, String> tools = RunCommand.tools(steps);
    for (String call : RunCommand.doubts(steps)) {
      String settle = "./mandate run settle " + run + " " + call;
      transcript.note(
          tools.getOrDefault(call, call)
              + " was under way when the server stopped, and it must not be repeated blindly."
              + " Find out whether it happened, then:");
      transcript.note("  it happened:     " + settle + " --happened [--result TEXT]");
      transcript.note("  it did not:      " + settle + " --did-not-happen");
      transcript.note("  try it again:    " + settle + " --retry");
    }
  }

  /** Whether the run is one of ours. A run that is seen for the first time is looked at once. */
  private boolean isFollowed(String id, @Nullable JsonNode state) {
    if (followed.containsKey(id)) {
      return true;
    }
    Instant since = after;
    if (since == null || ignored.contains(id)) {
      return false;
    }
    JsonNode run = state == null ? api.get("/api/v1/runs/" + id) : state;
    // A run that began before our message answers another one.
    if (instant(Json.text(run, "createdAt")).isBefore(since)
        || !Json.text(run, "threadId").equals(thread)) {
      ignored.add(id);
      return false;
    }
    adopt(id, Json.text(run, "agentName"), 0);
    return true;
  }

  private void adopt(String id, String agent, int depth) {
    synchronized (followed) {
      followed.put(id, new Followed(id, depth));
    }
    transcript.begins(id, agent, depth);
  }

  private void watch(String threadId, String start, CountDownLatch connected) {
    EventStream stream =
        new EventStream(api, "/api/v1/threads/" + threadId + "/events", start, PATIENCE);
    streams.add(stream);
    Thread.ofVirtual()
        .name("events of " + threadId)
        .start(() -> {
          try {
            stream.read(
                new EventStream.Listener() {
                  @Override
                  public void connected() {
                    connected.countDown();
                  }

                  @Override
                  public void accept(JsonNode event) {
                    queue.add(new Item(event, null));
                  }
                });
          } catch (CliFailure failure) {
            queue.add(new Item(null, failure));
          } finally {
            connected.countDown();
          }
        });
  }

  private static void await(CountDownLatch connected) {
    try {
      connected.await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The next item; with {@code millis} null after that time. */
  private @Nullable Item next(long millis) {
    try {
      return millis == 0 ? queue.take() : queue.poll(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw CliFailure.answered(Exit.CANCELLED, "canceled", "", "cancelled");
    }
  }

  private static Instant instant(String timestamp) {
    try {
      return Instant.parse(timestamp);
    } catch (DateTimeParseException missing) {
      return Instant.EPOCH;
    }
  }

  private static <T> T requireNonNull(@Nullable T value) {
    return java.util.Objects.requireNonNull(value);
  }

  @Override
  public void close() {
    streams.forEach(EventStream::close);
  }
}
