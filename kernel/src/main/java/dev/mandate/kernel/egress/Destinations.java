package dev.mandate.kernel.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A list of destinations, as operators write them: {@code host}, {@code .suffix} (the domain and
 * everything under it), an address, a network ({@code 10.1.0.0/16}), each with {@code :port} or for
 * any port; {@code *} for everything. IPv6 stands in brackets when a port follows.
 */
public final class Destinations {
  private static final Pattern PORT = Pattern.compile("(.*):(\\d{1,5})");
  private static final Pattern LITERAL =
      Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
  private static final Destinations NONE = new Destinations(List.of());

  private final List<Entry> entries;

  /**
   * @param name lower case, with a leading dot for a suffix; null for a network or everything
   * @param network null for a name or everything
   * @param port -1 for any
   */
  private record Entry(
      @Nullable String name, @Nullable InetAddress network, int prefixLength, int port) {}

  private Destinations(List<Entry> entries) {
    this.entries = entries;
  }

  public static Destinations none() {
    return NONE;
  }

  /**
   * Reads a list with commas or spaces between its entries.
   *
   * @param setting where the text comes from, named in the error
   * @throws IllegalArgumentException for an entry that is none of the forms above
   */
  public static Destinations parse(String setting, String text) {
    List<Entry> entries = new ArrayList<>();
    for (String item : text.split("[,\\s]+", -1)) {
      if (!item.isEmpty()) {
        entries.add(entry(setting, item));
      }
    }
    return new Destinations(List.copyOf(entries));
  }

  /** Whether the host, by its name as the URL has it, is on the list. */
  boolean containsName(String host, int port) {
    String lower = host.toLowerCase(Locale.ROOT);
    for (Entry entry : entries) {
      if (entry.port != -1 && entry.port != port) {
        continue;
      }
      if (entry.network == null && (entry.name == null || matches(entry.name, lower))) {
        return true;
      }
    }
    return false;
  }

  /** Whether the address is in one of the list's networks. */
  public boolean containsAddress(InetAddress address, int port) {
    for (Entry entry : entries) {
      if ((entry.port == -1 || entry.port == port)
          && entry.network != null
          && inside(address.getAddress(), entry.network.getAddress(), entry.prefixLength)) {
        return true;
      }
    }
    return false;
  }

  /** The address that a text spells, without asking anybody; empty for a name. */
  public static Optional<InetAddress> literal(String host) {
    if (!LITERAL.matcher(host).matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(InetAddress.ofLiteral(host));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Entry entry(String setting, String item) {
    String host = item;
    int port = -1;
    Matcher matcher = PORT.matcher(item);
    // A bare IPv6 address ends in what looks like a port.
    if (matcher.matches() && (item.startsWith("[") || item.indexOf(':') == item.lastIndexOf(':'))) {
      host = matcher.group(1);
      port = Integer.parseInt(matcher.group(2));
    }
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    if (host.equals("*")) {
      return new Entry(null, null, 0, port);
    }
    int slash = host.indexOf('/');
    Optional<InetAddress> address = literal(slash < 0 ? host : host.substring(0, slash));
    if (address.isPresent()) {
      int bits = address.get().getAddress().length * 8;
      int length = bits;
      if (slash >= 0) {
        String digits = host.substring(slash + 1);
        length = digits.matches("\\d{1,3}") ? Integer.parseInt(digits) : -1;
      }
      if (length < 0 || length > bits) {
        throw new IllegalArgumentException(setting + ": '" + item + "' is no network");
      }
      return new Entry(null, address.get(), length, port);
    }
    String name = host.startsWith("*.") ? host.substring(1) : host;
    if (!name.matches("\\.?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?")) {
      throw new IllegalArgumentException(
          setting + ": '" + item + "' is no host, address or network");
    }
    return new Entry(name.toLowerCase(Locale.ROOT), null, 0, port);
  }

  private static boolean matches(String name, String host) {
    return name.startsWith(".")
        ? host.endsWith(name) || host.equals(name.substring(1))
        : host.equals(name);
  }

  private static boolean inside(byte[] address, byte[] network, int prefixLength) {
    if (address.length != network.length) {
      return false;
    }
    for (int bit = 0; bit < prefixLength; bit++) {
      int mask = 0x80 >> (bit & 7);
      if ((address[bit >> 3] & mask) != (network[bit >> 3] & mask)) {
        return false;
      }
    }
    return true;
  }

  /** All addresses of a host: blocks, asks the system's resolver. */
  static List<InetAddress> lookUp(String host) throws UnknownHostException {
    Optional<InetAddress> literal = literal(host);
    return literal.isPresent()
        ? List.of(literal.get())
        : Arrays.asList(InetAddress.getAllByName(host));
  }
}
