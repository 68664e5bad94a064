package dev.mandate.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.mandate.kernel.Failure;
import dev.mandate.testing.TestDatabase;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class LocalStorageTest extends FileStorageContract {
  @TempDir private Path folder;

  @Override
  LocalStorage storage() {
    InstantSource clock = InstantSource.system();
    return new LocalStorage(folder, new ContentLinks(TestDatabase.keys(), clock), clock);
  }

  @Override
  void send(StoredFile file, byte[] content) throws IOException {
    storage().receive(org, file, new ByteArrayInputStream(content));
  }

  @Override
  List<String> kept() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).map(Path::toString).toList();
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX) // has a device that is always full
  void aFullDiskIsCalledSo() {
    IOException full =
        catchThrowableOfType(
            IOException.class,
            () -> {
              try (FileChannel out =
                  FileChannel.open(Path.of("/dev/full"), StandardOpenOption.WRITE)) {
                out.write(ByteBuffer.wrap(new byte[1]));
              }
            });
    assertThat(FileStorage.failure(full).publicMessage()).contains("no space left");
    assertThat(FileStorage.failure(full).code()).isEqualTo(Failure.Code.UNAVAILABLE);
    assertThat(FileStorage.failure(new IOException("gone")).publicMessage())
        .doesNotContain("no space left");
  }

  @Test
  void whatBreaksOffLeavesNothing() {
    StoredFile file = announced(bytes("a longer content"));
    InputStream broken =
        new InputStream() {
          private boolean began;

          @Override
          public int read() throws IOException {
            throw new IOException("gone");
          }

          @Override
          public int read(byte[] into, int offset, int length) throws IOException {
            if (began) {
              throw new IOException("gone");
            }
            began = true;
            into[offset] = 'a';
            return 1;
          }
        };

    assertThatThrownBy(() -> storage().receive(org, file, broken)).isInstanceOf(IOException.class);
    assertThat(filesLeft()).isEmpty();
  }

  @Test
  void whatIsNotWhatWasAnnouncedLeavesNothing() {
    StoredFile file = announced(bytes("right"));

    for (String wrong : List.of("wrong", "righ", "righty")) {
      assertThatThrownBy(() -> send(file, bytes(wrong)))
          .isInstanceOf(Failure.class)
          .satisfies(
              thrown -> assertThat(((Failure) thrown).reason()).isEqualTo("CONTENT_REFUSED"));
      assertThat(filesLeft()).isEmpty();
    }
  }

  @Test
  void nobodyElseOnTheMachineReadsIt() throws IOException {
    StoredFile file = announced(bytes("private"));
    send(file, bytes("private"));

    try (Stream<Path> all = Files.walk(folder)) {
      assertThat(all.filter(path -> !path.equals(folder)).filter(Files::isDirectory))
          .isNotEmpty()
          .allSatisfy(path ->
              assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                  .isEqualTo("rwx------"));
    }
  }

  private List<String> filesLeft() {
    try {
      return kept();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
