package dev.mandate.kernel.rpc;

import com.google.protobuf.Descriptors;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.SerializationFormat;
import com.linecorp.armeria.common.grpc.GrpcSerializationFormats;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
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

  /** A message is not read before its caller is known, so the transport hands over its bytes. */
  private static final MethodDescriptor.Marshaller<byte[]> RAW =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try (stream) {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  private final MethodTable table;
  private final Streams streams;
  private final Bodies bodies;

  GrpcBinding(MethodTable table, Streams streams, Bodies bodies) {
    this.table = table;
    this.streams = streams;
    this.bodies = bodies;
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
              .setRequestMarshaller(RAW)
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
      bodies.arriving(ctx, method);
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
        Failure failure =
            Failure.of(
                Failure.Code.INVALID_ARGUMENT, "MALFORMED_BODY", "expected exactly one message");
        refuse(call, failure, traceId);
      } else {
        bodies.arrived(ctx, method);
        Tasks.start(traceId, () -> run(() -> Binary.read(message, method.requestType())));
      }
    }

    abstract void run(Supplier<Message> message);

    Caller caller() {
      RequestHeaders headers = ctx.request().headers();
      String protocol =
          Requests.mediaType(headers).startsWith("application/grpc-web") ? "grpc-web" : "grpc";
      return Requests.caller(ctx, protocol, Timeouts.grpc(headers));
    }
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
      outlet.becameReady();
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

    @Override
    public boolean ready() {
      return !closed() && call.isReady();
    }
  }

  /** Keeps what is not gRPC from Armeria's plain text refusals. */
  static HttpService guarded(HttpService grpc) {
    return grpc.decorate((delegate, ctx, req) -> {
      String type = Requests.mediaType(req.headers());
      if (ctx.method() == HttpMethod.POST && TYPES.contains(type)) {
        return delegate.serve(ctx, req);
      }
      Failure failure =
          ctx.method() == HttpMethod.POST
              ? Failures.unsupportedMediaType(
                  type, "application/json, application/proto or application/grpc")
              : Failures.wrongVerb(ctx.method().name(), "POST");
      return HttpResponse.of(
          req.aggregate().handle((body, cause) -> Answers.failure(ctx, failure)));
    });
  }
}
