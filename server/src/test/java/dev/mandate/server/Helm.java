package dev.mandate.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Helm itself, in a process of its own: it brings Go's runtime and its signal handlers. */
final class Helm {
  private Helm() {}

  /** What Helm said, on both of its outputs. */
  record Answer(boolean done, String text) {}

  /** Checks a chart; warnings count as failures. */
  static Answer lint(Path chart) throws IOException, InterruptedException {
    return run("lint", chart, List.of());
  }

  /**
   * The manifests of a release named {@code mandate}.
   *
   * @param values {@code path=value} each
   */
  static Answer template(Path chart, String... values) throws IOException, InterruptedException {
    return run("template", chart, List.of(values));
  }

  private static Answer run(String command, Path chart, List<String> values)
      throws IOException, InterruptedException {
    List<String> line = Processes.java(Helm.class);
    line.addAll(List.of(command, chart.toString()));
    line.addAll(values);
    Path output = Files.createTempFile("helm", ".out");
    try {
      Process process =
          new ProcessBuilder(line)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("helm " + command + " does not end");
      }
      return new Answer(process.exitValue() == 0, Files.readString(output));
    } finally {
      Files.delete(output);
    }
  }

  public static void main(String[] args) throws IOException {
    Path chart = Path.of(args[1]);
    if (args[0].equals("lint")) {
      LintResult result = new com.marcnuri.helm.Helm(chart).lint().strict().call();
      print(String.join("\n", result.getMessages()));
      System.exit(result.isFailed() ? 1 : 0);
    }
    Path copy = anyKubernetes(chart);
    TemplateCommand template =
        new com.marcnuri.helm.Helm(copy).template().withName("mandate").withNamespace("agents");
    for (String value : List.of(args).subList(2, args.length)) {
      int equals = value.indexOf('=');
      template.set(value.substring(0, equals), value.substring(equals + 1));
    }
    print(template.call());
  }

  /** The library was built without the version of Kubernetes that charts are rendered for. */
  private static Path anyKubernetes(Path chart) throws IOException {
    Path copy = Files.createTempDirectory("chart");
    try (Stream<Path> files = Files.walk(chart)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = copy.resolve(chart.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.writeString(
            target, Files.readString(file).replaceAll("(?m)^kubeVersion:.*$", ""), UTF_8);
      }
    }
    return copy;
  }

  private static void print(String text) {
    System.out.writeBytes((text + "\n").getBytes(UTF_8));
    System.out.flush();
  }
}
