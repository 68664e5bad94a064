package dev.mandate.kernel.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Message;
import dev.mandate.api.v1.Effect;
import dev.mandate.api.v1.Rule;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One method of the contract with its rule, its REST bindings and its handler. */
public final class Method {
  /** What answers a method. */
  sealed interface Handler {
    record Unary(UnaryHandler<Message, Message> handler) implements Handler {}

    record Open(PublicHandler<Message, Message> handler) implements Handler {}

    record Streaming(StreamHandler<Message, Message> handler) implements Handler {}
  }

  private final MethodDescriptor descriptor;
  private final String path;
  private final Rule rule;
  private final Effect effect;
  private final List<HttpBinding> bindings;
  private final Message requestType;
  private final Handler handler;
  private final Duration timeout;
  private final boolean secretResponse;
  private final @Nullable FieldDescriptor after;
  private final @Nullable FieldDescriptor cursor;

  Method(
      MethodDescriptor descriptor,
      Rule rule,
      Effect effect,
      List<HttpBinding> bindings,
      Message requestType,
      Handler handler,
      Duration timeout) {
    this.descriptor = descriptor;
    this.path = descriptor.getService().getFullName() + "/" + descriptor.getName();
    this.rule = rule;
    this.effect = effect;
    this.bindings = bindings;
    this.requestType = requestType;
    this.handler = handler;
    this.timeout = timeout;
    this.secretResponse = Contract.holdsSecret(descriptor.getOutputType());
    this.after = descriptor.getInputType().findFieldByName("after");
    this.cursor = descriptor.getOutputType().findFieldByName("cursor");
  }

  /** {@code mandate.agents.v1.AgentService.CreateAgent}. */
  public String name() {
    return descriptor.getFullName();
  }

  /** {@code mandate.agents.v1.AgentService/CreateAgent}: its path in Connect and gRPC. */
  public String path() {
    return path;
  }

  /** {@code agents.create}. */
  public String action() {
    return rule.getAction();
  }

  public Rule rule() {
    return rule;
  }

  /** The rule's effect class, or the one its HTTP verb implies. Never unspecified. */
  public Effect effect() {
    return effect;
  }

  public boolean readOnly() {
    return effect == Effect.EFFECT_READ_ONLY;
  }

  public MethodDescriptor descriptor() {
    return descriptor;
  }

  /** The request's default instance. */
  public Message requestType() {
    return requestType;
  }

  /** Whether it answers with a stream of messages. */
  public boolean streaming() {
    return handler instanceof Handler.Streaming;
  }

  /**
   * Whether its response holds a field marked {@code debug_redact}: never stored, never replayed.
   */
  public boolean secretResponse() {
    return secretResponse;
  }

  /** Whether readers may ask for a part of the answer: everything that is read once by GET. */
  boolean masked() {
    return !streaming() && !bindings.isEmpty() && bindings.getFirst().verb().equals("GET");
  }

  List<HttpBinding> bindings() {
    return bindings;
  }

  Handler handler() {
    return handler;
  }

  Duration timeout() {
    return timeout;
  }

  /** The request field that {@code Last-Event-ID} fills. */
  @Nullable FieldDescriptor after() {
    return after;
  }

  /** The message field that becomes an event's id. */
  @Nullable FieldDescriptor cursor() {
    return cursor;
  }

  @Override
  public String toString() {
    return name();
  }
}
