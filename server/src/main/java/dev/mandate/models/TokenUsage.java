package dev.mandate.models;

/**
 * Tokens of one call.
 *
 * @param input all of the prompt, what came from or went to the provider's cache included
 * @param output all of the answer, reasoning included
 * @param cachedInput the part of {@code input} that was read from the provider's cache
 * @param cacheWrite the part of {@code input} that was written to it
 * @param reasoning the part of {@code output} that was not shown
 * @param estimated the provider reported nothing: {@link TokenEstimate} counted
 */
public record TokenUsage(
    long input, long output, long cachedInput, long cacheWrite, long reasoning, boolean estimated) {
  public static final TokenUsage NONE = new TokenUsage(0, 0, 0, 0, 0, false);

  /** No call has more: whoever reports it is wrong, or means harm. */
  private static final long MOST = 1_000_000_000;

  /**
   * What a provider says, brought to what can be: budgets are added up of it, and nobody may earn
   * by calling.
   */
  static TokenUsage reported(
      long input, long output, long cachedInput, long cacheWrite, long reasoning) {
    long all = within(input, MOST);
    long cached = within(cachedInput, all);
    long answer = within(output, MOST);
    return new TokenUsage(
        all, answer, cached, within(cacheWrite, all - cached), within(reasoning, answer), false);
  }

  private static long within(long count, long most) {
    return Math.clamp(count, 0, most);
  }

  public static TokenUsage of(long input, long output) {
    return new TokenUsage(input, output, 0, 0, 0, false);
  }

  public TokenUsage plus(TokenUsage other) {
    return new TokenUsage(
        input + other.input,
        output + other.output,
        cachedInput + other.cachedInput,
        cacheWrite + other.cacheWrite,
        reasoning + other.reasoning,
        estimated || other.estimated);
  }
}
