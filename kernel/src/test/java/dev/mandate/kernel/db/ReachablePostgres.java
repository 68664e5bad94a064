package dev.mandate.kernel.db;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
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
    String url = System.getProperty(KernelDatabase.EXTERNAL);
    if (url == null) {
      return ConditionEvaluationResult.enabled("on the bundled PostgreSQL");
    }
    Server server = Server.parse(url);
    Properties login = new Properties();
    login.setProperty("user", server.admin().user());
    login.setProperty("password", server.admin().password());
    login.setProperty("connectTimeout", "2");
    login.setProperty("loginTimeout", "5");
    try (Connection connection = DriverManager.getConnection(server.jdbcUrl(), login)) {
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
