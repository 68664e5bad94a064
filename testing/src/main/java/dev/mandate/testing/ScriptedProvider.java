package dev.mandate.testing;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.testing.ScriptedChat.Brain;
import dev.mandate.testing.ScriptedChat.Dialect;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A model provider on loopback that speaks OpenAI's chat completions ({@code /v1/chat/completions})
 * and Anthropic's Messages ({@code /v1/messages}) over plain HTTP/1.1, streamed and not. It writes
 * its bytes itself, so that it can cut and stall anywhere.
 *
 * <p>Queued replies go first, in order; then the brain decides.
 */
public final class ScriptedProvider implements AutoCloseable {
  private final Brain brain;
  private final ServerSocket server;
  private final Queue<ScriptedReply> queue = new ConcurrentLinkedQueue<>();
  private final List<Recorded> requests = new CopyOnWriteArrayList<>();
  private final List<Socket> connections = new CopyOnWriteArrayList<>();
  private final Map<String, String> thoughts = new ConcurrentHashMap<>();
  private final AtomicInteger abandoned = new AtomicInteger();
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile int bytesPerWrite;
  private volatile boolean recording = true;
  private volatile @Nullable String key;

  /** A request as it came. Header names are in lower case. */
  public record Recorded(String method, String path, Map<String, String> headers, String body) {}

  private ScriptedProvider(ServerSocket server, Brain brain) {
    this.server = server;
    this.brain = brain;
  }

  /** Starts one that lists agents and adds one when asked to ({@link AgentsBrain}). */
  public static ScriptedProvider start() {
    return start(0, new AgentsBrain());
  }

  /**
   * @param port 0 for any free one
   */
  public static ScriptedProvider start(int port, Brain brain) {
    try {
      ServerSocket server = new ServerSocket();
      server.setReuseAddress(true);
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      ScriptedProvider provider = new ScriptedProvider(server, brain);
      Thread.ofVirtual().name("scripted-provider").start(provider::acceptAll);
      return provider;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** For {@code OPENAI_BASE_URL}. */
  public String openAiBaseUrl() {
    return anthropicBaseUrl() + "/v1";
  }

  /** For {@code ANTHROPIC_BASE_URL}. */
  public String anthropicBaseUrl() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  /** Answers the next requests with these, before asking the brain again. */
  public void enqueue(ScriptedReply... replies) {
    queue.addAll(List.of(replies));
  }

  /** From now on writes at most so many bytes at once; 0 for each event whole. */
  public void writeInPiecesOf(int bytes) {
    bytesPerWrite = bytes;
  }

  /** From now on keeps no requests: under load they would fill the memory. */
  public void recordNothing() {
    recording = false;
    requests.clear();
  }

  /** From now on refuses every other key with 401; null takes any again. */
  public void requireKey(@Nullable String only) {
    key = only;
  }

  public List<Recorded> requests() {
    return List.copyOf(requests);
  }

  /** How many answers were not read to their end: the other side hung up. */
  public int abandoned() {
    return abandoned.get();
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      server.close();
      for (Socket connection : connections) {
        connection.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void acceptAll() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        connections.add(socket);
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        // Closed: the loop ends.
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      for (Recorded request = read(in); request != null; request = read(in)) {
        if (recording) {
          requests.add(request);
        }
        if (!answer(request, socket, socket.getOutputStream())) {
          return;
        }
      }
    } catch (IOException e) {
      abandoned.incrementAndGet();
    } finally {
      connections.remove(socket);
    }
  }

  /** Answers; false if the connection cannot be used again. */
  private boolean answer(Recorded request, Socket socket, OutputStream out) throws IOException {
    String path = request.path().replaceFirst("\\?.*", "");
    Dialect dialect = path.endsWith("/messages") ? Dialect.ANTHROPIC : Dialect.OPENAI;
    if (path.endsWith("/models")) {
      respond(
          out,
          200,
          Map.of(),
          "{\"object\":\"list\",\"data\":[{\"id\":\"scripted\",\"object\":\"model\"}]}");
      return true;
    }
    if (!path.endsWith("/messages") && !path.endsWith("/chat/completions")) {
      respond(out, 404, Map.of(), ScriptedWire.error(dialect, "not_found_error", "no such path"));
      return true;
    }
    String refusal = refusal(dialect, request);
    if (refusal != null) {
      respond(out, 401, Map.of(), ScriptedWire.error(dialect, "authentication_error", refusal));
      return true;
    }
    ScriptedChat chat;
    try {
      JsonNode body = ScriptedWire.parse(request.body());
      chat = ScriptedRequests.read(dialect, body, thoughts);
    } catch (ScriptedRequests.Invalid | IllegalArgumentException e) {
      respond(
          out,
          400,
          Map.of(),
          ScriptedWire.error(dialect, "invalid_request_error", String.valueOf(e.getMessage())));
      return true;
    }
    ScriptedReply queued = queue.poll();
    ScriptedReply reply = queued == null ? brain.reply(chat) : queued;
    reply.calls().forEach(call -> thoughts.put(call.id(), reply.thinking()));
    if (reply.fault() instanceof ScriptedReply.Status fault) {
      respond(
          out,
          fault.status(),
          fault.headers(),
          ScriptedWire.error(dialect, fault.type(), fault.message()));
      return true;
    }
    if (!chat.stream()) {
      respond(out, 200, Map.of(), ScriptedWire.whole(dialect, chat.model(), reply));
      return true;
    }
    return stream(chat, reply, socket, out);
  }

  private @Nullable String refusal(Dialect dialect, Recorded request) {
    String given =
        dialect == Dialect.ANTHROPIC
            ? request.headers().getOrDefault("x-api-key", "")
            : request.headers().getOrDefault("authorization", "").replaceFirst("^Bearer ", "");
    if (dialect == Dialect.ANTHROPIC && !request.headers().containsKey("anthropic-version")) {
      return "anthropic-version: header is required";
    }
    String only = key;
    // As the providers do, the message quotes the key: nobody may pass it on.
    return only == null || only.equals(given) ? null : "Incorrect API key provided: " + given;
  }

  private boolean stream(ScriptedChat chat, ScriptedReply reply, Socket socket, OutputStream out)
      throws IOException {
    String type =
        reply.fault() instanceof ScriptedReply.Flood flood
            ? flood.contentType()
            : "text/event-stream; charset=utf-8";
    out.write(
        String.join(
                "\r\n",
                "HTTP/1.1 200 OK",
                "content-type: " + type,
                "cache-control: no-cache",
                "transfer-encoding: chunked",
                "",
                "")
            .getBytes(StandardCharsets.US_ASCII));
    List<String> events =
        reply.fault() instanceof ScriptedReply.Garbage
            ? List.of("data: {\"choices\": [ this is no JSON\n\n")
            : ScriptedWire.stream(chat.dialect(), chat.model(), reply);
    if (reply.fault() instanceof ScriptedReply.Flood flood) {
      return flood(flood, reply.pause().toMillis(), out);
    }
    int limit =
        switch (reply.fault()) {
          case ScriptedReply.CutAfter cut -> cut.bytes();
          case ScriptedReply.StallAfter stall -> stall.bytes();
          default -> Integer.MAX_VALUE;
        };
    int sent = 0;
    for (String event : events) {
      byte[] bytes = event.getBytes(StandardCharsets.UTF_8);
      int length = Math.min(bytes.length, limit - sent);
      chunks(out, bytes, length);
      sent += length;
      if (sent >= limit) {
        return broken(reply.fault(), socket);
      }
      if (!reply.pause().isZero() && waitOrClosed(reply.pause().toMillis())) {
        return false;
      }
    }
    out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    out.flush();
    return true;
  }

  private boolean flood(ScriptedReply.Flood flood, long pause, OutputStream out)
      throws IOException {
    byte[] first = flood.first().getBytes(StandardCharsets.UTF_8);
    if (first.length > 0) {
      chunks(out, first, first.length);
    }
    byte[] again = flood.again().getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < flood.times(); i++) {
      if (waitOrClosed(pause)) {
        return false;
      }
      chunks(out, again, again.length);
    }
    out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    out.flush();
    return true;
  }

  private boolean broken(ScriptedReply.Fault fault, Socket socket) throws IOException {
    if (fault instanceof ScriptedReply.StallAfter) {
      // Until the other side hangs up or this provider is closed.
      if (socket.getInputStream().read() < 0) {
        abandoned.incrementAndGet();
      }
      return false;
    }
    socket.setSoLinger(true, 0);
    return false;
  }

  private boolean waitOrClosed(long millis) {
    try {
      return closed.await(millis, java.util.concurrent.TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  private void chunks(OutputStream out, byte[] bytes, int length) throws IOException {
    int size = bytesPerWrite == 0 ? Math.max(length, 1) : bytesPerWrite;
    for (int from = 0; from < length; from += size) {
      int count = Math.min(size, length - from);
      out.write((Integer.toHexString(count) + "\r\n").getBytes(StandardCharsets.US_ASCII));
      out.write(bytes, from, count);
      out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
      out.flush();
    }
  }

  private static void respond(
      OutputStream out, int status, Map<String, String> headers, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " Scripted\r\n");
    headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    head.append("content-type: application/json\r\ncontent-length: ");
    head.append(bytes.length).append("\r\n\r\n");
    out.write(head.toString().getBytes(StandardCharsets.US_ASCII));
    out.write(bytes);
    out.flush();
  }

  private static @Nullable Recorded read(InputStream in) throws IOException {
    String first = line(in);
    if (first == null) {
      return null;
    }
    String[] words = first.split(" ", 3);
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    byte[] body =
        "chunked".equalsIgnoreCase(headers.get("transfer-encoding"))
            ? chunked(in)
            : in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
    return new Recorded(words[0], words[1], headers, new String(body, StandardCharsets.UTF_8));
  }

  private static byte[] chunked(InputStream in) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      String size = line(in);
      int length = size == null ? 0 : Integer.parseInt(size.replaceFirst(";.*", "").strip(), 16);
      body.writeBytes(in.readNBytes(length));
      line(in);
      if (length == 0) {
        return body.toByteArray();
      }
    }
  }

  /** A line without its end; null at the end of the connection. */
  private static @Nullable String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        return null;
      }
      if (b != '\r') {
        line.write(b);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }
}
