package dev.mandate.kernel.rpc;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.mandate.api.v1.Audit;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.IdempotencyKeys;
import dev.mandate.kernel.telemetry.Span;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Every method of the contract and the one path by which any of them is called: who is it, may this
 * chain, may it now, was it done already, do it, record a refusal. All protocols and calls in
 * process take it; nothing else calls a handler.
 */
public final class MethodTable {
  private final Map<String, Method> methods = new LinkedHashMap<>();
  private final CallPorts ports;
  private final CallMeters meters;
  private final Schemas schemas;

  MethodTable(List<Method> methods, CallPorts ports) {
    for (Method method : methods) {
      this.methods.put(method.name(), method);
    }
    this.ports = ports;
    this.meters = new CallMeters(ports.meters());
    this.schemas = new Schemas(Comments.ofClasspath());
  }

  /** All methods, in the order they were bound. */
  public Collection<Method> methods() {
    return methods.values();
  }

  /** The method named {@code package.Service.Method}. */
  public @Nullable Method find(String name) {
    return methods.get(name);
  }

  /** The JSON Schema of a method's request, self-contained, as JSON text. */
  public String inputSchema(Method method) {
    return schemas.input(method);
  }

  /** A method's documentation from the contract, or an empty text. */
  public String description(Method method) {
    return schemas.comments().of(method.descriptor());
  }

  /**
   * Calls a method in process, under the same checks as a request from outside. Blocks; call it on
   * a virtual thread.
   *
   * @throws Failure what the method or the checks before it refuse
   */
  public Message dispatch(Mandate mandate, Method method, Message request) {
    return dispatch(mandate, method, request, null);
  }

  /** The same with an idempotency key: repeating the call with it has no further effect. */
  public Message dispatch(
      Mandate mandate, Method method, Message request, @Nullable String idempotencyKey) {
    Caller caller =
        new Caller(null, mandate.origin(), idempotencyKey, null, null, "in-process", null);
    return call(caller, mandate, method, () -> request, null);
  }

  CallPorts ports() {
    return ports;
  }

  Schemas schemas() {
    return schemas;
  }

  CallMeters meters() {
    return meters;
  }

  /**
   * Does a unary call on the current (virtual) thread.
   *
   * @param request reads the message; not asked before the caller is known and may call, so that
   *     strangers learn nothing about fields
   */
  Message call(
      Caller caller,
      @Nullable Mandate known,
      Method method,
      Supplier<Message> request,
      @Nullable CompletableFuture<?> gone) {
    // In process the call is a part of whatever makes it.
    Span span = known == null ? CallSpans.begin(ports.spans(), method, caller) : Span.current();
    if (span == Span.current()) {
      return perform(caller, known, method, request, gone);
    }
    Failure failure = null;
    try {
      return span.call(() -> perform(caller, null, method, request, gone));
    } catch (Failure e) {
      failure = e;
      throw e;
    } finally {
      CallSpans.end(span, caller, failure);
    }
  }

  private Message perform(
      Caller caller,
      @Nullable Mandate known,
      Method method,
      Supplier<Message> request,
      @Nullable CompletableFuture<?> gone) {
    long start = System.nanoTime();
    Deadline deadline = Deadline.start(caller.timeout(method));
    if (gone != null) {
      var _ = gone.whenComplete((v, t) -> deadline.cancel());
    }
    Mandate mandate = known;
    Message response = null;
    Failure failure = null;
    try {
      if (method.handler() instanceof Method.Handler.Open open) {
        if (known != null) {
          throw Failure.denied("HUMAN_ONLY", "signing in cannot be done on somebody's behalf");
        }
        response = open.handler().call(caller.origin(), request.get());
      } else {
        mandate = mandate == null ? authenticate(caller) : mandate;
        admit(mandate, method);
        if (known == null) {
          admitDirect(mandate, method);
        }
        Message read = request.get();
        CallPolicy.Face face = known == null ? CallPolicy.Face.DIRECT : CallPolicy.Face.IN_PROCESS;
        String decision = ports.policy().require(mandate, method, read, face);
        response = answer(mandate, method, read, caller.idempotencyKey(), decision);
      }
    } catch (Throwable t) {
      failure = Failures.of(t);
    }
    Failure stopped = deadline.end();
    if (stopped != null && response == null) {
      failure = stopped;
    }
    try {
      record(method, mandate, failure);
    } catch (RuntimeException e) {
      failure = Failures.of(e);
    }
    meters.record(method, caller.protocol(), failure, System.nanoTime() - start);
    if (failure != null) {
      Failures.log(failure, method.name(), caller.origin().traceId());
      throw failure;
    }
    return java.util.Objects.requireNonNull(response);
  }

  /** A stream that may be opened, and by whose authority. */
  record Admitted(Mandate mandate, Message request) {}

  /** Authenticates and authorizes the caller of a stream, then reads it; audits a refusal. */
  Admitted admitStream(Caller caller, Method method, Supplier<Message> request) {
    Mandate mandate = authenticate(caller);
    try {
      admit(mandate, method);
      admitDirect(mandate, method);
      Message read = request.get();
      ports.policy().require(mandate, method, read, CallPolicy.Face.DIRECT);
      return new Admitted(mandate, read);
    } catch (Failure failure) {
      record(method, mandate, failure);
      throw failure;
    }
  }

  /** Whether the stream of this caller may go on. Blocks. */
  void readmit(Caller caller, Method method, Message request) {
    Mandate mandate = authenticate(caller);
    admit(mandate, method);
    admitDirect(mandate, method);
    ports.policy().require(mandate, method, request, CallPolicy.Face.CONTINUED);
  }

  /**
   * A call from outside. (What a run calls in process was admitted as a tool, approvals and all.)
   */
  private void admitDirect(Mandate mandate, Method method) {
    if (mandate.includesAgent() && !method.rule().getSelfService()) {
      ports.authorizer().requireDirect(mandate, method.action(), method.readOnly());
    }
  }

  private Mandate authenticate(Caller caller) {
    Failure refused = caller.refused();
    if (refused != null) {
      throw refused;
    }
    Credential credential = caller.credential();
    if (credential == null) {
      throw Failures.nobody();
    }
    Mandate mandate = ports.authentication().require(credential, caller.origin());
    CallSpans.identify(Span.current(), mandate);
    return mandate;
  }

  /** The checks that stand before every handler, whatever the protocol. */
  private void admit(Mandate mandate, Method method) {
    if (!ports.clock().instant().isBefore(mandate.expiresAt())) {
      throw Failure.unauthenticated("this authority has expired");
    }
    if (method.rule().getHumanOnly() && mandate.includesAgent()) {
      throw Failure.denied("HUMAN_ONLY", method.action() + " is for people: no agent may call it");
    }
    if (!method.rule().getSelfService()) {
      ports.authorizer().require(mandate, method.action());
    } else if (!mandate.boundsPermitAction(method.action())) {
      throw Failure.denied("OUT_OF_BOUNDS", "this authority does not extend to " + method.action());
    }
  }

  private Message answer(
      Mandate mandate,
      Method method,
      Message request,
      @Nullable String idempotencyKey,
      @Nullable String decision)
      throws Exception {
    return decision == null
        ? answer(mandate, method, request, idempotencyKey)
        : ScopedValue.where(AuditFact.DECISION, decision)
            .call(() -> answer(mandate, method, request, idempotencyKey));
  }

  private Message answer(
      Mandate mandate, Method method, Message request, @Nullable String idempotencyKey)
      throws Exception {
    Method.Handler.Unary unary = (Method.Handler.Unary) method.handler();
    if (idempotencyKey == null || method.readOnly()) {
      return unary.handler().call(mandate, request);
    }
    IdempotencyKeys.Claim claim =
        new IdempotencyKeys.Claim(mandate, method.name(), idempotencyKey, hash(request));
    IdempotencyKeys.@Nullable Earlier earlier = ports.idempotency().find(claim).orElse(null);
    if (earlier != null) {
      return replay(method, claim, earlier);
    }
    Message response;
    try {
      response =
          ScopedValue.where(IdempotencyKeys.CLAIM, claim)
              .call(() -> unary.handler().call(mandate, request));
    } catch (Failure failure) {
      if (!failure.reason().equals(IdempotencyKeys.TAKEN)) {
        throw failure;
      }
      earlier = ports.idempotency().find(claim).orElse(null);
      if (earlier == null) {
        throw failure;
      }
      return replay(method, claim, earlier);
    }
    if (claim.committed() && !method.secretResponse()) {
      ports.idempotency().answer(claim, response.toByteArray());
    }
    return response;
  }

  private static Message replay(
      Method method, IdempotencyKeys.Claim claim, IdempotencyKeys.Earlier earlier) {
    if (!earlier.sameBody(claim)) {
      throw Failure.of(
              Failure.Code.INVALID_ARGUMENT,
              "IDEMPOTENCY_KEY_REUSED",
              "this Idempotency-Key was used with another request")
          .withHttpStatus(422);
    }
    if (method.secretResponse()) {
      throw Failure.of(
          Failure.Code.ABORTED,
          "IDEMPOTENCY_SECRET",
          "this was done already; its answer holds a secret, which is given only once");
    }
    byte[] response = earlier.response();
    if (response == null) {
      throw Failure.of(
          Failure.Code.ABORTED,
          "IDEMPOTENCY_INCOMPLETE",
          "a call with this Idempotency-Key took effect but has not answered: read the state");
    }
    try {
      return DynamicMessage.parseFrom(method.descriptor().getOutputType(), response);
    } catch (InvalidProtocolBufferException e) {
      throw Failure.internal(e);
    }
  }

  private static byte[] hash(Message request) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(request.getSerializedSize());
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    // Maps have no order of their own: the same request must hash the same in every protocol.
    out.useDeterministicSerialization();
    try {
      request.writeTo(out);
      out.flush();
      return MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void record(Method method, @Nullable Mandate mandate, @Nullable Failure failure) {
    if (mandate == null) {
      return;
    }
    if (failure == null) {
      if (method.readOnly() && method.rule().getAudit() == Audit.AUDIT_ALWAYS) {
        ports.audit().allowed(mandate, method);
      }
    } else if (failure.code() == Failure.Code.PERMISSION_DENIED && !failure.recorded()) {
      ports.audit().denied(mandate, method, failure);
    }
  }
}
