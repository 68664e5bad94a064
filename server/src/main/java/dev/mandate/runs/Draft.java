package dev.mandate.runs;

import dev.mandate.kernel.db.Tx;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Steps that are about to be appended, with the texts that they refer to and with what is recorded
 * beside them, all in one transaction.
 */
final class Draft {
  private final List<Step> steps = new ArrayList<>();
  private final Map<String, String> texts = new LinkedHashMap<>();
  private final List<Consumer<Tx>> beside = new ArrayList<>();
  private final boolean result;
  private long request;

  private Draft(boolean result) {
    this.result = result;
  }

  /** What the owner decided on the present state: void if the log has grown meanwhile. */
  static Draft decided(Step... steps) {
    return new Draft(false).add(steps);
  }

  /** What came back from outside: it stands whatever else happened. */
  static Draft result(Step... steps) {
    return new Draft(true).add(steps);
  }

  /**
   * Says which request of the model this is the answer to.
   *
   * @param seq where the request stands in the log
   */
  Draft answers(long seq) {
    request = seq;
    return this;
  }

  Draft add(Step... more) {
    steps.addAll(List.of(more));
    return this;
  }

  /** Keeps a text and returns its hash. */
  String keep(String text) {
    String hash = Payloads.hash(text);
    texts.put(hash, text);
    return hash;
  }

  /**
   * @param work runs again if the transaction does
   */
  Draft beside(Consumer<Tx> work) {
    beside.add(work);
    return this;
  }

  List<Step> steps() {
    return steps;
  }

  /** By hash. */
  Map<String, String> texts() {
    return texts;
  }

  /** Where the request stands that this answers; 0 if it is not the model's answer. */
  long request() {
    return request;
  }

  boolean isResult() {
    return result;
  }

  void recordBeside(Tx tx) {
    beside.forEach(work -> work.accept(tx));
  }
}
