package dev.mandate.kernel.config;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.db.DataFolder;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Gathers the settings' texts from where they stand and turns them into a {@link Config}. */
final class ConfigReader {
  /**
   * Variables of ours that are no settings: of the launcher, the client, and of where they stand.
   */
  private static final Set<String> NOT_SETTINGS =
      Set.of(
          "MANDATE_URL",
          "MANDATE_TOKEN",
          "MANDATE_PROFILE",
          "MANDATE_MODEL",
          "MANDATE_CONFIG",
          "MANDATE_LAUNCHER",
          "MANDATE_READY_FILE",
          "MANDATE_JAVA_OPTS");

  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

  /** A setting's text, and where it stands: for errors. */
  private record Given(String text, String source) {}

  private final Map<String, String> flags;
  private final Map<String, String> environment;
  private final Map<String, Given> given = new HashMap<>();

  ConfigReader(Map<String, String> flags, Map<String, String> environment) {
    this.flags = flags;
    this.environment = environment;
  }

  static Map<String, String> flags(List<String> arguments) {
    Map<String, SettingTable.Entry> known = new LinkedHashMap<>();
    SettingTable.entries().values().forEach(e -> e.flags().forEach(flag -> known.put(flag, e)));
    Map<String, String> flags = new HashMap<>();
    for (int i = 0; i < arguments.size(); i++) {
      String argument = arguments.get(i);
      int equals = argument.indexOf('=');
      String name = equals < 0 ? argument : argument.substring(0, equals);
      SettingTable.Entry entry = name.startsWith("--") ? known.get(name.substring(2)) : null;
      if (entry == null) {
        throw unknown(name, "--", name.replaceFirst("^-*", ""), known.keySet(), "a flag");
      }
      if (equals >= 0) {
        flags.put(entry.path(), argument.substring(equals + 1));
      } else if (entry.type() == boolean.class) {
        flags.put(entry.path(), "true");
      } else if (i + 1 < arguments.size()) {
        flags.put(entry.path(), arguments.get(++i));
      } else {
        throw Failure.invalid(name, "needs a value");
      }
    }
    return flags;
  }

  Config read(@Nullable Path explicit) {
    SettingTable.entries().values().forEach(this::readDefault);
    readEnvironment();
    flags.forEach((path, text) -> given.put(path, new Given(text, "--" + path)));
    Path file = explicit != null ? explicit : dataFolder().resolve("mandate.yaml");
    if (explicit != null || Files.exists(file)) {
      readFile(file, explicit != null);
    }
    return (Config) build("", Config.class);
  }

  private void readDefault(SettingTable.Entry entry) {
    String text =
        entry.path().equals("data") ? DataFolder.defaultLocation().toString() : entry.byDefault();
    given.put(entry.path(), new Given(text, DEFAULT));
  }

  private static final String DEFAULT = "the default";

  private void readEnvironment() {
    Set<String> known = new HashSet<>(NOT_SETTINGS);
    for (SettingTable.Entry entry : SettingTable.entries().values()) {
      known.addAll(entry.environment());
      for (String name : entry.environment()) {
        String text = environment.get(name);
        if (text != null && !text.isBlank()) {
          given.put(entry.path(), new Given(text, name));
          break;
        }
      }
    }
    for (String name : environment.keySet()) {
      if (name.startsWith("MANDATE_") && !known.contains(name)) {
        throw unknown(name, "", name, known, "an environment variable");
      }
    }
  }

  private Path dataFolder() {
    return Path.of(text("data").text());
  }

  private Given text(String path) {
    return java.util.Objects.requireNonNull(given.get(path), path);
  }

  private void readFile(Path file, boolean explicit) {
    JsonNode root;
    try {
      root =
          YAMLMapper.builder(
                  YAMLFactory.builder()
                      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                      .build())
              .build()
              .readTree(file.toFile());
    } catch (IOException e) {
      throw Failure.invalid(file.toString(), "cannot be read: " + e.getMessage());
    }
    Map<String, String> texts = new LinkedHashMap<>();
    if (root != null && !root.isMissingNode() && !root.isNull()) {
      flatten(file, "", root, texts);
    }
    texts.forEach((path, text) -> {
      if (!SettingTable.entries().containsKey(path)) {
        throw unknown(
            path, "", path, SettingTable.entries().keySet(), "a setting (in " + file + ")");
      }
      if (path.equals("data") && !explicit) {
        throw Failure.invalid("data", "cannot be set in " + file + ", which lies in it");
      }
      // The environment and flags come after the file and were read before it.
      if (text(path).source().equals(DEFAULT)) {
        given.put(path, new Given(text, file.toString()));
      }
    });
  }

  private static void flatten(Path file, String path, JsonNode node, Map<String, String> into) {
    if (node.isObject()) {
      node.properties()
          .forEach(each ->
              flatten(
                  file,
                  path.isEmpty() ? each.getKey() : path + "." + each.getKey(),
                  each.getValue(),
                  into));
    } else if (path.isEmpty()) {
      throw Failure.invalid(file.toString(), "must be a mapping of settings");
    } else if (node.isArray()) {
      List<String> items = new ArrayList<>();
      node.forEach(item -> items.add(item.asText()));
      into.put(path, String.join(",", items));
    } else if (!node.isNull()) {
      into.put(path, node.asText());
    }
  }

  private Object build(String prefix, Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      String path = SettingTable.path(prefix, components[i]);
      Class<?> wanted = components[i].getType();
      values[i] =
          wanted.isRecord() && wanted != Secret.class ? build(path, wanted) : value(path, wanted);
    }
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      return type.getDeclaredConstructor(types).newInstance(values);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof Failure refused) {
        throw refused;
      }
      throw new IllegalStateException(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private Object value(String path, Class<?> type) {
    Given from = text(path);
    String text = from.text().strip();
    if (type == Secret.class) {
      return new Secret(text);
    }
    try {
      return convert(text, type);
    } catch (IllegalArgumentException e) {
      String problem = e instanceof NumberFormatException ? "is not a number" : e.getMessage();
      throw Failure.invalid(
          path, "'" + Failure.excerpt(text) + "' " + problem + " (from " + from.source() + ")");
    }
  }

  private static Object convert(String text, Class<?> type) {
    if (type == String.class) {
      return text;
    } else if (type == int.class) {
      return Integer.parseInt(text);
    } else if (type == Path.class) {
      return Path.of(text);
    } else if (type == Duration.class) {
      return duration(text);
    } else if (type == List.class) {
      return Arrays.stream(text.split(",", -1))
          .map(String::strip)
          .filter(item -> !item.isEmpty())
          .toList();
    } else if (type == boolean.class) {
      if (!text.equals("true") && !text.equals("false")) {
        throw new IllegalArgumentException("is not true or false");
      }
      return text.equals("true");
    } else if (type.isEnum()) {
      for (Object each : type.getEnumConstants()) {
        if (each.toString().toLowerCase(Locale.ROOT).equals(text.toLowerCase(Locale.ROOT))) {
          return each;
        }
      }
      throw new IllegalArgumentException(
          "is not one of " + Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT));
    }
    throw new IllegalStateException("no settings of type " + type);
  }

  private static Duration duration(String text) {
    Matcher matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("is not a duration such as 500ms, 30s, 5m, 24h or 7d");
    }
    long count = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(count);
      case "s" -> Duration.ofSeconds(count);
      case "m" -> Duration.ofMinutes(count);
      case "h" -> Duration.ofHours(count);
      default -> Duration.ofDays(count);
    };
  }

  private static Failure unknown(
      String shown, String prefix, String name, Iterable<String> known, String what) {
    String nearest = SettingTable.nearest(name, known);
    return Failure.invalid(
        shown,
        "is not " + what + (nearest == null ? "" : "; did you mean " + prefix + nearest + "?"));
  }
}
