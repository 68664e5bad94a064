-- Counts the changes of what is active: whoever holds a compiled set sees by it that the set is old.
create table policy_sets (
  org_id uuid not null primary key,
  version bigint not null
);

create table policies (
  org_id uuid not null,
  id uuid not null,
  name text not null,
  description text not null,
  latest_version bigint not null,
  active_version bigint,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (org_id, id),
  constraint policies_name unique (org_id, name)
);

create table policy_versions (
  org_id uuid not null,
  policy_id uuid not null,
  version bigint not null,
  module text not null,
  tests text not null,
  note text not null,
  hash text not null,
  author text not null,
  created_at timestamptz not null,
  primary key (org_id, policy_id, version),
  foreign key (org_id, policy_id) references policies (org_id, id) on delete cascade
);

-- What policies were asked and what they said. Batches of many organizations are inserted by the
-- dispatcher; the sealed part (input, messages) is encrypted and opens only with the row's own key.
create table decisions (
  org_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  actor text not null,
  user_id uuid,
  run_id uuid,
  action text not null,
  resource text not null,
  outcome text not null check (outcome in ('allow', 'deny', 'approval', 'error')),
  set_version bigint not null,
  installation_set_version bigint not null,
  rules text not null,
  input_hash text not null,
  micros bigint not null,
  sealed bytea not null,
  primary key (org_id, id)
);
create index decisions_user on decisions (org_id, user_id) where user_id is not null;
create index decisions_at on decisions (at);

select mandate_tenant_table('policy_sets');
select mandate_tenant_table('policies');
select mandate_tenant_table('policy_versions');
select mandate_tenant_table('decisions');
-- A version never changes, and neither does what was decided.
revoke update on policy_versions from ${app};
revoke insert, update on decisions from ${app};
select mandate_dispatch_may('insert', 'decisions',
  '{org_id,id,at,actor,user_id,run_id,action,resource,outcome,set_version,installation_set_version,rules,input_hash,micros,sealed}');
select mandate_dispatch_may('select', 'decisions', '{org_id,at}');
select mandate_dispatch_may('delete', 'decisions', '{}');

alter table tool_settings add column labels text[] not null default '{}';
