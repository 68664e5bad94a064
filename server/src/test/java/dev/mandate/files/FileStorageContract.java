package dev.mandate.files;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.crypto.Tokens;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every storage does alike. */
abstract class FileStorageContract {
  static final Duration LIFE = Duration.ofMinutes(5);

  final Mandate mandate = TestDatabase.newMandate();
  final OrgId org = mandate.org();

  abstract FileStorage storage();

  /** Sends a content as a client would. */
  abstract void send(StoredFile file, byte[] content) throws IOException, InterruptedException;

  /** Everything that is kept, by name. */
  abstract Iterable<String> kept() throws IOException;

  StoredFile announced(byte[] content) {
    return new StoredFile(
        new FileId(Ids.next()),
        "notes.txt",
        "text/plain",
        content.length,
        HexFormat.of().formatHex(Tokens.sha256(content)),
        false,
        mandate.actor(),
        Instant.now(),
        null,
        Instant.now().plus(LIFE));
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte @Nullable [] all(@Nullable InputStream in) throws IOException {
    if (in == null) {
      return null;
    }
    try (in) {
      return in.readAllBytes();
    }
  }

  private String tag(StoredFile file) throws IOException {
    try (FileStorage.Draft draft =
        Objects.requireNonNull(storage().draft(org, file.id()), "no draft")) {
      return draft.tag();
    }
  }

  @Test
  void whatWasSentIsADraftUntilItIsKept() throws Exception {
    StoredFile file = announced(bytes("first"));
    assertThat(storage().draft(org, file.id())).isNull();

    send(file, bytes("first"));

    try (FileStorage.Draft draft = Objects.requireNonNull(storage().draft(org, file.id()))) {
      assertThat(draft.content().readAllBytes()).isEqualTo(bytes("first"));
    }
    assertThat(storage().read(org, file.sha256())).isNull();
    assertThat(storage().keep(org, file.id(), tag(file), file.sha256())).isTrue();
    assertThat(all(storage().read(org, file.sha256()))).isEqualTo(bytes("first"));
    assertThat(storage().draft(org, file.id())).isNull();
  }

  @Test
  void theSameContentOfTwoFilesIsKeptOnce() throws Exception {
    StoredFile one = announced(bytes("the same"));
    StoredFile two = announced(bytes("the same"));
    for (StoredFile file : new StoredFile[] {one, two}) {
      send(file, bytes("the same"));
      assertThat(storage().keep(org, file.id(), tag(file), file.sha256())).isTrue();
    }

    assertThat(kept()).hasSize(1);
    storage().delete(org, one.sha256());
    storage().delete(org, one.sha256());
    assertThat(storage().read(org, one.sha256())).isNull();
    assertThat(kept()).isEmpty();
  }

  @Test
  void anotherOrganizationHasContentsOfItsOwn() throws Exception {
    StoredFile file = announced(bytes("ours"));
    send(file, bytes("ours"));
    assertThat(storage().keep(org, file.id(), tag(file), file.sha256())).isTrue();
    OrgId other = new OrgId(Ids.next());

    assertThat(storage().read(other, file.sha256())).isNull();
    storage().delete(other, file.sha256());
    assertThat(all(storage().read(org, file.sha256()))).isEqualTo(bytes("ours"));
  }

  @Test
  void whatIsDiscardedIsGone() throws Exception {
    StoredFile file = announced(bytes("draft"));
    storage().discard(org, file.id());
    send(file, bytes("draft"));
    storage().discard(org, file.id());

    assertThat(storage().draft(org, file.id())).isNull();
    assertThat(storage().keep(org, file.id(), "", file.sha256())).isFalse();
    assertThat(kept()).isEmpty();
  }
}
