package dev.mandate.server.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files a backup takes while the server goes on. */
class BackupFilesTest {
  private static final int ROUNDS = 20;
  private static final int DRAFTS = 500;

  @TempDir Path folder;

  /** The listing meets files and folders that are gone before it has looked at them. */
  @Test
  void whatDisappearsMeanwhileIsLeftOut() throws Exception {
    Path kept = Files.writeString(folder.resolve("kept"), "kept");
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < DRAFTS; i++) {
        Path drafts = Files.createDirectories(folder.resolve("o" + i + "/drafts"));
        Files.writeString(drafts.resolve("d"), "draft");
      }
      CountDownLatch begun = new CountDownLatch(1);
      FutureTask<List<Path>> listing =
          new FutureTask<>(() -> {
            begun.countDown();
            return Backup.under(folder);
          });
      Thread.ofPlatform().start(listing);
      begun.await();
      for (int i = 0; i < DRAFTS; i++) {
        for (String each : List.of("/drafts/d", "/drafts", "")) {
          Files.delete(folder.resolve("o" + i + each));
        }
      }
      assertThat(listing.get()).contains(kept);
    }
    assertThat(Backup.under(folder)).containsExactly(kept);
  }
}
