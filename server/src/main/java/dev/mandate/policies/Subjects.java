package dev.mandate.policies;

import dev.mandate.identity.AuthChannel;
import dev.mandate.identity.User;
import dev.mandate.identity.UserId;
import dev.mandate.identity.Users;
import dev.mandate.kernel.FreshCache;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.organizations.MembershipDirectory;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What policies are told of those who act: names and roles, at most a second old. */
final class Subjects implements AutoCloseable {
  private static final Duration FRESH = Duration.ofMillis(900);
  private static final Duration BRIEF = Duration.ofMinutes(1);
  private static final int REMEMBERED = 50_000;

  private record Key(OrgId org, Principal principal) {}

  /**
   * Somebody.
   *
   * @param name an agent's name or a user's address; empty if it is not known
   * @param roles a user's, in the organization
   */
  record Subject(String name, List<String> roles) {}

  private final Db db;
  private final Wakeups wakeups;
  private final Users users;
  private final MembershipDirectory members;
  private final AgentNames agents;
  private final InstantSource clock;
  private final FreshCache<Key, Subject> known = new FreshCache<>(FRESH, REMEMBERED, this::read);
  private Wakeups.@Nullable Subscription subscription;

  Subjects(
      Db db,
      Wakeups wakeups,
      Users users,
      MembershipDirectory members,
      AgentNames agents,
      InstantSource clock) {
    this.db = db;
    this.wakeups = wakeups;
    this.users = users;
    this.members = members;
    this.agents = agents;
    this.clock = clock;
  }

  void start() {
    subscription =
        wakeups.subscribe(
            AuthChannel.ALL,
            channel ->
                known.invalidate(key ->
                    channel.equals(AuthChannel.EVERYBODY)
                        || AuthChannel.of(key.org()).equals(channel)));
  }

  Subject of(OrgId org, Principal principal) {
    return Objects.requireNonNull(known.get(new Key(org, principal)));
  }

  private Subject read(Key key) {
    Mandate own =
        Mandate.system(key.org(), Set.of("policies"), "policies", clock.instant().plus(BRIEF));
    UUID id = key.principal().id();
    return switch (key.principal().kind()) {
      case USER -> {
        UserId user = new UserId(id);
        List<String> roles =
            db.read(
                own,
                tx ->
                    members.role(tx, user).map(role -> List.of(role.wireName())).orElse(List.of()));
        User account = users.findAll(List.of(user)).get(user);
        yield new Subject(account == null ? "" : account.email(), roles);
      }
      case AGENT -> {
        String name = db.read(own, tx -> Objects.requireNonNullElse(agents.nameOf(tx, id), ""));
        yield new Subject(name, List.of());
      }
      case TOKEN, SYSTEM -> new Subject("", List.of());
    };
  }

  @Override
  public void close() {
    Wakeups.Subscription current = subscription;
    if (current != null) {
      current.close();
    }
  }
}
