package dev.mandate.identity;

import dev.mandate.kernel.Failure;
import java.util.Locale;

/** Email addresses as accounts know them: lower case, so that there is one spelling of each. */
public final class Emails {
  private static final int MAX = 254;

  private Emails() {}

  /**
   * The one spelling of an address that an account or an invitation is to have.
   *
   * @param field the request field it came from
   * @throws Failure {@code INVALID_ARGUMENT} if it is no address; whether mail reaches it is not
   *     asked
   */
  public static String parse(String field, String text) {
    String email = spelling(text);
    int at = email.indexOf('@');
    boolean shaped =
        at > 0
            && at == email.lastIndexOf('@')
            && at < email.length() - 1
            && email.length() <= MAX
            && email.codePoints().noneMatch(Emails::unseen);
    if (!shaped) {
      throw Failure.invalid(
          field,
          email.isEmpty()
              ? "is required"
              : "not an email address: '" + Failure.excerpt(text) + "'");
    }
    return email;
  }

  /** What does not show: with it, one address could look like another. */
  private static boolean unseen(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.SPACE_SEPARATOR,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          true;
      default -> false;
    };
  }

  /** The spelling to look up; an address that cannot be one is simply not found. */
  static String spelling(String text) {
    return text.strip().toLowerCase(Locale.ROOT);
  }
}
