package dev.mandate.kernel.config;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Writes the reference page from what the settings say about themselves. */
final class ConfigReference {
  private ConfigReference() {}

  static String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Configuration

            Every setting, generated from the program. Each can stand in `mandate.yaml` (in the data
            folder, or where `MANDATE_CONFIG` says), in the environment, and on the command line of
            `./mandate up`; the later overrides the earlier. In the file a path is nested
            (`http.port` is `port` under `http`). An unknown name is an error.
            """);
    for (SettingTable.Entry entry : SettingTable.entries().values()) {
      page.append("\n## `").append(entry.path()).append("`\n\n");
      page.append(entry.description()).append("\n\n");
      page.append("- Type: ").append(type(entry.type())).append('\n');
      if (!entry.byDefault().isEmpty()) {
        page.append("- Default: `").append(entry.byDefault()).append("`\n");
      }
      page.append("- Environment: ").append(names("", entry.environment())).append('\n');
      page.append("- Flag: ").append(names("--", entry.flags())).append('\n');
    }
    return page.toString();
  }

  private static String names(String prefix, Iterable<String> names) {
    return java.util.stream.StreamSupport.stream(names.spliterator(), false)
        .map(name -> "`" + prefix + name + "`")
        .collect(Collectors.joining(", "));
  }

  private static String type(Class<?> type) {
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(each -> "`" + each.toString().toLowerCase(Locale.ROOT) + "`")
          .collect(Collectors.joining(", "));
    }
    return switch (type.getSimpleName()) {
      case "int" -> "whole number";
      case "boolean" -> "`true` or `false`";
      case "Duration" -> "duration, e.g. `500ms`, `30s`, `5m`, `24h`, `7d`";
      case "List" -> "list; in the environment and in flags separated by commas";
      case "Secret" -> "text, never shown";
      case "Path" -> "path";
      default -> "text";
    };
  }
}
