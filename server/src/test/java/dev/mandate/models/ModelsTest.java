package dev.mandate.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.mandate.kernel.CancelSignal;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressSettings;
import dev.mandate.secrets.Secrets;
import dev.mandate.testing.ScriptedProvider;
import dev.mandate.testing.ScriptedReply;
import dev.mandate.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The models of organizations, on a real database and a provider that speaks the protocols. */
final class ModelsTest {
  private static final String KEY = "sk-very-secret-0123456789";

  private static TestDatabase database;
  private static ScriptedProvider provider;
  private static EgressClient egress;

  private final Mandate mandate = TestDatabase.newMandate();

  @BeforeAll
  static void start() {
    database = TestDatabase.create();
    provider = ScriptedProvider.start();
    String allowed = provider.anthropicBaseUrl().replace("http://", "");
    egress =
        new EgressClient(EgressSettings.fromEnvironment(Map.of("MANDATE_EGRESS_ALLOW", allowed)));
  }

  @AfterAll
  static void stop() {
    egress.close();
    provider.close();
    database.close();
  }

  @Test
  void withoutAnythingTheDefaultIsRehearsalWhichSaysSo() {
    Models models = models(EnvironmentModels.none());
    assertThat(models.list(mandate)).hasSize(1);
    ResolvedModel model = models.resolve(mandate, "");
    assertThat(model.name()).isEqualTo("rehearsal");
    assertThat(model.simulated()).isTrue();
    assertThat(model.costMicros(TokenUsage.of(1000, 10))).isPositive();
    ModelTest test = models.test(mandate, "", new CancelSignal());
    assertThat(test.ok()).isTrue();
    assertThat(test.message()).contains("scripted model");
  }

  @Test
  void theEnvironmentsModelIsTheDefaultIsCallableAndIsNotStored() throws Exception {
    Models models =
        models(
            EnvironmentModels.read(
                Map.of("OPENAI_API_KEY", KEY, "OPENAI_BASE_URL", provider.openAiBaseUrl())));
    assertThat(models.list(mandate).getFirst())
        .satisfies(m -> assertThat(m.fromEnvironment()).isTrue())
        .satisfies(m -> assertThat(m.isDefault()).isTrue());
    ResolvedModel model = models.resolve(mandate, "");
    // The server was asked what it has.
    assertThat(model.remoteName()).isEqualTo("scripted");
    assertThat(model.costMicros(TokenUsage.of(1, 1))).isNull();
    provider.enqueue(ScriptedReply.text("ready"));
    assertThat(models.test(mandate, "", new CancelSignal()).message()).isEqualTo("ready");
    assertThat(count("models")).isZero();
    Failure failure = catchThrowableOfType(Failure.class, () -> models.delete(mandate, "openai"));
    assertThat(failure.reason()).isEqualTo("MODEL_FIXED");
  }

  @Test
  void anAddedModelIsUsedChangedAndDeletedAndItsKeyNeverShown() throws Exception {
    Models models = models(EnvironmentModels.none());
    Model made =
        models.create(
            mandate,
            new ModelDraft(
                "claude",
                "anthropic",
                provider.anthropicBaseUrl() + "/v1/",
                "claude-x",
                KEY,
                new ModelPrices(3, 4, 1, 3),
                null));
    assertThat(made.baseUrl()).isEqualTo(provider.anthropicBaseUrl());
    assertThat(made.version()).isEqualTo(1);
    assertThat(made.isDefault()).isTrue();
    assertThat(made.toString()).doesNotContain(KEY);
    provider.requireKey(KEY);
    provider.enqueue(ScriptedReply.text("ready"));
    ModelTest test = models.test(mandate, "claude", new CancelSignal());
    provider.requireKey(null);
    assertThat(test).extracting(ModelTest::ok, ModelTest::message).containsExactly(true, "ready");
    assertThat(dump()).doesNotContain(KEY);

    assertThat(models.use(mandate, "claude").isDefault()).isTrue();
    assertThat(reason(() -> models.delete(mandate, "claude"))).isEqualTo("MODEL_IS_DEFAULT");
    Model changed =
        models.update(mandate, "claude", new ModelChange(1, null, "claude-y", null, null, null));
    assertThat(changed.remoteName()).isEqualTo("claude-y");
    assertThat(changed.prices()).isEqualTo(new ModelPrices(3, 4, 1, 3));
    assertThat(
            reason(() ->
                models.update(mandate, "claude", new ModelChange(1, null, "z", null, null, null))))
        .isEqualTo("STALE_VERSION");
    models.update(mandate, "claude", new ModelChange(2, null, null, "another", null, null));
    models.use(mandate, "rehearsal");
    models.delete(mandate, "claude");
    assertThat(reason(() -> models.get(mandate, "claude"))).isEqualTo("NOT_FOUND");
    assertThat(count("secrets")).isZero();
  }

  @Test
  void aKeptKeyDoesNotGoToANewAddress() {
    Models models = models(EnvironmentModels.none());
    models.create(mandate, draft("gpt", "openai", "", KEY));
    Failure failure =
        catchThrowableOfType(
            Failure.class,
            () ->
                models.update(
                    mandate,
                    "gpt",
                    new ModelChange(1, provider.openAiBaseUrl(), null, null, null, null)));
    assertThat(failure.publicMessage()).startsWith("api_key: is needed with another base_url");
  }

  @Test
  void refusesWhatIsWrongAndNamesTheField() {
    Models models = models(EnvironmentModels.none());
    assertThat(message(models, draft("a b", "openai", "", KEY))).startsWith("name: ");
    assertThat(message(models, draft("rehearsal", "openai", "", KEY))).startsWith("name: ");
    assertThat(message(models, draft("a", "acme", "", KEY))).startsWith("provider: ");
    assertThat(message(models, draft("a", "rehearsal", "", ""))).startsWith("provider: ");
    assertThat(message(models, draft("a", "openai", "", ""))).startsWith("api_key: ");
    assertThat(message(models, draft("a", "openai", "", "x\r\ny"))).startsWith("api_key: ");
    assertThat(message(models, draft("a", "openai-compatible", "", KEY))).startsWith("base_url: ");
    assertThat(message(models, draft("a", "openai", "ftp://x", KEY))).startsWith("base_url: ");
    assertThat(message(models, draft("a", "openai", "http://169.254.169.254/v1", KEY)))
        .startsWith("base_url: ")
        .contains("metadata");
    assertThat(message(models, draft("a", "openai", "http://1.1.1.1:70000/v1", KEY)))
        .startsWith("base_url: ")
        .contains("70000");
    models.create(mandate, draft("a", "openai", "", KEY));
    assertThat(reason(() -> models.create(mandate, draft("a", "openai", "", KEY))))
        .isEqualTo("MODEL_NAME_TAKEN");
  }

  @Test
  void anotherOrganizationSeesNothingOfIt() {
    Models models = models(EnvironmentModels.none());
    models.create(mandate, draft("mine", "openai", "", KEY));
    Mandate other = TestDatabase.newMandate();
    assertThat(models.list(other)).extracting(Model::name).containsExactly("rehearsal");
    Failure theirs = catchThrowableOfType(Failure.class, () -> models.get(other, "mine"));
    Failure none = catchThrowableOfType(Failure.class, () -> models.get(other, "none"));
    assertThat(theirs.publicMessage()).isEqualTo(none.publicMessage());
    assertThat(reason(() -> models.resolve(other, "mine"))).isEqualTo("NOT_FOUND");
    assertThat(reason(() -> models.delete(other, "mine"))).isEqualTo("NOT_FOUND");
  }

  @Test
  void aChosenDefaultThatIsGoneIsNotReplaced() {
    Models with = models(EnvironmentModels.read(Map.of("ANTHROPIC_API_KEY", KEY)));
    with.use(mandate, "claude-sonnet-5-5");
    Models without = models(EnvironmentModels.none());
    assertThat(reason(() -> without.resolve(mandate, ""))).isEqualTo("MODEL_GONE");
  }

  @Test
  void aFailingProviderIsReported() {
    Models models = models(EnvironmentModels.none());
    models.create(mandate, draft("m", "openai", provider.openAiBaseUrl(), KEY));
    provider.enqueue(ScriptedReply.overloaded());
    ModelTest test = models.test(mandate, "m", new CancelSignal());
    assertThat(test.ok()).isFalse();
    assertThat(test.message()).contains("529");
  }

  private static ModelDraft draft(String name, String provider, String url, String key) {
    return new ModelDraft(name, provider, url, "", key, null, null);
  }

  private String message(Models models, ModelDraft draft) {
    return catchThrowableOfType(Failure.class, () -> models.create(mandate, draft)).publicMessage();
  }

  private static String reason(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(Failure.class, call).reason();
  }

  private static Models models(EnvironmentModels environment) {
    return new Models(
        database.db(),
        (mandate, action) -> {},
        new Secrets(database.cipher()),
        egress,
        environment,
        Rehearsal.load(Duration.ZERO));
  }

  private long count(String table) throws Exception {
    try (Connection connection = database.admin();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select count(*) from " + table + " where org_id = '" + mandate.org() + "'")) {
      rows.next();
      return rows.getLong(1);
    }
  }

  /** Everything that was written about the model, as text. */
  private String dump() throws Exception {
    StringBuilder all = new StringBuilder();
    try (Connection connection = database.admin();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select m::text, encode(s.sealed, 'escape') from models m"
                    + " join secrets s on s.org_id = m.org_id and s.id = m.secret_id")) {
      while (rows.next()) {
        all.append(rows.getString(1)).append(rows.getString(2));
      }
    }
    assertThat(all.toString().getBytes(StandardCharsets.UTF_8)).isNotEmpty();
    return all.toString();
  }
}
