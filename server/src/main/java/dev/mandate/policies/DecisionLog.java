package dev.mandate.policies;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Cipher;
import dev.mandate.kernel.db.Db;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.Value;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes decisions down, in batches and after the fact: no call waits for it. What does not fit
 * into the queue, or cannot be written, is dropped and counted in {@code
 * mandate_decisions_dropped}.
 */
final class DecisionLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DecisionLog.class);
  private static final int QUEUE = 10_000;
  private static final int BATCH = 200;
  private static final long MAX_WAITING_BYTES = 32L << 20;

  /** An input that is longer as JSON is kept without its arguments. */
  private static final int MAX_INPUT = 64 * 1024;

  /**
   * A decision.
   *
   * @param input null if no policy was asked: then it is built when it is written
   */
  record Made(
      Mandate mandate,
      Question question,
      Instant at,
      @Nullable ObjectValue input,
      Verdict verdict,
      long set,
      long installationSet,
      String hash,
      long micros) {
    private int size() {
      Arguments arguments = question.arguments();
      return 500 + (arguments == null ? 0 : arguments.size());
    }
  }

  private final Db db;
  private final Cipher cipher;
  private final InputDocument inputs;
  private final Counter dropped;
  private final DecisionStore store = new DecisionStore();

  /** An empty element ends the writer, after all that came before it. */
  private final BlockingQueue<Optional<Made>> queue = new LinkedBlockingQueue<>(QUEUE);

  private final AtomicLong waitingBytes = new AtomicLong();
  private @Nullable Thread thread;

  DecisionLog(Db db, Cipher cipher, InputDocument inputs, MeterRegistry meters) {
    this.db = db;
    this.cipher = cipher;
    this.inputs = inputs;
    this.dropped =
        Counter.builder("mandate.decisions.dropped")
            .description("Policy decisions that were made and not recorded")
            .register(meters);
  }

  void start() {
    thread = Thread.ofVirtual().name("decisions").start(this::run);
  }

  /** A call about which no policy was asked. */
  void offer(Mandate mandate, Question question, Instant at) {
    offer(new Made(mandate, question, at, null, Verdict.NONE, 0, 0, "", 0));
  }

  void offer(Made made) {
    int size = made.size();
    if (waitingBytes.addAndGet(size) > MAX_WAITING_BYTES || !queue.offer(Optional.of(made))) {
      waitingBytes.addAndGet(-size);
      dropped.increment();
    }
  }

  private void run() {
    List<Optional<Made>> taken = new ArrayList<>(BATCH);
    try {
      boolean end = false;
      while (!end) {
        taken.clear();
        taken.add(queue.take());
        queue.drainTo(taken, BATCH - 1);
        List<Made> batch = taken.stream().flatMap(Optional::stream).toList();
        write(batch);
        batch.forEach(made -> waitingBytes.addAndGet(-made.size()));
        end = batch.size() < taken.size();
        if (!end && batch.size() < BATCH) {
          // Whatever comes in the meantime goes with the next batch.
          TimeUnit.MILLISECONDS.sleep(50);
        }
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private void write(List<Made> batch) {
    List<DecisionStore.Row> rows = new ArrayList<>(batch.size());
    for (Made made : batch) {
      try {
        rows.add(row(made));
      } catch (RuntimeException e) {
        dropped.increment();
        log.warn("a decision about {} cannot be recorded", made.question().resource(), e);
      }
    }
    if (rows.isEmpty()) {
      return;
    }
    try {
      db.dispatch(sql -> {
        store.insert(sql, rows);
        return rows.size();
      });
    } catch (RuntimeException e) {
      dropped.increment(rows.size());
      log.warn("{} decisions could not be recorded", rows.size(), e);
    }
  }

  private DecisionStore.Row row(Made made) {
    Mandate mandate = made.mandate();
    Question question = made.question();
    ObjectValue input = made.input();
    String hash = made.hash();
    if (input == null) {
      input = inputs.of(mandate, question, made.at());
      hash = InputDocument.hash(input);
    }
    Question.Run run = question.run();
    Decision decision =
        new Decision(
            Ids.next(),
            made.at(),
            InputDocument.actor(mandate).toString(),
            mandate.user(),
            run == null ? null : run.id(),
            question.action(),
            question.resource(),
            made.verdict().outcome(),
            made.set(),
            made.installationSet(),
            made.verdict().rules(),
            hash,
            made.micros());
    byte[] sealed =
        cipher.encrypt(
            mandate.org(),
            context(decision.id()),
            content(input, made.verdict()).getBytes(StandardCharsets.UTF_8));
    return new DecisionStore.Row(mandate.org(), decision, sealed);
  }

  private static String content(ObjectValue input, Verdict verdict) {
    Value redacted = Redaction.of(input);
    String json = dev.mandate.rego.value.Json.write(redacted);
    boolean whole = json.length() <= MAX_INPUT;
    if (!whole) {
      json = dev.mandate.rego.value.Json.write(withoutArguments((ObjectValue) redacted));
    }
    var content = Json.object().put("input", json).put("whole", whole);
    var messages = content.putArray("messages");
    verdict.messages().forEach(messages::add);
    return content.put("terms", terms(verdict)).toString();
  }

  private static Value withoutArguments(ObjectValue input) {
    ObjectValue.Builder copy = ObjectValue.builder();
    input
        .asMap()
        .forEach((key, value) -> {
          if (value instanceof ObjectValue object && object.get("arguments") != null) {
            ObjectValue.Builder rest = ObjectValue.builder();
            object
                .asMap()
                .forEach((name, each) -> {
                  if (!name.equals(new dev.mandate.rego.value.StringValue("arguments"))) {
                    rest.put(name, each);
                  }
                });
            copy.put(key, rest.build());
          } else {
            copy.put(key, value);
          }
        });
    return copy.build();
  }

  /** What a decision comes to besides its outcome: two with the same terms have the same effect. */
  static String terms(Verdict verdict) {
    if (verdict.denied()) {
      return "";
    }
    List<String> terms = new ArrayList<>();
    verdict.demands().forEach(demand -> terms.add("approval " + demand.decider()));
    verdict.obligations().stream()
        .filter(Obligation::changesResult)
        .forEach(obligation -> terms.add(obligation.toString()));
    return terms.stream().distinct().sorted().reduce((a, b) -> a + "\n" + b).orElse("");
  }

  Decision.Sealed open(OrgId org, DecisionStore.Stored stored) {
    byte[] plain = cipher.decrypt(org, context(stored.decision().id()), stored.sealed());
    var content = Json.read(new String(plain, StandardCharsets.UTF_8));
    List<String> messages = new ArrayList<>();
    content.get("messages").forEach(message -> messages.add(message.textValue()));
    return new Decision.Sealed(
        content.get("input").textValue(),
        content.get("whole").booleanValue(),
        messages,
        content.get("terms").textValue());
  }

  static String context(UUID id) {
    return "decision:" + id;
  }

  /** Writes what is left. */
  @Override
  public void close() {
    Thread running = thread;
    if (running == null) {
      return;
    }
    try {
      queue.put(Optional.empty());
      running.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
