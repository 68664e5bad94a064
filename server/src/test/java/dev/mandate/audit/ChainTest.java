package dev.mandate.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The chain of the record: nothing is lost on its way in, and nothing changes unnoticed after. */
class ChainTest {
  private static final TestDatabase database = TestDatabase.create();
  private static final Sealer sealer = sealer(Duration.ofSeconds(-1));
  private static final AuditChain chain = new AuditChain(database.db(), database.cipher());

  private static Sealer sealer(Duration signedEvery) {
    return new Sealer(
        database.db(), database.cipher(), database.endpoint(), Duration.ZERO, signedEvery);
  }

  @AfterAll
  static void close() {
    sealer.close();
    database.close();
  }

  @Test
  void aTransactionThatCommitsLateIsChainedLate() throws Exception {
    Mandate mandate = TestDatabase.newMandate();
    try (Connection late = database.endpoint().connect(database.endpoint().app(), "late")) {
      late.setAutoCommit(false);
      try (Statement statement = late.createStatement()) {
        // What Tx.audit writes, in a transaction that then takes its time.
        statement.execute(
            """
            select set_config('mandate.org', '%1$s', true);
            insert into audit_entries (org_id, id, at, action, resource, outcome, reason, chain,
              channel, trace_id, details)
            values ('%1$s', '%2$s', now(), 'late', '', 'allowed', '', '[]', '', '', '{}');
            insert into audit_unsealed (org_id, id, entries) values ('%1$s', '%2$s', '{%2$s}');
            """
                .formatted(mandate.org(), Ids.next()));
      }
      database.db().run(mandate, tx -> tx.audit("early", "", "{}"));
      sealer.round();
      assertThat(actions(mandate.org())).containsExactly("early");
      late.commit();
    }
    sealer.round();
    assertThat(actions(mandate.org())).containsExactly("early", "late");
    assertThat(chain.check(mandate.org()).problems()).isEmpty();
  }

  @Test
  void nothingIsLostOrChainedTwiceHoweverManyWriteAndSeal() throws Exception {
    List<Mandate> mandates = List.of(TestDatabase.newMandate(), TestDatabase.newMandate());
    int writers = 8;
    int each = 40;
    AtomicBoolean writing = new AtomicBoolean(true);
    Sealer second = sealer(Duration.ofMillis(1));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> sealing = new ArrayList<>();
      for (Sealer one : List.of(sealer, second)) {
        sealing.add(
            threads.submit(() -> {
              while (writing.get()) {
                one.round();
              }
            }));
      }
      List<Future<?>> work = new ArrayList<>();
      for (int w = 0; w < writers; w++) {
        Mandate mandate = mandates.get(w % 2);
        boolean alone = w % 4 == 0;
        work.add(threads.submit(() -> write(mandate, alone, each)));
      }
      finish(work);
      writing.set(false);
      finish(sealing);
    }
    sealer.round();
    for (Mandate mandate : mandates) {
      AuditReport report = chain.check(mandate.org());
      assertThat(report.problems()).isEmpty();
      assertThat(report.entries()).isEqualTo((long) writers / 2 * each);
      assertThat(report.waiting()).isZero();
      assertThat(report.checkpoints()).isPositive();
    }
  }

  private static void write(Mandate mandate, boolean alone, int count) {
    for (int i = 0; i < count; i++) {
      if (alone) {
        database.db().audit(mandate, AuditFact.denied("alone", "", "NO", "{}"));
      } else {
        database.db().run(mandate, tx -> tx.audit("together", "", "{}"));
      }
    }
  }

  @Test
  void theOneThatLeadsChainsWithinASecondOrSo() {
    Mandate mandate = TestDatabase.newMandate();
    try (Sealer leading = sealer(Duration.ofSeconds(-1))) {
      leading.start();
      database.db().run(mandate, tx -> tx.audit("led", "", "{}"));
      org.awaitility.Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> chain.check(mandate.org()).checkpoints() > 0);
    }
    assertThat(actions(mandate.org())).containsExactly("led");
  }

  @Test
  void theApplicationCanNeitherChangeNorTakeAwayWhatIsChained() {
    Mandate mandate = chained();
    for (String sql :
        List.of(
            "update audit_seals set seq = 9",
            "delete from audit_seals",
            "update audit_checkpoints set seq = 9",
            "delete from audit_checkpoints",
            "update audit_entries set personal = null",
            "update audit_unsealed set entries = '{}'")) {
      assertThatThrownBy(() -> database.db().write(mandate, tx -> tx.sql().execute(sql)))
          .as(sql)
          .hasMessageContaining("permission denied");
    }
  }

  @Test
  void anAlteredEntryIsNamed() throws Exception {
    Mandate mandate = chained();
    tamper(mandate.org(), "update audit_entries set details = '{\"n\": 7}' where action = 'a.3'");
    assertThat(problems(mandate.org()))
        .singleElement()
        .asString()
        .startsWith("entry 3 (")
        .contains("a.3) is altered");
    assertThat(exported(mandate.org())).hasSize(1);
  }

  @Test
  void aRemovedEntryIsNamed() throws Exception {
    Mandate mandate = chained();
    tamper(mandate.org(), "delete from audit_entries where action = 'a.2'");
    assertThat(problems(mandate.org())).singleElement().asString().contains("entry 2", "removed");

    Mandate thorough = chained();
    tamper(thorough.org(), "delete from audit_entries where action = 'a.2'");
    tamper(thorough.org(), "delete from audit_seals where seq = 2");
    assertThat(problems(thorough.org())).containsExactly("entry 2 is removed");
    assertThat(exported(thorough.org())).containsExactly("entry 2 is removed");
  }

  @Test
  void reorderedEntriesAreNamed() throws Exception {
    Mandate mandate = chained();
    tamper(mandate.org(), "update audit_seals set seq = seq + 100 where seq in (2, 3)");
    tamper(mandate.org(), "update audit_seals set seq = 305 - seq where seq > 100");
    // The hashes went with the entries: each now follows the wrong one.
    tamper(mandate.org(), "update audit_seals set seq = seq - 200 where seq > 200");
    assertThat(problems(mandate.org()))
        .hasSize(3)
        .allMatch(text -> text.contains("not in the place that it was chained in"));
  }

  @Test
  void aTailThatIsCutOffIsNamed() throws Exception {
    Mandate mandate = chained();
    tamper(mandate.org(), "delete from audit_entries where action in ('a.4', 'a.5')");
    tamper(mandate.org(), "delete from audit_seals where seq > 3");
    assertThat(problems(mandate.org()))
        .singleElement()
        .asString()
        .startsWith("entries 4 to 5 are removed");
    assertThat(exported(mandate.org())).hasSize(1);
  }

  @Test
  void aChainThatWasRewrittenIsNotTheOneThatWasSigned() throws Exception {
    Mandate mandate = chained();
    tamper(mandate.org(), "update audit_entries set reason = 'rewritten' where action = 'a.5'");
    ChainStore.Sealed last = places(mandate.org()).get(4);
    ChainStore.Sealed before = places(mandate.org()).get(3);
    byte[] hash = java.util.Objects.requireNonNull(last.entry()).hash(before.hash(), 5);
    tamper(
        mandate.org(),
        "update audit_seals set hash = decode('%s', 'hex') where seq = 5"
            .formatted(java.util.HexFormat.of().formatHex(hash)));
    assertThat(problems(mandate.org()))
        .singleElement()
        .asString()
        .contains("up to entry 5 is not the one that was signed");
  }

  @Test
  void aForgedCheckpointIsNamed() throws Exception {
    Mandate mandate = chained();
    tamper(mandate.org(), "update audit_checkpoints set seq = 4");
    assertThat(problems(mandate.org()))
        .hasSize(2)
        .anyMatch(text -> text.contains("at entry 4 is forged"))
        .contains("the checkpoint at entry 5 is removed");

    Mandate other = chained();
    tamper(other.org(), "update audit_checkpoints set key_id = '0123456789abcdef'");
    assertThat(problems(other.org())).singleElement().asString().contains("which is not trusted");
  }

  @Test
  void anEntryThatWasPutThereByHandIsNamed() throws Exception {
    Mandate mandate = chained();
    tamper(
        mandate.org(),
        """
        insert into audit_entries (org_id, id, at, action, resource, outcome, reason, chain,
          channel, trace_id, details)
        values ('%s', gen_random_uuid(), now(), 'forged', '', 'allowed', '', '[]', '', '', '{}')
        """
            .formatted(mandate.org()));
    assertThat(problems(mandate.org())).singleElement().asString().contains("never chained");
  }

  @Test
  void personalDataMayBeErasedButNotAltered() throws Exception {
    Mandate mandate = chained();
    tamper(mandate.org(), "update audit_entries set personal = null, salt = null");
    AuditReport report = chain.check(mandate.org());
    assertThat(report.problems()).isEmpty();
    assertThat(report.erased()).isEqualTo(5);
    assertThat(exported(mandate.org())).isEmpty();

    Mandate other = chained();
    tamper(
        other.org(),
        "update audit_entries set personal = '{\"email\": \"b@example.org\"}' where action = 'a.1'");
    assertThat(problems(other.org()))
        .singleElement()
        .asString()
        .contains("personal data is altered");
  }

  @Test
  void anExportIsCheckedWithoutTheDatabase() throws Exception {
    Mandate mandate = chained();
    List<String> lines = lines(mandate.org());
    assertThat(check(lines, null).problems()).isEmpty();
    assertThat(check(lines, null).entries()).isEqualTo(5);
    assertThat(check(lines, publicKey()).problems()).isEmpty();

    List<String> altered = new ArrayList<>(lines);
    altered.replaceAll(line -> line.replace("\"a.4\"", "\"b.4\""));
    assertThat(check(altered, null).problems()).singleElement().asString().contains("entry 4");

    List<String> swapped = new ArrayList<>(lines);
    Collections.swap(swapped, 2, 3);
    assertThat(check(swapped, null).problems()).anyMatch(text -> text.contains("out of order"));

    List<String> without = new ArrayList<>(lines);
    without.remove(2);
    assertThat(check(without, null).problems()).contains("entry 2 is removed");

    assertThat(check(lines.subList(0, lines.size() - 1), null).problems())
        .singleElement()
        .asString()
        .contains("cut off");

    String foreign =
        Base64.getEncoder().encodeToString(SigningKey.generate().publicHalf().encoded());
    assertThat(check(lines, foreign).problems()).allMatch(text -> text.contains("not trusted"));
    assertThat(check(lines, foreign).intact()).isFalse();

    assertThatThrownBy(() -> check(List.of("nonsense"), null))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("line 1");
    assertThatThrownBy(() -> check(List.of(lines.getFirst(), "{\"type\": \"entry\"}"), null))
        .hasMessageContaining("line 2")
        .hasMessageContaining("'id' is missing");
  }

  /**
   * The one checkpoint that is left of the true chain says nothing about places it does not reach.
   */
  @Test
  void aRewrittenExportIsNotMadeGoodByACheckpointThatIsMoved() throws Exception {
    List<String> lines = lines(grown().org());
    String early = lines.get(6);
    assertThat(early).contains("\"checkpoint\"", "\"seq\":5");
    List<String> forged = new ArrayList<>(lines);
    forged.remove(12);
    forged.remove(6);
    rewrite(forged, 3);

    List<String> behind = new ArrayList<>(forged);
    behind.add(behind.size() - 1, early);
    assertThat(check(behind, publicKey()).problems())
        .singleElement()
        .asString()
        .contains("at entry 5 stands after entry 10");

    List<String> before = new ArrayList<>(forged);
    before.add(2, early);
    assertThat(check(before, publicKey()).intact()).isFalse();

    List<String> inPlace = new ArrayList<>(forged);
    inPlace.add(6, early);
    assertThat(check(inPlace, publicKey()).problems())
        .singleElement()
        .asString()
        .contains("up to entry 5 is not the one that was signed");
  }

  @Test
  void anExportWithoutASignatureIsNotIntactForWhoeverHasTheKey() throws Exception {
    List<String> lines = new ArrayList<>(lines(grown().org()));
    lines.removeIf(line -> line.contains("\"checkpoint\""));
    assertThat(check(lines, publicKey()).problems())
        .singleElement()
        .asString()
        .contains("nothing of it is signed");
  }

  /** Whoever owns the database can put a key there and sign with it, but not seal it. */
  @Test
  void aKeyThatWasPutThereByHandIsNotTrusted() throws Exception {
    Mandate mandate = chained();
    SigningKey forged = SigningKey.generate();
    Checkpoint signed =
        Checkpoint.sign(
            forged, mandate.org(), 5, rewriteInDatabase(mandate.org(), 3), Instant.EPOCH, null);
    tamper(mandate.org(), "delete from audit_checkpoints");
    database
        .db()
        .run(
            Sealer.system(database.db(), mandate.org()),
            tx -> ChainStore.insertCheckpoint(tx, signed));
    for (byte[] sealed : List.of(new byte[64], sealedKey())) {
      database
          .db()
          .run(
              Sealer.system(database.db(), OrgId.INSTALLATION),
              tx ->
                  ChainStore.insertKey(
                      tx,
                      new ChainStore.SealedKey(
                          forged.id(), forged.publicHalf().encoded(), sealed)));
      try {
        assertThat(problems(mandate.org()))
            .singleElement()
            .asString()
            .contains(forged.id(), "not trusted");
        assertThat(check(lines(mandate.org()), null).intact()).isFalse();
      } finally {
        tamper(OrgId.INSTALLATION, "delete from audit_keys where id = '" + forged.id() + "'");
      }
    }
  }

  /** The real key does not sign what it did not see grow, neither at once nor after a restart. */
  @Test
  void aChainThatWasRewrittenIsNotSignedAnew() throws Exception {
    Mandate all = grown();
    rewriteInDatabase(all.org(), 3);
    tamper(all.org(), "delete from audit_checkpoints");
    tamper(all.org(), "update audit_heads set checkpoint_seq = 0, checkpoint_at = '-infinity'");
    sealer.round();
    assertThat(chain.check(all.org()).checkpoints()).isZero();

    Mandate shortened = grown();
    tamper(shortened.org(), "delete from audit_checkpoints");
    tamper(shortened.org(), "delete from audit_seals where seq > 3");
    tamper(
        shortened.org(),
        "update audit_heads set seq = 3, checkpoint_seq = 0, checkpoint_at = '-infinity',"
            + " hash = decode('%s', 'hex')"
                .formatted(
                    java.util.HexFormat.of().formatHex(places(shortened.org()).getLast().hash())));
    sealer.round();
    assertThat(chain.check(shortened.org()).checkpoints()).isZero();

    Mandate tail = grown();
    tamper(tail.org(), "delete from audit_checkpoints where seq = 10");
    rewriteInDatabase(tail.org(), 3);
    tamper(tail.org(), "update audit_heads set checkpoint_seq = 5, checkpoint_at = '-infinity'");
    Mandate forgotten = grown();
    tamper(forgotten.org(), "delete from audit_checkpoints where seq = 10");
    tamper(forgotten.org(), "update audit_heads set checkpoint_at = '-infinity', seq = 11");
    try (Sealer restarted = sealer(Duration.ofSeconds(-1))) {
      restarted.round();
      for (Mandate each : List.of(tail, forgotten)) {
        assertThat(chain.check(each.org()).checkpoints()).isEqualTo(1);
      }
      assertThat(restarted.refused()).isGreaterThanOrEqualTo(2);
    }
    assertThat(problems(forgotten.org())).contains("the checkpoint at entry 10 is removed");
  }

  /** What nothing in the database tells any more, a checkpoint that was kept elsewhere does. */
  @Test
  void aRecordIsHeldAgainstCheckpointsThatWereKept() throws Exception {
    Mandate mandate = grown();
    List<String> lines = lines(mandate.org());
    KeptCheckpoints both = KeptCheckpoints.read(String.join("\n", lines));
    assertThat(chain.check(mandate.org(), publicKey(), both).problems()).isEmpty();
    assertThat(both.strangers()).isEmpty();
    assertThat(check(lines, publicKey(), lines).problems()).isEmpty();

    Mandate other = chained();
    KeptCheckpoints others = KeptCheckpoints.read(String.join("\n", lines));
    assertThat(chain.check(other.org(), null, others).problems()).isEmpty();
    assertThat(others.strangers()).hasSize(2).allMatch(text -> text.contains("no organization"));

    rewriteInDatabase(mandate.org(), 3);
    tamper(mandate.org(), "delete from audit_checkpoints");
    tamper(mandate.org(), "update audit_heads set checkpoint_seq = 0, checkpoint_at = '-infinity'");
    try (Sealer restarted = sealer(Duration.ofSeconds(-1))) {
      // A process that has not seen it before cannot know.
      restarted.round();
    }
    assertThat(chain.check(mandate.org()).problems()).isEmpty();
    assertThat(check(lines(mandate.org()), publicKey()).problems()).isEmpty();
    for (AuditReport report :
        List.of(
            chain.check(mandate.org(), null, KeptCheckpoints.read(String.join("\n", lines))),
            check(lines(mandate.org()), publicKey(), lines))) {
      assertThat(report.problems()).hasSize(2).allMatch(text -> text.contains("rewritten"));
    }

    String foreign =
        Base64.getEncoder().encodeToString(SigningKey.generate().publicHalf().encoded());
    assertThat(chain.check(mandate.org(), foreign, KeptCheckpoints.NONE).problems())
        .singleElement()
        .asString()
        .contains("not trusted");
    for (String none : List.of("", "[]", "{\"type\": \"end\", \"seq\": 1}", "{}", "nonsense")) {
      assertThatThrownBy(() -> KeptCheckpoints.read(none)).isInstanceOf(Failure.class);
    }
  }

  /** Alters an entry where the chain lies, and all hashes from there on; the last of them. */
  private static byte[] rewriteInDatabase(OrgId org, int seq) throws SQLException {
    tamper(org, "update audit_entries set reason = 'rewritten' where action = 'a." + seq + "'");
    byte[] hash = ChainedEntry.START;
    for (ChainStore.Sealed place : places(org)) {
      hash = java.util.Objects.requireNonNull(place.entry()).hash(hash, place.seq());
      tamper(
          org,
          "update audit_seals set hash = decode('%s', 'hex') where seq = %d"
              .formatted(java.util.HexFormat.of().formatHex(hash), place.seq()));
    }
    tamper(
        org,
        "update audit_heads set hash = decode('%s', 'hex')"
            .formatted(java.util.HexFormat.of().formatHex(hash)));
    return hash;
  }

  /** The private half of the true key, as it lies there. */
  private static byte[] sealedKey() {
    return database
        .db()
        .read(Sealer.system(database.db(), OrgId.INSTALLATION), ChainStore::keys)
        .getFirst()
        .sealed();
  }

  /** Ten entries, signed at the fifth and at the tenth. */
  private static Mandate grown() {
    Mandate mandate = chained();
    for (int i = 6; i <= 10; i++) {
      String action = "a." + i;
      database.db().run(mandate, tx -> tx.audit(action, "thing:1", "{}"));
    }
    sealer.round();
    return mandate;
  }

  /** Alters an exported entry, and all hashes from there on so that they fit. */
  private static void rewrite(List<String> lines, int seq) {
    OrgId org =
        new OrgId(
            java.util.UUID.fromString(
                AuditLines.text(
                    dev.mandate.kernel.Json.parse("line", lines.getFirst()), "organization")));
    byte[] hash = ChainedEntry.START;
    for (int i = 1; i < lines.size() - 1; i++) {
      String line = i == seq ? lines.get(i).replace("\"thing:1\"", "\"thing:2\"") : lines.get(i);
      ChainStore.Sealed place =
          AuditLines.readEntry(org, dev.mandate.kernel.Json.parse("line", line));
      hash = java.util.Objects.requireNonNull(place.entry()).hash(hash, place.seq());
      lines.set(
          i,
          AuditLines.entry(
              new ChainStore.Sealed(
                  place.seq(), place.id(), hash, place.entry(), place.personal(), place.salt())));
    }
  }

  /** An organization with five chained entries and a checkpoint. */
  private static Mandate chained() {
    Mandate mandate = TestDatabase.newMandate();
    for (int i = 1; i <= 5; i++) {
      String action = "a." + i;
      database
          .db()
          .run(
              mandate,
              tx ->
                  tx.audit(
                      AuditFact.allowed(action, "thing:1", "{\"n\": 1.50}")
                          .withPersonal("{\"email\": \"a@example.org\"}")));
    }
    sealer.round();
    assertThat(chain.check(mandate.org()).problems()).isEmpty();
    return mandate;
  }

  private static List<String> problems(OrgId org) {
    return chain.check(org).problems();
  }

  private static List<String> exported(OrgId org) throws IOException {
    return check(lines(org), null).problems();
  }

  private static List<String> lines(OrgId org) {
    List<String> lines = new ArrayList<>();
    chain.write(org, lines::add);
    return lines;
  }

  private static AuditReport check(List<String> lines, @Nullable String key) throws IOException {
    return AuditChain.checkExport(
        new BufferedReader(new StringReader(String.join("\n", lines))), key, KeptCheckpoints.NONE);
  }

  private static AuditReport check(List<String> lines, @Nullable String key, List<String> kept)
      throws IOException {
    return AuditChain.checkExport(
        new BufferedReader(new StringReader(String.join("\n", lines))),
        key,
        KeptCheckpoints.read(String.join("\n", kept)));
  }

  private static String publicKey() {
    return Base64.getEncoder()
        .encodeToString(
            new SigningKeys(database.db(), database.cipher()).current().publicHalf().encoded());
  }

  private static List<ChainStore.Sealed> places(OrgId org) {
    return database
        .db()
        .read(Sealer.system(database.db(), org), tx -> ChainStore.sealed(tx, 0, 100));
  }

  private static List<String> actions(OrgId org) {
    return places(org).stream()
        .map(place -> java.util.Objects.requireNonNull(place.entry()).action())
        .toList();
  }

  /** As a superuser, whom nothing in the database hinders. */
  private static void tamper(OrgId org, String sql) throws SQLException {
    String where =
        sql.startsWith("insert")
            ? sql
            : sql.contains(" where ")
                ? sql.replace(" where ", " where org_id = '" + org + "' and ")
                : sql + " where org_id = '" + org + "'";
    try (Connection connection = database.admin();
        Statement statement = connection.createStatement()) {
      assertThat(statement.executeUpdate(where)).isPositive();
    }
  }

  private static void finish(List<Future<?>> work) throws InterruptedException, ExecutionException {
    for (Future<?> each : work) {
      each.get();
    }
  }
}
