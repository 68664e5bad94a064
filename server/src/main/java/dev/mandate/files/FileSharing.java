package dev.mandate.files;

import dev.mandate.kernel.db.Tx;

/** Says who else may see a file. The threads floor fills this. */
@FunctionalInterface
public interface FileSharing {
  /** Whether the transaction's mandate may see the file because something carries it. */
  boolean shared(Tx tx, FileId file);
}
