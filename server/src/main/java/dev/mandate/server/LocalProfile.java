package dev.mandate.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/**
 * The profile {@code local} of the command line on this machine: {@code profiles.json}, mode 0600,
 * in the format that docs/cli.md describes.
 */
final class LocalProfile {
  private static final String NAME = "local";

  private final Path file;

  private LocalProfile(Path file) {
    this.file = file;
  }

  /** In the user's configuration folder. */
  static LocalProfile ofUser(Map<String, String> environment) {
    String config = environment.getOrDefault("XDG_CONFIG_HOME", "");
    Path folder =
        config.isEmpty()
            ? Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")), ".config")
            : Path.of(config);
    return new LocalProfile(folder.resolve("mandate").resolve("profiles.json"));
  }

  /**
   * Points the profile at a running server, with the token it has if that is still good.
   *
   * @param certificate the server's, which the command line is to trust; empty for plain HTTP
   */
  void pointAt(Platform platform, String certificate) {
    ObjectNode root = read();
    JsonNode known = root.path("profiles").path(NAME).path("token");
    String token =
        known.isTextual() && platform.accepts(known.textValue())
            ? known.textValue()
            : platform.commandLineToken();
    root.put("current", NAME);
    ObjectNode local = root.withObject("/profiles").putObject(NAME);
    local.put("url", platform.url()).put("token", token);
    if (!certificate.isEmpty()) {
      local.put("caFile", Path.of(certificate).toAbsolutePath().normalize().toString());
    }
    write(root.toPrettyString());
  }

  private ObjectNode read() {
    try {
      if (Files.exists(file) && Json.read(Files.readString(file)) instanceof ObjectNode root) {
        return root;
      }
      return Json.object();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private void write(String text) {
    try {
      Files.createDirectories(file.getParent());
      Path fresh =
          Files.createTempFile(
              file.getParent(),
              "profiles",
              ".new",
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(fresh, text + "\n");
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}
