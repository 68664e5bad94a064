package dev.mandate.kernel.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mdt_abcdefghijklmnop | mdt_…",
        "a mds_abcdefghijklmnop b | a mds_… b",
        "mdr_abcdefghijklmnop | mdr_…",
        "#mdl_abcdefghijklmnop | #mdl_…",
        "mdi_abcdefghijklmnop | mdi_…",
        "key sk-ant-abcdefghijklmnop | key sk-ant-…",
        "sk-abcdefghijklmnop | sk-…",
        "x=AIzaabcdefghijklmnop | x=AIza…",
        "Authorization: Bearer abcdefgh.ijkl | Authorization: Bearer …",
        "BASIC dXNlcjpwYXNz | BASIC …",
        "password=hunter22 | password=…",
        "PassWord: hunter22 | PassWord=…",
        "Secret=abcdefgh | Secret=…",
        "API-KEY=abcdefgh | API-KEY=…",
        "api_key = abcdefgh | api_key=…",
        "Token: abcdefgh | Token=…",
        "postgres://me:pass@host/db | postgres://…@host/db",
      })
  void aCredentialIsCutToItsKind(String text, String masked) {
    assertThat(Secrets.mask(text)).isEqualTo(masked);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":/",
        "nothing to see: sketches, apiaries, basics, bearers and tokens of love",
        "https://example.com/a@b",
        "the md5 of a mandate",
        "sk-short",
      })
  void otherTextStaysAsItIs(String text) {
    assertThat(Secrets.mask(text)).isSameAs(text);
  }
}
