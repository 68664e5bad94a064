package dev.mandate.models;

import dev.mandate.kernel.Failure;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Whose protocol a model speaks, and where it is when nobody says otherwise. */
public enum Provider {
  OPENAI("https://api.openai.com/v1"),
  ANTHROPIC("https://api.anthropic.com"),
  /** Through Gemini's endpoint for OpenAI clients. */
  GEMINI("https://generativelanguage.googleapis.com/v1beta/openai"),
  OLLAMA("http://127.0.0.1:11434/v1"),
  /** Anything else that speaks OpenAI's chat completions: vLLM, LM Studio, a gateway. */
  OPENAI_COMPATIBLE(""),
  /** Scripted: no language model at all. */
  REHEARSAL("");

  private final String defaultBaseUrl;

  Provider(String defaultBaseUrl) {
    this.defaultBaseUrl = defaultBaseUrl;
  }

  /** Empty where there is none and one must be given. */
  public String defaultBaseUrl() {
    return defaultBaseUrl;
  }

  /** The name on the wire and in the database, e.g. {@code openai-compatible}. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * @param field the request field, named in the error
   */
  public static Provider parse(String field, String name) {
    for (Provider provider : values()) {
      if (provider.wireName().equals(name)) {
        return provider;
      }
    }
    throw Failure.invalid(
        field,
        "'"
            + Failure.excerpt(name)
            + "' is no provider; there are "
            + Arrays.stream(values()).map(Provider::wireName).collect(Collectors.joining(", ")));
  }
}
