package dev.mandate.kernel.events;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** NATS, core messages: PUB, SUB and MSG. */
final class NatsLink extends SocketLink {
  private final String subject;

  /** What came and was not given away yet, some of it while an answer was waited for. */
  private final List<String> came = new ArrayList<>();

  NatsLink(BrokerUrl url, String subject) throws IOException {
    super(url);
    this.subject = subject;
    try {
      greet(url);
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The server speaks first, in plain text, and says whether it wants TLS. */
  private void greet(BrokerUrl url) throws IOException {
    String hello = line();
    if (!hello.startsWith("INFO ")) {
      throw refused("does not speak NATS's protocol");
    }
    JsonNode info = Json.read(hello.substring("INFO ".length()));
    boolean offered =
        info.path("tls_required").asBoolean() || info.path("tls_available").asBoolean();
    if (url.tls() != null) {
      if (!offered) {
        throw refused("does not offer TLS, which tls:// asks for");
      }
      encrypt(url.tls());
    } else if (info.path("tls_required").asBoolean()) {
      throw refused("wants TLS: write tls:// in place of nats://");
    }
    ObjectNode connect = Json.object();
    connect.put("verbose", false).put("pedantic", false).put("protocol", 1);
    connect.put("name", "mandate").put("lang", "java").put("version", "1");
    connect.put("tls_required", url.tls() != null);
    if (!url.user().isEmpty()) {
      connect.put("user", url.user()).put("pass", url.secret());
    } else if (!url.secret().isEmpty()) {
      connect.put("auth_token", url.secret());
    }
    write("CONNECT " + connect + "\r\n");
    roundTrip();
  }

  @Override
  public void listen() throws IOException {
    write("SUB " + subject + " 1\r\n");
    roundTrip();
  }

  @Override
  public List<String> receive() throws IOException {
    if (came.isEmpty()) {
      if (!awaitByte()) {
        write("PING\r\n");
        if (!awaitByte()) {
          throw refused("does not answer");
        }
      }
      understand(line());
    }
    List<String> payloads = List.copyOf(came);
    came.clear();
    return payloads;
  }

  @Override
  public void publish(Collection<String> payloads) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (String payload : payloads) {
      byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
      String head = "PUB " + subject + " " + bytes.length + "\r\n";
      all.writeBytes(head.getBytes(StandardCharsets.US_ASCII));
      all.writeBytes(bytes);
      all.writeBytes(new byte[] {'\r', '\n'});
    }
    write(all.toByteArray());
    roundTrip();
  }

  /** Until the server has understood all that was sent before. */
  private void roundTrip() throws IOException {
    write("PING\r\n");
    for (String line = line(); !line.equals("PONG"); line = line()) {
      understand(line);
    }
  }

  private void understand(String line) throws IOException {
    if (line.startsWith("MSG ")) {
      came.add(body(length(line)));
    } else if (line.equals("PING")) {
      write("PONG\r\n");
    } else if (line.startsWith("-ERR")) {
      throw refused("refuses: " + line.substring("-ERR".length()).strip());
    } else if (!line.equals("PONG") && !line.equals("+OK") && !line.startsWith("INFO ")) {
      throw refused("does not speak NATS's protocol");
    }
  }

  /** The last word of {@code MSG <subject> <sid> [reply-to] <bytes>}. */
  private int length(String line) throws IOException {
    try {
      return Integer.parseInt(line.substring(line.lastIndexOf(' ') + 1));
    } catch (NumberFormatException e) {
      throw refused("does not speak NATS's protocol");
    }
  }
}
