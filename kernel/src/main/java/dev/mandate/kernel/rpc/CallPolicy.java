package dev.mandate.kernel.rpc;

import com.google.protobuf.Message;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import org.jspecify.annotations.Nullable;

/**
 * What rules say of a call besides who may make it: asked once for every call of a method, whatever
 * the protocol, after it is authorized and before its handler.
 */
@FunctionalInterface
public interface CallPolicy {
  /** Nobody objects to anything. */
  CallPolicy NONE = (mandate, method, request, face) -> null;

  /** Which way a call comes. */
  enum Face {
    /** Over the network. */
    DIRECT,
    /** In process: whoever makes it has asked for the approvals that it needs. */
    IN_PROCESS,
    /** A stream that is open already: whether it may go on. */
    CONTINUED
  }

  /**
   * @return what audit entries of the call say of the decision, a JSON object; null if nobody had a
   *     say
   * @throws Failure what refuses the call
   */
  @Nullable String require(Mandate mandate, Method method, Message request, Face face);
}
