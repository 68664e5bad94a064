/**
 * Rules in Rego that decide about every call: kept in versions, compiled into one set per
 * organization and one for the installation, asked by {@code governance.Gate} (tools, models) and
 * by the method table (every method of the contract). What was asked and said is recorded as
 * decisions, and a draft can be asked about them.
 *
 * <p>Whatever goes wrong while a policy is asked is a denial. This package never carries out a call
 * and never waits for a person: it says what has to happen, and whoever asks does it.
 */
@NullMarked
package dev.mandate.policies;

import org.jspecify.annotations.NullMarked;
