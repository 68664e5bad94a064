package dev.mandate.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The servers that this user knows, with a token for each: {@code profiles.json} in the
 * configuration folder, mode 0600. The format is described in docs/cli.md, because the server
 * writes the profile {@code local} too.
 *
 * @param current the name of the profile in use; empty if there is none
 */
record Profiles(String current, Map<String, Profile> profiles) {

  /**
   * One server.
   *
   * @param url its address, without a path
   * @param token the API token, {@code mdt_…}
   * @param caFile PEM file of certificates to trust besides Java's authorities; empty for none
   */
  record Profile(String url, String token, String caFile) {}

  static Profiles load(Path file) {
    if (!Files.exists(file)) {
      return new Profiles("", Map.of());
    }
    try {
      JsonNode root = Json.MAPPER.readTree(Files.readString(file));
      Map<String, Profile> profiles = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> entry : root.path("profiles").properties()) {
        profiles.put(
            entry.getKey(),
            new Profile(
                Json.text(entry.getValue(), "url"),
                Json.text(entry.getValue(), "token"),
                Json.text(entry.getValue(), "caFile")));
      }
      return new Profiles(Json.text(root, "current"), profiles);
    } catch (JsonProcessingException broken) {
      throw CliFailure.failed(
          file + " is not valid JSON: repair it, or delete it and sign in again");
    } catch (IOException unreadable) {
      throw CliFailure.failed("cannot read " + file + ": " + unreadable.getMessage());
    }
  }

  Profiles with(String name, Profile profile) {
    Map<String, Profile> more = new LinkedHashMap<>(profiles);
    more.put(name, profile);
    return new Profiles(name, more);
  }

  /** Writes the file as a whole, never readable by others, not even for a moment. */
  void save(Path file) {
    ObjectNode root = Json.object();
    root.put("current", current);
    ObjectNode all = root.putObject("profiles");
    profiles.forEach((name, profile) -> {
      ObjectNode one = all.putObject(name);
      one.put("url", profile.url()).put("token", profile.token());
      if (!profile.caFile().isEmpty()) {
        one.put("caFile", profile.caFile());
      }
    });
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      Path next = file.resolveSibling(file.getFileName() + ".next");
      Files.deleteIfExists(next);
      Files.createFile(
          next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.write(next, Json.pretty(root).getBytes(StandardCharsets.UTF_8));
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException unwritable) {
      throw CliFailure.failed("cannot write " + file + ": " + unwritable.getMessage());
    }
  }

  /**
   * The profile to use: MANDATE_URL, MANDATE_TOKEN and MANDATE_CA_FILE first, then the one named,
   * then the current one. The variables replace only what they set.
   */
  Profile choose(String named, String urlVariable, String tokenVariable, String caVariable) {
    String name = named.isEmpty() ? current : named;
    Profile stored = profiles.get(name);
    if (!named.isEmpty() && stored == null) {
      throw CliFailure.usage(
          "there is no profile '"
              + named
              + "'; there are: "
              + String.join(", ", profiles.keySet()));
    }
    String url = !urlVariable.isEmpty() ? urlVariable : stored == null ? "" : stored.url();
    if (url.isEmpty()) {
      throw CliFailure.notSignedIn(
          "no server is known: `mandate up` starts one here, `mandate login URL` uses another");
    }
    // A stored token belongs to its own server and is sent to no other.
    Profile own =
        stored != null && trim(stored.url()).equals(trim(url)) ? stored : new Profile(url, "", "");
    return new Profile(
        trim(url),
        tokenVariable.isEmpty() ? own.token() : tokenVariable,
        caVariable.isEmpty() ? own.caFile() : caVariable);
  }

  static String trim(String url) {
    return url.endsWith("/") ? trim(url.substring(0, url.length() - 1)) : url;
  }
}
