/** Logs without secrets, metrics, and spans, which go out by OpenTelemetry if it is set up. */
@NullMarked
package dev.mandate.kernel.telemetry;

import org.jspecify.annotations.NullMarked;
