package dev.mandate.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.mandate.api.v1.Effect;
import dev.mandate.api.v1.Options;
import dev.mandate.api.v1.Rule;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Every method of the contract, read from what the build generates of it: a test over all of them
 * covers a new one by itself.
 */
public final class Operations {
  private static final Pattern VARIABLE = Pattern.compile("\\{([a-z_]+)}");

  private Operations() {}

  /** One method. */
  public record Operation(MethodDescriptor descriptor, Rule rule, String verb, String template) {
    /** {@code TokenService.CreateToken}. */
    public String name() {
      return descriptor.getService().getName() + "." + descriptor.getName();
    }

    /** {@code tokens.create}. */
    public String action() {
      return rule.getAction();
    }

    /** What a model would call it, if it were a tool. */
    public String modelName() {
      return action().replace('.', '_');
    }

    /** Its path in Connect and gRPC. */
    public String rpcPath() {
      return "/" + descriptor.getService().getFullName() + "/" + descriptor.getName();
    }

    /** Whether it changes nothing. */
    public boolean readsOnly() {
      return verb.equals("GET") || rule.getEffect() == Effect.EFFECT_READ_ONLY;
    }

    /** The fields in its address. */
    public List<FieldDescriptor> pathFields() {
      List<FieldDescriptor> fields = new ArrayList<>();
      Matcher variable = VARIABLE.matcher(template);
      while (variable.find()) {
        fields.add(descriptor.getInputType().findFieldByName(variable.group(1)));
      }
      return fields;
    }

    /** A well-formed request about things that do not exist. */
    public ObjectNode anyRequest() {
      ObjectNode request = JsonNodeFactory.instance.objectNode();
      pathFields().forEach(field -> request.put(field.getJsonName(), UUID.randomUUID().toString()));
      return request;
    }

    /** Makes the call by REST. */
    public TestServer.Answer call(TestServer.Client client, ObjectNode request) {
      return client.call(verb, address(request), body(request));
    }

    /** Path and query of a request by REST. */
    public String address(ObjectNode request) {
      StringBuilder address = new StringBuilder();
      Matcher variable = VARIABLE.matcher(template);
      while (variable.find()) {
        String json = descriptor.getInputType().findFieldByName(variable.group(1)).getJsonName();
        variable.appendReplacement(
            address, Matcher.quoteReplacement(encoded(request.path(json).asText())));
      }
      variable.appendTail(address);
      if (hasBody()) {
        return address.toString();
      }
      String separator = "?";
      for (var field : withoutPath(request).properties()) {
        address
            .append(separator)
            .append(field.getKey())
            .append('=')
            .append(encoded(field.getValue().asText()));
        separator = "&";
      }
      return address.toString();
    }

    /** The body of a request by REST, JSON; null if it has none. */
    public @Nullable String body(ObjectNode request) {
      return hasBody() ? withoutPath(request).toString() : null;
    }

    private boolean hasBody() {
      return !verb.equals("GET") && !verb.equals("DELETE");
    }

    private JsonNode withoutPath(ObjectNode request) {
      ObjectNode rest = request.deepCopy();
      pathFields().forEach(field -> rest.remove(field.getJsonName()));
      return rest;
    }

    @Override
    public String toString() {
      return name();
    }
  }

  /** All of them. */
  public static List<Operation> all() {
    List<Operation> operations = new ArrayList<>();
    for (FileDescriptor file : files()) {
      for (ServiceDescriptor service : file.getServices()) {
        service.getMethods().forEach(method -> operations.add(operation(method)));
      }
    }
    return operations;
  }

  public static Stream<Operation> forPeople() {
    return all().stream().filter(operation -> operation.rule().getHumanOnly());
  }

  public static Operation named(String name) {
    return all().stream()
        .filter(operation -> operation.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no method " + name));
  }

  private static Operation operation(MethodDescriptor method) {
    HttpRule http = method.getOptions().getExtension(AnnotationsProto.http);
    String template =
        switch (http.getPatternCase()) {
          case GET -> http.getGet();
          case PUT -> http.getPut();
          case POST -> http.getPost();
          case DELETE -> http.getDelete();
          case PATCH -> http.getPatch();
          default -> throw new AssertionError(method.getFullName() + " has no REST form");
        };
    return new Operation(
        method,
        method.getOptions().getExtension(Options.rule),
        http.getPatternCase().name(),
        template);
  }

  private static List<FileDescriptor> files() {
    List<FileDescriptor> files = new ArrayList<>();
    try (InputStream in =
        Objects.requireNonNull(
            Options.class.getClassLoader().getResourceAsStream("mandate.protoset"))) {
      for (FileDescriptorProto file : FileDescriptorSet.parseFrom(in).getFileList()) {
        if (file.getName().startsWith("mandate/") && file.getServiceCount() > 0) {
          files.add(generated(file));
        }
      }
    } catch (IOException | ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
    return files;
  }

  /** As generated, because only there the options are parsed. */
  private static FileDescriptor generated(FileDescriptorProto file)
      throws ReflectiveOperationException {
    String name =
        file.getOptions().getJavaPackage() + "." + file.getOptions().getJavaOuterClassname();
    return (FileDescriptor)
        Objects.requireNonNull(Class.forName(name).getMethod("getDescriptor").invoke(null));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
