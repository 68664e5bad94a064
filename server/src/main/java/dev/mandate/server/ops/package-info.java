/**
 * What whoever runs the installation does with all of its data at once, beside or without a running
 * server: backup and restore, archives, rotating keys, erasing a person. Called by the commands of
 * the server's machine alone; goes to the database directly, because there is no mandate that
 * reaches across organizations.
 */
@NullMarked
package dev.mandate.server.ops;

import org.jspecify.annotations.NullMarked;
