package dev.mandate.identity;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules of API tokens. */
public final class Tokens {
  private static final int DEFAULT_DAYS = 90;
  private static final int MAX_DAYS = 365;
  private static final int MAX_NAME = 100;
  private static final int MAX_SCOPES = 100;
  private static final int SHOWN = Secrets.TOKEN.length() + 6;
  private static final Pattern SCOPE =
      Pattern.compile("\\*|[a-z][a-z_]{0,40}\\.(\\*|[a-z][a-z_]{0,40}\\*?)");

  private final Db db;
  private final Authorizer authorizer;
  private final Memberships memberships;
  private final AgentDirectory agents;
  private final InstantSource clock;
  private final TokenStore store = new TokenStore();

  public Tokens(
      Db db,
      Authorizer authorizer,
      Memberships memberships,
      AgentDirectory agents,
      InstantSource clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.memberships = memberships;
    this.agents = agents;
    this.clock = clock;
  }

  /** A token and its secret, which is told once. */
  public record Made(Token token, String secret) {
    @Override
    public String toString() {
      return "Made[" + token.id() + "]";
    }
  }

  /** The API token in a mandate's chain. */
  static Optional<TokenId> of(Mandate mandate) {
    return mandate.chain().stream()
        .filter(principal -> principal.kind() == Principal.Kind.TOKEN)
        .findFirst()
        .map(principal -> new TokenId(principal.id()));
  }

  Page<Token> list(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "tokens.list");
    UserId user = user(mandate);
    return db.read(
        mandate,
        tx -> {
          UserId of = isOwner(tx, user) ? null : user;
          return Page.cut(store.list(tx, of, page), page, token -> token.id().toString());
        });
  }

  /**
   * @param days until it expires; 0 for 90
   * @param agent makes it this agent's credential, acting for the caller
   * @throws Failure {@code PERMISSION_DENIED SIGN_IN_REQUIRED} if the caller is a token itself: it
   *     could make one with more scopes or a longer life than its own
   */
  public Made create(
      Mandate mandate, String name, List<String> scopes, int days, @Nullable UUID agent) {
    authorizer.require(mandate, "tokens.create");
    if (of(mandate).isPresent()) {
      throw Failure.denied("SIGN_IN_REQUIRED", "an API token cannot make API tokens: sign in");
    }
    UserId user = user(mandate);
    Instant now = clock.instant();
    String secret = Secrets.next(Secrets.TOKEN);
    Token token =
        new Token(
            new TokenId(Ids.next()),
            checkedName(name),
            secret.substring(0, SHOWN),
            checkedScopes(scopes),
            user,
            agent,
            now,
            now.plus(checkedLifetime(days)),
            null,
            null);
    return db.write(
        mandate,
        tx -> {
          if (agent != null && !agents.alive(tx, agent)) {
            throw Failure.notFound("agent");
          }
          store.insert(tx, token, Secrets.hash(secret));
          tx.audit("tokens.create", "token:" + token.id(), details(token));
          return new Made(token, secret);
        });
  }

  /**
   * Revokes a token of the caller's; an owner also other people's. A second time changes nothing.
   */
  void revoke(Mandate mandate, TokenId id) {
    authorizer.require(mandate, "tokens.delete");
    UserId user = user(mandate);
    db.write(
        mandate,
        tx -> {
          Token token =
              store
                  .find(tx, id)
                  .filter(found -> found.user().equals(user) || isOwner(tx, user))
                  .orElseThrow(() -> Failure.notFound("token"));
          boolean revoked = store.revoke(tx, token.id(), clock.instant());
          if (revoked) {
            tx.audit("tokens.delete", "token:" + id, "{}");
            tx.wake(AuthChannel.of(tx.org()));
          }
          return revoked;
        });
  }

  Token get(Mandate mandate, TokenId id) {
    authorizer.require(mandate, "tokens.list");
    return db.read(mandate, tx -> require(tx, id));
  }

  Token require(Tx tx, TokenId id) {
    return store.find(tx, id).orElseThrow(() -> Failure.notFound("token"));
  }

  /** For authorization: a token of the transaction's organization, good or not. */
  public static Optional<Token> find(Tx tx, TokenId id) {
    return new TokenStore().find(tx, id);
  }

  private boolean isOwner(Tx tx, UserId user) {
    return memberships.find(tx, user).filter(Memberships.Membership::owner).isPresent();
  }

  private static UserId user(Mandate mandate) {
    UUID user = mandate.user();
    if (user == null) {
      throw Failure.denied("NO_USER", "API tokens belong to people: nobody acts here");
    }
    return new UserId(user);
  }

  private static String checkedName(String name) {
    String trimmed = name.strip();
    if (trimmed.isEmpty() || trimmed.codePointCount(0, trimmed.length()) > MAX_NAME) {
      throw Failure.invalid("name", "must have 1 to " + MAX_NAME + " characters");
    }
    return trimmed;
  }

  private static List<String> checkedScopes(List<String> scopes) {
    if (scopes.isEmpty() || scopes.size() > MAX_SCOPES) {
      throw Failure.invalid("scopes", "must be 1 to " + MAX_SCOPES + " action patterns");
    }
    for (int i = 0; i < scopes.size(); i++) {
      if (!SCOPE.matcher(scopes.get(i)).matches()) {
        throw Failure.invalid(
            "scopes[" + i + "]",
            "not an action pattern such as 'agents.*': '" + Failure.excerpt(scopes.get(i)) + "'");
      }
    }
    return List.copyOf(new LinkedHashSet<>(scopes));
  }

  private static Duration checkedLifetime(int days) {
    if (days < 0 || days > MAX_DAYS) {
      throw Failure.invalid("expires_in_days", "must be 1 to " + MAX_DAYS);
    }
    return Duration.ofDays(days == 0 ? DEFAULT_DAYS : days);
  }

  private static String details(Token token) {
    var details = Json.object().put("expires_at", token.expiresAt().toString());
    token.scopes().forEach(details.putArray("scopes")::add);
    if (token.agent() != null) {
      details.put("agent_id", token.agent().toString());
    }
    return details.toString();
  }
}
