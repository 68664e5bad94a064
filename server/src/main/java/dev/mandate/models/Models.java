package dev.mandate.models;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.FreshCache;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.db.TxWork;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.models.EnvironmentModels.EnvironmentModel;
import dev.mandate.secrets.SecretId;
import dev.mandate.secrets.Secrets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The models of an organization: its own, those of the server's environment, and rehearsal. Of two
 * with one name the organization's own counts.
 */
public final class Models {
  /** The scripted model's name, in every organization. */
  public static final String REHEARSAL = "rehearsal";

  private static final String SECRET = "model";
  private static final Duration FRESH = Duration.ofSeconds(1);
  private static final int REMEMBERED = 1_000;

  private final Db db;
  private final Authorizer authorizer;
  private final Secrets secrets;
  private final EgressClient egress;
  private final EnvironmentModels environment;
  private final ModelClients clients;
  private final FreshCache<Key, Found> known = new FreshCache<>(FRESH, REMEMBERED, this::read);

  public Models(
      Db db,
      Authorizer authorizer,
      Secrets secrets,
      EgressClient egress,
      EnvironmentModels environment,
      ModelClient rehearsal) {
    this.db = db;
    this.authorizer = authorizer;
    this.secrets = secrets;
    this.egress = egress;
    this.environment = environment;
    this.clients = new ModelClients(egress, rehearsal);
  }

  /** All models, the default first, then by name. */
  public List<Model> list(Mandate mandate) {
    authorizer.require(mandate, "models.list");
    return db.read(mandate, this::all);
  }

  public Model get(Mandate mandate, String name) {
    authorizer.require(mandate, "models.get");
    return db.read(mandate, tx -> require(tx, name));
  }

  public Model create(Mandate mandate, ModelDraft draft) {
    authorizer.require(mandate, "models.create");
    Provider provider = ModelRules.provider(draft.provider());
    ModelRules.name(draft.name());
    String url = ModelRules.baseUrl(egress, provider, draft.baseUrl());
    String key = ModelRules.key(provider, url, draft.apiKey());
    String remote =
        ModelRules.remoteName(draft.remoteName().isEmpty() ? draft.name() : draft.remoteName());
    ModelPrices prices = draft.prices() == null ? null : ModelRules.prices(draft.prices());
    return change(
        mandate,
        tx -> {
          SecretId secret = key.isEmpty() ? null : secrets.put(tx, SECRET, key);
          Instant now = tx.now().truncatedTo(ChronoUnit.MICROS);
          ModelRow row =
              new ModelRow(
                  draft.name(), provider, url, remote, secret, prices, draft.vision(), 1, now);
          if (!ModelStore.insert(tx, row)) {
            throw Failure.exists(
                "MODEL_NAME_TAKEN", "there is a model named '" + draft.name() + "' already");
          }
          tx.audit("models.create", "model:" + row.name(), details(row));
          return view(tx, row);
        });
  }

  public Model update(Mandate mandate, String name, ModelChange change) {
    authorizer.require(mandate, "models.update");
    String given = change.baseUrl();
    // Before the transaction, because it looks the host up.
    String checked =
        given == null
            ? null
            : ModelRules.baseUrl(
                egress, db.read(mandate, tx -> changeable(tx, name)).provider(), given);
    return change(
        mandate,
        tx -> {
          ModelRow row = changeable(tx, name);
          String url = checked == null ? row.baseUrl() : checked;
          if (!url.equals(row.baseUrl()) && row.secret() != null && change.apiKey() == null) {
            throw Failure.invalid(
                "api_key", "is needed with another base_url: the kept key goes only where it went");
          }
          ModelRow next =
              new ModelRow(
                  name,
                  row.provider(),
                  url,
                  change.remoteName() == null
                      ? row.remoteName()
                      : ModelRules.remoteName(change.remoteName()),
                  secret(tx, row, url, change.apiKey()),
                  change.prices() == null ? row.prices() : ModelRules.prices(change.prices()),
                  change.vision() == null ? row.vision() : change.vision(),
                  change.version(),
                  row.createdAt());
          if (!ModelStore.update(tx, next)) {
            throw Failure.stale("model", row.version());
          }
          if (row.secret() != null && !row.secret().equals(next.secret())) {
            secrets.delete(tx, row.secret());
          }
          tx.audit("models.update", "model:" + name, details(next));
          return view(tx, Objects.requireNonNull(ModelStore.find(tx, name)));
        });
  }

  /** Deletes a model of the organization and its key. The chosen default cannot be deleted. */
  public void delete(Mandate mandate, String name) {
    authorizer.require(mandate, "models.delete");
    change(
        mandate,
        tx -> {
          ModelRow row = changeable(tx, name);
          if (name.equals(ModelStore.chosen(tx))) {
            throw Failure.precondition(
                "MODEL_IS_DEFAULT", "'" + name + "' is the default model: choose another first");
          }
          ModelStore.delete(tx, name);
          if (row.secret() != null) {
            secrets.delete(tx, row.secret());
          }
          tx.audit("models.delete", "model:" + name, details(row));
          return name;
        });
  }

  /** Makes a model the organization's default. */
  public Model use(Mandate mandate, String name) {
    authorizer.require(mandate, "models.set_default");
    return change(
        mandate,
        tx -> {
          require(tx, name);
          ModelStore.choose(tx, name);
          tx.audit("models.set_default", "model:" + name, "{}");
          return require(tx, name);
        });
  }

  /** Makes one small call; the failure of that call is part of the answer, not thrown. */
  public ModelTest test(Mandate mandate, String name, CancelSignal cancel) {
    authorizer.require(mandate, "models.test");
    ResolvedModel model = resolve(mandate, name);
    long began = System.nanoTime();
    ModelTest result;
    try {
      ModelResponse response =
          model.client().stream(ModelRules.trial(model.remoteName()), event -> {}, cancel);
      String text = response.text().strip();
      result =
          new ModelTest(
              true,
              text.isEmpty() ? "answered with no text" : text,
              Duration.ofNanos(System.nanoTime() - began));
    } catch (ModelFailure e) {
      result = new ModelTest(false, e.publicMessage(), Duration.ofNanos(System.nanoTime() - began));
    }
    boolean ok = result.ok();
    db.write(
        mandate,
        tx -> {
          tx.audit("models.test", "model:" + model.name(), Json.object().put("ok", ok).toString());
          return ok;
        });
    return result;
  }

  /**
   * A model to call now, for whoever has been admitted to call it: this does not authorize. Blocks
   * (database; for some providers one small request).
   *
   * @param name empty for the organization's default: the one chosen, else the first of the
   *     environment, else the first added, else {@link #REHEARSAL}
   * @throws Failure {@code NOT_FOUND} if there is no such model; {@code FAILED_PRECONDITION
   *     MODEL_GONE} if the chosen default is not there any more: another model never takes its
   *     place silently
   */
  public ResolvedModel resolve(Mandate mandate, String name) {
    Found found = Objects.requireNonNull(known.get(new Key(mandate.org(), name, mandate)));
    return clients.resolve(found.model(), found.key());
  }

  private Found read(Key key) {
    return db.read(
        key.reader(),
        tx -> {
          String standard = defaultName(tx);
          String wanted = key.name().isEmpty() ? standard : key.name();
          Found here = find(tx, wanted, standard);
          if (here != null) {
            return here;
          }
          if (key.name().isEmpty()) {
            throw Failure.precondition(
                "MODEL_GONE",
                "the default model '" + wanted + "' is not there any more: choose another");
          }
          throw Failure.notFound("model");
        });
  }

  /** A change of an organization's models: this process sees it at once, others within a second. */
  private <T> T change(Mandate mandate, TxWork<T> work) {
    T result = db.write(mandate, work);
    known.invalidate(key -> key.org().equals(mandate.org()));
    return result;
  }

  /** Which model; the mandate is only what it is read under. */
  private record Key(OrgId org, String name, Mandate reader) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key key && key.org.equals(org) && key.name.equals(name);
    }

    @Override
    public int hashCode() {
      return Objects.hash(org, name);
    }
  }

  /** A model, and its key if it has one. */
  private record Found(Model model, String key) {
    @Override
    public String toString() {
      return "Found[" + model.name() + "]";
    }
  }

  private @Nullable Found find(Tx tx, String name, String standard) {
    ModelRow row = ModelStore.find(tx, name);
    if (row != null) {
      String key = row.secret() == null ? "" : secrets.reveal(tx, row.secret(), SECRET);
      return new Found(model(row, standard), key);
    }
    for (EnvironmentModel model : environment.all()) {
      if (model.name().equals(name)) {
        return new Found(model(model, standard), model.key());
      }
    }
    return name.equals(REHEARSAL) ? new Found(rehearsal(standard), "") : null;
  }

  private List<Model> all(Tx tx) {
    String standard = defaultName(tx);
    List<Model> models = new ArrayList<>();
    for (ModelRow row : ModelStore.list(tx)) {
      models.add(model(row, standard));
    }
    for (EnvironmentModel model : environment.all()) {
      if (models.stream().noneMatch(own -> own.name().equals(model.name()))) {
        models.add(model(model, standard));
      }
    }
    models.add(rehearsal(standard));
    models.sort(Comparator.comparing((Model m) -> !m.isDefault()).thenComparing(Model::name));
    return models;
  }

  private Model require(Tx tx, String name) {
    return all(tx).stream()
        .filter(model -> model.name().equals(name))
        .findFirst()
        .orElseThrow(() -> Failure.notFound("model"));
  }

  private ModelRow changeable(Tx tx, String name) {
    ModelRow row = ModelStore.find(tx, name);
    if (row != null) {
      return row;
    }
    Model model = require(tx, name);
    throw Failure.precondition(
        "MODEL_FIXED",
        model.fromEnvironment()
            ? "'" + name + "' comes from the server's environment: change it there"
            : "'" + name + "' is built in");
  }

  private String defaultName(Tx tx) {
    String chosen = ModelStore.chosen(tx);
    if (chosen != null) {
      return chosen;
    }
    if (!environment.all().isEmpty()) {
      return environment.all().getFirst().name();
    }
    List<ModelRow> own = ModelStore.list(tx);
    return own.isEmpty() ? REHEARSAL : own.getFirst().name();
  }

  private @Nullable SecretId secret(Tx tx, ModelRow row, String url, @Nullable String given) {
    if (given == null) {
      return row.secret();
    }
    String key = ModelRules.key(row.provider(), url, given);
    return key.isEmpty() ? null : secrets.put(tx, SECRET, key);
  }

  private Model view(Tx tx, ModelRow row) {
    return model(row, defaultName(tx));
  }

  private static Model model(ModelRow row, String standard) {
    ModelPrices prices =
        row.prices() == null
            ? PriceList.of(row.provider(), row.baseUrl(), row.remoteName())
            : row.prices();
    return new Model(
        row.name(),
        row.provider(),
        row.baseUrl(),
        row.remoteName(),
        false,
        row.name().equals(standard),
        prices,
        row.vision() == null ? Vision.guess(row.provider(), row.remoteName()) : row.vision(),
        row.version(),
        row.createdAt());
  }

  private static Model model(EnvironmentModel model, String standard) {
    return new Model(
        model.name(),
        model.provider(),
        model.baseUrl(),
        model.remoteName(),
        true,
        model.name().equals(standard),
        PriceList.of(model.provider(), model.baseUrl(), model.remoteName()),
        Vision.guess(model.provider(), model.remoteName()),
        0,
        null);
  }

  private static Model rehearsal(String standard) {
    return new Model(
        REHEARSAL,
        Provider.REHEARSAL,
        "",
        REHEARSAL,
        false,
        REHEARSAL.equals(standard),
        PriceList.SIMULATED,
        false,
        0,
        null);
  }

  private static String details(ModelRow row) {
    return Json.object()
        .put("provider", row.provider().wireName())
        .put("base_url", row.baseUrl())
        .put("remote_name", row.remoteName())
        .toString();
  }
}
