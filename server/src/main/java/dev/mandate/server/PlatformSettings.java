package dev.mandate.server;

import dev.mandate.files.FileSettings;
import dev.mandate.kernel.config.Telemetry;
import dev.mandate.kernel.rpc.Edge;
import dev.mandate.policies.PolicySettings;
import dev.mandate.runs.RunSettings;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an installation is started with.
 *
 * @param host the address to listen on
 * @param port 0 for any free one
 * @param searchPort whether to take the next free port when this one is busy
 * @param seed whether a first start makes the sample agents
 * @param adminEmail of the first account; null for {@code owner@localhost}
 * @param adminPassword of the first account; null to generate one
 * @param environment where models' keys and the way out are looked up
 * @param edge how people reach the server; null for directly
 * @param process its part in the installation
 * @param files which it takes, and where they are kept
 * @param keepAudit how long the record is kept at least; zero for ever
 * @param telemetry where spans are sent, if anywhere
 */
public record PlatformSettings(
    String host,
    int port,
    boolean searchPort,
    boolean seed,
    @Nullable String adminEmail,
    @Nullable String adminPassword,
    Map<String, String> environment,
    @Nullable Edge edge,
    RunSettings runs,
    ProcessSettings process,
    FileSettings files,
    PolicySettings policies,
    Duration keepAudit,
    Telemetry telemetry) {
  public PlatformSettings {
    environment = Map.copyOf(environment);
    edge = edge == null ? Edge.NONE : edge;
  }

  @Override
  public Edge edge() {
    return java.util.Objects.requireNonNull(edge);
  }

  /** A process that does everything, with policies as they are without further notice. */
  public PlatformSettings(
      String host,
      int port,
      boolean searchPort,
      boolean seed,
      @Nullable String adminEmail,
      @Nullable String adminPassword,
      Map<String, String> environment,
      @Nullable Edge edge,
      RunSettings runs,
      FileSettings files) {
    this(
        host,
        port,
        searchPort,
        seed,
        adminEmail,
        adminPassword,
        environment,
        edge,
        runs,
        ProcessSettings.DEFAULTS,
        files,
        PolicySettings.DEFAULTS,
        Duration.ZERO,
        Telemetry.OFF);
  }

  /** Neither values of the environment nor the password. */
  @Override
  public String toString() {
    return "PlatformSettings[" + host + ":" + port + "]";
  }
}
