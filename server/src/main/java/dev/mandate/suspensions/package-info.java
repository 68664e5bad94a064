/**
 * Suspensions: agents, tokens, tools, members and whole organizations that a person has stopped for
 * a while. One table, which every process remembers for less than a second.
 *
 * <p>Called by {@code authorization} (may this chain act at all?), by whoever carries out work that
 * has to stop in the middle ({@code tools}, {@code runs}), and by the APIs of what can be
 * suspended. Knows nothing of what is suspended but its name; must never decide who may suspend.
 */
@NullMarked
package dev.mandate.suspensions;

import org.jspecify.annotations.NullMarked;
