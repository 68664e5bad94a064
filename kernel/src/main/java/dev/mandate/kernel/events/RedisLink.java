package dev.mandate.kernel.events;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Redis or Valkey: PUBLISH and SUBSCRIBE in RESP2, which every version speaks. */
final class RedisLink extends SocketLink {
  private static final int MOST_ELEMENTS = 1024;

  private final String channel;

  RedisLink(BrokerUrl url, String channel) throws IOException {
    super(url);
    this.channel = channel;
    try {
      if (url.tls() != null) {
        encrypt(url.tls());
      }
      if (!url.secret().isEmpty()) {
        if (url.user().isEmpty()) {
          call("AUTH", url.secret());
        } else {
          call("AUTH", url.user(), url.secret());
        }
      }
      call("PING");
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  @Override
  public void listen() throws IOException {
    call("SUBSCRIBE", channel);
  }

  @Override
  public List<String> receive() throws IOException {
    if (!awaitByte()) {
      send("PING");
      if (!awaitByte()) {
        throw refused("does not answer");
      }
    }
    return reply() instanceof List<?> parts
            && parts.size() == 3
            && "message".equals(parts.get(0))
            && parts.get(2) instanceof String payload
        ? List.of(payload)
        : List.of();
  }

  @Override
  public void publish(Collection<String> payloads) throws IOException {
    for (String payload : payloads) {
      call("PUBLISH", channel, payload);
    }
  }

  private void call(String... words) throws IOException {
    send(words);
    reply();
  }

  private void send(String... words) throws IOException {
    ByteArrayOutputStream command = new ByteArrayOutputStream();
    command.writeBytes(("*" + words.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
    for (String word : words) {
      byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
      command.writeBytes(("$" + bytes.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
      command.writeBytes(bytes);
      command.writeBytes(new byte[] {'\r', '\n'});
    }
    write(command.toByteArray());
  }

  /** A text, a list, or null. */
  private @Nullable Object reply() throws IOException {
    String line = line();
    String rest = line.isEmpty() ? "" : line.substring(1);
    return switch (line.isEmpty() ? ' ' : line.charAt(0)) {
      case '+', ':' -> rest;
      case '$' -> number(rest) < 0 ? null : body(number(rest));
      case '*' -> list(number(rest));
      case '-' -> throw refused("refuses: " + rest);
      default -> throw refused("does not speak Redis's protocol");
    };
  }

  private List<@Nullable Object> list(int count) throws IOException {
    if (count > MOST_ELEMENTS) {
      throw refused("sends more at once than we ever would");
    }
    List<@Nullable Object> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      parts.add(reply());
    }
    return parts;
  }

  private int number(String text) throws IOException {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw refused("does not speak Redis's protocol");
    }
  }
}
