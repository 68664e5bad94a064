/**
 * Files: announced, sent to a signed address, checked, kept by their content's hash, fetched from a
 * signed address. Two storages: a folder on this machine, and any S3.
 *
 * <p>Called by its API, by {@code threads} (what a message carries) and by {@code runs} (what a
 * model is shown). Contents never pass through the contract's methods or the database, and a name
 * that somebody gave never becomes a path.
 */
@NullMarked
package dev.mandate.files;

import org.jspecify.annotations.NullMarked;
