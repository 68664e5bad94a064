package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.Preparation;
import dev.mandate.testing.TenancyChecks;
import dev.mandate.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** The whole schema, of all domains, as the catalogue has it. */
class TenancyTest {
  @Test
  void no_table_key_or_policy_lets_one_organization_touch_anothers_rows() throws SQLException {
    try (TestDatabase database = TestDatabase.create()) {
      // A domain that needs an exception writes it here, with its reason.
      assertThat(TenancyChecks.findings(database))
          .containsExactlyInAnyOrderElementsOf(TenancyChecks.KERNEL_EXCEPTIONS);
    }
  }

  @Test
  void no_migration_assumes_the_schemas_name_or_a_roles() {
    String schema = TestDatabase.SCHEMA + "_elsewhere";
    Endpoint endpoint = Preparation.run(TestDatabase.createEmpty(), schema, TestDatabase.keys());
    assertThat(endpoint.app().user()).isEqualTo(schema + "_app");
  }
}
