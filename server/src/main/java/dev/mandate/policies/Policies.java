package dev.mandate.policies;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.AuditFact;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.db.TxWork;
import dev.mandate.rego.tool.TestRunner;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;
import org.jspecify.annotations.Nullable;

/** The rules of policies: who keeps them, what may be put in force. */
final class Policies {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,63}");
  private static final int MAX_NOTE = 2000;
  private static final int ATTEMPTS = 5;

  private final Db db;
  private final Authorizer authorizer;
  private final PolicySets sets;
  private final Predicate<OrgId> first;
  private final Clock clock;
  private final PolicyStore store = new PolicyStore();

  /**
   * @param first whether it is the installation's first organization, whose owners keep the
   *     installation's policies
   */
  Policies(Db db, Authorizer authorizer, PolicySets sets, Predicate<OrgId> first, Clock clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.sets = sets;
    this.first = first;
    this.clock = clock;
  }

  /** A new policy's name and description, and whether it is the installation's. */
  record Heading(String name, String description, boolean installation) {}

  /**
   * A version, or a text that nobody has saved.
   *
   * @param policy whose place it takes; null for a new one
   * @param version 0 for the latest, or for the text
   */
  record DraftRequest(@Nullable PolicyId policy, long version, @Nullable PolicyText text) {}

  /** A draft among what is active, and where. */
  record Placed(OrgId scope, Workbench.Draft draft) {}

  /**
   * @throws Failure {@code INVALID_ARGUMENT}; {@code ALREADY_EXISTS POLICY_NAME_TAKEN}; {@code
   *     PERMISSION_DENIED} for the installation, unless the caller owns its first organization
   */
  Policy create(Mandate mandate, Heading heading, PolicyText given, String note) {
    authorizer.require(mandate, "policies.create");
    Mandate scope = heading.installation() ? ofInstallation(mandate) : mandate;
    if (!NAME.matcher(heading.name()).matches()) {
      throw Failure.invalid("name", "must be 1 to 64 lower-case letters, digits, '-' and '_'");
    }
    checkText("description", heading.description());
    checkText("note", note);
    PolicyText text = given.checked();
    PolicyId id = new PolicyId(Ids.next());
    requireCompiles(scope, id, heading.name(), text);
    Instant now = clock.instant();
    Policy created =
        db.write(
            scope,
            tx -> {
              try {
                store.insert(tx, id, heading.name(), heading.description(), now);
              } catch (UnableToExecuteStatementException e) {
                if ("policies_name".equals(Sql.constraint(e))) {
                  throw Failure.exists(
                      "POLICY_NAME_TAKEN",
                      "there is a policy named '" + heading.name() + "' already");
                }
                throw e;
              }
              store.insertVersion(tx, id, version(scope, 1, text, note, now));
              return recorded(tx, "policies.create", require(tx, id), 1, text.hash());
            });
    report(mandate, "policies.create", created, 1, text.hash());
    return created;
  }

  /**
   * @param latest the version that this one follows
   * @throws Failure {@code ABORTED STALE_VERSION} if it is no longer the latest
   */
  PolicyVersion addVersion(
      Mandate mandate, PolicyId id, long latest, PolicyText given, String note) {
    authorizer.require(mandate, "policies.update");
    checkText("note", note);
    PolicyText text = given.checked();
    Mandate scope = scopeOf(mandate, id);
    Policy policy = db.read(scope, tx -> require(tx, id));
    if (policy.latest() != latest) {
      throw Failure.stale("policy", policy.latest());
    }
    requireCompiles(scope, id, policy.name(), text);
    Instant now = clock.instant();
    PolicyVersion added = version(scope, latest + 1, text, note, now);
    db.run(
        scope,
        tx -> {
          if (!store.advance(tx, id, latest, now)) {
            throw Failure.stale("policy", require(tx, id).latest());
          }
          store.insertVersion(tx, id, added);
          Policy _ = recorded(tx, "policies.update", policy, added.version(), added.hash());
        });
    report(mandate, "policies.update", policy, added.version(), added.hash());
    return added;
  }

  /**
   * Puts a version in force.
   *
   * @param wanted 0 for the latest
   * @throws Failure {@code INVALID_ARGUMENT} if it does not compile together with what is active;
   *     {@code FAILED_PRECONDITION POLICY_TESTS_FAILED}
   */
  Policy activate(Mandate mandate, PolicyId id, long wanted) {
    authorizer.require(mandate, "policies.activate");
    Mandate scope = scopeOf(mandate, id);
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      Activation activation = db.read(scope, tx -> activation(tx, id, wanted));
      PolicyVersion version = activation.version();
      if (Long.valueOf(version.version()).equals(activation.policy().active())) {
        return activation.policy();
      }
      // Compiling and testing take their time: outside of the transaction, which then looks whether
      // anything else was put in force meanwhile.
      PolicySet _ = Workbench.compile(activation.draft(), 0);
      Workbench.requireTests(activation.draft());
      Optional<Policy> done =
          changeSet(
              scope,
              activation.setVersion(),
              tx -> {
                store.setActive(tx, id, version.version(), clock.instant());
                return recorded(
                    tx, "policies.activate", require(tx, id), version.version(), version.hash());
              });
      if (done.isPresent()) {
        report(mandate, "policies.activate", done.get(), version.version(), version.hash());
        return done.get();
      }
    }
    throw busy();
  }

  private record Activation(
      Policy policy, PolicyVersion version, Workbench.Draft draft, long setVersion) {}

  private Activation activation(Tx tx, PolicyId id, long wanted) {
    Policy policy = require(tx, id);
    PolicyVersion version = require(tx, policy, wanted);
    return new Activation(
        policy,
        version,
        Workbench.Draft.of(id, policy.name(), version.text(), store.active(tx)),
        store.setVersion(tx));
  }

  Policy deactivate(Mandate mandate, PolicyId id) {
    authorizer.require(mandate, "policies.deactivate");
    Mandate scope = scopeOf(mandate, id);
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      long set = db.read(scope, store::setVersion);
      Policy before = db.read(scope, tx -> require(tx, id));
      Long active = before.active();
      if (active == null) {
        return before;
      }
      Optional<Policy> done =
          changeSet(
              scope,
              set,
              tx -> {
                store.setActive(tx, id, null, clock.instant());
                return recorded(tx, "policies.deactivate", require(tx, id), active, "");
              });
      if (done.isPresent()) {
        report(mandate, "policies.deactivate", done.get(), active, "");
        return done.get();
      }
    }
    throw busy();
  }

  void delete(Mandate mandate, PolicyId id) {
    authorizer.require(mandate, "policies.delete");
    Mandate scope = scopeOf(mandate, id);
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      long set = db.read(scope, store::setVersion);
      Optional<Policy> done =
          changeSet(
              scope,
              set,
              tx -> {
                Policy policy = require(tx, id);
                store.delete(tx, id);
                return recorded(tx, "policies.delete", policy, policy.latest(), "");
              });
      if (done.isPresent()) {
        report(mandate, "policies.delete", done.get(), done.get().latest(), "");
        return;
      }
    }
    throw busy();
  }

  /** Empty if something else was put in force since {@code version}. */
  private Optional<Policy> changeSet(Mandate scope, long version, TxWork<Policy> change) {
    Optional<Policy> changed =
        db.write(
            scope,
            tx -> {
              if (!store.advanceSet(tx, version)) {
                return Optional.empty();
              }
              sets.changed(tx);
              return Optional.of(change.run(tx));
            });
    sets.forget(scope.org());
    return changed;
  }

  private static Failure busy() {
    return Failure.of(
        Failure.Code.ABORTED, "POLICIES_BUSY", "policies are being changed: try again");
  }

  Policy get(Mandate mandate, PolicyId id) {
    authorizer.require(mandate, "policies.get");
    return db.read(scopeOf(mandate, id), tx -> require(tx, id));
  }

  Page<Policy> list(Mandate mandate, boolean installation, String name, Page.Request page) {
    authorizer.require(mandate, "policies.list");
    return db.read(
        installation ? ofInstallation(mandate) : mandate,
        tx -> Page.cut(store.list(tx, name, page), page, Policy::name));
  }

  Page<PolicyVersion> versions(Mandate mandate, PolicyId id, Page.Request page) {
    authorizer.require(mandate, "policies.versions");
    return db.read(
        scopeOf(mandate, id),
        tx -> {
          Policy _ = require(tx, id);
          return Page.cut(
              store.versions(tx, id, page), page, version -> Long.toString(version.version()));
        });
  }

  List<TestRunner.TestResult> test(Mandate mandate, DraftRequest request) {
    authorizer.require(mandate, "policies.test");
    Workbench.Draft draft = place(mandate, request).draft();
    PolicySet _ = Workbench.compile(draft, 0);
    return Workbench.test(draft);
  }

  /** A draft among what is active now. */
  Placed place(Mandate mandate, DraftRequest request) {
    PolicyId id = request.policy();
    if (id == null) {
      if (request.text() == null) {
        throw Failure.invalid("draft", "needs policy_id or module");
      }
      PolicyText text = request.text().checked();
      return db.read(
          mandate,
          tx ->
              new Placed(
                  tx.org(),
                  Workbench.Draft.of(new PolicyId(Ids.next()), "draft", text, store.active(tx))));
    }
    return db.read(
        scopeOf(mandate, id),
        tx -> {
          Policy policy = require(tx, id);
          PolicyText text =
              request.text() == null
                  ? require(tx, policy, request.version()).text()
                  : request.text().checked();
          return new Placed(
              tx.org(), Workbench.Draft.of(id, policy.name(), text, store.active(tx)));
        });
  }

  private void requireCompiles(Mandate scope, PolicyId id, String name, PolicyText text) {
    Workbench.Draft draft =
        Workbench.Draft.of(id, name, text, db.read(scope, tx -> store.active(tx)));
    PolicySet _ = Workbench.compile(draft, 0);
    // Tests need not pass yet, but they must be tests.
    List<TestRunner.TestResult> _ = Workbench.test(draft);
  }

  /** Under which organization the policy is kept, for those who may see it there. */
  private Mandate scopeOf(Mandate mandate, PolicyId id) {
    boolean own = db.read(mandate, tx -> store.find(tx, id).isPresent());
    return own || !keepsInstallation(mandate) ? mandate : ofInstallation(mandate);
  }

  private boolean keepsInstallation(Mandate mandate) {
    if (!first.test(mandate.org()) || mandate.includesAgent()) {
      return false;
    }
    try {
      authorizer.require(mandate, "policies.installation");
      return true;
    } catch (Failure e) {
      return false;
    }
  }

  /** The caller's authority, over what belongs to the installation. */
  private Mandate ofInstallation(Mandate mandate) {
    if (!keepsInstallation(mandate)) {
      throw Failure.denied(
          "NOT_THE_INSTALLATION",
          "only owners of the installation's first organization keep its policies");
    }
    return new Mandate(
        OrgId.INSTALLATION,
        mandate.chain(),
        mandate.bounds(),
        null,
        mandate.expiresAt(),
        mandate.origin());
  }

  private Policy require(Tx tx, PolicyId id) {
    return store.find(tx, id).orElseThrow(() -> Failure.notFound("policy"));
  }

  private PolicyVersion require(Tx tx, Policy policy, long wanted) {
    if (wanted < 0) {
      throw Failure.invalid("version", "must not be negative");
    }
    return store
        .findVersion(tx, policy.id(), wanted == 0 ? policy.latest() : wanted)
        .orElseThrow(() ->
            Failure.invalid(
                "version", "there are versions 1 to " + policy.latest() + ", not " + wanted));
  }

  private static PolicyVersion version(
      Mandate author, long version, PolicyText text, String note, Instant at) {
    return new PolicyVersion(
        version, text, note, text.hash(), InputDocument.actor(author).toString(), at);
  }

  private static void checkText(String field, String text) {
    if (text.length() > MAX_NOTE || text.indexOf('\0') >= 0) {
      throw Failure.invalid(field, "at most " + MAX_NOTE + " characters, without NUL");
    }
  }

  private static Policy recorded(Tx tx, String action, Policy policy, long version, String hash) {
    tx.audit(action, "policy:" + policy.id(), details(policy, version, hash));
    return policy;
  }

  /** What happens to the installation stands in the record of those who keep it as well. */
  private void report(Mandate mandate, String action, Policy policy, long version, String hash) {
    if (policy.installation()) {
      db.audit(
          mandate,
          AuditFact.allowed(action, "policy:" + policy.id(), details(policy, version, hash)));
    }
  }

  private static String details(Policy policy, long version, String hash) {
    ObjectNode details = Json.object().put("name", policy.name()).put("version", version);
    if (!hash.isEmpty()) {
      details.put("hash", hash);
    }
    if (policy.installation()) {
      details.put("installation", true);
    }
    return details.toString();
  }
}
