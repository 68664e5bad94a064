package dev.mandate.models;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Which models can look at pictures, for those where nobody says. A wrong no costs a picture, which
 * the model is told of; a wrong yes costs the run, which the provider refuses.
 */
final class Vision {
  /** Of OpenAI's, those that read text alone. */
  private static final Pattern BLIND =
      Pattern.compile(
          "gpt-3\\.5.*|gpt-4|gpt-4-(0613|32k.*)|o1-(mini|preview).*|o3-mini.*|gpt-oss.*");

  /** Of all that anybody may serve, families that see. */
  private static final Pattern SEES =
      Pattern.compile(
          ".*(\\bvl|vl\\b|vision|llava|pixtral|moondream|minicpm-v|internvl|gemma-?[34]|llama-?4"
              + "|gpt-4o|gpt-4\\.1|gpt-[56]|claude|gemini|mistral-small-?3\\.|mistral-medium-?3).*");

  private Vision() {}

  static boolean guess(Provider provider, String remoteName) {
    String name = remoteName.toLowerCase(Locale.ROOT);
    return switch (provider) {
      case ANTHROPIC, GEMINI -> true;
      case OPENAI -> !BLIND.matcher(name).matches();
      case OLLAMA, OPENAI_COMPATIBLE -> SEES.matcher(name).matches();
      case REHEARSAL -> false;
    };
  }
}
