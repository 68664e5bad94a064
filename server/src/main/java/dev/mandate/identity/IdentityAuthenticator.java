package dev.mandate.identity;

import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.rpc.Authenticator;
import dev.mandate.kernel.rpc.Credential;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns access tokens of sessions ({@code mds_…}) and API tokens ({@code mdt_…}) into mandates.
 * Reads the database each time: whoever asks often remembers the answer for at most a second and
 * listens on {@link AuthChannel}.
 */
public final class IdentityAuthenticator implements Authenticator {
  private static final Logger log = LoggerFactory.getLogger(IdentityAuthenticator.class);
  private static final Duration USE_NOTED = Duration.ofMinutes(1);

  private final Db db;
  private final AgentDirectory agents;
  private final InstantSource clock;
  private final SessionStore sessions = new SessionStore();
  private final TokenStore tokens = new TokenStore();

  /** Tokens whose use is being noted at this moment. */
  private final Set<TokenId> noting = ConcurrentHashMap.newKeySet();

  public IdentityAuthenticator(Db db, AgentDirectory agents, InstantSource clock) {
    this.db = db;
    this.agents = agents;
    this.clock = clock;
  }

  @Override
  public Mandate authenticate(Credential credential, Mandate.Origin origin) {
    String secret = credential.secret();
    Instant now = clock.instant();
    Optional<Mandate> mandate = Optional.empty();
    if (Secrets.shaped(Secrets.TOKEN, secret)) {
      byte[] hash = Secrets.hash(secret);
      mandate =
          db.dispatch(handle -> tokens.findHolder(handle, hash, now))
              .map(holder -> ofToken(holder, origin, now));
    } else if (Secrets.shaped(Secrets.ACCESS, secret)) {
      byte[] hash = Secrets.hash(secret);
      mandate =
          db.dispatch(handle -> sessions.findAccess(handle, hash, now))
              .map(access -> ofSession(access, origin));
    }
    return mandate.orElseThrow(
        () -> Failure.unauthenticated("the credential is unknown, expired or revoked"));
  }

  private static Mandate ofSession(SessionStore.Access access, Mandate.Origin origin) {
    return new Mandate(
        access.org(),
        List.of(Principal.user(access.user().value())),
        List.of(),
        null,
        access.expiresAt(),
        origin.withSession(access.session().value()));
  }

  private Mandate ofToken(TokenStore.Holder holder, Mandate.Origin origin, Instant now) {
    Instant noted = holder.lastUsedAt();
    if (noted == null || noted.isBefore(now.minus(USE_NOTED))) {
      note(holder, now);
    }
    List<Principal> chain = new ArrayList<>(3);
    chain.add(Principal.token(holder.token().value()));
    List<Bound> bounds = List.of();
    UUID agent = holder.agent();
    if (agent != null) {
      chain.add(Principal.agent(agent));
      Bound granted = db.read(Own.organization(holder.org(), now), tx -> agents.tools(tx, agent));
      bounds = List.of(granted);
    }
    chain.add(Principal.user(holder.user().value()));
    return new Mandate(holder.org(), chain, bounds, null, holder.expiresAt(), origin);
  }

  /** Beside the call: a database that takes no changes still answers who somebody is. */
  private void note(TokenStore.Holder holder, Instant now) {
    if (!noting.add(holder.token())) {
      return;
    }
    Thread.ofVirtual()
        .name("token-use")
        .start(() -> {
          try {
            db.write(
                Own.organization(holder.org(), now), tx -> tokens.used(tx, holder.token(), now));
          } catch (RuntimeException e) {
            // Its next use is noted.
            log.debug("the use of a token is not noted", e);
          } finally {
            noting.remove(holder.token());
          }
        });
  }
}
