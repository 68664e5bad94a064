package dev.mandate.models;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Reads Server-Sent Events from bytes that may be cut anywhere, inside a character included: lines
 * are put together as bytes and only whole lines become text. One stream; not thread-safe.
 */
final class SseParser {
  /** A single line may hold a whole document that a model wrote, but not fill the memory. */
  private static final int LONGEST = 8 << 20;

  /** Gets each event: its name (empty if none was given) and its data, never empty. */
  @FunctionalInterface
  interface Sink {
    void event(String name, String data);
  }

  private final Sink sink;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private final StringBuilder data = new StringBuilder();
  private String name = "";
  private boolean afterCr;
  private boolean first = true;

  SseParser(Sink sink) {
    this.sink = sink;
  }

  /**
   * @throws ModelFailure {@code PROTOCOL} for a line or an event too long to be one
   */
  void accept(byte[] bytes) {
    int from = 0;
    for (int i = 0; i < bytes.length; i++) {
      byte b = bytes[i];
      if (b != '\n' && b != '\r') {
        continue;
      }
      // A line feed right after a carriage return belongs to the end of the same line.
      boolean second = b == '\n' && i == from && afterCr;
      if (!second) {
        keep(bytes, from, i);
        endLine();
      }
      afterCr = b == '\r';
      from = i + 1;
    }
    if (from < bytes.length) {
      afterCr = false;
      keep(bytes, from, bytes.length);
    }
  }

  private void keep(byte[] bytes, int from, int to) {
    if (line.size() + (to - from) > LONGEST) {
      throw new ModelFailure(
          ModelFailure.Kind.PROTOCOL, "the provider sent a line of more than 8 MiB");
    }
    line.write(bytes, from, to - from);
  }

  private void endLine() {
    String text = line.toString(StandardCharsets.UTF_8);
    line.reset();
    if (first && text.startsWith("\uFEFF")) {
      text = text.substring(1);
    }
    first = false;
    if (text.isEmpty()) {
      dispatch();
      return;
    }
    int colon = text.indexOf(':');
    String field = colon < 0 ? text : text.substring(0, colon);
    String value = colon < 0 ? "" : text.substring(colon + 1);
    if (value.startsWith(" ")) {
      value = value.substring(1);
    }
    switch (field) {
      case "data" -> {
        data.append(value).append('\n');
        if (data.length() > LONGEST) {
          throw new ModelFailure(
              ModelFailure.Kind.PROTOCOL, "the provider sent an event of more than 8 MiB");
        }
      }
      case "event" -> name = value;
      default -> {
        // A comment (empty field name), or a field that means nothing here.
      }
    }
  }

  private void dispatch() {
    String event = name;
    name = "";
    if (data.isEmpty()) {
      return;
    }
    String text = data.substring(0, data.length() - 1);
    data.setLength(0);
    if (!text.isEmpty()) {
      sink.event(event, text);
    }
  }
}
