package dev.mandate.server;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.server.demo.EffectCounter;
import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The effect counter as a tool server of an organization: its tools change something. */
public final class Counters {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Counters() {}

  /** Imports it; its effects are counted in {@code file}. */
  public static void add(TestServer.Client owner, String name, Path file) {
    List<String> classPath = new ArrayList<>();
    for (Class<?> type :
        List.of(EffectCounter.class, ObjectMapper.class, JsonFactory.class, JsonInclude.class)) {
      classPath.add(location(type));
    }
    ObjectNode source = JSON.createObjectNode().put("name", name);
    source
        .putObject("stdio")
        .putArray("command")
        .add(Path.of(System.getProperty("java.home"), "bin", "java").toString())
        .add("-XX:TieredStopAtLevel=1")
        .add("-cp")
        .add(String.join(File.pathSeparator, classPath))
        .add(EffectCounter.class.getName())
        .add("--file")
        .add(file.toString());
    owner.post("/api/v1/tool-sources:import", source.toString()).ok();
  }

  private static String location(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** Changes what an administrator says about a tool. */
  public static void set(TestServer.Client owner, String tool, String field, String value) {
    JsonNode now = owner.get("/api/v1/tools/" + tool.replace("/", "%2F")).ok();
    ObjectNode change = JSON.createObjectNode().put(field, value);
    change.set("version", now.get("version"));
    owner.call("PATCH", "/api/v1/tools/" + now.get("id").textValue(), change.toString()).ok();
  }
}
