package dev.mandate.kernel.events;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands between a client and a real server, so that the way between them can be cut. */
final class Proxy implements AutoCloseable {
  private final InetSocketAddress target;
  private final ServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  /** Guards what is open: nobody gets through while the way is being cut. */
  private final Object lock = new Object();

  private final CountDownLatch turnedAway = new CountDownLatch(1);

  private boolean cut;
  private volatile boolean silent;
  private final AtomicInteger swallowed = new AtomicInteger();

  Proxy(String host, int port) {
    this.target = new InetSocketAddress(host, port);
    try {
      server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofPlatform().daemon().name("proxy").start(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        let(server.accept());
      } catch (IOException e) {
        // Closed, or that one did not get through.
      }
    }
  }

  private void let(Socket near) throws IOException {
    synchronized (lock) {
      if (cut) {
        turnedAway.countDown();
        near.close();
        return;
      }
      Socket far = new Socket();
      open.add(near);
      open.add(far);
      far.connect(target, 5_000);
      pour(near, far);
      pour(far, near);
    }
  }

  private void pour(Socket from, Socket to) {
    Thread.ofPlatform()
        .daemon()
        .name("proxy-pour")
        .start(() -> {
          try (from;
              to) {
            byte[] some = new byte[8192];
            for (int n = from.getInputStream().read(some);
                n >= 0;
                n = from.getInputStream().read(some)) {
              if (silent) {
                swallowed.incrementAndGet();
              } else {
                to.getOutputStream().write(some, 0, n);
              }
            }
          } catch (IOException e) {
            // One side is gone; both are closed.
          } finally {
            open.remove(from);
          }
        });
  }

  /** Ends what is open, and lets nobody through. */
  void cut() {
    synchronized (lock) {
      cut = true;
      for (Socket socket : open) {
        try {
          socket.close();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  /** Waits until somebody has tried to get through in vain. */
  void awaitTurnedAway() throws InterruptedException {
    if (!turnedAway.await(60, TimeUnit.SECONDS)) {
      throw new AssertionError("nobody came");
    }
  }

  /** From now on takes everything and passes nothing on, as if the other side had died. */
  void silence() {
    silent = true;
  }

  /** How often something came that was not passed on. */
  int swallowed() {
    return swallowed.get();
  }

  void mend() {
    silent = false;
    synchronized (lock) {
      cut = false;
    }
  }

  @Override
  public void close() {
    cut();
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
