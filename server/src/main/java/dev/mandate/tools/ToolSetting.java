package dev.mandate.tools;

import dev.mandate.governance.Effect;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an administrator has set about a tool.
 *
 * @param effect null: not set
 * @param effectOf the version of the tool's definition that {@code effect} was set for; 0: of any
 * @param timeoutSeconds null: not set
 */
record ToolSetting(
    ToolId tool,
    @Nullable Effect effect,
    long effectOf,
    @Nullable Integer timeoutSeconds,
    boolean enabled,
    List<String> labels,
    long version) {}
