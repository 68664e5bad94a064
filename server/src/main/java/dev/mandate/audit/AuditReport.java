package dev.mandate.audit;

import dev.mandate.kernel.OrgId;
import java.util.List;

/**
 * What the check of one organization's chain found.
 *
 * @param signed the last place with a checkpoint that fits; 0 if there is none
 * @param unsigned places after it: whoever can write where the chain lies can change those
 * @param erased entries whose personal data was erased
 * @param lost places whose entries an earlier version's drop may have taken with it, or somebody
 * @param waiting entries that are not chained yet
 * @param wrong how many problems there are
 * @param problems the first of them
 */
public record AuditReport(
    OrgId org,
    long entries,
    long checkpoints,
    long signed,
    long unsigned,
    long erased,
    long lost,
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
