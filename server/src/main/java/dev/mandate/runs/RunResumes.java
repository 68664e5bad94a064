package dev.mandate.runs;

import dev.mandate.kernel.db.Tx;
import dev.mandate.suspensions.ResumeListener;

/** Has the runs that waited for the end of a suspension go on: a worker looks at each again. */
public final class RunResumes implements ResumeListener {
  private final RunStore store = new RunStore();

  @Override
  public void resumed(Tx tx) {
    store.wakeSuspended(tx);
    tx.wake(RunLog.DUE);
  }
}
