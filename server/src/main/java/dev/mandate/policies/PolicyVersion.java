package dev.mandate.policies;

import java.time.Instant;

/** A version of a policy; it never changes. */
record PolicyVersion(
    long version, PolicyText text, String note, String hash, String author, Instant createdAt) {}
