package dev.mandate.files;

import dev.mandate.kernel.Bound;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.crypto.Tokens;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signed addresses of contents on this server. The signature covers verb, file, time and the chain
 * of whoever asked for it: the address is that chain's authority for one thing, and what the chain
 * may not do any more the address does not do either.
 */
final class ContentLinks {
  private static final String PURPOSE = "mandate/files/links/v1";
  private static final int MAX_TOKEN = 4096;
  private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

  private final KeyRing keys;
  private final InstantSource clock;

  ContentLinks(KeyRing keys, InstantSource clock) {
    this.keys = keys;
    this.clock = clock;
  }

  /** The path and query of an address that is good until {@code until}. */
  String sign(Mandate mandate, String verb, FileId file, Instant until) {
    StringBuilder claim = new StringBuilder();
    claim.append(verb).append('\n').append(file).append('\n').append(mandate.org()).append('\n');
    claim.append(until.getEpochSecond());
    for (Principal principal : mandate.chain()) {
      claim.append('\n').append(principal);
    }
    byte[] text = claim.toString().getBytes(StandardCharsets.UTF_8);
    String token =
        ENCODER.encodeToString(text) + "." + ENCODER.encodeToString(mac(keys.primaryId(), text));
    return "/api/v1/files/" + file + "/content?token=" + token;
  }

  /**
   * The authority that an address gives, for nothing but this.
   *
   * @throws Failure {@code PERMISSION_DENIED} with the reason {@code LINK_INVALID} or {@code
   *     LINK_EXPIRED}
   */
  Mandate verify(String verb, FileId file, String token, Mandate.Origin origin) {
    int dot = token.indexOf('.');
    if (dot < 0 || token.length() > MAX_TOKEN) {
      throw invalid();
    }
    byte[] text;
    byte[] mac;
    try {
      text = Base64.getUrlDecoder().decode(token.substring(0, dot));
      mac = Base64.getUrlDecoder().decode(token.substring(dot + 1));
    } catch (IllegalArgumentException notBase64) {
      throw invalid();
    }
    if (keys.ids().stream().noneMatch(key -> Tokens.same(mac(key, text), mac))) {
      throw invalid();
    }
    // From here on it is what we wrote.
    List<String> claim = List.of(new String(text, StandardCharsets.UTF_8).split("\n", -1));
    if (!claim.get(0).equals(verb) || !claim.get(1).equals(file.toString())) {
      throw invalid();
    }
    Instant until = Instant.ofEpochSecond(Long.parseLong(claim.get(3)));
    if (!clock.instant().isBefore(until)) {
      throw Failure.denied("LINK_EXPIRED", "this address has expired: ask for the file again");
    }
    List<Principal> chain = new ArrayList<>();
    claim.subList(4, claim.size()).forEach(each -> chain.add(Principal.parse(each)));
    return new Mandate(
        new OrgId(Ids.parse("token", claim.get(2))),
        chain,
        List.of(Bound.actions(Set.of(verb.equals("PUT") ? "files.create" : "files.get"))),
        null,
        until,
        origin);
  }

  private byte[] mac(String key, byte[] text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(keys.derive(key, PURPOSE, 32), "HmacSHA256"));
      return mac.doFinal(text);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has HmacSHA256", e);
    }
  }

  private static Failure invalid() {
    return Failure.denied("LINK_INVALID", "this is not an address that this server signed");
  }
}
