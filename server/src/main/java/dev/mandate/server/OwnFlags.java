package dev.mandate.server;

import dev.mandate.kernel.Failure;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Takes the flags that are one command's own out of a list; what is left are settings. */
final class OwnFlags {
  private OwnFlags() {}

  static boolean given(List<String> flags, String name) {
    return flags.removeAll(List.of(name));
  }

  /** The value of {@code --name value} or {@code --name=value}; null if it is not there. */
  static @Nullable String value(List<String> flags, String name) {
    for (int i = 0; i < flags.size(); i++) {
      String flag = flags.get(i);
      if (flag.startsWith(name + "=")) {
        flags.remove(i);
        return flag.substring(name.length() + 1);
      }
      if (flag.equals(name)) {
        if (i + 1 == flags.size()) {
          throw Failure.invalid(name, "needs a value");
        }
        flags.remove(i);
        return flags.remove(i);
      }
    }
    return null;
  }
}
