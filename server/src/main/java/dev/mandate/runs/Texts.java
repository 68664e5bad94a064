package dev.mandate.runs;

/** Text from outside, made fit for the record. */
final class Texts {
  /** Characters of a result that stand in the log itself. */
  static final int EXCERPT = 2_000;

  private Texts() {}

  /** PostgreSQL takes neither NUL nor half a surrogate pair: both become U+FFFD. */
  static String clean(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (unfit(text, i)) {
        StringBuilder out = new StringBuilder(text);
        for (int j = i; j < out.length(); j++) {
          if (unfit(text, j)) {
            out.setCharAt(j, '\uFFFD');
          }
        }
        return out.toString();
      }
    }
    return text;
  }

  private static boolean unfit(String text, int at) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c)) {
      return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
    }
    if (Character.isLowSurrogate(c)) {
      return at == 0 || !Character.isHighSurrogate(text.charAt(at - 1));
    }
    return c == 0;
  }

  /** At most {@code most} characters, never half a character. */
  static String cut(String text, int most) {
    if (text.length() <= most) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end);
  }
}
