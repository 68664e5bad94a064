package dev.mandate.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.testing.TenancyChecks;
import dev.mandate.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Months of the record come and go, and what is left is still the record. */
class AuditMonthsTest {
  private final TestDatabase database = TestDatabase.create();
  private final Sealer sealer =
      new Sealer(
          database.db(),
          database.cipher(),
          database.endpoint(),
          Duration.ZERO,
          Duration.ofSeconds(-1));
  private final AuditChain chain = new AuditChain(database.db(), database.cipher());
  private final AuditMonths keepsAMonth =
      new AuditMonths(
          database.db(),
          database.endpoint(),
          new SigningKeys(database.db(), database.cipher()),
          Duration.ofDays(31));

  @AfterEach
  void close() {
    sealer.close();
    database.close();
  }

  @Test
  void wholeMonthsAreDroppedAndWhatIsLeftIsStillVerified() throws Exception {
    YearMonth now = YearMonth.now(ZoneOffset.UTC);
    keepsAMonth.tidy(Instant.now());
    keepsAMonth.tidy(Instant.now());
    assertThat(partitions())
        .contains("audit_entries_" + now.plusMonths(2).toString().replace('-', '_'));
    assertThat(TenancyChecks.findings(database)).isEqualTo(TenancyChecks.KERNEL_EXCEPTIONS);

    OrgId org = TestDatabase.newMandate().org();
    OrgId gone = TestDatabase.newMandate().org();
    // The third one of this month is late: it is chained after the first of the next.
    insert(org, now, "old.1");
    insert(org, now, "old.2");
    insert(gone, now, "old.1");
    sealer.round();
    insert(org, now.plusMonths(1), "new.1");
    sealer.round();
    insert(org, now, "old.3");
    sealer.round();
    insert(org, now.plusMonths(1), "new.2");
    sealer.round();
    assertThat(chain.check(org).problems()).isEmpty();

    insert(org, now, "old.unsealed");
    Instant later = middle(now.plusMonths(2));
    keepsAMonth.tidy(later);
    assertThat(count(org)).as("kept while something waits").isEqualTo(6);

    sealer.round();
    keepsAMonth.tidy(later);
    keepsAMonth.tidy(later);
    assertThat(count(org)).as("what came late stays with what it stands after").isEqualTo(4);
    assertThat(count(gone)).isZero();
    for (OrgId each : List.of(org, gone)) {
      assertThat(chain.check(each).problems()).isEmpty();
      assertThat(exported(each).problems()).isEmpty();
    }
    Mandate mandate = TestDatabase.mandate(gone);
    database.db().run(mandate, tx -> tx.audit("goes.on", "", "{}"));
    sealer.round();
    assertThat(chain.check(gone).problems()).isEmpty();
    assertThat(chain.check(gone).entries()).isEqualTo(1);

    keepsAMonth.tidy(middle(now.plusMonths(3)));
    assertThat(count(org)).as("until that goes").isZero();
    assertThat(chain.check(org).problems()).isEmpty();
    assertThat(exported(org).problems()).isEmpty();

    // What stands for the months that went is signed like everything else.
    try (Connection admin = database.admin();
        Statement statement = admin.createStatement()) {
      statement.executeUpdate(
          "update audit_checkpoints set seq = seq + 1 where dropped_before is not null and org_id = '"
              + org
              + "'");
    }
    assertThat(chain.check(org).problems()).anyMatch(text -> text.contains("forged"));
  }

  /** A drop excuses what went with it, and nothing that came later. */
  @Test
  void afterADropNothingMayBeMissing() throws Exception {
    YearMonth month = YearMonth.now(ZoneOffset.UTC);
    OrgId org = TestDatabase.newMandate().org();
    keepsAMonth.tidy(middle(month));
    insert(org, month, "old.1");
    sealer.round();
    insert(org, month.plusMonths(1), "new.1");
    sealer.round();
    insert(org, month, "late");
    insert(org, month.plusMonths(1), "new.2");
    sealer.round();
    keepsAMonth.tidy(middle(month.plusMonths(2)));
    assertThat(chain.check(org).problems()).isEmpty();

    List<String> lines = lines(org);
    lines.replaceAll(line ->
        line.contains("new.2")
            ? line.replaceFirst("\"id\":\"[^\"]*\"", "\"id\":\"" + LOWEST + "\"")
                .replaceFirst("\"at\".*\"hash\"", "\"hash\"")
            : line);
    assertThat(check(lines).problems()).singleElement().asString().contains(LOWEST, "removed");

    try (Connection admin = database.admin();
        Statement statement = admin.createStatement()) {
      statement.execute(
          """
          update audit_seals set entry_id = '%2$s' where org_id = '%1$s' and entry_id =
            (select id from audit_entries where org_id = '%1$s' and action = 'new.2');
          delete from audit_entries where org_id = '%1$s' and action = 'new.2';
          """
              .formatted(org, LOWEST));
    }
    assertThat(chain.check(org).problems()).singleElement().asString().contains(LOWEST, "removed");
  }

  /** Retention signs for what goes: it must not be made to take what does not. */
  @Test
  void whatIsNotWhatWasChainedIsNotDropped() throws Exception {
    YearMonth month = YearMonth.now(ZoneOffset.UTC);
    OrgId org = TestDatabase.newMandate().org();
    insert(org, month, "new.1");
    sealer.round();
    try (Connection admin = database.admin();
        Statement statement = admin.createStatement()) {
      statement.execute(
          """
          delete from audit_entries where org_id = '%1$s';
          update audit_seals set entry_id = '%2$s' where org_id = '%1$s';
          """
              .formatted(org, LOWEST));
      keepsAMonth.tidy(middle(month));
      assertThat(chain.check(org).problems()).singleElement().asString().contains("removed");
    }
  }

  @Test
  void afterADropAnOldEntryThatIsPutThereByHandIsNamed() throws Exception {
    YearMonth month = YearMonth.now(ZoneOffset.UTC);
    OrgId org = TestDatabase.newMandate().org();
    keepsAMonth.tidy(middle(month));
    insert(org, month, "old.1");
    sealer.round();
    keepsAMonth.tidy(middle(month.plusMonths(2)));
    assertThat(chain.check(org).problems()).isEmpty();
    insert(org, month, "forged");
    try (Connection admin = database.admin();
        Statement statement = admin.createStatement()) {
      statement.execute("delete from audit_unsealed where org_id = '" + org + "'");
    }
    assertThat(chain.check(org).problems()).singleElement().asString().contains("never chained");
  }

  /**
   * A version before this one signed drops otherwise, and took late entries away with the others.
   */
  @Test
  void whatAnEarlierVersionDroppedIsSaidToBeUnproven() throws Exception {
    YearMonth month = YearMonth.now(ZoneOffset.UTC);
    OrgId org = TestDatabase.newMandate().org();
    insert(org, month, "old.1");
    insert(org, month.plusMonths(1), "new.1");
    sealer.round();
    insert(org, month, "late");
    sealer.round();
    UUID boundary = AuditMonths.first(month.plusMonths(1));
    SigningKey key = new SigningKeys(database.db(), database.cipher()).current();
    database
        .db()
        .run(
            Sealer.system(database.db(), org),
            tx -> {
              ChainStore.Sealed last = ChainStore.sealed(tx, 0, 1).getFirst();
              Checkpoint unsigned =
                  new Checkpoint(
                      org,
                      Ids.next(),
                      1,
                      last.hash(),
                      Sealer.now(tx),
                      boundary,
                      key.id(),
                      new byte[0]);
              byte[] v1 =
                  new Fields("mandate/audit/checkpoint/v1")
                      .text(org.toString())
                      .text(unsigned.id().toString())
                      .number(1)
                      .bytes(last.hash())
                      .number(Checkpoint.micros(unsigned.at()))
                      .optional(boundary.toString().getBytes(StandardCharsets.UTF_8))
                      .text(key.id())
                      .toBytes();
              ChainStore.insertCheckpoint(
                  tx,
                  new Checkpoint(
                      org,
                      unsigned.id(),
                      1,
                      last.hash(),
                      unsigned.at(),
                      boundary,
                      key.id(),
                      key.sign(v1)));
            });
    try (Connection admin = database.admin();
        Statement statement = admin.createStatement()) {
      statement.execute(
          "delete from audit_entries where org_id = '"
              + org
              + "' and action in ('old.1', 'late'); delete from audit_seals where org_id = '"
              + org
              + "' and seq = 1");
    }
    for (AuditReport report : List.of(chain.check(org), exported(org))) {
      assertThat(report.problems()).isEmpty();
      assertThat(report.lost()).isEqualTo(1);
    }

    // The next drop is one of this version's.
    keepsAMonth.tidy(middle(month.plusMonths(3)));
    assertThat(chain.check(org).problems()).isEmpty();
    assertThat(chain.check(org).lost()).isZero();
  }

  private static final String LOWEST = "00000000-0000-7000-8000-000000000000";

  private static Instant middle(YearMonth month) {
    return month.atDay(15).atStartOfDay(ZoneOffset.UTC).toInstant();
  }

  private AuditReport exported(OrgId org) throws java.io.IOException {
    return check(lines(org));
  }

  private List<String> lines(OrgId org) {
    List<String> lines = new ArrayList<>();
    chain.write(org, lines::add);
    return lines;
  }

  private static AuditReport check(List<String> lines) throws java.io.IOException {
    return AuditChain.checkExport(
        new java.io.BufferedReader(new java.io.StringReader(String.join("\n", lines))),
        null,
        KeptCheckpoints.NONE);
  }

  /** What Tx.audit writes, at another time. */
  private void insert(OrgId org, YearMonth month, String action) throws SQLException {
    UUID id = new UUID(AuditMonths.first(month).getMostSignificantBits() + 0x10000, sequence++);
    try (Connection admin = database.admin();
        Statement statement = admin.createStatement()) {
      statement.execute(
          """
          insert into audit_entries (org_id, id, at, action, resource, outcome, reason, chain,
            channel, trace_id, details)
          values ('%1$s', '%2$s', now(), '%3$s', '', 'allowed', '', '[]', '', '', '{}');
          insert into audit_unsealed (org_id, id, entries) values ('%1$s', '%2$s', '{%2$s}');
          """
              .formatted(org, id, action));
    }
  }

  private static long sequence = 1;

  private long count(OrgId org) throws SQLException {
    return Long.parseLong(
        texts("select count(*) from audit_entries where org_id = '" + org + "'").getFirst());
  }

  private List<String> partitions() throws SQLException {
    return texts(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_entries'::regclass");
  }

  private List<String> texts(String sql) throws SQLException {
    List<String> found = new ArrayList<>();
    try (Connection admin = database.admin();
        Statement statement = admin.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        found.add(rows.getString(1));
      }
    }
    return found;
  }
}
