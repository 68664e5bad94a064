package dev.mandate.kernel.rpc;

import com.google.protobuf.Descriptors;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.linecorp.armeria.common.ExchangeType;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.RequestContext;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.SerializationFormat;
import com.linecorp.armeria.common.grpc.GrpcSerializationFormats;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.RoutingContext;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.SimpleDecoratingHttpService;
import com.linecorp.armeria.server.grpc.GrpcService;
import com.linecorp.armeria.server.grpc.GrpcServiceBuilder;
import dev.mandate.kernel.Failure;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import io.grpc.protobuf.ProtoServiceDescriptorSupplier;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** gRPC and gRPC-Web: Armeria's service over handlers from the method table, without stubs. */
final class GrpcBinding {
  private static final List<SerializationFormat> FORMATS =
      List.of(
          GrpcSerializationFormats.PROTO,
          GrpcSerializationFormats.PROTO_WEB,
          GrpcSerializationFormats.PROTO_WEB_TEXT);

  private static final Set<String> TYPES =
      Set.of(
          "application/grpc",
          "application/grpc+proto",
          "application/grpc-web",
          "application/grpc-web+proto",
          "application/grpc-web-text",
          "application/grpc-web-text+proto");

  /**
   * A message is not read before its caller is known, so the transport hands over its bytes: as
   * many as the method takes, and one more if there are more, for a small message can hide a huge
   * one.
   */
  private record Raw(long limit) implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try (stream) {
        return stream.readNBytes((int) Math.min(limit + 1, Integer.MAX_VALUE));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private final MethodTable table;
  private final Streams streams;
  private final Bodies bodies;
  private final Map<String, Method> byPath = new HashMap<>();

  GrpcBinding(MethodTable table, Streams streams, Bodies bodies) {
    this.table = table;
    this.streams = streams;
    this.bodies = bodies;
    table.methods().forEach(method -> byPath.put("/" + method.path(), method));
  }

  GrpcService service() {
    Map<Descriptors.ServiceDescriptor, List<Method>> services = new LinkedHashMap<>();
    for (Method method : table.methods()) {
      services
          .computeIfAbsent(method.descriptor().getService(), s -> new java.util.ArrayList<>())
          .add(method);
    }
    GrpcServiceBuilder builder =
        GrpcService.builder()
            .supportedSerializationFormats(FORMATS)
            .maxRequestMessageLength((int) Math.min(bodies.limit(), Integer.MAX_VALUE))
            .autoCompression(true)
            // Ours are answered with the reason; the transport's come later.
            .useClientTimeoutHeader(false)
            .enableUnframedRequests(false)
            .exceptionHandler(this::refusal)
            .addService(ProtoReflectionServiceV1.newInstance());
    services.forEach((service, methods) -> builder.addService(definition(service, methods)));
    return builder.build();
  }

  private record ServiceSchema(Descriptors.ServiceDescriptor descriptor)
      implements ProtoServiceDescriptorSupplier {
    @Override
    public Descriptors.ServiceDescriptor getServiceDescriptor() {
      return descriptor;
    }

    @Override
    public Descriptors.FileDescriptor getFileDescriptor() {
      return descriptor.getFile();
    }
  }

  private record MethodSchema(Descriptors.MethodDescriptor descriptor)
      implements ProtoMethodDescriptorSupplier {
    @Override
    public Descriptors.MethodDescriptor getMethodDescriptor() {
      return descriptor;
    }

    @Override
    public Descriptors.ServiceDescriptor getServiceDescriptor() {
      return descriptor.getService();
    }

    @Override
    public Descriptors.FileDescriptor getFileDescriptor() {
      return descriptor.getFile();
    }
  }

  private ServerServiceDefinition definition(
      Descriptors.ServiceDescriptor service, List<Method> methods) {
    Map<Method, MethodDescriptor<byte[], Message>> described = new LinkedHashMap<>();
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(service.getFullName())
            .setSchemaDescriptor(new ServiceSchema(service));
    for (Method method : methods) {
      Message response = DynamicMessage.getDefaultInstance(method.descriptor().getOutputType());
      MethodDescriptor<byte[], Message> one =
          MethodDescriptor.<byte[], Message>newBuilder()
              .setType(
                  method.streaming()
                      ? MethodDescriptor.MethodType.SERVER_STREAMING
                      : MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(method.path())
              .setRequestMarshaller(new Raw(bodies.limit(method)))
              .setResponseMarshaller(ProtoUtils.marshaller(response))
              .setSafe(method.readOnly())
              .setSchemaDescriptor(new MethodSchema(method.descriptor()))
              .build();
      described.put(method, one);
      descriptor.addMethod(one);
    }
    ServerServiceDefinition.Builder definition =
        ServerServiceDefinition.builder(descriptor.build());
    described.forEach((method, one) -> definition.addMethod(one, handler(method)));
    return definition.build();
  }

  private ServerCallHandler<byte[], Message> handler(Method method) {
    return (call, metadata) -> {
      ServiceRequestContext ctx = ServiceRequestContext.current();
      call.request(2);
      return method.streaming()
          ? new StreamCall(call, method, ctx)
          : new UnaryCall(call, method, ctx);
    };
  }

  private static void refuse(ServerCall<byte[], Message> call, Failure failure, String traceId) {
    call.close(Failures.grpcStatus(failure), Failures.grpcTrailers(failure, traceId));
  }

  /** Takes the one message of a request. */
  private abstract class OneMessage extends ServerCall.Listener<byte[]> {
    final ServerCall<byte[], Message> call;
    final Method method;
    final ServiceRequestContext ctx;
    private byte @Nullable [] request;
    private boolean tooMany;

    OneMessage(ServerCall<byte[], Message> call, Method method, ServiceRequestContext ctx) {
      this.call = call;
      this.method = method;
      this.ctx = ctx;
    }

    @Override
    public void onMessage(byte[] message) {
      tooMany = request != null;
      request = message;
    }

    @Override
    public void onHalfClose() {
      byte[] message = request;
      String traceId = Requests.traceId(ctx);
      if (message == null || tooMany) {
        refuse(call, Failures.malformed("expected exactly one message"), traceId);
      } else if (message.length > bodies.limit(method)) {
        refuse(call, Failures.tooLarge(bodies.limit(method)), traceId);
      } else {
        bodies.arrived(ctx, method);
        Tasks.start(traceId, () -> run(() -> Binary.read(message, method.requestType())));
      }
    }

    abstract void run(Supplier<Message> message);

    Caller caller() {
      return GrpcBinding.caller(ctx);
    }
  }

  private static Caller caller(ServiceRequestContext ctx) {
    RequestHeaders headers = ctx.request().headers();
    return Requests.caller(ctx, protocol(headers), Timeouts.grpc(headers));
  }

  private static String protocol(RequestHeaders headers) {
    return Requests.mediaType(headers).startsWith("application/grpc-web") ? "grpc-web" : "grpc";
  }

  private final class UnaryCall extends OneMessage {
    private final CompletableFuture<Void> gone = new CompletableFuture<>();

    UnaryCall(ServerCall<byte[], Message> call, Method method, ServiceRequestContext ctx) {
      super(call, method, ctx);
    }

    @Override
    void run(Supplier<Message> request) {
      try {
        Caller caller = caller();
        Exchange exchange = new Exchange(caller.credential());
        Message response =
            ScopedValue.where(Exchange.CURRENT, exchange)
                .call(() -> table.call(caller, null, method, request, gone));
        Metadata headers = new Metadata();
        for (Exchange.Header header : exchange.headers()) {
          headers.put(
              Metadata.Key.of(header.name(), Metadata.ASCII_STRING_MARSHALLER), header.value());
        }
        call.sendHeaders(headers);
        call.sendMessage(response);
        call.close(Status.OK, new Metadata());
      } catch (Throwable t) {
        Failure failure = Failures.of(t);
        if (failure != t) {
          Failures.log(failure, method.name(), Requests.traceId(ctx));
        }
        refuse(call, failure, Requests.traceId(ctx));
      }
    }

    @Override
    public void onCancel() {
      gone.complete(null);
    }
  }

  private final class StreamCall extends OneMessage {
    private final GrpcOutlet outlet;

    StreamCall(ServerCall<byte[], Message> call, Method method, ServiceRequestContext ctx) {
      super(call, method, ctx);
      this.outlet = new GrpcOutlet(call, Requests.traceId(ctx));
    }

    @Override
    void run(Supplier<Message> request) {
      Caller caller;
      try {
        caller = caller();
      } catch (Throwable t) {
        outlet.fail(Failures.of(t));
        return;
      }
      streams.open(caller, method, request, outlet);
      outlet.start();
    }

    @Override
    public void onReady() {
      outlet.taken();
    }

    @Override
    public void onCancel() {
      outlet.gone();
    }

    @Override
    public void onComplete() {
      outlet.gone();
    }
  }

  private static final class GrpcOutlet extends Outlet {
    private final ServerCall<byte[], Message> call;
    private final String traceId;
    private boolean started;

    /** Bytes since the reader had taken everything. */
    private long queued;

    GrpcOutlet(ServerCall<byte[], Message> call, String traceId) {
      this.call = call;
      this.traceId = traceId;
    }

    synchronized void start() {
      if (!started && !closed()) {
        started = true;
        call.sendHeaders(new Metadata());
      }
    }

    @Override
    void write(Message message) {
      start();
      queued += message.getSerializedSize();
      call.sendMessage(message);
    }

    @Override
    void end(@Nullable Failure failure) {
      if (failure != null) {
        refuse(call, failure, traceId);
      } else {
        if (!started) {
          started = true;
          call.sendHeaders(new Metadata());
        }
        call.close(Status.OK, new Metadata());
      }
    }

    @Override
    void endForRestart() {
      refuse(call, Failures.draining(), traceId);
    }

    void taken() {
      synchronized (this) {
        queued = 0;
      }
      becameReady();
    }

    @Override
    public synchronized boolean ready() {
      return !closed() && queued < ENOUGH;
    }
  }

  /** What the transport refuses, said as everything else is. */
  private Status refusal(
      RequestContext context, Status status, Throwable cause, Metadata trailers) {
    ServiceRequestContext ctx = (ServiceRequestContext) context;
    Method method = byPath.get(ctx.path());
    long limit = method == null ? Bodies.SMALL : bodies.limit(method);
    boolean arrived = Bodies.hasArrived(ctx);
    Failure failure = arrived ? Failures.of(cause) : Failures.ofBody(cause, limit);
    if (!arrived && failure.code() == Failure.Code.INTERNAL) {
      failure =
          status.getCode() == Status.Code.RESOURCE_EXHAUSTED
              ? Failures.tooLarge(limit)
              : Failures.malformed("the body is not one gRPC message");
    }
    trailers.merge(Failures.grpcTrailers(failure, Requests.traceId(ctx)));
    return Failures.grpcStatus(failure);
  }

  /** Armeria's service with the {@link Guard} before it. */
  HttpService guarded(GrpcService grpc) {
    return grpc.decorate(Guard::new);
  }

  /**
   * Stands before Armeria's service: keeps what is not gRPC from its plain text refusals, and what
   * strangers send from its memory.
   */
  private final class Guard extends SimpleDecoratingHttpService {
    Guard(HttpService grpc) {
      super(grpc);
    }

    /** Else the body is there, whole, before anybody is asked who sends it. */
    @Override
    public ExchangeType exchangeType(RoutingContext routing) {
      return ExchangeType.of(true, super.exchangeType(routing).isResponseStreaming());
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest req) throws Exception {
      String type = Requests.mediaType(req.headers());
      if (ctx.method() != HttpMethod.POST) {
        return refuse(ctx, req, Failures.wrongVerb(ctx.method().name(), "POST"));
      }
      if (!TYPES.contains(type)) {
        return refuse(
            ctx,
            req,
            Failures.unsupportedMediaType(
                type, "application/json, application/proto or application/grpc"));
      }
      Method method = byPath.get(ctx.path());
      if (method == null) {
        // Reflection, which anybody may use.
        ctx.setMaxRequestLength(Bodies.SMALL);
        return unwrap().serve(ctx, req);
      }
      bodies.arriving(ctx, method);
      CompletableFuture<@Nullable Failure> refusal =
          bodies.refusal(ctx, method, protocol(req.headers()));
      return refusal.isDone() && refusal.join() == null
          ? unwrap().serve(ctx, req)
          : HttpResponse.of(
              refusal.thenComposeAsync(
                  failure -> {
                    try {
                      return failure == null
                          ? CompletableFuture.completedFuture(unwrap().serve(ctx, req))
                          : turnAway(ctx, req, method);
                    } catch (Exception e) {
                      return CompletableFuture.failedFuture(e);
                    }
                  },
                  ctx.eventLoop()));
    }
  }

  private static HttpResponse refuse(ServiceRequestContext ctx, HttpRequest req, Failure failure) {
    return HttpResponse.of(Bodies.drop(req).handle((_, _) -> Answers.failure(ctx, failure)));
  }

  /** Refuses a caller by the way that every call takes, without its message. */
  private CompletableFuture<HttpResponse> turnAway(
      ServiceRequestContext ctx, HttpRequest req, Method method) {
    CompletableFuture<HttpResponse> answer = new CompletableFuture<>();
    var _ =
        Bodies.drop(req)
            .whenComplete((_, cause) -> {
              if (cause != null) {
                answer.complete(Answers.failure(ctx, Failures.ofBody(cause, bodies.limit(method))));
                return;
              }
              Tasks.start(
                  Requests.traceId(ctx),
                  () -> {
                    try {
                      Message _ = table.call(caller(ctx), null, method, method::requestType, null);
                      throw new IllegalStateException("a caller that was refused was served");
                    } catch (Throwable t) {
                      answer.complete(Answers.failure(ctx, t));
                    }
                  });
            });
    return answer;
  }
}
