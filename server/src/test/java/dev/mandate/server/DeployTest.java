package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.mandate.kernel.config.Config;
import dev.mandate.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lies in {@code deploy} is taken by the tools it is for, and by the server it starts. */
class DeployTest {
  private static final Path DEPLOY = Path.of("..", "deploy");
  private static final Path CHART = DEPLOY.resolve("helm/mandate");
  private static final Pattern VARIABLE =
      Pattern.compile("\\b(?:MANDATE_[A-Z0-9_]+|DATABASE_URL)\\b");

  @TempDir Path home;

  @Test
  void helmFindsNothingToComplainAbout() throws Exception {
    Helm.Answer answer = Helm.lint(CHART);

    assertThat(answer.done()).as(answer.text()).isTrue();
    assertThat(answer.text()).doesNotContain("[WARNING]", "[ERROR]");
  }

  @Test
  void eachRoleOfTheChartHasProbesLimitsAndNoRights() throws Exception {
    List<JsonNode> manifests = rendered();

    for (String role : List.of("api", "worker")) {
      JsonNode pod = manifest(manifests, "Deployment", "mandate-" + role).at("/spec/template");
      JsonNode container = pod.at("/spec/containers/0");
      assertThat(environment(container)).containsEntry("MANDATE_ROLES", role);
      assertThat(container.at("/startupProbe/httpGet/path").asText()).isEqualTo("/health");
      assertThat(container.at("/readinessProbe/httpGet/path").asText()).isEqualTo("/health");
      assertThat(container.at("/livenessProbe/tcpSocket/port").asText()).isEqualTo("http");
      assertThat(container.at("/resources/limits/memory").asText()).isNotEmpty();
      assertThat(container.at("/resources/requests/cpu").asText()).isNotEmpty();
      assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean()).isTrue();
      assertThat(container.at("/securityContext/capabilities/drop/0").asText()).isEqualTo("ALL");
      assertThat(pod.at("/spec/securityContext/runAsNonRoot").asBoolean()).isTrue();
      // Until a stop is done: docs/deploy.md says 40 s.
      assertThat(pod.at("/spec/terminationGracePeriodSeconds").asInt()).isGreaterThan(40);
      JsonNode disruption = manifest(manifests, "PodDisruptionBudget", "mandate-" + role);
      assertThat(disruption.at("/spec/selector/matchLabels")).isEqualTo(pod.at("/metadata/labels"));
    }
  }

  @Test
  void requestsReachTheProcessesThatAnswer() throws Exception {
    List<JsonNode> manifests =
        rendered("ingress.enabled=true", "ingress.host=mandate.example.org", "ingress.tlsSecret=t");

    JsonNode pod = manifest(manifests, "Deployment", "mandate-api").at("/spec/template");
    JsonNode service = manifest(manifests, "Service", "mandate");
    assertThat(service.at("/spec/selector")).isEqualTo(pod.at("/metadata/labels"));
    assertThat(service.at("/spec/ports/0/targetPort"))
        .isEqualTo(pod.at("/spec/containers/0/ports/0/name"));
    assertThat(pod.at("/spec/containers/0/ports/0/containerPort").asInt())
        .isEqualTo(load(Map.of()).http().port());
    JsonNode ingress = manifest(manifests, "Ingress", "mandate");
    assertThat(ingress.at("/spec/rules/0/http/paths/0/backend/service/name").asText())
        .isEqualTo("mandate");
    assertThat(ingress.at("/spec/tls/0/secretName").asText()).isEqualTo("t");
  }

  @Test
  void theServerTakesTheSettingsOfItsPod() throws Exception {
    JsonNode pod =
        manifest(
                rendered("publicUrl=https://mandate.example.org", "settings.MANDATE_LOG_FILE=-"),
                "Deployment",
                "mandate-api")
            .at("/spec/template/spec");
    Map<String, String> environment = environment(pod.at("/containers/0"));
    if (pod.path("enableServiceLinks").asBoolean(true)) {
      // What Kubernetes adds for a service named mandate, in our own variables' name space.
      environment.put("MANDATE_SERVICE_HOST", "10.0.0.1");
      environment.put("MANDATE_PORT", "tcp://10.0.0.1:80");
    }

    Config config = load(environment);

    assertThat(config.http().publicUrl()).isEqualTo("https://mandate.example.org");
    assertThat(config.roles()).containsExactly("api");
  }

  @Test
  void filesAreWhereEveryPodFindsThem() throws Exception {
    List<JsonNode> withClaim = rendered("files.existingClaim=shared");
    List<JsonNode> withBucket = rendered("settings.MANDATE_FILES_S3_BUCKET=bucket");
    for (String role : List.of("api", "worker")) {
      JsonNode pod = manifest(withClaim, "Deployment", "mandate-" + role).at("/spec/template/spec");
      String folder = load(environment(pod.at("/containers/0"))).files().folder();
      assertThat(named(pod.at("/containers/0/volumeMounts"), "files").path("mountPath").asText())
          .isEqualTo(folder);
      assertThat(
              named(pod.path("volumes"), "files").at("/persistentVolumeClaim/claimName").asText())
          .isEqualTo("shared");

      JsonNode bucket =
          manifest(withBucket, "Deployment", "mandate-" + role).at("/spec/template/spec");
      Map<String, String> environment = environment(bucket.at("/containers/0"));
      environment.put("MANDATE_FILES_S3_ACCESS_KEY", "a");
      environment.put("MANDATE_FILES_S3_SECRET_KEY", "s");
      assertThat(load(environment).files().s3().bucket()).isEqualTo("bucket");
      assertThat(named(bucket.path("volumes"), "files").isMissingNode()).isTrue();
    }
  }

  @Test
  void composeGivesEveryProcessTheSameFolderOfFiles() throws IOException {
    JsonNode compose =
        new YAMLMapper().readTree(Files.readString(DEPLOY.resolve("docker/compose.yaml")));
    JsonNode common = compose.path("x-mandate");
    String folder = common.at("/environment/MANDATE_FILES_FOLDER").asText();
    assertThat(common.at("/volumes/0").asText()).isEqualTo("files:" + folder);
    assertThat(compose.path("volumes").has("files")).isTrue();
    for (String service : List.of("api", "worker")) {
      assertThat(compose.at("/services/" + service).has("volumes")).as(service).isFalse();
    }
    // An empty volume takes its owner from the folder of the image.
    assertThat(Files.readString(DEPLOY.resolve("docker/Dockerfile")))
        .contains("install -d -o mandate -g mandate -m 0700 " + folder);
  }

  @Test
  void theChartSaysWhatItNeeds() throws Exception {
    assertThat(Helm.template(CHART, "existingSecret=").text())
        .contains("existingSecret must name a Secret");
    assertThat(Helm.template(CHART, "ingress.enabled=true").text())
        .contains("ingress.host must be set");
  }

  @Test
  void everyVariableInDeployIsASetting() throws IOException {
    TreeSet<String> named = new TreeSet<>();
    try (Stream<Path> files = Files.walk(DEPLOY)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        VARIABLE.matcher(Files.readString(file)).results().forEach(r -> named.add(r.group()));
      }
    }
    // Compose's own, for the name of the image.
    assertThat(named.remove("MANDATE_IMAGE")).isTrue();
    assertThat(named).hasSizeGreaterThan(8);
    assertThat(named).allSatisfy(name -> assertThat(Config.reference()).contains("`" + name + "`"));
  }

  private Config load(Map<String, String> environment) {
    Map<String, String> all = new HashMap<>(environment);
    all.put("DATABASE_URL", "postgresql://mandate:secret@127.0.0.1:5432/mandate");
    all.put("MANDATE_MASTER_KEY", TestDatabase.MASTER_KEY);
    return Config.load(Map.of("data", home.toString()), all, null);
  }

  private static List<JsonNode> rendered(String... values) throws Exception {
    Helm.Answer answer = Helm.template(CHART, values);
    assertThat(answer.done()).as(answer.text()).isTrue();
    YAMLMapper yaml = new YAMLMapper();
    return yaml.readerFor(JsonNode.class).<JsonNode>readValues(answer.text()).readAll();
  }

  private static JsonNode manifest(List<JsonNode> manifests, String kind, String name) {
    return manifests.stream()
        .filter(each -> each.path("kind").asText().equals(kind))
        .filter(each -> each.at("/metadata/name").asText().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + kind + " " + name));
  }

  private static JsonNode named(JsonNode list, String name) {
    for (JsonNode each : list) {
      if (each.path("name").asText().equals(name)) {
        return each;
      }
    }
    return MissingNode.getInstance();
  }

  private static Map<String, String> environment(JsonNode container) {
    Map<String, String> environment = new HashMap<>();
    container
        .path("env")
        .forEach(each -> environment.put(each.path("name").asText(), each.path("value").asText()));
    return environment;
  }
}
