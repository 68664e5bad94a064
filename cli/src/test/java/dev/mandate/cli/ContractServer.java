package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.ExtensionRegistry;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Answers every unary method of the contract with a message in which every field is set, and
 * complains about requests that the contract does not know.
 */
final class ContractServer implements AutoCloseable {
  static final String ID = "01920000-0000-7000-8000-000000000001";

  private record Route(MethodDescriptor method, String verb, Pattern path) {}

  private final List<Route> routes = routes();
  private final HttpServer server;
  private final List<String> called = Collections.synchronizedList(new ArrayList<>());
  private final List<String> complaints = Collections.synchronizedList(new ArrayList<>());

  ContractServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** The methods called, e.g. {@code AgentService.ListAgents}. */
  List<String> called() {
    return called;
  }

  List<String> complaints() {
    return complaints;
  }

  /** Every unary method of the contract. */
  List<String> methods() {
    return routes.stream().map(route -> name(route.method())).toList();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String verb = exchange.getRequestMethod();
    String path = exchange.getRequestURI().getRawPath();
    byte[] body = exchange.getRequestBody().readAllBytes();
    Route route =
        routes.stream()
            .filter(one -> one.verb().equals(verb) && one.path().matcher(path).matches())
            .findFirst()
            .orElse(null);
    if (path.equals("/some-url")) {
      // The address that the sample answers name for a file's content.
      exchange.sendResponseHeaders(204, -1);
      exchange.close();
      return;
    }
    if (route == null) {
      complaints.add(verb + " " + path + " is not in the contract");
      exchange.sendResponseHeaders(404, -1);
      exchange.close();
      return;
    }
    called.add(name(route.method()));
    Descriptor input = route.method().getInputType();
    String query = exchange.getRequestURI().getQuery();
    for (String parameter : query == null ? new String[0] : query.split("&", -1)) {
      check(input, parameter.split("=", 2)[0], verb + " " + path);
    }
    if (body.length > 0) {
      checkBody(input, Json.parse(new String(body, StandardCharsets.UTF_8)), verb + " " + path);
    }
    byte[] answer =
        Json.compact(sample(route.method().getOutputType(), 0)).getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
  }

  private void checkBody(Descriptor type, JsonNode body, String where) {
    for (Map.Entry<String, JsonNode> entry : body.properties()) {
      FieldDescriptor field = check(type, entry.getKey(), where);
      if (field == null || field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        continue;
      }
      if (field.isMapField()) {
        continue;
      }
      if (field.isRepeated()) {
        entry.getValue().forEach(one -> checkBody(field.getMessageType(), one, where));
      } else {
        checkBody(field.getMessageType(), entry.getValue(), where);
      }
    }
  }

  private @Nullable FieldDescriptor check(Descriptor type, String name, String where) {
    for (FieldDescriptor field : type.getFields()) {
      if (field.getJsonName().equals(name)) {
        return field;
      }
    }
    complaints.add(where + ": " + type.getName() + " has no field " + name);
    return null;
  }

  private static ObjectNode sample(Descriptor type, int depth) {
    ObjectNode node = Json.object();
    for (FieldDescriptor field : type.getFields()) {
      if (field.getName().equals("next_page_token") || field.isMapField() || depth > 3) {
        continue;
      }
      if (field.isRepeated()) {
        ArrayNode array = node.putArray(field.getJsonName());
        array.add(value(field, depth));
      } else {
        node.set(field.getJsonName(), value(field, depth));
      }
    }
    return node;
  }

  private static JsonNode value(FieldDescriptor field, int depth) {
    return switch (field.getJavaType()) {
      case BOOLEAN -> Json.MAPPER.getNodeFactory().booleanNode(false);
      case INT, LONG, FLOAT, DOUBLE -> Json.MAPPER.getNodeFactory().textNode("3");
      case ENUM ->
          Json.MAPPER
              .getNodeFactory()
              .textNode(field.getEnumType().getValues().getLast().getName());
      case MESSAGE ->
          field.getMessageType().getFullName().equals("google.protobuf.Timestamp")
              ? Json.MAPPER.getNodeFactory().textNode("2026-01-02T03:04:05.678Z")
              : sample(field.getMessageType(), depth + 1);
      case STRING ->
          Json.MAPPER
              .getNodeFactory()
              .textNode(
                  field.getName().equals("id") || field.getName().endsWith("_id")
                      ? ID
                      : "some-" + field.getName());
      case BYTE_STRING -> Json.MAPPER.getNodeFactory().textNode("");
    };
  }

  private static String name(MethodDescriptor method) {
    return method.getService().getName() + "." + method.getName();
  }

  private static List<Route> routes() {
    List<Route> routes = new ArrayList<>();
    for (FileDescriptor file : files()) {
      for (ServiceDescriptor service : file.getServices()) {
        for (MethodDescriptor method : service.getMethods()) {
          HttpRule rule = method.getOptions().getExtension(AnnotationsProto.http);
          String verb = rule.getPatternCase().name();
          String path =
              switch (rule.getPatternCase()) {
                case GET -> rule.getGet();
                case POST -> rule.getPost();
                case PATCH -> rule.getPatch();
                case DELETE -> rule.getDelete();
                default -> throw new AssertionError(method.getFullName());
              };
          if (!method.isServerStreaming()) {
            String pattern = path.replaceAll("\\{[a-z_]+}", "[^/:]+");
            routes.add(new Route(method, verb, Pattern.compile(pattern)));
          }
        }
      }
    }
    return routes;
  }

  private static List<FileDescriptor> files() {
    ExtensionRegistry extensions = ExtensionRegistry.newInstance();
    AnnotationsProto.registerAllExtensions(extensions);
    try (InputStream in = ContractServer.class.getResourceAsStream("/mandate.protoset")) {
      FileDescriptorSet set = FileDescriptorSet.parseFrom(in, extensions);
      Map<String, FileDescriptorProto> protos = new HashMap<>();
      set.getFileList().forEach(file -> protos.put(file.getName(), file));
      Map<String, FileDescriptor> built = new HashMap<>();
      List<FileDescriptor> ours = new ArrayList<>();
      for (String name : protos.keySet()) {
        FileDescriptor file = build(name, protos, built);
        if (name.startsWith("mandate/")) {
          ours.add(file);
        }
      }
      return ours;
    } catch (IOException missing) {
      throw new AssertionError(missing);
    }
  }

  private static FileDescriptor build(
      String name, Map<String, FileDescriptorProto> protos, Map<String, FileDescriptor> built) {
    FileDescriptor known = built.get(name);
    if (known != null) {
      return known;
    }
    FileDescriptorProto proto = java.util.Objects.requireNonNull(protos.get(name), name);
    FileDescriptor[] imports =
        proto.getDependencyList().stream()
            .map(one -> build(one, protos, built))
            .toArray(FileDescriptor[]::new);
    try {
      FileDescriptor file = FileDescriptor.buildFrom(proto, imports);
      built.put(name, file);
      return file;
    } catch (DescriptorValidationException broken) {
      throw new AssertionError(broken);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
