package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Programs of others that the tests call the server with. Those from npm are pinned in {@code
 * src/test/clients/package-lock.json} and installed into the build folder when they are needed.
 */
final class ForeignClients {
  private static final Path SOURCES = Path.of("src", "test", "clients").toAbsolutePath();
  private static final Path FOLDER = Path.of("target", "clients").toAbsolutePath();

  private static final Pattern OFFLINE =
      Pattern.compile("ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH");

  private ForeignClients() {}

  /** The binary of {@code buf}; the test is skipped on machines that npm has none for. */
  static Path buf() {
    Path modules = installed().resolve("node_modules").resolve("@bufbuild");
    for (String platform : List.of("buf-linux-x64", "buf-linux-aarch64")) {
      Path binary = modules.resolve(platform).resolve("bin").resolve("buf");
      if (Files.isExecutable(binary)) {
        return binary;
      }
    }
    assumeTrue(false, "there is no buf for this machine");
    return modules;
  }

  /** What a program printed. */
  record Output(int code, String out, String err) {}

  /** The folder with the installed clients; the test is skipped where there is no Node. */
  static synchronized Path installed() {
    assumeTrue(
        exists("node") && exists("npm"),
        "node and npm are not on the PATH: the clients from npm are not tried");
    Path done = FOLDER.resolve("installed");
    try {
      Files.createDirectories(FOLDER);
      byte[] lock = Files.readAllBytes(SOURCES.resolve("package-lock.json"));
      Files.copy(
          SOURCES.resolve("clients.mjs"),
          FOLDER.resolve("clients.mjs"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      if (!Files.exists(done) || !java.util.Arrays.equals(lock, Files.readAllBytes(done))) {
        Files.write(FOLDER.resolve("package-lock.json"), lock);
        Files.copy(
            SOURCES.resolve("package.json"),
            FOLDER.resolve("package.json"),
            java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        Output output =
            run(FOLDER, List.of("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"));
        assumeFalse(
            OFFLINE.matcher(output.err()).find(),
            () -> "the registry of npm is out of reach: " + output.err());
        assertThat(output.code()).as(output.err()).isZero();
        Files.write(done, lock);
      }
      return FOLDER;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a program is on the PATH. */
  static boolean exists(String program) {
    for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
        return true;
      }
    }
    return false;
  }

  /** Reads what a program prints, as far as it wants to. */
  interface Reading<T> {
    T of(InputStream out) throws IOException;
  }

  /** Runs a program that does not end by itself until what it prints has been read. */
  static <T> T read(Path folder, List<String> command, Reading<T> reading) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (InputStream out = process.getInputStream()) {
      process.getOutputStream().close();
      return reading.of(out);
    } finally {
      process.destroy();
    }
  }

  /** Runs a program to its end. */
  static Output run(Path folder, List<String> command) {
    try {
      Path err = Files.createTempFile("client", ".err");
      Process process =
          new ProcessBuilder(new ArrayList<>(command))
              .directory(folder.toFile())
              .redirectError(err.toFile())
              .start();
      process.getOutputStream().close();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(2, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError("does not end: " + command);
      }
      String errors = Files.readString(err);
      Files.delete(err);
      return new Output(process.exitValue(), out, errors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
