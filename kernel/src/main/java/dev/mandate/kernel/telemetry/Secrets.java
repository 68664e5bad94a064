package dev.mandate.kernel.telemetry;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes credentials out of text that is about to be written: ours by their prefixes, those of model
 * providers by theirs, and whatever stands after {@code Bearer}. A net below those who log, who do
 * not log secrets in the first place.
 */
public final class Secrets {
  private static final Pattern SECRET =
      Pattern.compile(
          "\\b(mdt_|mds_|mdr_|mdl_|mdi_|sk-ant-|sk-|AIza)[A-Za-z0-9_-]{12,}"
              + "|(?i:\\b(bearer|basic)\\s+)[A-Za-z0-9._~+/=-]{8,}"
              + "|(?i:\\b(password|secret|api[_-]?key|token)[\"']?\\s*[=:]\\s*[\"']?)[^\\s\"',;&]{6,}"
              + "|://[^\\s/@:]+:[^\\s/@]+@");

  private Secrets() {}

  /** The text with every credential it seems to hold cut to its kind. */
  public static String mask(String text) {
    if (!suspicious(text)) {
      return text;
    }
    Matcher matcher = SECRET.matcher(text);
    if (!matcher.find()) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    do {
      matcher.appendReplacement(out, Matcher.quoteReplacement(replacement(matcher)));
    } while (matcher.find());
    return matcher.appendTail(out).toString();
  }

  /**
   * Whether any branch of the expression can match: it is tried at every character, which most text
   * needs not pay for.
   */
  private static boolean suspicious(String text) {
    for (int i = 0; i < text.length() - 2; i++) {
      boolean begins =
          switch (text.charAt(i)) {
            case 'm' -> text.charAt(i + 1) == 'd';
            case 's', 'S' -> text.startsWith("sk-", i) || begins(text, i, "secret");
            case 'A' -> text.startsWith("AIza", i) || begins(text, i, "api");
            case 'a' -> begins(text, i, "api");
            case 'b', 'B' -> begins(text, i, "bearer") || begins(text, i, "basic");
            case 'p', 'P' -> begins(text, i, "password");
            case 't', 'T' -> begins(text, i, "token");
            case ':' -> text.startsWith("://", i);
            default -> false;
          };
      if (begins) {
        return true;
      }
    }
    return false;
  }

  private static boolean begins(String text, int at, String word) {
    return text.regionMatches(true, at, word, 0, word.length());
  }

  private static String replacement(Matcher matcher) {
    if (matcher.group(1) != null) {
      return matcher.group(1) + "…";
    }
    if (matcher.group(2) != null) {
      return matcher.group(2) + " …";
    }
    if (matcher.group(3) != null) {
      return matcher.group(3) + "=…";
    }
    return "://…@";
  }
}
