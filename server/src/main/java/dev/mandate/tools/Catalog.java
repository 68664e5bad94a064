package dev.mandate.tools;

import dev.mandate.governance.Effect;
import dev.mandate.tools.SelfTools.SelfTool;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** All of an organization's tools at one moment. Immutable. */
final class Catalog {
  private static final int MAX_MODEL_NAME = 64;

  private final Map<String, Entry> byName;
  private final Map<ToolId, Entry> byId;
  private final Map<ToolSourceId, SourceRow> sources;

  /**
   * A tool and what stands behind it.
   *
   * @param remoteName what its source calls it
   * @param discovered the version of what its source says
   * @param setting what an administrator has set; null if nothing
   */
  record Entry(
      ResolvedTool tool,
      String remoteName,
      @Nullable Effect proposed,
      long discovered,
      @Nullable ToolSetting setting) {
    Definition definition() {
      return new Definition(tool.description(), tool.inputSchemaJson(), proposed);
    }

    boolean enabled() {
      return setting == null || setting.enabled();
    }
  }

  private Catalog(
      Map<String, Entry> byName, Map<ToolId, Entry> byId, Map<ToolSourceId, SourceRow> sources) {
    this.byName = byName;
    this.byId = byId;
    this.sources = sources;
  }

  static Catalog of(
      Collection<SelfTool> self,
      SourceRow selfSource,
      List<SourceRow> sourceRows,
      List<ToolRow> toolRows,
      List<ToolSetting> settingRows) {
    Map<ToolSourceId, SourceRow> sources = new LinkedHashMap<>();
    sources.put(selfSource.id(), selfSource);
    sourceRows.forEach(row -> sources.put(row.id(), row));
    Map<ToolId, ToolSetting> settings =
        settingRows.stream().collect(Collectors.toMap(ToolSetting::tool, setting -> setting));

    Map<String, Entry> byName = new TreeMap<>();
    Set<String> modelNames = new java.util.HashSet<>();
    for (SelfTool tool : self) {
      ToolSetting setting = settings.get(tool.row().id());
      put(byName, entry(tool.row(), selfSource, tool.modelName(), tool.effect(), setting));
      modelNames.add(tool.modelName());
    }
    toolRows.stream()
        .filter(row -> !row.retired())
        .sorted(Comparator.comparing(ToolRow::name).thenComparing(row -> row.id().value()))
        .forEach(row -> {
          SourceRow source = sources.get(row.source());
          if (source == null) {
            return;
          }
          String modelName = modelName(source.name(), row.name());
          if (!modelNames.add(modelName)) {
            modelName = shortened(modelName, source.name() + "/" + row.name());
            modelNames.add(modelName);
          }
          ToolSetting setting = settings.get(row.id());
          put(byName, entry(row, source, modelName, unconfirmed(row.proposed()), setting));
        });
    Map<ToolId, Entry> byId = new HashMap<>();
    byName.values().forEach(entry -> byId.put(entry.tool().id(), entry));
    return new Catalog(byName, byId, sources);
  }

  private static void put(Map<String, Entry> byName, Entry entry) {
    byName.putIfAbsent(entry.tool().name(), entry);
  }

  private static Entry entry(
      ToolRow row,
      SourceRow source,
      String modelName,
      Effect effect,
      @Nullable ToolSetting setting) {
    Effect set = setting == null ? null : setting.effect();
    boolean outdated =
        setting != null && setting.effectOf() != 0 && setting.effectOf() != row.version();
    if (set != null && outdated && set.compareTo(effect) < 0) {
      // Somebody trusted another definition of this tool.
      set = null;
    }
    Integer timeout = setting == null ? null : setting.timeoutSeconds();
    long settingVersion = setting == null ? 0 : setting.version();
    ResolvedTool tool =
        new ResolvedTool(
            row.id(),
            source.name() + "/" + row.name(),
            modelName,
            row.description(),
            row.inputSchema(),
            set == null ? effect : set,
            timeout == null ? ToolTimes.DEFAULT : Duration.ofSeconds(timeout),
            // Both only grow, so their sum names one state of both.
            row.version() + settingVersion,
            source.id(),
            source.kind(),
            setting == null ? List.of() : setting.labels());
    return new Entry(tool, row.remoteName(), row.proposed(), row.version(), setting);
  }

  /** What a source claims counts only where it is no less than the default. */
  private static Effect unconfirmed(@Nullable Effect proposed) {
    return proposed == Effect.DESTRUCTIVE ? Effect.DESTRUCTIVE : Effect.WRITE;
  }

  private static String modelName(String source, String tool) {
    String name = (source + "_" + tool).replaceAll("[^a-zA-Z0-9_-]", "_");
    return name.length() <= MAX_MODEL_NAME ? name : shortened(name, source + "/" + tool);
  }

  /** Made unique by the full name's hash, so that it stays the same from day to day. */
  private static String shortened(String name, String full) {
    String hash;
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(full.getBytes(StandardCharsets.UTF_8));
      hash = HexFormat.of().formatHex(digest, 0, 4);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    return name.substring(0, Math.min(name.length(), MAX_MODEL_NAME - 9)) + "_" + hash;
  }

  @Nullable Entry find(String name) {
    return byName.get(name);
  }

  @Nullable Entry find(ToolId id) {
    return byId.get(id);
  }

  /** By name. */
  Collection<Entry> entries() {
    return byName.values();
  }

  @Nullable SourceRow source(ToolSourceId id) {
    return sources.get(id);
  }

  /** {@code self} first, then by name. */
  Collection<SourceRow> sources() {
    return sources.values();
  }

  int count(ToolSourceId source) {
    int count = 0;
    for (Entry entry : byName.values()) {
      count += entry.tool().sourceId().equals(source) ? 1 : 0;
    }
    return count;
  }
}
