package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Failure;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Finds the method that a REST address means. Literal segments go before variables. */
final class Router {
  /** A method's binding. */
  record Route(Method method, HttpBinding binding) {}

  /**
   * What an address means.
   *
   * @param values the texts of the path variables, decoded, in the template's order
   */
  record Match(Route route, List<String> values) {}

  private static final class Node {
    final Map<String, Node> literals = new HashMap<>();
    @Nullable Node variable;

    /** Custom verb, then HTTP verb. */
    final Map<String, Map<String, Route>> ends = new HashMap<>();
  }

  /** One walk through the tree. */
  private static final class Walk {
    final String verb;
    final String[] parts;
    final List<String> raw = new ArrayList<>(4);
    final TreeSet<String> allowed = new TreeSet<>();

    Walk(String verb, String[] parts) {
      this.verb = verb;
      this.parts = parts;
    }
  }

  private final Node root = new Node();

  Router(Iterable<Method> methods) {
    for (Method method : methods) {
      for (HttpBinding binding : method.bindings()) {
        add(new Route(method, binding));
      }
    }
  }

  private void add(Route route) {
    Node node = root;
    for (HttpBinding.Segment segment : route.binding.segments()) {
      if (!segment.variable().isEmpty()) {
        if (node.variable == null) {
          node.variable = new Node();
        }
        node = node.variable;
      } else {
        node = node.literals.computeIfAbsent(segment.literal(), literal -> new Node());
      }
    }
    Route there =
        node.ends
            .computeIfAbsent(route.binding.suffix(), suffix -> new HashMap<>())
            .putIfAbsent(route.binding.verb(), route);
    if (there != null) {
      throw new IllegalStateException(
          route.method + " and " + there.method + " share " + route.binding.template());
    }
  }

  /**
   * @param path as sent, still percent-encoded
   * @throws Failure {@code NO_ROUTE}; {@code WRONG_VERB} with the detail {@code allow}
   */
  Match find(String verb, String path) {
    Walk walk = new Walk(verb, path.substring(1).split("/", -1));
    Route route = descend(root, 0, walk);
    if (route != null) {
      List<String> values = new ArrayList<>(walk.raw.size());
      for (String raw : walk.raw) {
        values.add(decode(raw));
      }
      return new Match(route, values);
    }
    if (walk.allowed.isEmpty()) {
      throw Failure.of(Failure.Code.NOT_FOUND, "NO_ROUTE", "there is no such address");
    }
    throw Failures.wrongVerb(verb, String.join(", ", walk.allowed));
  }

  /**
   * The verbs that an address takes, in order.
   *
   * @throws Failure {@code NO_ROUTE}
   */
  Set<String> verbs(String path) {
    // No verb is called so: the walk looks at every end that the address leads to.
    Walk walk = new Walk("", path.substring(1).split("/", -1));
    Route none = descend(root, 0, walk);
    if (none != null || walk.allowed.isEmpty()) {
      throw Failure.of(Failure.Code.NOT_FOUND, "NO_ROUTE", "there is no such address");
    }
    if (walk.allowed.contains("GET")) {
      walk.allowed.add("HEAD");
    }
    return walk.allowed;
  }

  private static @Nullable Route descend(Node node, int depth, Walk walk) {
    String part = walk.parts[depth];
    boolean last = depth == walk.parts.length - 1;
    if (!last) {
      Node literal = node.literals.get(part);
      Route found = literal == null ? null : descend(literal, depth + 1, walk);
      Node variable = node.variable;
      return found != null || variable == null || part.isEmpty()
          ? found
          : capture(part, () -> descend(variable, depth + 1, walk), walk);
    }
    Route found = end(node, part, "", walk);
    int colon = part.lastIndexOf(':');
    if (found == null && colon >= 0) {
      found = end(node, part.substring(0, colon), part.substring(colon + 1), walk);
    }
    return found;
  }

  private static @Nullable Route end(Node node, String part, String suffix, Walk walk) {
    Node literal = node.literals.get(part);
    Route found = literal == null ? null : pick(literal, suffix, walk);
    if (found != null || node.variable == null || part.isEmpty()) {
      return found;
    }
    Node variable = node.variable;
    return capture(part, () -> pick(variable, suffix, walk), walk);
  }

  private static @Nullable Route capture(String part, Supplier<@Nullable Route> next, Walk walk) {
    walk.raw.add(part);
    Route found = next.get();
    if (found == null) {
      walk.raw.removeLast();
    }
    return found;
  }

  private static @Nullable Route pick(Node node, String suffix, Walk walk) {
    Map<String, Route> verbs = node.ends.get(suffix);
    if (verbs == null) {
      return null;
    }
    Route found = verbs.get(walk.verb);
    if (found == null) {
      walk.allowed.addAll(verbs.keySet());
    }
    return found;
  }

  /** Decodes %XX, and nothing else: a plus in a path is a plus. */
  private static String decode(String raw) {
    if (raw.indexOf('%') < 0) {
      return raw;
    }
    byte[] out = new byte[raw.length()];
    int length = 0;
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '%') {
        out[length++] = (byte) c;
        continue;
      }
      int high = i + 2 < raw.length() ? Character.digit(raw.charAt(i + 1), 16) : -1;
      int low = high >= 0 ? Character.digit(raw.charAt(i + 2), 16) : -1;
      if (low < 0) {
        throw badEncoding();
      }
      out[length++] = (byte) (high << 4 | low);
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(out, 0, length)).toString();
    } catch (CharacterCodingException e) {
      throw badEncoding();
    }
  }

  private static Failure badEncoding() {
    return Failure.of(
        Failure.Code.INVALID_ARGUMENT,
        "MALFORMED_ADDRESS",
        "the address is not valid UTF-8 in %XX");
  }
}
