package dev.mandate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class StarterTest {
  private static final Path FOLDER = Path.of("../server/src/main/resources/policies/starter");

  @Test
  void everyPolicyOfTheFolderIsListedWithItsTitle() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      assertThat(StarterCommand.NAMES)
          .containsExactlyElementsOf(
              files
                  .map(file -> String.valueOf(file.getFileName()))
                  .filter(name -> !name.endsWith("_test.rego"))
                  .map(name -> name.replace(".rego", ""))
                  .sorted()
                  .toList());
    }
    Invocation list = Invocation.of(Map.of(), "", "policy", "starter", "list");
    assertThat(list.exit()).as(list.err()).isZero();
    assertThat(list.out()).contains("business_hours", "Agents act in business hours");
  }

  @Test
  void showPrintsTheTextAndTheTestsAsTheyAre() throws IOException {
    Invocation text = Invocation.of(Map.of(), "", "policy", "starter", "show", "business_hours");
    assertThat(text.out()).isEqualTo(Files.readString(FOLDER.resolve("business_hours.rego")));
    Invocation tests =
        Invocation.of(Map.of(), "", "policy", "starter", "show", "business_hours", "--tests");
    assertThat(tests.out()).isEqualTo(Files.readString(FOLDER.resolve("business_hours_test.rego")));
  }

  @Test
  void anUnknownNameIsRefusedWithTheNamesThereAre() {
    Invocation unknown = Invocation.of(Map.of(), "", "policy", "starter", "show", "../x");
    assertThat(unknown.exit()).isEqualTo(Exit.USAGE);
    assertThat(unknown.err()).contains("../x", "shell_allow_list");
  }
}
