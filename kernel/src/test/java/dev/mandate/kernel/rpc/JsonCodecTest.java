package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.NullValue;
import com.google.protobuf.Value;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.rpc.notes.Everything;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonCodecTest {
  private static final String ALL =
      """
      {"i32":-5,"i64":"-9223372036854775808","u32":4294967295,"u64":"18446744073709551615",\
      "f32":1.5,"f64":0.1,"flag":true,"text":"é😀\\n\\"","data":"AP8=","color":"RED",\
      "numbers":[1,2],"labels":{"a":"b"},"notes":{"7":{"id":"n","title":"","text":"","tags":[],\
      "color":"COLOR_UNSPECIFIED","version":"0"}},"at":"2026-01-31T12:00:00.123Z","lasts":"-1.500s",\
      "object":{"one":1,"half":0.5,"big":9007199254740992,"none":null,"list":[true,{"x":"y"}]},\
      "any":[1],"list":["z"],"mask":"fooBar,a.b","wrapped":"12","wrappedText":"","maybe":0,\
      "word":"","child":{"i32":1,"i64":"0","u32":0,"u64":"0","f32":0.0,"f64":0.0,"flag":false,\
      "text":"","data":"","color":"COLOR_UNSPECIFIED","numbers":[],"labels":{},"notes":{},\
      "children":[]},"children":[]}\
      """;

  private static Everything read(String json) {
    return (Everything) JsonCodec.read(json, Everything.getDefaultInstance());
  }

  @Test
  void everyTypeComesBackAsItWent() throws InvalidProtocolBufferException {
    Everything message = read(ALL);
    assertThat(JsonCodec.text(message)).isEqualTo(ALL);
    assertThat(message.getU64()).isEqualTo(-1);
    assertThat(message.getMask().getPathsList()).containsExactly("foo_bar", "a.b");
    DynamicMessage dynamic =
        DynamicMessage.parseFrom(Everything.getDescriptor(), message.toByteString());
    assertThat(JsonCodec.text(dynamic)).isEqualTo(ALL);
    assertThat(JsonCodec.read(ALL, DynamicMessage.getDefaultInstance(Everything.getDescriptor())))
        .isEqualTo(dynamic);
  }

  @Test
  void anEmptyMessageStillShowsItsShape() {
    assertThat(JsonCodec.text(Everything.getDefaultInstance()))
        .isEqualTo(
            "{\"i32\":0,\"i64\":\"0\",\"u32\":0,\"u64\":\"0\",\"f32\":0.0,\"f64\":0.0,"
                + "\"flag\":false,\"text\":\"\",\"data\":\"\",\"color\":\"COLOR_UNSPECIFIED\","
                + "\"numbers\":[],\"labels\":{},\"notes\":{},\"children\":[]}");
  }

  @Test
  void namesAndNumbersAreTakenInBothForms() {
    Everything message =
        read(
            """
            {"wrapped_text":"a","i64":12,"i32":"7","f64":"2.5","u32":1.0,"color":2,"f32":"NaN",
             "any":null,"child":null,"numbers":null,"data":"AP-_"}
            """);
    assertThat(message.getWrappedText().getValue()).isEqualTo("a");
    assertThat(message.getI64()).isEqualTo(12);
    assertThat(message.getI32()).isEqualTo(7);
    assertThat(message.getU32()).isEqualTo(1);
    assertThat(message.getColorValue()).isEqualTo(2);
    assertThat(message.getF32()).isNaN();
    assertThat(message.getAny())
        .isEqualTo(Value.newBuilder().setNullValue(NullValue.NULL_VALUE).build());
    assertThat(message.hasChild()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"bogus":1}                              | bogus: unknown field
          {"children":[{},{},{"bogus":1}]}         | children[2].bogus: unknown field
          {"child":{"child":{"nope":{}}}}          | child.child.nope: unknown field
          {"text":"a","text":"b"}                  | text: is given twice
          {"wrappedText":"a","wrapped_text":"b"}   | wrappedText: is given twice
          {"labels":{"a":"1","a":"2"}}             | labels.a: is given twice
          {"notes":{"1":{},"01":{}}}               | notes.01: is given twice
          {"object":{"a":{"b":1,"b":2}}}           | object.a.b: is given twice
          {"word":"a","digit":1}                   | digit: only one of the fields of 'choice' can be set
          {"text":5}                               | text: expected a string, got a number
          {"text":{}}                              | text: expected a string, got an object
          {"numbers":{}}                           | numbers: expected an array, got an object
          {"numbers":[1,"x"]}                      | numbers[1]: expected a whole number
          {"numbers":[null]}                       | numbers[0]: must not be null
          {"labels":[]}                            | labels: expected an object, got an array
          {"labels":{"a":1}}                       | labels.a: expected a string, got a number
          {"notes":{"x":{}}}                       | notes.x: key expected a whole number
          {"child":[]}                             | child: expected an object, got an array
          {"flag":"true"}                          | flag: expected true or false, got a string
          {"i32":2147483648}                       | i32: is out of the range of int32
          {"i32":1.5}                              | i32: expected a whole number
          {"i32":1e400}                            | i32: is out of the range of int32
          {"i32":1e999999999}                      | i32: expected a whole number
          {"u32":-1}                               | u32: is out of the range of uint32
          {"i64":"9223372036854775808"}            | i64: is out of the range of int64
          {"u64":"-1"}                             | u64: is out of the range of uint64
          {"f64":1e999}                            | f64: is out of range
          {"f32":1e39}                             | f32: is out of range
          {"f64":"1_0"}                            | f64: expected a number
          {"f64":true}                             | f64: expected a number, got a boolean
          {"color":"BLUE"}                         | color: unknown value 'BLUE', expected one of COLOR_UNSPECIFIED, RED, GREEN
          {"color":9}                              | color: unknown value 9
          {"data":"@@"}                            | data: is not base64
          {"at":"yesterday"}                       | at: expected a time such as 2026-01-31T12:00:00Z
          {"at":"+10000-01-01T00:00:00Z"}          | at: is outside the years 0001 to 9999
          {"lasts":"5"}                            | lasts: expected a duration in seconds such as 1.5s
          {"lasts":"1e5s"}                         | lasts: expected a duration in seconds such as 1.5s, at most nine decimals
          {"mask":"a,,b"}                          | mask: expected field names, separated by commas
          {"object":{"n":9007199254740993}}        | object.n: is an integer beyond 2^53, which would lose digits: send it as a string
          {"object":{"n":[-9007199254740993]}}     | object.n[0]: is an integer beyond 2^53, which would lose digits: send it as a string
          {"object":{"n":1e999}}                   | object.n: is out of range
          {"text":"a\\u0000"}                      | text: holds a NUL character
          {"object":{"a":"\\u0000"}}               | object.a: holds a NUL character
          {"labels":{"\\u0000":""}}                | labels.\uFFFD: key holds a NUL character
          {"text":"\\ud83d"}                       | text: holds half of a surrogate pair
          {"text":"\\ude00"}                       | text: holds half of a surrogate pair
          {"text":"\\ude00\\ud83d"}                | text: holds half of a surrogate pair
          {"labels":{"\\ude00":""}}                | malformed JSON at line 1, column 19: Unexpected low surrogate in field name: 0xde00
          []                                       | body: expected an object, got an array
          5                                        | body: expected an object, got a number
          {} {}                                    | body: holds more than one JSON value
          """)
  void hostileJsonIsRefusedWithItsPlace(String json, String message) {
    assertThatThrownBy(() -> read(json)).isInstanceOf(Failure.class).hasMessage(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{\"text\":}",
        "{'text':'a'}",
        "{\"i32\":01}",
        "{\"i32\":NaN}",
        "{\"text\":\"a\nb\"}",
        "{\"text\":\"\\x\"}",
        "{\"i32\":1,}",
        "{//\n}",
        "nul",
        "{\"numbers\":[1 2]}"
      })
  void malformedJsonIsRefusedWithLineAndColumn(String json) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOfSatisfying(
            Failure.class,
            failure -> {
              assertThat(failure.reason()).isEqualTo("MALFORMED_JSON");
              assertThat(failure.publicMessage())
                  .matches("malformed JSON at line \\d+, column \\d+: .*");
            });
  }

  @Test
  void whatIsTooDeepOrNotTextIsRefused() {
    String deep = "{\"child\":".repeat(65) + "{}" + "}".repeat(65);
    assertThatThrownBy(() -> read(deep)).hasMessageContaining("nested deeper than 64 levels");
    String deepStruct = "{\"any\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}";
    assertThatThrownBy(() -> read(deepStruct)).hasMessageContaining("nested deeper");
    assertThatThrownBy(() -> read("{\"i32\":" + "1".repeat(500) + "}"))
        .hasMessageContaining("malformed JSON");
    assertThatThrownBy(() -> read("{\"i32\":\"" + "1".repeat(5000) + "\"}"))
        .hasMessage("i32: expected a whole number");
    byte[] notUtf8 = "{\"text\":\"é\"}".getBytes(StandardCharsets.ISO_8859_1);
    assertThatThrownBy(() -> JsonCodec.read(notUtf8, Everything.getDefaultInstance()))
        .hasMessageContaining("malformed JSON");
    byte[] utf16 = "{\"text\":\"a\"}".getBytes(StandardCharsets.UTF_16LE);
    assertThatThrownBy(() -> JsonCodec.read(utf16, Everything.getDefaultInstance()))
        .isInstanceOf(Failure.class);
    assertThatThrownBy(() -> read("")).hasMessage("body: is empty, expected a JSON object");
  }
}
