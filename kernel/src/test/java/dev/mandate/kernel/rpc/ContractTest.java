package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import dev.mandate.api.v1.Options;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.db.IdempotencyKeys;
import dev.mandate.kernel.db.KernelDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The whole contract: every method can be served by every protocol, and what its REST face looks
 * like is written down. After a wanted change, run this test with {@code -Dmandate.openapi=write}.
 */
class ContractTest {
  private static final Path WRITTEN_DOWN = Path.of("..", "docs", "openapi.json");

  private static List<ServiceDescriptor> services() throws Exception {
    List<ServiceDescriptor> services = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (URL url :
        Collections.list(ContractTest.class.getClassLoader().getResources("mandate.protoset"))) {
      try (InputStream in = url.openStream()) {
        for (FileDescriptorProto file : FileDescriptorSet.parseFrom(in).getFileList()) {
          boolean ours = file.getOptions().getJavaPackage().startsWith("dev.mandate.api.");
          if (ours && file.getServiceCount() > 0 && seen.add(file.getName())) {
            String outer =
                file.getOptions().getJavaPackage()
                    + "."
                    + file.getOptions().getJavaOuterClassname();
            FileDescriptor descriptor =
                (FileDescriptor) Class.forName(outer).getMethod("getDescriptor").invoke(null);
            services.addAll(descriptor.getServices());
          }
        }
      }
    }
    return services;
  }

  private static MethodTable table(KernelDatabase database) throws Exception {
    Binder binder = new Binder();
    for (ServiceDescriptor descriptor : services()) {
      Binder.Service service = binder.service(descriptor);
      for (MethodDescriptor method : descriptor.getMethods()) {
        Message request = DynamicMessage.getDefaultInstance(method.getInputType());
        if (method.isServerStreaming()) {
          service.stream(method.getName(), request, (mandate, message, sink) -> {});
        } else if (method.getOptions().getExtension(Options.rule).getPublic()) {
          service.open(method.getName(), request, (origin, message) -> message);
        } else {
          service.unary(method.getName(), request, (mandate, message) -> message);
        }
      }
    }
    return binder.build(
        new CallPorts(
            new Authentication((credential, origin) -> {
              throw Failure.unauthenticated("nobody");
            }),
            (Mandate mandate, String action) -> {},
            CallPolicy.NONE,
            new IdempotencyKeys(database.db()),
            CallAudit.into(database.db()),
            new SimpleMeterRegistry()));
  }

  @Test
  void everyMethodCanBeServedAndItsRestFaceIsAsWrittenDown() throws Exception {
    try (KernelDatabase database = new KernelDatabase()) {
      MethodTable table = table(database);
      assertThat(table.methods()).isNotEmpty();
      new Router(table.methods());
      assertThat(table.methods())
          .allSatisfy(method -> {
            assertThat(method.bindings()).as(method.name()).isNotEmpty();
            assertThat(table.inputSchema(method)).startsWith("{\"type\":\"object\"");
            // Connect's clients read by GET, which can be cached, if the contract says they may.
            assertThat(method.descriptor().getOptions().getIdempotencyLevel())
                .as(
                    "%s: 'option idempotency_level = NO_SIDE_EFFECTS;' belongs to GET, and only"
                        + " there",
                    method.name())
                .isEqualTo(
                    method.masked()
                        ? IdempotencyLevel.NO_SIDE_EFFECTS
                        : IdempotencyLevel.IDEMPOTENCY_UNKNOWN);
          });
      String now = OpenApi.of(table, "0.1.0");
      if ("write".equals(System.getProperty("mandate.openapi"))) {
        Files.createDirectories(WRITTEN_DOWN.getParent());
        Files.writeString(WRITTEN_DOWN, now);
      }
      assertThat(now).isEqualTo(Files.readString(WRITTEN_DOWN));
    }
  }
}
