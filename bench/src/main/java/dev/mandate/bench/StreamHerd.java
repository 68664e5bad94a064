package dev.mandate.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Thousands of open streams of Server-Sent Events, held by the one thread that calls. It knows of a
 * stream only whether it is open, and when it last showed a text: memory and time of the client
 * stay small beside the server's.
 */
final class StreamHerd implements AutoCloseable {
  /** A backlog is finite: so many are connecting at once. */
  private static final int AT_ONCE = 200;

  private static final Duration PATIENCE = Duration.ofMinutes(3);

  /** One stream. */
  private static final class Stream {
    boolean open;

    /** The end of what came last: a text may come in pieces. */
    String tail = "";

    long heard;
  }

  private final InetSocketAddress server;
  private final byte[] request;
  private final Selector selector;
  private final List<Stream> streams = new ArrayList<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024);
  private String wanted = "";
  private int open;
  private int heard;

  /**
   * @param request opens a stream
   */
  StreamHerd(int port, byte[] request) {
    this.server = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    this.request = request.clone();
    try {
      this.selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int size() {
    return open;
  }

  /** Opens further ones until there are so many. Returns when all have been answered. */
  void growTo(int count) {
    while (open < count) {
      int batch = Math.min(AT_ONCE, count - open);
      for (int i = 0; i < batch; i++) {
        connect();
      }
      int all = open + batch;
      until(() -> open == all, "streams were not opened in time");
    }
  }

  private void connect() {
    try {
      SocketChannel channel = SocketChannel.open();
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.connect(server);
      channel.configureBlocking(false);
      channel.write(ByteBuffer.wrap(request));
      Stream stream = new Stream();
      streams.add(stream);
      channel.register(selector, SelectionKey.OP_READ, stream);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "stream " + streams.size() + " cannot be opened (see ulimit -n)", e);
    }
  }

  /** From now on waits for a text. */
  void want(String text) {
    wanted = text;
    heard = 0;
    streams.forEach(stream -> {
      stream.heard = 0;
      stream.tail = "";
    });
  }

  /** When each stream showed the text, in nanoseconds of the clock; waits until all have. */
  long[] all() {
    until(() -> heard == streams.size(), "not every stream showed " + wanted);
    return streams.stream().mapToLong(stream -> stream.heard).toArray();
  }

  /** Reads for a while, as every client does that stays. */
  void idle(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      turn();
    }
  }

  private void until(java.util.function.BooleanSupplier done, String otherwise) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!done.getAsBoolean()) {
      WrongAnswer.unless(System.nanoTime() < end, otherwise, heard + " of " + streams.size());
      turn();
    }
  }

  private void turn() {
    try {
      selector.select(key -> read((SocketChannel) key.channel(), (Stream) key.attachment()), 50);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read(SocketChannel channel, Stream stream) {
    try {
      buffer.clear();
      int count = channel.read(buffer);
      long now = System.nanoTime();
      WrongAnswer.unless(count >= 0, "the server ended a stream after", stream.tail);
      buffer.flip();
      String text = stream.tail + StandardCharsets.UTF_8.decode(buffer);
      if (!stream.open && text.contains("\r\n\r\n")) {
        WrongAnswer.unless(text.startsWith("HTTP/1.1 200"), "a stream", text);
        stream.open = true;
        open++;
      }
      WrongAnswer.unless(!text.contains("event: error"), "a stream", text);
      if (!wanted.isEmpty() && stream.heard == 0 && text.contains(wanted)) {
        stream.heard = now;
        heard++;
      }
      int keep = stream.open ? wanted.length() + "event: error".length() : text.length();
      stream.tail = text.substring(Math.max(0, text.length() - keep));
    } catch (IOException e) {
      throw new UncheckedIOException("a stream broke off", e);
    }
  }

  @Override
  public void close() {
    try {
      for (SelectionKey key : selector.keys()) {
        key.channel().close();
      }
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
