package dev.mandate.kernel.events;

import java.util.Collection;
import java.util.List;

/**
 * One connection to whatever carries wake-ups between processes. Used by one thread; closed by any,
 * which ends a read that waits.
 */
interface Link extends AutoCloseable {
  /** Opens one, ready to be used. Throws if it cannot, with a message without secrets. */
  interface Opener {
    Link open() throws Exception;
  }

  /** From now on receives what others publish. Returns when nothing can be missed any more. */
  void listen() throws Exception;

  /**
   * Waits for payloads, some seconds at most.
   *
   * @return none if none came, and the other side has shown that it is alive
   */
  List<String> receive() throws Exception;

  /** Returns when the other side has the payloads; fails if it does not say so in time. */
  void publish(Collection<String> payloads) throws Exception;

  @Override
  void close();
}
