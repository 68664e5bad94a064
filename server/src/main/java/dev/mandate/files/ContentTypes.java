package dev.mandate.files;

import dev.mandate.kernel.Failure;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What contents may be, whether they are what they are said to be, and as what they are served. */
final class ContentTypes {
  /** How much of a content's beginning {@link #mismatch} wants. */
  static final int HEAD = 1024;

  private static final Pattern WELL_FORMED =
      Pattern.compile("[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}");

  private static final Set<String> TEXT =
      Set.of(
          "application/json",
          "application/x-ndjson",
          "application/xml",
          "application/yaml",
          "application/toml",
          "image/svg+xml");

  /** Formats whose beginning is known, by what the beginning is called below. */
  private static final Map<String, String> KNOWN =
      Map.of(
          "image/png", "png",
          "image/jpeg", "jpeg",
          "image/gif", "gif",
          "image/webp", "webp",
          "application/pdf", "pdf",
          "application/zip", "zip",
          "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "zip",
          "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "zip",
          "application/vnd.openxmlformats-officedocument.presentationml.presentation", "zip");

  /** Nothing that a browser would run, even if it looked at it. */
  private static final Set<String> SAFE =
      Set.of(
          "image/png",
          "image/jpeg",
          "image/gif",
          "image/webp",
          "application/pdf",
          "application/json",
          "application/zip",
          "text/plain",
          "text/csv",
          "text/markdown");

  private ContentTypes() {}

  /**
   * Reads a content type that somebody declares, without its parameters.
   *
   * @throws Failure {@code INVALID_ARGUMENT} for one that is malformed or not accepted
   */
  static String accept(String field, String declared, List<String> allowed) {
    int end = declared.indexOf(';');
    String type =
        (end < 0 ? declared : declared.substring(0, end)).strip().toLowerCase(Locale.ROOT);
    if (!WELL_FORMED.matcher(type).matches()) {
      throw Failure.invalid(
          field,
          type.isEmpty()
              ? "is required"
              : "'" + Failure.excerpt(declared) + "' is not a content type like image/png");
    }
    for (String each : allowed) {
      boolean all = each.endsWith("/*") && type.startsWith(each.substring(0, each.length() - 1));
      if (all || each.equals(type) || each.equals("*/*")) {
        return type;
      }
    }
    throw Failure.invalid(
        field, "'" + type + "' is not accepted here; accepted are " + String.join(", ", allowed));
  }

  static boolean isText(String type) {
    return type.startsWith("text/") || type.endsWith("+json") || TEXT.contains(type);
  }

  /** As what a content may be sent to a browser. */
  static String safe(String type) {
    if (!SAFE.contains(type)) {
      return "application/octet-stream";
    }
    return type.startsWith("text/") ? type + "; charset=utf-8" : type;
  }

  /**
   * Whether a content begins as its type must.
   *
   * @param head its first {@link #HEAD} bytes
   * @return what is wrong; null if nothing is
   */
  static @Nullable String mismatch(String type, byte[] head) {
    String found = sniff(head);
    String wanted = KNOWN.get(type);
    if (wanted != null) {
      return found.equals(wanted) ? null : "the content is not " + type + " but " + named(found);
    }
    if (isText(type)) {
      // Any text is good enough for a text: it is never served as anything that runs.
      return found.equals("text") || found.equals("markup")
          ? null
          : "the content is not text but " + named(found);
    }
    // An unknown format may be anything but what is known to be something else.
    return found.equals("binary") ? null : "the content is not " + type + " but " + named(found);
  }

  private static String named(String found) {
    return switch (found) {
      case "markup" -> "HTML or XML";
      case "binary" -> "some other format";
      case "program" -> "a program";
      default -> found;
    };
  }

  private static String sniff(byte[] head) {
    if (begins(head, "\u0089PNG\r\n\u001a\n")) {
      return "png";
    } else if (begins(head, "\u00ff\u00d8\u00ff")) {
      return "jpeg";
    } else if (begins(head, "GIF87a") || begins(head, "GIF89a")) {
      return "gif";
    } else if (begins(head, "RIFF") && head.length >= 12 && latin(head).startsWith("WEBP", 8)) {
      return "webp";
    } else if (begins(head, "%PDF-")) {
      return "pdf";
    } else if (begins(head, "PK\u0003\u0004") || begins(head, "PK\u0005\u0006")) {
      return "zip";
    } else if (begins(head, "\u007fELF") || begins(head, "MZ\u0090") || begins(head, "\0asm")) {
      return "program";
    }
    for (byte each : head) {
      if (each >= 0 && each < 0x20 && "\t\n\f\r\u001b".indexOf(each) < 0) {
        return "binary";
      }
    }
    String start = latin(head).replace("\u00ef\u00bb\u00bf", "").stripLeading();
    return start.startsWith("<") ? "markup" : "text";
  }

  private static boolean begins(byte[] head, String magic) {
    return latin(head).startsWith(magic);
  }

  private static String latin(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
