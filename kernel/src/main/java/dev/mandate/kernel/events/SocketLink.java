package dev.mandate.kernel.events;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A link to a broker whose protocol is made of lines and counted bytes, over TCP or TLS. */
abstract class SocketLink implements Link {
  private static final Logger log = LoggerFactory.getLogger(SocketLink.class);

  private static final int CONNECT_MILLIS = 5_000;
  private static final int SLICE_MILLIS = 10_000;

  /** Several times what is written at a time: a write to a peer that takes nothing returns. */
  private static final int SEND_BUFFER = 4 * LinkFanout.AT_ONCE;

  private static final int LONGEST_LINE = 64 * 1024;
  private static final int LARGEST_BODY = 1024 * 1024;

  private final InetSocketAddress server;

  /** What {@link #socket} stands on: closing it waits for nobody, as ending TLS would. */
  private final Socket wire;

  private Socket socket;
  private InputStream in;

  /** Connects to the first server that can be reached. */
  SocketLink(BrokerUrl url) throws IOException {
    this(connect(url));
  }

  private SocketLink(Reached reached) throws IOException {
    server = reached.server();
    wire = reached.socket();
    socket = wire;
    in = new BufferedInputStream(socket.getInputStream());
  }

  private record Reached(InetSocketAddress server, Socket socket) {}

  private static Reached connect(BrokerUrl url) throws IOException {
    IOException last = new IOException("no server is named");
    for (InetSocketAddress each : url.servers()) {
      Socket socket = new Socket();
      try {
        socket.setSendBufferSize(SEND_BUFFER);
        socket.connect(new InetSocketAddress(each.getHostString(), each.getPort()), CONNECT_MILLIS);
        socket.setSoTimeout(SLICE_MILLIS);
        socket.setTcpNoDelay(true);
        socket.setKeepAlive(true);
        return new Reached(each, socket);
      } catch (IOException e) {
        socket.close();
        last = new IOException(name(each) + " cannot be reached: " + e.getMessage(), e);
      }
    }
    throw last;
  }

  /** From now on encrypted, with a certificate that names the server as we do. */
  void encrypt(SSLSocketFactory tls) throws IOException {
    SSLSocket encrypted =
        (SSLSocket) tls.createSocket(socket, server.getHostString(), server.getPort(), true);
    socket = encrypted;
    SSLParameters parameters = encrypted.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    encrypted.setSSLParameters(parameters);
    encrypted.startHandshake();
    in = new BufferedInputStream(encrypted.getInputStream());
  }

  void write(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
  }

  void write(String text) throws IOException {
    write(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Whether something came within some seconds, and the connection still stands. */
  boolean awaitByte() throws IOException {
    in.mark(1);
    try {
      if (in.read() < 0) {
        throw ended();
      }
      in.reset();
      return true;
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  /** A line without its end. */
  String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw ended();
      }
      if (line.size() == LONGEST_LINE) {
        throw refused("sends a line without an end");
      }
      line.write(next);
    }
    return line.toString(StandardCharsets.UTF_8).stripTrailing();
  }

  /** So many bytes, and the end of line after them. */
  String body(int length) throws IOException {
    if (length > LARGEST_BODY) {
      throw refused("sends more at once than we ever would");
    }
    byte[] bytes = in.readNBytes(length + 2);
    if (bytes.length < length + 2) {
      throw ended();
    }
    return new String(Arrays.copyOf(bytes, length), StandardCharsets.UTF_8);
  }

  IOException refused(String why) {
    return new IOException(name(server) + " " + why);
  }

  private static String name(InetSocketAddress server) {
    return server.getHostString() + ":" + server.getPort();
  }

  private IOException ended() {
    return new EOFException(name(server) + " has ended the connection");
  }

  @Override
  public void close() {
    try {
      wire.close();
    } catch (IOException e) {
      log.debug("closing a broken connection", e);
    }
  }
}
