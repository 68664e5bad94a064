package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/security.md} promises nothing that no test holds. */
class SecurityPageTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern TEST = Pattern.compile("`(\\w+Test)\\.(\\w+)`");

  @Test
  void everyRowNamesTestsThatExist() throws IOException {
    List<String> rows =
        Files.readAllLines(ROOT.resolve("docs/security.md")).stream()
            .filter(line -> line.startsWith("| ") && !line.endsWith("| held by |"))
            .toList();
    assertThat(rows).hasSizeGreaterThan(10);
    for (String row : rows) {
      String held = row.substring(row.lastIndexOf('|', row.length() - 2));
      List<MatchResult> tests = TEST.matcher(held).results().toList();
      assertThat(tests).as("the row names no test: " + row).isNotEmpty();
      for (MatchResult test : tests) {
        assertThat(source(test.group(1)))
            .as(test.group())
            .containsPattern(
                "@(Test|ParameterizedTest|RepeatedTest|Property)\\b((?!\\bvoid\\b)[^;])*\\bvoid "
                    + test.group(2)
                    + "\\(");
      }
    }
  }

  private static String source(String test) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String module : List.of("kernel", "server", "rego", "cli")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/test/java"))) {
        for (Path file : files.filter(f -> f.endsWith(test + ".java")).toList()) {
          all.append(Files.readString(file));
        }
      }
    }
    assertThat(all.toString()).as("there is no " + test).isNotEmpty();
    return all.toString();
  }
}
