package dev.mandate.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The examples that Amazon's S3 documentation works out to the end. */
class AwsSignatureTest {
  private static final Instant NOW = Instant.parse("2013-05-24T00:00:00Z");
  private static final String HOST = "https://examplebucket.s3.amazonaws.com";
  private static final AwsSignature SIGNATURE =
      new AwsSignature(
          "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", "us-east-1");

  private static String signed(
      String method, String path, Map<String, String> headers, String payload) {
    return SIGNATURE
        .sign(method, URI.create(HOST + path), headers, payload, NOW)
        .getOrDefault("authorization", "");
  }

  @Test
  void getsAPartOfAnObject() {
    assertThat(signed("GET", "/test.txt", Map.of("Range", "bytes=0-9"), AwsSignature.EMPTY))
        .isEqualTo(
            "AWS4-HMAC-SHA256"
                + " Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  }

  @Test
  void putsAnObjectWhoseNameNeedsEncoding() {
    assertThat(
            signed(
                "PUT",
                "/" + AwsSignature.encode("test$file.text"),
                Map.of(
                    "Date",
                    "Fri, 24 May 2013 00:00:00 GMT",
                    "x-amz-storage-class",
                    "REDUCED_REDUNDANCY"),
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"))
        .endsWith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  }

  @Test
  void readsAQueryWithoutAValue() {
    assertThat(signed("GET", "/?lifecycle", Map.of(), AwsSignature.EMPTY))
        .endsWith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  }

  @Test
  void listsWithAQuery() {
    assertThat(signed("GET", "/?prefix=J&max-keys=2", Map.of(), AwsSignature.EMPTY))
        .endsWith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  }

  @Test
  void presignsAnAddress() {
    URI address =
        SIGNATURE.presign("GET", URI.create(HOST + "/test.txt"), Map.of(), Duration.ofDays(1), NOW);

    assertThat(address)
        .hasToString(
            HOST
                + "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential="
                + "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature="
                + "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  }

  @Test
  void showsNoKey() {
    assertThat(SIGNATURE.toString()).doesNotContain("wJalr");
  }
}
