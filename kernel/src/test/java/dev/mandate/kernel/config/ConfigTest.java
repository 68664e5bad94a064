package dev.mandate.kernel.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {
  @TempDir private Path folder;

  private Config load(List<String> flags, Map<String, String> environment, String file)
      throws IOException {
    Path yaml = folder.resolve("some.yaml");
    Files.writeString(yaml, file);
    return Config.load(Config.flags(flags), environment, yaml);
  }

  @Test
  void defaults_are_what_the_reference_says() throws IOException {
    Config config = load(List.of(), Map.of(), "");
    assertThat(config.http())
        .isEqualTo(new Config.Http("127.0.0.1", 6263, "", List.of(), List.of(), "", ""));
    assertThat(config.database()).isEqualTo(new Config.Database(new Secret(""), "mandate", 20, 6));
    assertThat(config.log())
        .isEqualTo(new Config.Log(Config.Log.Level.INFO, Config.Log.Format.TEXT, ""));
    assertThat(config.approvals().expiry()).isEqualTo(Duration.ofHours(24));
    assertThat(config.runs()).isEqualTo(new Config.Runs(100, 200, 64));
    assertThat(config.egress().allow()).isEmpty();
    assertThat(config.empty()).isFalse();
    assertThat(config.roles()).containsExactly("api", "worker");
    assertThat(config.fanout().value()).isEqualTo("postgres");
  }

  @Test
  void a_part_of_the_work_is_taken_only_where_others_can_take_the_rest() throws IOException {
    Map<String, String> shared = Map.of("DATABASE_URL", "postgresql://u:p@h/d");
    assertThat(load(List.of("--roles", "worker"), shared, "").roles()).containsExactly("worker");
    assertThatThrownBy(() -> load(List.of("--roles", "worker"), Map.of(), ""))
        .hasMessageContaining("roles")
        .hasMessageContaining("DATABASE_URL");
    assertThatThrownBy(() -> load(List.of("--roles", "api,wroker"), shared, ""))
        .hasMessage("roles: 'wroker' is not api or worker");
    assertThatThrownBy(() -> load(List.of("--roles", ","), shared, ""))
        .hasMessageContaining("must name api, worker or both");
  }

  @Test
  void flags_override_the_environment_which_overrides_the_file() throws IOException {
    String file =
        """
        http: {host: 0.0.0.0, port: 1}
        egress:
          allow: [db.internal, 10.0.0.0/8]
        approvals.expiry: 90m
        """;
    Config config =
        load(
            List.of("--port", "3", "--empty", "--log.format=json"),
            Map.of("MANDATE_HTTP_PORT", "2", "MANDATE_DATABASE_SCHEMA", "other", "HOME", "/x"),
            file);
    assertThat(config.http())
        .isEqualTo(new Config.Http("0.0.0.0", 3, "", List.of(), List.of(), "", ""));
    assertThat(config.egress().allow()).containsExactly("db.internal", "10.0.0.0/8");
    assertThat(config.approvals().expiry()).isEqualTo(Duration.ofMinutes(90));
    assertThat(config.database().schema()).isEqualTo("other");
    assertThat(config.log().format()).isEqualTo(Config.Log.Format.JSON);
    assertThat(config.empty()).isTrue();
  }

  @Test
  void names_of_other_programs_are_known_too() throws IOException {
    Config config =
        load(
            List.of(),
            Map.of(
                "DATABASE_URL", "postgresql://u:p@h/d",
                "https_proxy", "http://proxy:1",
                "NO_PROXY", "a, b",
                "MANDATE_ADMIN_EMAIL", "me@example.org"),
            "");
    assertThat(config.database().url().value()).isEqualTo("postgresql://u:p@h/d");
    assertThat(config.egress().httpsProxy().value()).isEqualTo("http://proxy:1");
    assertThat(config.egress().noProxy()).containsExactly("a", "b");
    assertThat(config.admin().email()).isEqualTo("me@example.org");
  }

  @Test
  void spans_are_sent_as_opentelemetrys_variables_say() throws IOException {
    Telemetry telemetry =
        load(
                List.of(),
                Map.of(
                    "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/",
                    "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hidden, x-team = a+b ",
                    "OTEL_SERVICE_NAME", "house",
                    "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test",
                    "OTEL_TRACES_SAMPLER", "parentbased_traceidratio",
                    "OTEL_TRACES_SAMPLER_ARG", "0.25"),
                "")
            .telemetry();
    assertThat(telemetry.on()).isTrue();
    assertThat(telemetry.url()).isEqualTo("http://collector:4318/v1/traces");
    assertThat(telemetry.headerFields())
        .isEqualTo(Map.of("authorization", "Bearer hidden", "x-team", "a+b"));
    assertThat(telemetry.toString()).doesNotContain("hidden");
    assertThat(telemetry.serviceName()).isEqualTo("house");
    assertThat(telemetry.resource()).isEqualTo(Map.of("deployment.environment.name", "test"));
    assertThat(telemetry.parentBased()).isTrue();
    assertThat(telemetry.share()).isEqualTo(0.25);
    assertThat(
            load(
                    List.of(),
                    Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT", "http://other",
                        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector/in"),
                    "")
                .telemetry()
                .url())
        .isEqualTo("https://collector/in");
  }

  @Test
  void what_cannot_be_sent_is_an_error_and_without_an_endpoint_nothing_is() throws IOException {
    assertThat(load(List.of(), Map.of(), "").telemetry()).isEqualTo(Telemetry.OFF);
    // Meant for other programs of this machine.
    Map<String, String> others =
        Map.of("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_TRACES_SAMPLER", "xray");
    assertThat(load(List.of(), others, "").telemetry().on()).isFalse();
    for (Map<String, String> off :
        List.of(Map.of("OTEL_SDK_DISABLED", "true"), Map.of("OTEL_TRACES_EXPORTER", "none"))) {
      Telemetry telemetry =
          load(List.of("--telemetry.endpoint=http://collector:4318"), off, "").telemetry();
      assertThat(telemetry.on()).isFalse();
    }
    wrong("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "it can be http/protobuf");
    wrong("OTEL_TRACES_EXPORTER", "zipkin", "it can be otlp or none");
    wrong("OTEL_TRACES_SAMPLER", "xray", "parentbased_");
    wrong("OTEL_TRACES_SAMPLER_ARG", "2", "is not between 0 and 1");
    wrong("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318", "must be like http://");
    wrong("OTEL_EXPORTER_OTLP_HEADERS", "no-value", "must be name=value");
  }

  private void wrong(String variable, String value, String problem) {
    Map<String, String> environment =
        Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", variable, value);
    assertThatThrownBy(() -> load(List.of(), environment, "")).hasMessageContaining(problem);
  }

  @Test
  void an_unknown_name_is_an_error_that_names_the_nearest() {
    assertThatThrownBy(() -> load(List.of(), Map.of(), "http: {prot: 1}"))
        .hasMessageContaining("http.prot")
        .hasMessageContaining("did you mean http.port?");
    assertThatThrownBy(() -> load(List.of(), Map.of(), "port: 1"))
        .hasMessageContaining("did you mean http.port?");
    assertThatThrownBy(() -> load(List.of(), Map.of("MANDATE_HTTP_PROT", "1"), ""))
        .hasMessageContaining("did you mean MANDATE_HTTP_PORT?");
    assertThatThrownBy(() -> Config.flags(List.of("--prot", "1")))
        .hasMessageContaining("did you mean --port?");
  }

  @Test
  void a_wrong_value_is_named_with_its_place() {
    assertThatThrownBy(() -> load(List.of(), Map.of("MANDATE_HTTP_PORT", "x"), ""))
        .hasMessage("http.port: 'x' is not a number (from MANDATE_HTTP_PORT)");
    assertThatThrownBy(() -> load(List.of("--port=70000"), Map.of(), ""))
        .hasMessageContaining("70000 is not between 0 and 65535");
    assertThatThrownBy(() -> load(List.of(), Map.of(), "approvals: {expiry: 3 weeks}"))
        .hasMessageContaining("is not a duration such as")
        .hasMessageContaining("some.yaml");
    assertThatThrownBy(() -> load(List.of(), Map.of(), "log: {level: loud}"))
        .hasMessageContaining("[trace, debug, info, warn, error]");
    assertThatThrownBy(() -> load(List.of(), Map.of(), "http: {port: 1}\nhttp: {port: 2}"))
        .hasMessageContaining("Duplicate");
    assertThatThrownBy(() -> Config.flags(List.of("--port"))).hasMessageContaining("needs a value");
  }

  @Test
  void secrets_are_never_shown() throws IOException {
    Config config =
        load(
            List.of(),
            Map.of("DATABASE_URL", "postgresql://u:hidden@h/d", "MANDATE_MASTER_KEY", "hidden"),
            "");
    assertThat(config.toString()).doesNotContain("hidden").contains("***");
  }

  @Test
  void the_data_folders_own_file_is_read_without_being_named() throws IOException {
    Files.writeString(folder.resolve("mandate.yaml"), "http: {port: 7}");
    Config config = Config.load(Map.of("data", folder.toString()), Map.of(), null);
    assertThat(config.http().port()).isEqualTo(7);
    assertThat(config.data()).isEqualTo(folder);
  }

  @Test
  void the_variable_that_names_the_file_is_no_setting() throws IOException {
    String file = folder.resolve("some.yaml").toString();
    assertThat(load(List.of(), Map.of("MANDATE_CONFIG", file), "http: {port: 8}").http().port())
        .isEqualTo(8);
  }

  @Test
  void the_reference_page_is_what_the_program_says() throws IOException {
    Path page = Path.of("..", "docs", "configuration.md");
    if (Boolean.getBoolean("mandate.docs.write")) {
      Files.writeString(page, Config.reference());
    }
    assertThat(Files.readString(page))
        .as("write it again with -Dmandate.docs.write=true")
        .isEqualTo(Config.reference());
  }
}
