package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import dev.mandate.kernel.Failure;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the sinks of all protocols share: one end, and those who want to know of it. */
abstract class Outlet implements StreamSink<Message> {
  /** Queued bytes from which on a writer should wait. */
  static final int ENOUGH = 64 * 1024;

  private final List<Runnable> closeListeners = new ArrayList<>(2);
  private volatile @Nullable Runnable readyListener;
  private volatile boolean closed;

  /** Writes a message. Called one at a time, never after {@link #end}. */
  abstract void write(Message message);

  /** Ends the stream on the wire, well or with a failure. Called once. */
  abstract void end(@Nullable Failure failure);

  /** Ends the stream because the server stops: the reader should come back. */
  abstract void endForRestart();

  @Override
  public final void send(Message message) {
    synchronized (this) {
      if (!closed) {
        write(message);
      }
    }
  }

  @Override
  public final void complete() {
    close(() -> end(null));
  }

  @Override
  public final void fail(Failure failure) {
    close(() -> end(failure));
  }

  final void goAway() {
    close(this::endForRestart);
  }

  /** The reader has left: there is nobody to tell. */
  final void gone() {
    close(() -> {});
  }

  private void close(Runnable last) {
    List<Runnable> listeners;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      last.run();
      listeners = List.copyOf(closeListeners);
      closeListeners.clear();
      readyListener = null;
    }
    listeners.forEach(Runnable::run);
  }

  @Override
  public final void onReady(Runnable listener) {
    readyListener = listener;
  }

  /** To be called by the transport when it takes more again. */
  final void becameReady() {
    Runnable listener = readyListener;
    if (listener != null && !closed) {
      listener.run();
    }
  }

  @Override
  public final void onClosed(Runnable listener) {
    synchronized (this) {
      if (!closed) {
        closeListeners.add(listener);
        return;
      }
    }
    listener.run();
  }

  @Override
  public final boolean closed() {
    return closed;
  }
}
