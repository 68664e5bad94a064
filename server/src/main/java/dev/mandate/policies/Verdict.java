package dev.mandate.policies;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What policies say of one call.
 *
 * @param denials why not; empty if nobody objects
 * @param demands approvals that are asked for whatever a grant says
 * @param obligations what the caller has to do with the call
 * @param stamp how it was decided; null if no policy was asked
 */
public record Verdict(
    List<Denial> denials,
    List<Demand> demands,
    List<Obligation> obligations,
    @Nullable Stamp stamp) {
  /** No policy was asked. */
  public static final Verdict NONE = new Verdict(List.of(), List.of(), List.of(), null);

  private static final int LONGEST_MESSAGE = 2000;

  /**
   * An objection.
   *
   * @param message fit for the caller
   * @param rule {@code mandate.policies.four_eyes.deny@7}
   * @param error the policy could not be asked: that is an objection too
   */
  public record Denial(String message, String rule, boolean error) {}

  /**
   * An approval that is asked for.
   *
   * @param decider see {@link Decider}
   */
  public record Demand(String decider, String reason, String rule) {}

  public Verdict {
    denials = List.copyOf(denials);
    demands = List.copyOf(demands);
    obligations = List.copyOf(obligations);
  }

  public boolean denied() {
    return !denials.isEmpty();
  }

  /** {@code POLICY_ERROR} if a policy could not be asked, else {@code POLICY}. */
  public String reason() {
    return denials.stream().anyMatch(Denial::error) ? "POLICY_ERROR" : "POLICY";
  }

  /** The objections in the policies' own words. */
  public String message() {
    String message =
        denials.stream().map(Denial::message).distinct().collect(Collectors.joining("; "));
    return message.length() <= LONGEST_MESSAGE
        ? message
        : message.substring(0, LONGEST_MESSAGE) + "…";
  }

  /** What this and another verdict about the same call say together. */
  public Verdict and(Verdict other) {
    return new Verdict(
        joined(denials, other.denials),
        joined(demands, other.demands),
        joined(obligations, other.obligations),
        stamp == null ? other.stamp : stamp.and(other.stamp));
  }

  private static <T> List<T> joined(List<T> one, List<T> two) {
    Set<T> all = new LinkedHashSet<>(one);
    all.addAll(two);
    return new ArrayList<>(all);
  }

  /** {@code allow}, {@code deny}, {@code approval} or {@code error}. */
  String outcome() {
    if (denied()) {
      return reason().equals("POLICY") ? "deny" : "error";
    }
    return demands.isEmpty() ? "allow" : "approval";
  }

  /** The rules that objected or asked for an approval. */
  List<String> rules() {
    Set<String> rules = new LinkedHashSet<>();
    denials.forEach(denial -> rules.add(denial.rule()));
    demands.forEach(demand -> rules.add(demand.rule()));
    return List.copyOf(rules);
  }

  /** Everything that was said, a line each. */
  List<String> messages() {
    List<String> messages = new ArrayList<>();
    denials.forEach(denial -> messages.add(denial.message()));
    demands.forEach(
        demand -> messages.add("approval by " + demand.decider() + ": " + demand.reason()));
    obligations.forEach(obligation -> messages.add("obligation: " + obligation));
    return messages;
  }

  Verdict stamped(long set, long installationSet, String inputHash, long micros) {
    return new Verdict(
        denials, demands, obligations, new Stamp(set, installationSet, rules(), inputHash, micros));
  }

  /**
   * How a call was decided, for its audit entry.
   *
   * @param set version of the organization's policies in force
   * @param installationSet version of the installation's
   * @param rules that objected or asked for an approval
   * @param input SHA-256 of the input
   */
  public record Stamp(
      long set, long installationSet, List<String> rules, String input, long micros) {
    private Stamp and(@Nullable Stamp other) {
      return other == null
          ? this
          : new Stamp(
              set, installationSet, joined(rules, other.rules), input, micros + other.micros);
    }

    public ObjectNode json() {
      ObjectNode json = Json.object().put("set", set).put("installation_set", installationSet);
      var names = json.putArray("rules");
      rules.forEach(names::add);
      return json.put("input", input).put("micros", micros);
    }
  }

  /** Gathers a verdict. */
  static final class Builder {
    private final List<Denial> denials = new ArrayList<>();
    private final List<Demand> demands = new ArrayList<>();
    private final List<Obligation> obligations = new ArrayList<>();

    void deny(String message, String rule) {
      denials.add(new Denial(message, rule, false));
    }

    /**
     * @param problem for the caller: no values of the input
     */
    void error(String problem, String rule) {
      denials.add(
          new Denial(
              "a policy could not be evaluated (" + rule + ": " + problem + ")", rule, true));
    }

    void demand(String decider, String reason, String rule) {
      demands.add(new Demand(decider, reason, rule));
    }

    void oblige(Obligation obligation) {
      obligations.add(obligation);
    }

    Verdict build() {
      return new Verdict(denials, demands, obligations, null);
    }
  }
}
