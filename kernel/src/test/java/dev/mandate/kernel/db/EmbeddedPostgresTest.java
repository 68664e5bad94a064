package dev.mandate.kernel.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.mandate.kernel.Failure;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EmbeddedPostgresTest {
  private final Path folder = KernelDatabaseFolders.passable();

  @AfterEach
  void delete() throws IOException {
    PostgresBinaries.delete(folder);
  }

  private EmbeddedPostgres server() {
    return new EmbeddedPostgres(
        new EmbeddedPostgres.Options(folder, KernelDatabaseFolders.BINARIES, "password", true));
  }

  private static void execute(EmbeddedPostgres postgres, String sql) throws SQLException {
    try (Connection connection = KernelDatabase.admin(postgres.server());
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Test
  void a_second_start_finds_data_and_port_again() throws Exception {
    Server before;
    try (EmbeddedPostgres postgres = server()) {
      postgres.start();
      execute(postgres, "create table kept (x int)");
      before = postgres.server();
    }
    try (EmbeddedPostgres postgres = server()) {
      long start = System.nanoTime();
      postgres.start();
      System.out.printf(
          "warm start of PostgreSQL: %d ms%n", (System.nanoTime() - start) / 1_000_000);
      execute(postgres, "insert into kept values (1)");
      assertThat(postgres.server()).isEqualTo(before);
      assertThat(postgres.server().toString()).doesNotContain("password");
    }
  }

  @Test
  void programs_that_are_unpacked_already_are_copied() throws Exception {
    Path unpacked = Files.createDirectory(folder.resolve("unpacked"));
    Path source = Files.createDirectories(unpacked.resolve("bin-" + PostgresBinaries.VERSION));
    Path program = Files.writeString(Files.createDirectory(source.resolve("bin")).resolve("x"), "");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.createSymbolicLink(source.resolve("y"), Path.of("bin", "x"));

    Path copy = PostgresBinaries.unpackInto(folder, unpacked);

    assertThat(copy).isDirectory().isNotEqualTo(source);
    assertThat(copy.resolve("bin/x")).isRegularFile().isExecutable();
    assertThat(Files.readSymbolicLink(copy.resolve("y"))).isEqualTo(Path.of("bin", "x"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)))
        .isEqualTo("rwxr-xr-x");
  }

  @Test
  void a_server_that_dies_is_started_again() throws Exception {
    try (EmbeddedPostgres postgres = server()) {
      postgres.start();
      long first = postgres.pid();
      ProcessHandle.of(first).orElseThrow().destroyForcibly();
      await()
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptions()
          .untilAsserted(() -> {
            assertThat(postgres.pid()).isNotEqualTo(first);
            execute(postgres, "select 1");
          });
    }
  }

  @Test
  void killing_the_process_leaves_no_server_behind() throws Exception {
    Process child = child(List.of(), true);
    long server = serverOf(child);
    child.destroyForcibly();
    awaitEnd(server);
    try (EmbeddedPostgres postgres = server()) {
      postgres.start();
    }
  }

  @Test
  void without_setpriv_killing_the_process_leaves_no_server_behind_either() throws Exception {
    assumeThat(Accounts.isRoot()).as("root, who can run the process as nobody").isTrue();
    Accounts.giveToNobody(folder);
    Process child =
        child(
            List.of(
                "setpriv", "--reuid=nobody", "--regid=" + Accounts.nobodyGroup(), "--clear-groups"),
            false,
            readableByAll());
    long server = serverOf(child);
    child.destroyForcibly();
    awaitEnd(server);
  }

  @Test
  void a_server_that_was_left_all_the_same_is_stopped_by_the_next_start() throws Exception {
    Process child = child(List.of(), true);
    long left = serverOf(child);
    // It must not see its server go, as if it had been killed before the kernel could tell it.
    new ProcessBuilder("kill", "-STOP", Long.toString(child.pid())).start().waitFor();
    try (EmbeddedPostgres postgres = server()) {
      postgres.start();
      assertThat(postgres.pid()).isNotEqualTo(left);
      child.destroyForcibly().waitFor();
      execute(postgres, "select 1");
    }
  }

  @Test
  void a_data_folder_belongs_to_one_process() throws Exception {
    try (DataFolder data = new DataFolder(folder.resolve("data"))) {
      data.open();
      data.announce("http://127.0.0.1:6263");
      DataFolder second = new DataFolder(folder.resolve("data"));
      assertThatThrownBy(second::open)
          .isInstanceOfSatisfying(
              Failure.class, e -> assertThat(e.reason()).isEqualTo("ALREADY_RUNNING"))
          .hasMessageContaining("pid " + ProcessHandle.current().pid())
          .hasMessageContaining("address http://127.0.0.1:6263");
      assertThat(DataFolder.occupant(folder.resolve("data")))
          .isEqualTo(
              new DataFolder.Occupant(ProcessHandle.current().pid(), "http://127.0.0.1:6263"));
    }
    assertThat(DataFolder.occupant(folder.resolve("data"))).isNull();
    try (DataFolder again = new DataFolder(folder.resolve("data"))) {
      again.open();
    }
  }

  @Test
  void secrets_are_made_once_and_readable_by_their_owner_alone() throws Exception {
    try (DataFolder data = new DataFolder(folder.resolve("data"))) {
      data.open();
      String made = data.secret("s", () -> "first");
      assertThat(data.secret("s", () -> "second")).isEqualTo(made).isEqualTo("first");
      assertThat(mode(data.secrets())).isEqualTo("rwx------");
      assertThat(mode(data.secrets().resolve("s"))).isEqualTo("rw-------");
      assertThat(mode(data.root())).isEqualTo("rwx--x--x");
      assertThat(data.keys("").ids()).isEqualTo(data.keys("").ids()).hasSize(1);
      assertThatThrownBy(() -> data.keys("short")).hasMessageContaining("MANDATE_MASTER_KEY");
    }
  }

  @Test
  void root_is_told_when_the_databases_user_cannot_reach_the_folder() throws Exception {
    assumeThat(Accounts.isRoot()).isTrue();
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    try (EmbeddedPostgres postgres = server()) {
      assertThatThrownBy(postgres::start).hasMessageContaining("may not pass through " + folder);
    }
  }

  private Process child(List<String> prefix, boolean setpriv) throws IOException {
    String classPath = System.getProperty("java.class.path");
    return child(prefix, setpriv, classPath);
  }

  private Process child(List<String> prefix, boolean setpriv, String classPath) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            classPath,
            PostgresChild.class.getName(),
            folder.toString(),
            Boolean.toString(setpriv),
            KernelDatabaseFolders.BINARIES.toString()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** What the child needs of our class path, where nobody can read it. */
  private String readableByAll() throws IOException {
    Path copy = Files.createDirectory(folder.resolve("classes"));
    List<String> entries = new ArrayList<>(List.of(copy.toString()));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry);
      if (Files.isDirectory(path)) {
        copy(path.resolve("dev/mandate/kernel"), copy.resolve("dev/mandate/kernel"));
      } else if (entry.contains("slf4j-api") || entry.contains("tukaani")) {
        Path jar = folder.resolve(path.getFileName());
        Files.copy(path, jar);
        entries.add(jar.toString());
      }
    }
    return String.join(File.pathSeparator, entries);
  }

  private static void copy(Path from, Path to) throws IOException {
    if (!Files.exists(from)) {
      return;
    }
    try (Stream<Path> all = Files.walk(from)) {
      for (Path each : all.toList()) {
        Path target = to.resolve(from.relativize(each).toString());
        if (Files.isDirectory(each)) {
          Files.createDirectories(target);
        } else {
          Files.copy(each, target);
        }
      }
    }
  }

  private static long serverOf(Process child) throws IOException {
    StringBuilder said = new StringBuilder();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith("pid ")) {
        return Long.parseLong(line.substring(4));
      }
      said.append(line).append('\n');
    }
    throw new IOException("the child ended:\n" + said);
  }

  private static void awaitEnd(long pid) {
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> !ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false));
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
