package dev.mandate.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpRequestWriter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SentBodyTest {
  private static final Duration PATIENT = Duration.ofMinutes(1);

  private final HttpRequestWriter sender = HttpRequest.streaming(HttpMethod.PUT, "/");

  @Test
  void isWhatWasSentInWhateverPieces() throws IOException {
    sender.write(HttpData.ofUtf8("one "));
    sender.write(HttpData.empty());
    sender.write(HttpData.ofUtf8("two"));
    sender.close();

    assertThat(new SentBody(sender, PATIENT).readAllBytes())
        .isEqualTo("one two".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void givesUpASenderThatFallsSilent() throws IOException {
    try (SentBody body = new SentBody(sender, Duration.ofMillis(50))) {
      assertThatThrownBy(body::read)
          .isInstanceOf(InterruptedIOException.class)
          .hasMessageContaining("nothing was sent");
    }
  }

  @Test
  void saysThatTheSenderWentAway() {
    sender.close(new IllegalStateException("gone"));

    assertThatThrownBy(() -> new SentBody(sender, PATIENT).read())
        .isInstanceOf(IOException.class)
        .hasMessage("the sender went away");
  }
}
