/**
 * Benchmarks, run by {@code mandate bench NAME}. Each measures one budget of the design against the
 * real thing and fails on the first wrong answer: a fast wrong answer is no figure. {@link
 * dev.mandate.bench.Report} is the one place for percentiles, machine and output.
 */
@NullMarked
package dev.mandate.bench;

import org.jspecify.annotations.NullMarked;
