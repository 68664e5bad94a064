package dev.mandate.bench;

import org.jspecify.annotations.Nullable;

/** What was measured did not do its work. */
final class WrongAnswer extends RuntimeException {
  private static final long serialVersionUID = 1L;

  WrongAnswer(String what) {
    super(what);
  }

  static void unless(boolean right, String what, @Nullable Object got) {
    if (!right) {
      throw new WrongAnswer(what + ": got " + got);
    }
  }
}
