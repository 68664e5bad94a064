package dev.mandate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfilesTest {
  private static final Profiles BOTH =
      new Profiles(
          "local",
          Map.of(
              "local", new Profiles.Profile("http://127.0.0.1:6263", "mdt_local", ""),
              "work", new Profiles.Profile("https://mandate.example.com/", "mdt_work", "")));

  @Test
  void readsWhatTheServerWrites(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("profiles.json");
    Files.writeString(
        file,
        """
        {"current": "local",
         "profiles": {"local": {"url": "http://127.0.0.1:6263", "token": "mdt_x", "data": "/d"}}}
        """);

    assertThat(Profiles.load(file).choose("", "", "", ""))
        .isEqualTo(new Profiles.Profile("http://127.0.0.1:6263", "mdt_x", ""));
  }

  @Test
  void keepsTheFileToItsOwner(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("deep/er/profiles.json");
    BOTH.save(file);
    BOTH.with("third", new Profiles.Profile("http://c", "t", "")).save(file);

    assertThat(Profiles.load(file).current()).isEqualTo("third");
    assertThat(Profiles.load(file).profiles()).hasSize(3);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void letsTheEnvironmentOverride() {
    assertThat(BOTH.choose("work", "", "", "").url()).isEqualTo("https://mandate.example.com");
    assertThat(BOTH.choose("", "", "mdt_other", "").token()).isEqualTo("mdt_other");
    assertThat(BOTH.choose("", "http://127.0.0.1:6263/", "", "").token()).isEqualTo("mdt_local");
  }

  @Test
  void sendsAStoredTokenToNoOtherServer() {
    assertThat(BOTH.choose("", "http://elsewhere", "", ""))
        .isEqualTo(new Profiles.Profile("http://elsewhere", "", ""));
  }

  @Test
  void saysWhatToDoWithoutAProfile(@TempDir Path folder) {
    assertThatThrownBy(() -> Profiles.load(folder.resolve("none.json")).choose("", "", "", ""))
        .hasMessageContaining("mandate up")
        .hasMessageContaining("mandate login");
    assertThatThrownBy(() -> BOTH.choose("typo", "", "", "")).hasMessageContaining("'typo'");
  }
}
