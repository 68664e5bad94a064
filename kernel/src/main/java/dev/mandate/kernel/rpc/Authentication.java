package dev.mandate.kernel.rpc;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import java.time.Duration;
import java.util.Iterator;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Who is calling, asked once for many: answers are kept for at most a second, callers with the same
 * credential share one question, and a refusal is never kept. A revocation bites at once through
 * {@link #forget} and in any case within that second.
 */
public final class Authentication {
  private static final long KEPT = Duration.ofSeconds(1).toNanos();
  private static final int BOUND = 10_000;

  private static final class Answer {
    final CompletableFuture<Mandate> mandate = new CompletableFuture<>();
    final AtomicBoolean started = new AtomicBoolean();
    final long askedAt;

    Answer(long askedAt) {
      this.askedAt = askedAt;
    }

    boolean isFresh(long now) {
      return now - askedAt <= KEPT;
    }
  }

  private final Authenticator authenticator;
  private final ConcurrentMap<Credential, Answer> answers = new ConcurrentHashMap<>();
  private final AtomicLong sweptAt = new AtomicLong(System.nanoTime());

  public Authentication(Authenticator authenticator) {
    this.authenticator = authenticator;
  }

  /**
   * The mandate behind a credential. A known answer is complete at once; else a virtual thread
   * asks. Completes exceptionally with a {@link Failure}.
   */
  public CompletableFuture<Mandate> of(Credential credential, Mandate.Origin origin) {
    long now = System.nanoTime();
    Answer known = answers.get(credential);
    if (known == null || !known.isFresh(now)) {
      sweep(now);
      Answer asking = new Answer(now);
      known =
          answers.compute(
              credential, (_, there) -> there != null && there.isFresh(now) ? there : asking);
      if (known.started.compareAndSet(false, true)) {
        Answer mine = known;
        Thread.ofVirtual().name("authenticate").start(() -> ask(credential, origin, mine));
      }
    }
    return known.mandate.thenApply(mandate -> from(mandate, origin));
  }

  /** Whether a credential was good when it was asked about, a second ago at most. */
  boolean remembers(Credential credential) {
    Answer known = answers.get(credential);
    return known != null
        && known.isFresh(System.nanoTime())
        && known.mandate.isDone()
        && !known.mandate.isCompletedExceptionally();
  }

  /** The same authority for this request; the session is the credential's, the rest is not. */
  private static Mandate from(Mandate mandate, Mandate.Origin origin) {
    UUID session = mandate.origin().session();
    return mandate.withOrigin(session == null ? origin : origin.withSession(session));
  }

  /** The same for callers that may block. */
  public Mandate require(Credential credential, Mandate.Origin origin) {
    try {
      return of(credential, origin).get();
    } catch (ExecutionException | InterruptedException e) {
      throw Failures.of(e);
    }
  }

  private void ask(Credential credential, Mandate.Origin origin, Answer answer) {
    try {
      answer.mandate.complete(authenticator.authenticate(credential, origin));
    } catch (Throwable t) {
      answers.remove(credential, answer);
      answer.mandate.completeExceptionally(Failures.of(t));
    }
  }

  /** Forgets what it knows of an organization: after a change of sessions, tokens or members. */
  public void forget(OrgId org) {
    answers
        .values()
        .removeIf(answer ->
            !answer.mandate.isDone()
                || answer.mandate.isCompletedExceptionally()
                || answer.mandate.join().org().equals(org));
  }

  /** Forgets everything it knows. */
  public void forgetAll() {
    answers.clear();
  }

  private void sweep(long now) {
    long last = sweptAt.get();
    boolean due = now - last > 10 * KEPT || answers.size() >= BOUND;
    if (due && sweptAt.compareAndSet(last, now)) {
      for (Iterator<Answer> it = answers.values().iterator(); it.hasNext(); ) {
        if (!it.next().isFresh(now)) {
          it.remove();
        }
      }
      if (answers.size() >= BOUND) {
        answers.clear();
      }
    }
  }
}
