package dev.mandate.kernel.db;

import static dev.mandate.kernel.db.KernelDatabase.named;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.kernel.crypto.KeyRing;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Each test has a schema, and so roles, of its own. */
class PreparationTest {
  private static final KeyRing FIRST = KeyRing.parse("test", "11".repeat(32));
  private static final KeyRing SECOND = KeyRing.parse("test", "22".repeat(32));
  private static final KeyRing ROTATED =
      KeyRing.parse("test", "22".repeat(32) + "," + "11".repeat(32));

  private static final KeyRing FIRST_AGAIN =
      KeyRing.parse("test", "11".repeat(32) + "," + "22".repeat(32));

  private static void execute(Server server, String... statements) throws SQLException {
    try (Connection connection = KernelDatabase.admin(server);
        Statement statement = connection.createStatement()) {
      for (String each : statements) {
        statement.execute(each);
      }
    }
  }

  private static void use(Endpoint endpoint) {
    try (Db db = new Db(endpoint, DbSettings.DEFAULTS, InstantSource.system(), channels -> {})) {
      db.start();
      db.run(KernelDatabase.mandate(), tx -> tx.emit("t", "x", "{}"));
    }
  }

  @Test
  void preparing_twice_changes_nothing() {
    Server server = KernelDatabase.emptyDatabase();
    Endpoint once = Preparation.run(server, named("twice"), FIRST);
    assertThat(Preparation.run(server, named("twice"), FIRST)).isEqualTo(once);
    use(once);
  }

  @Test
  void several_processes_may_prepare_at_once() {
    Server server = KernelDatabase.emptyDatabase();
    List<CompletableFuture<Void>> processes =
        IntStream.range(0, 4)
            .mapToObj(i ->
                CompletableFuture.runAsync(
                    () -> use(Preparation.run(server, named("race"), FIRST)),
                    Thread::startVirtualThread))
            .toList();
    processes.forEach(CompletableFuture::join);
    use(Preparation.run(server, named("race"), FIRST));
  }

  @Test
  void a_key_that_does_not_fit_is_refused_and_changes_nothing() {
    Server server = KernelDatabase.emptyDatabase();
    Endpoint endpoint = Preparation.run(server, named("keyed"), FIRST);
    assertThatThrownBy(() -> Preparation.run(server, named("keyed"), SECOND))
        .hasMessageContaining("the master key does not fit this database")
        .hasMessageContaining(FIRST.primaryId());
    use(endpoint);
  }

  @Test
  void another_installation_on_the_server_is_not_shut_out_by_one_of_the_same_name() {
    Server server = KernelDatabase.emptyDatabase();
    Endpoint endpoint = Preparation.run(server, named("neighbor"), FIRST);
    Server other = KernelDatabase.emptyDatabase();
    assertThatThrownBy(() -> Preparation.run(other, named("neighbor"), SECOND))
        .hasMessageContaining("is in use in the database " + server.database())
        .hasMessageContaining("MANDATE_DATABASE_SCHEMA");
    use(endpoint);
    use(Preparation.run(other, named("neighbor"), FIRST));
    use(endpoint);
  }

  @Test
  void a_rotated_ring_starts_and_the_new_key_alone_does_not_until_the_old_is_retired()
      throws SQLException {
    Server server = KernelDatabase.emptyDatabase();
    Endpoint before = Preparation.run(server, named("rotated"), FIRST);
    Endpoint after = Preparation.run(server, named("rotated"), ROTATED);
    // Processes that still run with the old ring go on.
    assertThat(after).isEqualTo(before);
    use(before);
    assertThatThrownBy(() -> Preparation.run(server, named("rotated"), SECOND))
        .hasMessageContaining(FIRST.primaryId());
    execute(
        server,
        "update "
            + named("rotated")
            + ".master_keys set retired_at = now() where id = '"
            + FIRST.primaryId()
            + "'");
    use(Preparation.run(server, named("rotated"), SECOND));
  }

  @Test
  void a_retired_key_that_comes_first_again_is_needed_again() throws SQLException {
    Server server = KernelDatabase.emptyDatabase();
    String schema = named("returned");
    Preparation.run(server, schema, ROTATED);
    Preparation.run(server, schema, FIRST_AGAIN);
    execute(
        server,
        "update "
            + schema
            + ".master_keys set retired_at = now() where id = '"
            + FIRST.primaryId()
            + "'");
    Preparation.run(server, schema, FIRST_AGAIN);
    // Data is encrypted under the first since.
    assertThatThrownBy(() -> Preparation.run(server, schema, SECOND))
        .hasMessageContaining("encrypted under " + FIRST.primaryId());
  }

  @Test
  void an_older_program_refuses_a_newer_schema() throws SQLException {
    Server server = KernelDatabase.emptyDatabase();
    Preparation.run(server, named("newer"), FIRST);
    execute(
        server,
        "insert into "
            + named("newer")
            + ".migrations (installed_rank, version, description, type, script,"
            + " checksum, installed_by, execution_time, success) values"
            + " (1000, '20991231000000', 'later', 'SQL', 'V20991231000000__later.sql', 1, 'x', 1,"
            + " true)");
    assertThatThrownBy(() -> Preparation.run(server, named("newer"), FIRST))
        .hasMessageContaining("a newer Mandate has migrated this database")
        .hasMessageContaining("V20991231000000__later.sql");
  }

  @Test
  void a_user_who_may_create_roles_and_schemas_is_enough() throws SQLException {
    Server server = KernelDatabase.emptyDatabase();
    String admin = named("plain_admin");
    execute(
        server,
        "create role " + admin + " login createrole password 'p'",
        "grant create on database " + server.database() + " to " + admin);
    Server plain = new Server(server.hosts(), server.database(), new Login(admin, "p"), Map.of());
    use(Preparation.run(plain, named("plain"), FIRST));
    use(Preparation.run(plain, named("plain"), FIRST));
  }

  @Test
  void a_user_who_may_not_is_told_what_to_grant() throws SQLException {
    Server server = KernelDatabase.emptyDatabase();
    String nobody = named("nobody_much");
    execute(server, "create role " + nobody + " login password 'p'");
    Server weak = new Server(server.hosts(), server.database(), new Login(nobody, "p"), Map.of());
    assertThatThrownBy(() -> Preparation.run(weak, named("weak"), FIRST))
        .hasMessageContaining("alter role " + nobody + " createrole")
        .hasMessageContaining("grant create on database " + server.database());
  }

  @Test
  void an_application_role_that_bypasses_row_security_is_refused() throws SQLException {
    Server server = KernelDatabase.emptyDatabase();
    Preparation.run(server, named("bypass"), FIRST);
    String app = named("bypass_app");
    execute(server, "alter role " + app + " bypassrls");
    assertThatThrownBy(() -> Preparation.run(server, named("bypass"), FIRST))
        .hasMessageContaining("alter role " + app + " nosuperuser nobypassrls");
  }

  @Test
  void a_database_url_is_read() {
    Server server =
        Server.parse("postgresql://me:p%40ss+word@db.example:5433/prod?sslmode=require");
    assertThat(server)
        .isEqualTo(
            new Server(
                "db.example:5433",
                "prod",
                new Login("me", "p@ss+word"),
                Map.of("sslmode", "require")));
    assertThat(Server.parse("jdbc:postgresql://h1:1,h2:2/d?user=u&password=p"))
        .isEqualTo(new Server("h1:1,h2:2", "d", new Login("u", "p"), Map.of()));
    assertThatThrownBy(() -> Server.parse("postgresql://me:se#cret@h/d"))
        .hasMessageNotContaining("cret");
    assertThatThrownBy(() -> Server.parse("mysql://h/d"))
        .hasMessageContaining("must begin with postgresql://");
  }
}
