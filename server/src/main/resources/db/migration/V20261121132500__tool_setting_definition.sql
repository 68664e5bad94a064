-- The version of a tool's definition that its effect was set for: what somebody trusted may change.
-- 0 for settings made before this was kept.
alter table tool_settings add column effect_of bigint not null default 0;
