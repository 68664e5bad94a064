package dev.mandate.kernel.rpc;

import com.linecorp.armeria.common.RequestHeaders;
import java.util.List;
import java.util.Locale;

/** What a caller says it takes: {@code Accept}, {@code Accept-Encoding}, {@code If-None-Match}. */
final class Accept {
  private Accept() {}

  /** Whether an answer of this type may be sent; whoever says nothing takes everything. */
  static boolean type(RequestHeaders headers, String type) {
    List<String> all = headers.getAll("accept");
    if (all.isEmpty()) {
      return true;
    }
    String any = type.substring(0, type.indexOf('/')) + "/*";
    // The most exact range that fits decides, also when it refuses (q=0).
    int best = 0;
    boolean taken = false;
    for (String range : String.join(",", all).split(",", -1)) {
      String name = name(range);
      int exact = name.equals(type) ? 3 : name.equals(any) ? 2 : name.equals("*/*") ? 1 : 0;
      if (exact > best) {
        best = exact;
        taken = !refuses(range);
      } else if (exact == best && exact > 0) {
        taken |= !refuses(range);
      }
    }
    return taken;
  }

  /** Whether the list in this header names a compression. */
  static boolean gzip(RequestHeaders headers, String header) {
    for (String one : String.join(",", headers.getAll(header)).split(",", -1)) {
      if (name(one).equals("gzip")) {
        return !refuses(one);
      }
    }
    return false;
  }

  /** Whether the caller has this version already. */
  static boolean has(RequestHeaders headers, String tag) {
    for (String one : String.join(",", headers.getAll("if-none-match")).split(",", -1)) {
      String known = one.strip();
      // A proxy that compresses makes a strong tag weak: for reading that is the same version.
      if (known.equals("*") || known.equals(tag) || known.equals("W/" + tag)) {
        return true;
      }
    }
    return false;
  }

  private static String name(String one) {
    int end = one.indexOf(';');
    return (end < 0 ? one : one.substring(0, end)).strip().toLowerCase(Locale.ROOT);
  }

  private static boolean refuses(String one) {
    for (String parameter : one.split(";", -1)) {
      String text = parameter.strip().toLowerCase(Locale.ROOT);
      if (text.matches("q=0(\\.0{0,3})?")) {
        return true;
      }
    }
    return false;
  }
}
