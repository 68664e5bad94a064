package dev.mandate.testing;

import dev.mandate.kernel.db.Server;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips the tests that are to run on an external PostgreSQL where there is none to run on. */
public final class ReachablePostgres implements ExecutionCondition {
  private static final ConditionEvaluationResult RESULT = look();

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return RESULT;
  }

  private static ConditionEvaluationResult look() {
    if (!TestPostgres.isExternal()) {
      return ConditionEvaluationResult.enabled("on the bundled PostgreSQL");
    }
    Server server = TestPostgres.server();
    try (Connection connection = TestDatabase.connect(server)) {
      return ConditionEvaluationResult.enabled(
          "on PostgreSQL "
              + connection.getMetaData().getDatabaseProductVersion()
              + " at "
              + server.hosts());
    } catch (SQLException e) {
      return ConditionEvaluationResult.disabled(
          "no PostgreSQL for " + server.admin().user() + " at " + server.hosts(), e.getMessage());
    }
  }
}
