package dev.mandate.identity;

import dev.mandate.api.identity.v1.CreateTokenRequest;
import dev.mandate.api.identity.v1.CreateTokenResponse;
import dev.mandate.api.identity.v1.DeleteTokenRequest;
import dev.mandate.api.identity.v1.DeleteTokenResponse;
import dev.mandate.api.identity.v1.IdentityProto;
import dev.mandate.api.identity.v1.ListTokensRequest;
import dev.mandate.api.identity.v1.ListTokensResponse;
import dev.mandate.api.v1.SuspensionRequest;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspension;

/** {@code mandate.identity.v1.TokenService}. */
public final class TokensApi {
  private final Tokens tokens;
  private final Suspending suspending;

  public TokensApi(Tokens tokens, Suspending suspending) {
    this.tokens = tokens;
    this.suspending = suspending;
  }

  public void bind(Binder binder) {
    binder
        .service(IdentityProto.getDescriptor().findServiceByName("TokenService"))
        .unary("ListTokens", ListTokensRequest.getDefaultInstance(), this::list)
        .unary("CreateToken", CreateTokenRequest.getDefaultInstance(), this::create)
        .unary("DeleteToken", DeleteTokenRequest.getDefaultInstance(), this::delete)
        .unary("SuspendToken", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, true))
        .unary("ResumeToken", SuspensionRequest.getDefaultInstance(), (m, r) -> hold(m, r, false));
  }

  private dev.mandate.api.identity.v1.Token hold(
      Mandate mandate, SuspensionRequest request, boolean suspended) {
    TokenId id = TokenId.parse("id", request.getId());
    suspending.set(
        mandate,
        Suspension.Kind.TOKEN,
        id.toString(),
        suspended,
        request.getReason(),
        tx -> tokens.require(tx, id));
    return wire(mandate, tokens.get(mandate, id));
  }

  private ListTokensResponse list(Mandate mandate, ListTokensRequest request) {
    Page<Token> page =
        tokens.list(mandate, Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListTokensResponse.newBuilder()
        .addAllTokens(page.map(token -> wire(mandate, token)).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private CreateTokenResponse create(Mandate mandate, CreateTokenRequest request) {
    Tokens.Made made =
        tokens.create(
            mandate,
            request.getName(),
            request.getScopesList(),
            request.getExpiresInDays(),
            request.getAgentId().isEmpty() ? null : Ids.parse("agent_id", request.getAgentId()));
    return CreateTokenResponse.newBuilder()
        .setToken(wire(mandate, made.token()))
        .setSecret(made.secret())
        .build();
  }

  private DeleteTokenResponse delete(Mandate mandate, DeleteTokenRequest request) {
    tokens.revoke(mandate, TokenId.parse("id", request.getId()));
    return DeleteTokenResponse.getDefaultInstance();
  }

  private dev.mandate.api.identity.v1.Token wire(Mandate mandate, Token token) {
    dev.mandate.api.identity.v1.Token.Builder wire =
        dev.mandate.api.identity.v1.Token.newBuilder()
            .setId(token.id().toString())
            .setName(token.name())
            .setPrefix(token.prefix())
            .addAllScopes(token.scopes())
            .setUserId(token.user().toString())
            .setCreatedAt(Timestamps.of(token.createdAt()))
            .setExpiresAt(Timestamps.of(token.expiresAt()));
    Suspension suspension =
        suspending.of(mandate.org(), Suspension.Kind.TOKEN, token.id().toString());
    if (suspension != null) {
      wire.setSuspension(suspension.wire());
    }
    if (token.agent() != null) {
      wire.setAgentId(token.agent().toString());
    }
    if (token.lastUsedAt() != null) {
      wire.setLastUsedAt(Timestamps.of(token.lastUsedAt()));
    }
    if (token.revokedAt() != null) {
      wire.setRevokedAt(Timestamps.of(token.revokedAt()));
    }
    return wire.build();
  }
}
