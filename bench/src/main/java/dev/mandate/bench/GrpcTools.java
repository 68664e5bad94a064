package dev.mandate.bench;

import dev.mandate.api.tools.v1.CallToolRequest;
import dev.mandate.api.tools.v1.CallToolResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;

/** Calls tools over gRPC, with Google's client. */
final class GrpcTools implements AutoCloseable {
  private static final MethodDescriptor<CallToolRequest, CallToolResponse> CALL =
      MethodDescriptor.<CallToolRequest, CallToolResponse>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("mandate.tools.v1.ToolService/CallTool")
          .setRequestMarshaller(ProtoUtils.marshaller(CallToolRequest.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(CallToolResponse.getDefaultInstance()))
          .build();

  private final ManagedChannel connection;
  private final Channel channel;

  GrpcTools(int port, String token) {
    connection = NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    channel =
        ClientInterceptors.intercept(
            connection, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  CallToolResponse call(CallToolRequest request) {
    try {
      return ClientCalls.blockingUnaryCall(channel, CALL, CallOptions.DEFAULT, request);
    } catch (StatusRuntimeException e) {
      throw new WrongAnswer("gRPC: " + e.getStatus());
    }
  }

  @Override
  public void close() {
    connection.shutdownNow();
  }
}
