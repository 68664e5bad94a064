package dev.mandate.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.crypto.KeyRing;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ContentLinksTest {
  private static final String OLD = "11".repeat(32);
  private static final String NEW = "22".repeat(32);
  private static final Instant UNTIL = Instant.parse("2030-01-01T00:05:00Z");
  private static final Mandate.Origin ORIGIN = new Mandate.Origin("test", "192.0.2.1", "");

  private final FileId file = new FileId(Ids.next());
  private final Mandate mandate =
      new Mandate(
          new OrgId(Ids.next()),
          List.of(Principal.user(Ids.next()), Principal.agent(Ids.next())),
          List.of(),
          null,
          UNTIL,
          ORIGIN);

  private static ContentLinks links(String keys, Instant now) {
    return new ContentLinks(KeyRing.parse("test", keys), () -> now);
  }

  private String token() {
    String address = links(OLD, UNTIL.minusSeconds(300)).sign(mandate, "GET", file, UNTIL);
    return address.substring(address.indexOf("token=") + "token=".length());
  }

  @Test
  void givesTheAuthorityOfWhoeverAskedUntilItsTime() {
    Mandate given = links(OLD, UNTIL.minusSeconds(1)).verify("GET", file, token(), ORIGIN);

    assertThat(given.org()).isEqualTo(mandate.org());
    assertThat(given.chain()).isEqualTo(mandate.chain());
    assertThat(given.expiresAt()).isEqualTo(UNTIL);
  }

  @Test
  void expires() {
    assertThatThrownBy(() -> links(OLD, UNTIL).verify("GET", file, token(), ORIGIN))
        .isInstanceOfSatisfying(
            Failure.class, failure -> assertThat(failure.reason()).isEqualTo("LINK_EXPIRED"));
  }

  @Test
  void outlivesTheRotationOfTheKeyAndEndsWithIt() {
    Instant now = UNTIL.minusSeconds(1);

    assertThat(links(NEW + "," + OLD, now).verify("GET", file, token(), ORIGIN).org())
        .isEqualTo(mandate.org());
    assertInvalid(links(NEW, now), "GET", file);
  }

  @Test
  void isForOneVerbAndOneFile() {
    ContentLinks links = links(OLD, UNTIL.minusSeconds(1));

    assertInvalid(links, "PUT", file);
    assertInvalid(links, "GET", new FileId(Ids.next()));
  }

  private void assertInvalid(ContentLinks links, String verb, FileId what) {
    assertThatThrownBy(() -> links.verify(verb, what, token(), ORIGIN))
        .isInstanceOfSatisfying(
            Failure.class, failure -> assertThat(failure.reason()).isEqualTo("LINK_INVALID"));
  }
}
