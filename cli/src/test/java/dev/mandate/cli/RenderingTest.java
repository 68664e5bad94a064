package dev.mandate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RenderingTest {
  @Test
  void alignsColumnsAndCutsOnlyTheLastOne() {
    Table table =
        new Table("NAME", "N", "TEXT").row("a", 1, "short").row("longer", 22, "x".repeat(40));

    assertThat(table.lines(0))
        .containsExactly("NAME    N   TEXT", "a       1   short", "longer  22  " + "x".repeat(40));
    assertThat(table.lines(30)).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(30));
    assertThat(table.lines(30).getLast()).endsWith("…");
  }

  @Test
  void keepsACellOnOneLine() {
    assertThat(new Table("TEXT").row("two\nlines").lines(0)).containsExactly("TEXT", "two lines");
  }

  @Test
  void showsColoursOnATerminalOnlyAndHonoursNoColor() {
    assertThat(bold(true, Map.of())).isEqualTo("\u001B[1mx\u001B[0m");
    assertThat(bold(true, Map.of("NO_COLOR", "1"))).isEqualTo("x");
    assertThat(bold(true, Map.of("TERM", "dumb"))).isEqualTo("x");
    assertThat(bold(false, Map.of())).isEqualTo("x");
  }

  @Test
  void keepsControlCharactersOfModelsAwayFromTheTerminal() {
    assertThat(Format.printable("a\u001B[2Jb\u0007\nc")).isEqualTo("a\uFFFD[2Jb\uFFFD\nc");
  }

  @Test
  void saysWhenACostIsNotReal() {
    var run = Json.object().put("costKnown", true).put("costMicros", "1234567");
    assertThat(Format.cost(run, false)).isEqualTo("$1.2346");
    assertThat(Format.cost(run, true)).isEqualTo("$1.2346 (simulated)");
    assertThat(Format.cost(Json.object(), false)).isEqualTo("unknown");
  }

  @Test
  void writesDurationsForPeople() {
    assertThat(Format.duration(12)).isEqualTo("12 ms");
    assertThat(Format.duration(3_400)).isEqualTo("3.4 s");
    assertThat(Format.duration(125_000)).isEqualTo("2 min 5 s");
    assertThat(Format.between("", "2026-01-01T00:00:00Z")).isEqualTo("-");
  }

  private static String bold(boolean terminal, Map<String, String> variables) {
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    return new Screen(nowhere, nowhere, new Env(variables, terminal, terminal, 80)).bold("x");
  }

  @Test
  void textDoesNotDriveTheTerminalNorReadOtherwiseThanItIs() {
    assertThat(Format.printable("a\u001B[31mb\u009Bc\rd\te\n")).isEqualTo("a�[31mb�c�d\te\n");
    assertThat(Format.printable("rm \u202Ecod.txt\u2066 \uDB40\uDC41x \u2028y"))
        .isEqualTo("rm �cod.txt� �x �y");
    assertThat(Format.printable("Grüße 世界 🙂")).isEqualTo("Grüße 世界 🙂");
  }
}
