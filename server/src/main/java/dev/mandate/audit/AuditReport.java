package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import java.util.List;

/**
 * What the check of one organization's chain found.
 *
 * @param erased entries whose personal data was erased
 * @param waiting entries that are not chained yet
 * @param wrong how many problems there are
 * @param problems the first of them
 */
public record AuditReport(
    OrgId org,
    long entries,
    long checkpoints,
    long erased,
    long waiting,
    long wrong,
    List<String> problems) {
  public AuditReport {
    problems = List.copyOf(problems);
  }

  public boolean intact() {
    return wrong == 0;
  }
}
