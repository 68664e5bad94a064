package dev.mandate.kernel.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.events.Event;
import dev.mandate.kernel.events.Events;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.assertj.core.api.Assertions;
import org.jdbi.v3.core.JdbiException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class DbTest {
  private static KernelDatabase database;
  private static Db db;
  private static final Events events = new Events();

  @BeforeAll
  static void start() throws Exception {
    database = new KernelDatabase();
    db = database.db();
    try (Connection owner = database.endpoint().connect(database.endpoint().owner(), "test");
        Statement statement = owner.createStatement()) {
      statement.execute(
          """
          create table notes (
            org_id uuid not null, id uuid not null, text text, at timestamptz, data jsonb,
            parent uuid,
            primary key (org_id, id),
            constraint notes_text_key unique (org_id, text),
            foreign key (org_id, parent) references notes (org_id, id)
          );
          select mandate_tenant_table('notes');
          """);
    }
  }

  @AfterAll
  static void stop() {
    database.close();
  }

  private static UUID note(Tx tx, String text) {
    UUID id = Ids.next();
    tx.sql()
        .createUpdate("insert into notes (org_id, id, text) values (:org, :id, :text)")
        .bind("org", tx.org())
        .bind("id", id)
        .bind("text", text)
        .execute();
    return id;
  }

  private static List<String> texts(Tx tx) {
    return tx.sql().createQuery("select text from notes order by id").mapTo(String.class).list();
  }

  @Test
  void what_one_organization_writes_no_other_sees() {
    Mandate one = KernelDatabase.mandate();
    Mandate other = KernelDatabase.mandate();
    db.write(one, tx -> note(tx, "ours"));

    assertThat(db.read(one, DbTest::texts)).containsExactly("ours");
    assertThat(db.read(other, DbTest::texts)).isEmpty();
  }

  @Test
  void a_transaction_cannot_write_rows_of_another_organization() {
    Mandate one = KernelDatabase.mandate();
    OrgId other = new OrgId(Ids.next());
    assertThatThrownBy(() ->
            db.write(
                one,
                tx ->
                    tx.sql()
                        .createUpdate("insert into notes (org_id, id) values (:org, :id)")
                        .bind("org", other)
                        .bind("id", Ids.next())
                        .execute()))
        .hasMessageContaining("row-level security");
  }

  @Test
  void a_foreign_key_tells_nothing_about_rows_of_another_organization() {
    Mandate one = KernelDatabase.mandate();
    Mandate other = KernelDatabase.mandate();
    UUID theirs = db.write(other, tx -> note(tx, "theirs"));

    assertThatThrownBy(() ->
            db.write(
                one,
                tx ->
                    tx.sql()
                        .createUpdate(
                            "insert into notes (org_id, id, parent) values (:org, :id, :parent)")
                        .bind("org", tx.org())
                        .bind("id", Ids.next())
                        .bind("parent", theirs)
                        .execute()))
        .isInstanceOf(JdbiException.class)
        .satisfies(e -> assertThat(Sql.constraint(e)).isEqualTo("notes_org_id_parent_fkey"));
  }

  @Test
  void deferred_changes_are_carried_out_in_their_order_before_the_next_statement() {
    Mandate mandate = KernelDatabase.mandate();
    List<Integer> counts = new ArrayList<>();
    db.run(
        mandate,
        tx -> {
          defer(tx, "one", counts::add);
          defer(tx, "two", counts::add);
          assertThat(counts).isEmpty();
          assertThat(texts(tx)).containsExactly("one", "two");
          assertThat(counts).containsExactly(1, 1);
          tx.defer(
              "update notes set text = text || ? where text <> ?",
              values -> values.text("!").text("one"),
              counts::add);
          tx.emit("notes", "changed", "{}");
          tx.audit("notes.change", "note:1", "{}");
        });

    assertThat(counts).containsExactly(1, 1, 1);
    assertThat(db.read(mandate, DbTest::texts)).containsExactly("one", "two!");
    assertThat(db.read(KernelDatabase.mandate(), DbTest::texts)).isEmpty();
    long head = db.read(mandate, tx -> events.head(tx, "notes"));
    assertThat(head).isEqualTo(1);
  }

  @Test
  void a_deferred_change_may_end_the_transaction() {
    Mandate mandate = KernelDatabase.mandate();
    assertThatThrownBy(() ->
            db.run(
                mandate,
                tx -> {
                  defer(tx, "lost", ignored -> {});
                  tx.emit("lost", "changed", "{}");
                  tx.defer(
                      "delete from notes where text = ?",
                      values -> values.text("nobody's"),
                      count -> {
                        throw new IllegalStateException(count + " rows");
                      });
                }))
        .hasMessage("0 rows");

    assertThat(db.read(mandate, DbTest::texts)).isEmpty();
    long head = db.read(mandate, tx -> events.head(tx, "lost"));
    assertThat(head).isZero();
  }

  @Test
  void work_that_goes_on_after_a_failure_of_deferred_changes_commits_nothing() {
    Mandate mandate = KernelDatabase.mandate();
    IntConsumer refuses =
        count -> {
          throw new IllegalStateException("refused");
        };
    Sql.Parameters none =
        values -> {
          throw new IllegalStateException("refused");
        };
    List<Consumer<Tx>> failing =
        List.of(
            tx -> defer(tx, "mine", refuses),
            tx -> tx.defer("update notes set text = ?", none),
            tx -> tx.defer("update notes set text = text || 1 / 0", values -> {}));
    List<Consumer<Tx>> going =
        List.of(
            tx -> {},
            tx -> tx.emit("lost", "changed", "{}"),
            tx -> note(tx, "more"),
            tx -> asked(tx).get());
    db.write(mandate, tx -> note(tx, "before"));
    for (Consumer<Tx> fails : failing) {
      for (Consumer<Tx> goesOn : going) {
        assertThatThrownBy(() ->
                db.run(
                    mandate,
                    tx -> {
                      defer(tx, "lost", ignored -> {});
                      fails.accept(tx);
                      assertThatThrownBy(tx::sql).isInstanceOf(RuntimeException.class);
                      goesOn.accept(tx);
                    }))
            .hasMessageContaining("an earlier statement of the transaction failed");
      }
    }
    assertThat(db.read(mandate, DbTest::texts)).containsExactly("before");
    long head = db.read(mandate, tx -> events.head(tx, "lost"));
    assertThat(head).isZero();
  }

  @Test
  void a_deferred_change_of_another_organization_is_refused() {
    OrgId other = new OrgId(Ids.next());
    assertThatThrownBy(() ->
            db.run(
                KernelDatabase.mandate(),
                tx ->
                    tx.defer(
                        "insert into notes (org_id, id) values (?, ?)",
                        values -> values.uuid(other.value()).uuid(Ids.next()),
                        ignored -> {})))
        .rootCause()
        .hasMessageContaining("row-level security");
  }

  @Test
  void the_last_changes_of_a_transaction_are_all_or_nothing() {
    Mandate mandate = KernelDatabase.mandate();
    String insert = "insert into notes (org_id, id, text) values (?, ?, ?)";
    for (List<String> texts : List.of(List.of("a", "b"), List.of("c", "a", "d"))) {
      try {
        db.run(
            mandate,
            tx -> {
              for (String text : texts) {
                tx.defer(
                    insert, values -> values.uuid(tx.org().value()).uuid(Ids.next()).text(text));
              }
              tx.emit("last", "changed", "{}");
            });
      } catch (JdbiException e) {
        assertThat(Sql.constraint(e)).isEqualTo("notes_text_key");
      }
    }
    assertThat(db.read(mandate, DbTest::texts)).containsExactly("a", "b");
    long head = db.read(mandate, tx -> events.head(tx, "last"));
    assertThat(head).isEqualTo(1);
  }

  private static void defer(Tx tx, String text, IntConsumer changed) {
    tx.defer(
        "insert into notes (org_id, id, text) values (?, ?, ?)",
        values -> values.uuid(tx.org().value()).uuid(Ids.next()).text(text),
        changed);
  }

  private static Later<List<String>> asked(Tx tx) {
    return tx.later(
        "select text from notes order by id", values -> {}, Sql.all(row -> row.getString(1)));
  }

  @Test
  void questions_and_deferred_changes_are_sent_in_their_order() {
    Mandate mandate = KernelDatabase.mandate();
    db.run(
        mandate,
        tx -> {
          Later<List<String>> before = asked(tx);
          defer(tx, "one", ignored -> {});
          Later<List<String>> between = asked(tx);
          defer(tx, "two", ignored -> {});
          assertThat(texts(tx)).containsExactly("one", "two");
          assertThat(before.get()).isEmpty();
          assertThat(between.map(List::size).get()).isEqualTo(1);
          assertThat(
                  tx.<Optional<Integer>>query(
                      "select 1 from notes where text = ?",
                      values -> values.text("three"),
                      Sql.one(row -> row.getInt(1))))
              .isEmpty();
        });
    assertThat(db.read(mandate, DbTest::texts)).containsExactly("one", "two");
  }

  @Test
  void what_is_fetched_is_of_ones_own_organization_whoever_used_the_connection_before() {
    Mandate one = KernelDatabase.mandate();
    Mandate other = KernelDatabase.mandate();
    db.write(one, tx -> note(tx, "ours"));

    for (int i = 0; i < 3 * DbSettings.DEFAULTS.poolSize(); i++) {
      assertThat(db.fetch(one, DbTest::asked)).containsExactly("ours");
      assertThat(db.fetch(other, DbTest::asked)).isEmpty();
    }
    assertThat(db.read(one, DbTest::texts)).containsExactly("ours");
  }

  @Test
  void a_fetch_changes_nothing_and_one_that_fails_harms_no_other() {
    Mandate mandate = KernelDatabase.mandate();
    for (String statement :
        List.of("delete from notes returning text", "select text from notes where 1 / 0 = 1")) {
      assertThatThrownBy(() ->
              db.fetch(
                  mandate,
                  tx -> tx.later(statement, values -> {}, Sql.all(row -> row.getString(1)))))
          .rootCause()
          .hasMessageMatching(".*(read-only transaction|division by zero).*");
    }
    assertThatThrownBy(() ->
            db.fetch(
                mandate,
                tx ->
                    asked(tx)
                        .map(ignored -> {
                          throw Failure.notFound("note");
                        })))
        .isInstanceOf(Failure.class);

    db.write(mandate, tx -> note(tx, "kept"));
    assertThat(db.fetch(mandate, DbTest::asked)).containsExactly("kept");
  }

  @Test
  void without_an_organization_nothing_is_visible() throws Exception {
    db.write(KernelDatabase.mandate(), tx -> note(tx, "somebody's"));
    try (Connection app = database.endpoint().connect(database.endpoint().app(), "test");
        Statement statement = app.createStatement();
        var rows = statement.executeQuery("select count(*) from notes")) {
      rows.next();
      assertThat(rows.getLong(1)).isZero();
    }
  }

  @Test
  void values_come_back_as_they_went() {
    Mandate mandate = KernelDatabase.mandate();
    Instant at = Instant.parse("2026-03-04T05:06:07.123456789Z");
    OrgId id = new OrgId(Ids.next());
    db.write(
        mandate,
        tx ->
            tx.sql()
                .createUpdate(
                    "insert into notes (org_id, id, at, data) values (:org, :id, :at, :data)")
                .bind("org", tx.org())
                .bind("id", id)
                .bind("at", at)
                .bind("data", Json.of("{\"a\": [1, \"<b>\"]}"))
                .execute());
    db.<Boolean>read(
        mandate,
        tx -> {
          assertThat(tx.sql().createQuery("select at from notes").mapTo(Instant.class).one())
              .isEqualTo(at.truncatedTo(ChronoUnit.MICROS));
          assertThat(tx.sql().createQuery("select id from notes").mapTo(OrgId.class).one())
              .isEqualTo(id);
          assertThat(
                  tx.sql()
                      .createQuery("select data->'a'->>1 from notes where id = any(:ids)")
                      .bindArray("ids", OrgId.class, List.of(id))
                      .mapTo(String.class)
                      .one())
              .isEqualTo("<b>");
          return true;
        });
  }

  @Test
  void a_transaction_inside_a_transaction_is_refused() {
    Mandate mandate = KernelDatabase.mandate();
    assertThatThrownBy(() -> db.write(mandate, tx -> db.read(mandate, DbTest::texts)))
        .isInstanceOf(IllegalStateException.class);
    assertThat(db.read(mandate, DbTest::texts)).isEmpty();
  }

  @Test
  void a_failure_leaves_nothing_behind() {
    Mandate mandate = KernelDatabase.mandate();
    assertThatThrownBy(() ->
            db.run(
                mandate,
                tx -> {
                  note(tx, "gone");
                  tx.emit("t", "x", "{}");
                  tx.audit("notes.create", "", "{}");
                  throw Failure.notFound("thing");
                }))
        .isInstanceOf(Failure.class);
    assertThat(db.read(mandate, DbTest::texts)).isEmpty();
    assertThat(db.<Long>read(mandate, tx -> events.head(tx, "t"))).isZero();
  }

  @Test
  void events_and_audit_are_written_with_the_change() {
    Mandate mandate = KernelDatabase.mandate();
    db.run(
        mandate,
        tx -> {
          tx.emit("b", "first", "{\"n\": 1}");
          tx.emit("a", "other", "");
          tx.emit("b", "second", "{\"n\": 2}");
          tx.audit("notes.create", "note:1", "{\"k\": \"v\"}");
        });
    db.run(
        mandate,
        tx -> {
          tx.emit("b", "third", "{}");
        });
    List<Event> read = db.read(mandate, tx -> events.after(tx, "b", 1, 10));
    assertThat(read).extracting(Event::seq).containsExactly(2L, 3L);
    assertThat(read).extracting(Event::type).containsExactly("second", "third");
    assertThat(db.<Long>read(mandate, tx -> events.head(tx, "a"))).isEqualTo(1);
    String entry =
        db.read(
            mandate,
            tx ->
                tx.sql()
                    .createQuery(
                        "select action || ' ' || resource || ' ' || outcome || ' ' || chain"
                            + " || personal || trace_id from audit_entries")
                    .mapTo(String.class)
                    .one());
    assertThat(entry)
        .isEqualTo(
            "notes.create note:1 allowed [\""
                + mandate.actor()
                + "\"]{\"address\": \"192.0.2.1\"}0af7651916cd43dd8448eb211c80319c");
  }

  @Test
  void a_denial_is_recorded_even_inside_a_transaction_that_rolls_back() {
    Mandate mandate = KernelDatabase.mandate();
    assertThatThrownBy(() ->
            db.run(
                mandate,
                tx -> {
                  db.audit(mandate, AuditFact.denied("notes.delete", "note:1", "NO", "{}"));
                  throw Failure.denied("NO", "no");
                }))
        .isInstanceOf(Failure.class);
    assertThat(
            db.<List<String>>read(
                mandate,
                tx ->
                    tx.sql()
                        .createQuery("select outcome || ':' || reason from audit_entries")
                        .mapTo(String.class)
                        .list()))
        .containsExactly("denied:NO");
  }

  @Test
  void the_application_cannot_change_the_record() {
    Mandate mandate = KernelDatabase.mandate();
    db.audit(mandate, AuditFact.allowed("a", "", "{}"));
    for (String sql :
        List.of(
            "update audit_entries set reason = 'x'",
            "delete from audit_entries",
            "truncate audit_entries")) {
      assertThatThrownBy(() -> db.write(mandate, tx -> tx.sql().execute(sql)))
          .hasMessageContaining("permission denied");
    }
  }

  @Test
  void the_dispatcher_reads_no_content() {
    for (String sql :
        List.of(
            "select payload from jobs",
            "select * from audit_entries",
            "select data from events",
            "select * from notes",
            "select response from idempotency_keys")) {
      assertThatThrownBy(() -> db.dispatch(handle -> handle.execute(sql)))
          .hasMessageContaining("permission denied");
    }
  }

  @Test
  void a_nul_character_is_refused_clearly() {
    Mandate mandate = KernelDatabase.mandate();
    for (String text : List.of("a\u0000b")) {
      assertThatThrownBy(() -> db.write(mandate, tx -> note(tx, text)))
          .isInstanceOfSatisfying(
              Failure.class, e -> assertThat(e.reason()).isEqualTo("NUL_CHARACTER"));
    }
    assertThatThrownBy(() ->
            db.run(
                mandate,
                tx -> {
                  tx.emit("t", "x", "{\"a\": \"\\u0000\"}");
                }))
        .isInstanceOfSatisfying(
            Failure.class, e -> assertThat(e.reason()).isEqualTo("NUL_CHARACTER"));
  }

  @Test
  void a_deadlock_is_tried_again() throws Exception {
    Mandate mandate = KernelDatabase.mandate();
    UUID a = db.write(mandate, tx -> note(tx, "a"));
    UUID b = db.write(mandate, tx -> note(tx, "b"));
    AtomicInteger runs = new AtomicInteger();
    AtomicInteger moved = new AtomicInteger();
    var both = new java.util.concurrent.CyclicBarrier(2);
    class Mover implements Runnable {
      private final UUID first;
      private final UUID second;
      private boolean met;

      Mover(UUID first, UUID second) {
        this.first = first;
        this.second = second;
      }

      @Override
      public void run() {
        db.write(
            mandate,
            tx -> {
              runs.incrementAndGet();
              touch(tx, first);
              if (!met) {
                met = true;
                try {
                  both.await();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              }
              return touch(tx, second);
            });
        moved.incrementAndGet();
      }

      private int touch(Tx tx, UUID id) {
        return tx.sql()
            .createUpdate("update notes set at = now() where id = :id")
            .bind("id", id)
            .execute();
      }
    }
    Thread one = Thread.startVirtualThread(new Mover(a, b));
    Thread two = Thread.startVirtualThread(new Mover(b, a));
    one.join();
    two.join();
    assertThat(moved.get()).isEqualTo(2);
    // One victim, or now and then both: PostgreSQL chooses.
    assertThat(runs.get()).isGreaterThanOrEqualTo(3);
  }

  @Test
  void reading_writes_nothing() {
    Mandate mandate = KernelDatabase.mandate();
    assertThatThrownBy(() -> db.read(mandate, tx -> note(tx, "x")))
        .hasMessageContaining("read-only transaction");
  }

  @Test
  void what_a_statement_was_given_is_not_in_its_failure() {
    Mandate mandate = KernelDatabase.mandate();
    db.write(mandate, tx -> note(tx, "very private words"));
    Throwable thrown =
        Assertions.catchThrowable(() -> db.write(mandate, tx -> note(tx, "very private words")));
    StringWriter all = new StringWriter();
    thrown.printStackTrace(new PrintWriter(all));
    assertThat(all.toString()).contains("notes_text_key").doesNotContain("very private words");
  }
}
