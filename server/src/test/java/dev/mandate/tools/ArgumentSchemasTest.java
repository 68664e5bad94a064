package dev.mandate.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArgumentSchemasTest {
  private static final String SCHEMA =
      """
      {"type": "object", "required": ["name"], "additionalProperties": false,
       "properties": {
         "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"},
         "count": {"type": "integer", "minimum": 1},
         "kind": {"enum": ["big", "small"]},
         "items": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}}}}}
      """;

  private final ArgumentSchemas schemas = new ArgumentSchemas();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"name": "ab", "count": 3}            | ``
          {}                                    | arguments: required property 'name' not found
          {"name": 7}                           | arguments.name: integer found, string expected
          {"name": "AB"}                        | arguments.name: does not match the regex pattern ^[a-z]+$
          {"name": "ab", "count": 0}            | arguments.count: must have a minimum value of 1
          {"name": "ab", "kind": "huge"}        | arguments.kind: does not have a value in the enumeration ["big", "small"]
          {"name": "ab", "colour": 1}           | arguments: property 'colour' is not defined in the schema and the schema does not allow additional properties
          {"name": "ab", "items": [{}, {"n": ""}]} | arguments.items[1].n: string found, number expected
          """)
  void a_problem_names_its_place(String arguments, String problem) {
    assertThat(schemas.problem(SCHEMA, arguments).orElse("")).isEqualTo(problem);
  }

  @Test
  void a_pattern_cannot_run_away() {
    String evil =
        """
        {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}\
        """;
    String arguments = "{\"x\": \"" + "a".repeat(60) + "!\"}";
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(60), () -> assertThat(schemas.problem(evil, arguments)).isPresent());
  }

  @Test
  void what_a_pattern_cannot_express_here_is_left_to_the_tool() {
    String lookahead =
        """
        {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(?!no)"}}}\
        """;
    assertThat(schemas.problem(lookahead, "{\"x\": \"no\"}")).isEmpty();
  }
}
