package dev.mandate.server;

import dev.mandate.identity.User;
import dev.mandate.identity.Users;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.organizations.MembershipDirectory;
import dev.mandate.organizations.Role;
import dev.mandate.runs.RunResumes;
import dev.mandate.suspensions.Suspending;
import dev.mandate.suspensions.Suspension.Kind;
import dev.mandate.suspensions.Suspensions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The way back for whoever may read the server's secrets, when nobody is left who could resume. */
final class Reinstatement {
  private final Db db;
  private final Users users;
  private final MembershipDirectory memberships;
  private final Suspending suspending;
  private final InstantSource clock;

  Reinstatement(
      Db db, Wakeups wakeups, Users users, MembershipDirectory memberships, InstantSource clock) {
    this.db = db;
    this.users = users;
    this.memberships = memberships;
    this.suspending =
        new Suspending(
            db, (mandate, action) -> {}, new Suspensions(db, wakeups, clock), new RunResumes());
    this.clock = clock;
  }

  /** The number of organizations that the account belongs to. */
  int of(String email) {
    User user = users.findByEmail(email).orElseThrow(() -> Failure.notFound("account"));
    List<OrgId> organizations = memberships.of(user.id());
    for (OrgId org : organizations) {
      Mandate operator =
          Mandate.system(
              org,
              Set.of(Kind.MEMBER.resume(), Kind.ORGANIZATION.resume()),
              "reinstate",
              clock.instant().plus(Duration.ofMinutes(1)));
      String why = "reinstated on the server's machine";
      suspending.set(operator, Kind.MEMBER, user.id().toString(), false, why, tx -> {});
      Optional<Role> role = db.read(operator, tx -> memberships.role(tx, user.id()));
      if (role.equals(Optional.of(Role.OWNER))) {
        suspending.set(operator, Kind.ORGANIZATION, org.toString(), false, why, tx -> {});
      }
    }
    return organizations.size();
  }
}
